#include "sim/wave_diff.hpp"

#include "dnn/base/error.hpp"
#include "dnn/base/yaml_reader.hpp"
#include "dnn/base/yaml_scalar.hpp"
#include "sim/vcd.hpp"

#include <algorithm>
#include <set>

namespace heddle {

namespace {

bool known(const std::string& bits)
{
    return bits.find_first_of("xz") == std::string::npos;
}

std::string hexadecimal(const std::string& bits)
{
    if (!known(bits)) return bits;
    static constexpr char digits[] = "0123456789abcdef";
    std::string padded = std::string((4 - bits.size() % 4) % 4, '0') + bits, out;
    for (std::size_t i = 0; i < padded.size(); i += 4)
        out +=
            digits[(padded[i] - '0') * 8 + (padded[i + 1] - '0') * 4 + (padded[i + 2] - '0') * 2 + padded[i + 3] - '0'];
    return out;
}

WaveMap::Pair read_pair(const YamlReader& node)
{
    return {node.text("a"), node.text("b")};
}

struct Transfer {
    std::int64_t cycle;
    std::string data;
};

/// One channel on one side.
struct Port {
    int valid, ready, data; ///< data -1: none
    std::vector<Transfer> transfers;

    void look(const VcdCycles& w, std::int64_t cycle)
    {
        if (w.is_one(valid) && w.is_one(ready)) transfers.push_back({cycle, data < 0 ? "" : w.value(data)});
    }
};

Port make_port(const VcdReader& file, const std::string& valid, const std::string& ready, const std::string& data)
{
    return {file.require(valid), file.require(ready), data.empty() ? -1 : file.require(data), {}};
}

/// Goes to the first cycle in which the event is 1.
void align(VcdCycles& w, const std::string& event)
{
    const int signal = event.empty() ? -1 : w.file().require(event);
    while (w.next())
        if (signal < 0 || w.is_one(signal)) return;
    throw UserError(w.file().file() + (signal < 0 ? ": its clock never rises"
                                                  : ": " + quoted(event) + " is never 1: nothing to align on"));
}

WaveDiff::Drift drift_of(const std::string& name, const Port& a, const Port& b)
{
    WaveDiff::Drift d;
    d.name = name;
    d.transfers_a = static_cast<std::int64_t>(a.transfers.size());
    d.transfers_b = static_cast<std::int64_t>(b.transfers.size());
    const std::size_t both = std::min(a.transfers.size(), b.transfers.size());
    for (std::size_t i = 0; i < both; ++i) {
        const Transfer &x = a.transfers[i], &y = b.transfers[i];
        const std::int64_t drift = y.cycle - x.cycle;
        if (i == 0) d.first = d.smallest = d.largest = drift;
        d.smallest = std::min(d.smallest, drift);
        d.largest = std::max(d.largest, drift);
        d.last = drift;
        if (drift != 0 && d.first_drift < 0) d.first_drift = static_cast<std::int64_t>(i);
        if (d.data_differ < 0 && known(x.data) && known(y.data) && x.data != y.data)
            d.data_differ = static_cast<std::int64_t>(i);
    }
    return d;
}

/// Two files in step.
class Comparison {
public:
    Comparison(const std::string& a, const std::string& b, const WaveMap& map)
        : map_(map), a_(a, map.clock.a), b_(b, map.clock.b)
    {
        for (const WaveMap::Pair& p : map.signals) {
            pairs_.push_back({a_.file().require(p.a), b_.file().require(p.b)});
            found_.push_back({p.a == p.b ? p.a : p.a + " / " + p.b, -1, "", "", 0});
        }
        for (const WaveMap::Channel& c : map.channels) {
            ports_a_.push_back(make_port(a_.file(), c.valid.a, c.ready.a, c.data.a));
            ports_b_.push_back(make_port(b_.file(), c.valid.b, c.ready.b, c.data.b));
        }
    }

