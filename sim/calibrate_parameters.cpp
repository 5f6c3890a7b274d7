#include "sim/calibrate_parameters.hpp"

#include "dnn/base/error.hpp"
#include "dnn/base/yaml_scalar.hpp"
#include "sim/overlay.hpp"
#include "sim/text.hpp"

#include <algorithm>
#include <sstream>

namespace heddle {

namespace {

struct Known {
    const char* key;
    std::int64_t lo, hi;
    bool doubling;       ///< only powers of two make sense
    bool bandwidth;      ///< else a latency or an overhead
    std::int64_t absent; ///< value when the description does not name it; -1: then it cannot be fitted
};

/// Bounds are those of any sensible machine; --fit KEY=LO..HI sets others.
const std::vector<Known>& known_keys()
{
    static const std::vector<Known> all = {
        {"array.mac_latency_cycles", 1, 64, false, false, -1},
        {"passes.gap_cycles", 0, 256, false, false, 0},
        {"passes.min_cycles", 0, 4096, false, false, 0},
        {"global_buffer.latency_cycles", 1, 64, false, false, -1},
        {"global_buffer.update_latency_cycles", 1, 64, false, false, 1},
        {"networks.weights.latency_cycles", 1, 64, false, false, 1},
        {"networks.inputs.latency_cycles", 1, 64, false, false, 1},
        {"networks.psums.latency_cycles", 1, 64, false, false, 1},
        {"post.latency_cycles", 1, 64, false, false, 1},
        {"dma.startup_cycles", 0, 512, false, false, 0},
        {"dma.issue_interval_cycles", 1, 64, false, false, 1},
        {"dram.latency_cycles", 1, 1024, false, false, -1},
        {"dram.sync_cycles", 0, 64, false, false, -1},
        {"networks.weights.hop_cycles", 1, 8, false, true, 1},
        {"networks.inputs.hop_cycles", 1, 8, false, true, 1},
        {"networks.psums.hop_cycles", 1, 8, false, true, 1},
        {"dram.cycles_per_beat", 1, 64, false, true, 1},
        {"dram.beat_bytes", 1, 256, true, true, -1},
        {"dram.queue_depth", 1, 64, false, true, 16},
        {"dma.requests_in_flight", 1, 64, false, true, -1},
        {"dma.max_burst_bytes", 8, 4096, true, true, -1},
        {"dma.read_bytes_per_cycle", 1, 256, true, true, -1},
        {"dma.write_bytes_per_cycle", 1, 256, true, true, -1},
        {"networks.psums.words_per_beat", 1, 1024, true, true, -1},
        {"post.words_per_cycle", 1, 256, true, true, -1},
    };
    return all;
}

bool set_by_a_column(const MeasuredSet& set, const std::string& key)
{
    return std::any_of(set.rows.begin(), set.rows.end(), [&](const Measurement& m) { return m.keys.count(key) > 0; });
}

/// False when the machine has no such key: a kind of memory without it, say.
bool applies(const MeasuredSet& set, const std::string& key, std::int64_t value)
{
    try {
        overlaid_hardware(set.hardware_yaml, set.hardware_file, {{key, std::to_string(value), 1, 1}}, "overlay");
        return true;
    } catch (const UserError&) {
        return false;
    }
}

FitParameter from_known(const Known& k, const MeasuredSet& set)
{
    FitParameter p{k.key, k.lo, k.hi, k.doubling, 0};
    const std::string text = yaml_value(set.hardware_yaml, k.key);
    if (text.empty() || !parse_integer(text, p.start)) p.start = k.absent;
    return p;
}

/// Narrows bounds that the machine does not accept, by halving from the start value on.
std::int64_t furthest(const MeasuredSet& set, const FitParameter& p, std::int64_t bound)
{
    while (bound != p.start && !applies(set, p.key, bound)) bound = p.start + (bound - p.start) / 2;
    return bound;
}

FitParameter parse_one(const std::string& text, const MeasuredSet& set)
{
    const std::size_t equals = std::min(text.find('='), text.size());
    const std::string key = text.substr(0, equals);
    FitParameter p{key, 0, 0, false, -1};
    bool known = false;
    for (const Known& k : known_keys())
        if (key == k.key) {
            p = from_known(k, set);
            known = true;
        }
    const std::string written = yaml_value(set.hardware_yaml, key);
    if (!known && !parse_integer(written, p.start))
        throw UserError("--fit: " + quoted(key) + ": expected an integer key of the hardware " + set.hardware_file +
                        (written.empty() ? "" : ", got " + quoted(written)));
    if (equals < text.size()) {
        const std::string range = text.substr(equals + 1);
        const std::size_t dots = std::min(range.find(".."), range.size());
        if (dots == range.size() || !parse_integer(range.substr(0, dots), p.lo) ||
            !parse_integer(range.substr(dots + 2), p.hi) || p.lo > p.hi || p.lo < 0)
            throw UserError("--fit: " + key + ": expected bounds such as " + key + "=1..64, got " + quoted(range));
        p.doubling = false;
    } else if (!known) {
        throw UserError("--fit: " + key + ": give its bounds, such as " + key + "=1..64 (known without: dram." +
                        "latency_cycles, dma.startup_cycles, ...; docs/calibration.md lists them)");
    }
    if (p.start < 0 || !applies(set, key, std::clamp(p.start, p.lo, p.hi)))
        throw UserError("--fit: " + key + ": the hardware " + set.hardware_file + " has no such parameter");
    return p;
}

/// Bounds that take in the start value and that the machine accepts.
FitParameter settled(FitParameter p, const MeasuredSet& set, bool bounds_given)
{
    if (!bounds_given && !p.doubling) {
        p.lo = std::min(p.lo, p.start);
        p.hi = std::max(p.hi, p.start * 2);
    }
    if (p.doubling && p.value(p.index(p.start)) != p.start) p.doubling = false;
    if (p.doubling || !applies(set, p.key, p.start)) return p;
    if (p.start >= p.lo && p.start <= p.hi) {
        p.lo = furthest(set, p, p.lo);
        p.hi = furthest(set, p, p.hi);
    }
    return p;
}

} // namespace

std::int64_t FitParameter::last() const
{
    if (!doubling) return hi - lo;
    std::int64_t n = 0;
    while (lo << (n + 1) <= hi) ++n;
    return n;
}

std::int64_t FitParameter::value(std::int64_t i) const
{
    return doubling ? lo << i : lo + i;
}

std::int64_t FitParameter::index(std::int64_t of_value) const
{
    if (!doubling) return std::clamp(of_value, lo, hi) - lo;
    std::int64_t i = 0;
    while (i < last() && value(i) < of_value) ++i;
    return i;
}

std::vector<FitParameter> choose_parameters(const std::string& fit, const MeasuredSet& set)
{
    std::vector<FitParameter> chosen;
    std::istringstream list(fit);
    for (std::string one; std::getline(list, one, ',');) {
        FitParameter p = settled(parse_one(one, set), set, one.find('=') != std::string::npos);
        for (const FitParameter& other : chosen)
            if (other.key == p.key) throw UserError("--fit: " + p.key + " stands twice");
        const bool everywhere = std::all_of(set.rows.begin(), set.rows.end(),
                                            [&](const Measurement& m) { return m.keys.count(p.key) > 0; });
        if (everywhere)
            throw UserError("--fit: " + p.key + ": every row of " + set.file +
                            " sets it by a column, so nothing is "
                            "left to fit");
        chosen.push_back(std::move(p));
    }
    if (chosen.empty()) throw UserError("--fit: expected keys such as dram.latency_cycles");
    return chosen;
}

std::vector<FitParameter> other_parameters(const std::vector<FitParameter>& chosen, const MeasuredSet& set)
{
    std::vector<FitParameter> others;
    for (const Known& k : known_keys()) {
        const bool taken =
            std::any_of(chosen.begin(), chosen.end(), [&](const FitParameter& p) { return p.key == k.key; });
        const FitParameter p = from_known(k, set);
        if (taken || p.start < 0 || set_by_a_column(set, k.key) || !applies(set, k.key, p.start)) continue;
        others.push_back(settled(p, set, false));
    }
    return others;
}

bool fits_bandwidth(const std::vector<FitParameter>& parameters)
{
    return std::any_of(parameters.begin(), parameters.end(), [](const FitParameter& p) {
        for (const Known& k : known_keys())
            if (p.key == k.key) return k.bandwidth;
        return true;
    });
}

KeyValues values_of(const std::vector<FitParameter>& parameters, const Point& point)
{
    KeyValues values;
    for (std::size_t i = 0; i < parameters.size(); ++i)
        values[parameters[i].key] = std::to_string(parameters[i].value(point[i]));
    return values;
}

Point start_of(const std::vector<FitParameter>& parameters)
{
    Point point;
    for (const FitParameter& p : parameters) point.push_back(p.index(p.start));
    return point;
}

} // namespace heddle