    WaveDiff run()
    {
        align(a_, map_.align.a);
        align(b_, map_.align.b);
        WaveDiff d;
        d.event_a = a_.cycle();
        d.event_b = b_.cycle();
        d.signals = static_cast<std::int64_t>(pairs_.size());
        for (bool more_a = true, more_b = true; more_a || more_b;) {
            if (more_a)
                for (Port& p : ports_a_) p.look(a_, d.cycles_a);
            if (more_b)
                for (Port& p : ports_b_) p.look(b_, d.cycles_b);
            if (more_a && more_b) compare(d.cycles++);
            d.cycles_a += more_a ? 1 : 0;
            d.cycles_b += more_b ? 1 : 0;
            more_a = more_a && a_.next();
            more_b = more_b && b_.next();
        }
        for (const WaveDiff::Difference& f : found_)
            if (f.cycles > 0) d.differences.push_back(f);
        std::stable_sort(d.differences.begin(), d.differences.end(),
                         [](const auto& x, const auto& y) { return x.first_cycle < y.first_cycle; });
        for (std::size_t i = 0; i < ports_a_.size(); ++i)
            d.channels.push_back(drift_of(map_.channels[i].name, ports_a_[i], ports_b_[i]));
        return d;
    }

private:
    void compare(std::int64_t cycle)
    {
        for (std::size_t i = 0; i < pairs_.size(); ++i) {
            const std::string &a = a_.value(pairs_[i].first), &b = b_.value(pairs_[i].second);
            if (a == b || !known(a) || !known(b)) continue;
            WaveDiff::Difference& f = found_[i];
            if (f.cycles++ > 0) continue;
            f.first_cycle = cycle;
            f.a = hexadecimal(a);
            f.b = hexadecimal(b);
        }
    }

    const WaveMap& map_;
    VcdCycles a_, b_;
    std::vector<std::pair<int, int>> pairs_;
    std::vector<WaveDiff::Difference> found_;
    std::vector<Port> ports_a_, ports_b_;
};

} // namespace

WaveMap read_wave_map(const std::string& path)
{
    const YamlReader file = YamlReader::load_file(path);
    WaveMap map;
    if (file.has("clock")) map.clock = read_pair(file.child("clock"));
    if (file.has("align")) map.align = read_pair(file.child("align"));
    if (file.has("signals"))
        for (const YamlReader& item : file.child("signals").items()) {
            map.signals.push_back(read_pair(item));
            item.finish();
        }
    if (file.has("channels"))
        for (const YamlReader& item : file.child("channels").items()) {
            const YamlReader a = item.child("a"), b = item.child("b");
            WaveMap::Channel c{item.text("name"),
                               {a.text("valid"), b.text("valid")},
                               {a.text("ready"), b.text("ready")},
                               {a.text("data", ""), b.text("data", "")}};
            if (c.data.a.empty() != c.data.b.empty()) item.fail("expected data on both sides or on none");
            item.finish();
            map.channels.push_back(c);
        }
    file.finish();
    if (map.signals.empty() && map.channels.empty()) file.fail("expected signals or channels to compare");
    return map;
}

WaveMap common_signals(const std::string& a, const std::string& b)
{
    const VcdReader first(a), second(b);
    WaveMap map;
    for (const VcdReader::Signal& s : first.signals()) {
        if (s.path == "clk" || s.path == "cycle" || second.find(s.path) < 0) continue;
        map.signals.push_back({s.path, s.path});
        const std::size_t dot = s.path.rfind('.');
        if (dot == std::string::npos || s.path.substr(dot) != ".valid") continue;
        const std::string scope = s.path.substr(0, dot), ready = scope + ".ready", data = scope + ".data";
        const auto both = [&](const std::string& path) { return first.find(path) >= 0 && second.find(path) >= 0; };
        if (!both(ready)) continue;
        const std::string with_data = both(data) ? data : "";
        map.channels.push_back({scope, {s.path, s.path}, {ready, ready}, {with_data, with_data}});
    }
    if (map.signals.empty()) throw UserError(a + " and " + b + " have no signal in common: name pairs with --map");
    return map;
}

bool WaveDiff::same() const
{
    return differences.empty() && cycles_a == cycles_b &&
           std::all_of(channels.begin(), channels.end(), [](const Drift& d) {
               return d.transfers_a == d.transfers_b && d.first_drift < 0 && d.data_differ < 0;
           });
}

WaveDiff compare_waves(const std::string& a, const std::string& b, const WaveMap& map)
{
    return Comparison(a, b, map).run();
}

} // namespace heddle
