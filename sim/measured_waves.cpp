// Windows and transfers of a value change dump as measured rows.
#include "dnn/base/error.hpp"
#include "dnn/base/yaml_scalar.hpp"
#include "sim/signal_map.hpp"
#include "sim/text.hpp"
#include "sim/vcd.hpp"

#include <algorithm>

namespace heddle {

namespace {

/// The signal's index; a UserError at the map's line says what the dump has instead.
int require(const VcdReader& dump, const MappedSignal& signal)
{
    const int found = dump.find(signal.path);
    if (found >= 0) return found;
    const std::string leaf = signal.path.substr(signal.path.rfind('.') + 1);
    std::vector<std::string> alike;
    for (const VcdReader::Signal& s : dump.signals())
        if (s.path.substr(s.path.rfind('.') + 1) == leaf && alike.size() < 4) alike.push_back(s.path);
    signal.at.fail(dump.file() + " has no signal " + quoted(signal.path) +
                   (alike.empty() ? "" : "; it has " + joined(alike)));
}

/// Whether the event happens in a cycle, seen cycle by cycle.
class Watcher {
public:
    Watcher(const VcdReader& dump, const WaveEvent& event)
        : event_(event), signal_(event.kind == WaveEvent::dump_end ? -1 : require(dump, event.signal))
    {
    }

    bool look(const VcdCycles& w)
    {
        if (signal_ < 0) return false;
        const std::string& now = w.value(signal_);
        const bool known = now.find_first_of("xz") == std::string::npos;
        const bool was_known = before_.find_first_of("xz") == std::string::npos;
        bool happens = false;
        switch (event_.kind) {
        case WaveEvent::rise:
            happens = now == "1" && before_ != "1";
            break;
        case WaveEvent::fall:
            happens = now == "0" && before_ == "1";
            break;
        case WaveEvent::change:
            happens = known && was_known && now != before_;
            break;
        case WaveEvent::equal:
            happens = known && w.number(signal_) == event_.value;
            break;
        case WaveEvent::dump_end:
            break;
        }
        before_ = now;
        return happens;
    }

private:
    const WaveEvent& event_;
    int signal_;
    std::string before_ = "x"; ///< before the file's first cycle
};

struct Transfer {
    std::int64_t cycle;
    std::uint64_t data;
};

struct Port {
    int valid, ready = -1, data = -1;

    Port(const VcdReader& dump, const WaveChannel& c) : valid(require(dump, c.valid))
    {
        if (c.ready) ready = require(dump, *c.ready);
        if (c.data) data = require(dump, *c.data);
    }
    void look(const VcdCycles& w, std::vector<Transfer>& moved) const
    {
        if (!w.is_one(valid) || (ready >= 0 && !w.is_one(ready))) return;
        moved.push_back({w.cycle(), data >= 0 ? w.number(data) : 0});
    }
};

struct Span {
    std::string file;
    std::int64_t start = 0, stop = 0;         ///< of the events, without offsets
    std::vector<std::vector<Transfer>> moved; ///< by channel
};

/// Appends the dump's windows.
void find_windows(const std::string& path, const SignalMap& map, std::vector<Span>& windows)
{
    {
        const VcdReader dump(path); // for the better message
        require(dump, map.clock);
    }
    VcdCycles w(path, map.clock.path);
    Watcher start(w.file(), map.start), stop(w.file(), map.stop);
    std::vector<Port> ports;
    for (const WaveChannel& c : map.channels) ports.emplace_back(w.file(), c);
    bool open = false;
    while (w.next()) {
        const bool starts = start.look(w), stops = stop.look(w);
        if (!open && starts) {
            windows.push_back({path, w.cycle(), 0, std::vector<std::vector<Transfer>>(ports.size())});
            open = true;
        } else if (!open) {
            continue;
        }
        for (std::size_t i = 0; i < ports.size(); ++i) ports[i].look(w, windows.back().moved[i]);
        if (stops) {
            windows.back().stop = w.cycle();
            open = false;
        }
    }
    if (w.cycle() < 0) map.clock.at.fail(path + ": the clock " + quoted(map.clock.path) + " never rises");
    if (open && map.stop.kind == WaveEvent::dump_end) {
        windows.back().stop = w.cycle();
        open = false;
    }
    if (open)
        map.stop.signal.at.fail(path + ": window " + std::to_string(windows.size()) + " starts in cycle " +
                                grouped(windows.back().start) + " and does not stop before the dump's end, cycle " +
                                grouped(w.cycle()));
}

void add_phase(Measurement& m, const std::string& phase, std::int64_t cycle, bool first)
{
    if (phase.empty()) return;
    const auto [known, is_new] = m.measured.emplace(phase, cycle);
    if (!is_new) known->second = first ? std::min(known->second, cycle) : std::max(known->second, cycle);
}

void add_channels(const SignalMap& map, const Span& w, Measurement& m)
{
    const std::int64_t from = w.start + map.start.offset, to = w.stop + map.stop.offset;
    for (std::size_t i = 0; i < map.channels.size(); ++i) {
        const WaveChannel& c = map.channels[i];
        double transfers = 0.0, sum = 0.0;
        for (const Transfer& t : w.moved[i]) {
            if (t.cycle < from || t.cycle > to) continue;
            transfers += 1.0;
            sum += static_cast<double>(t.data);
            add_phase(m, c.first, t.cycle - from, true);
            add_phase(m, c.last, t.cycle - from, false);
        }
        if (!c.transfers.empty()) m.compared[c.transfers] += transfers;
        if (!c.sum.empty()) m.compared[c.sum] += sum;
    }
    for (const WaveChannel& c : map.channels)
        for (const std::string& phase : {c.first, c.last})
            if (!phase.empty() && !m.has(phase))
                c.at.fail("no channel that gives " + phase + " moves a word in the window of layer " + quoted(m.name) +
                          " (cycles " + grouped(from) + " to " + grouped(to) + " of " + w.file + ")");
}

Measurement row_of(const SignalMap& map, const SignalMap::Entry& layer, const Span& w)
{
    Measurement m = layer.row;
    const std::int64_t length = w.stop + map.stop.offset - (w.start + map.start.offset) + 1;
    if (length < 1) layer.at.fail("its window has no cycle: check the offsets of start and stop");
    if (map.window == SignalMap::Window::cycles) m.measured["cycles"] = length;
    if (map.window == SignalMap::Window::array_cycles) m.measured["array_cycles"] = length;
    add_channels(map, w, m);
    if (m.has("first_operand") && m.has("last_result"))
        m.measured["array_cycles"] = m.measured["last_result"] - m.measured["first_operand"] + 1;
    if (map.window == SignalMap::Window::none) // the layer's start is not known
        for (auto p = measured_targets().begin() + 2; p != measured_targets().end(); ++p) m.measured.erase(*p);
    settle_measurement(m);
    return m;
}

} // namespace

std::vector<Measurement> measure_waves(const std::vector<std::string>& vcds, const SignalMap& map)
{
    std::vector<Span> windows;
    for (const std::string& path : vcds) find_windows(path, map, windows);
    if (windows.size() < map.layers.size())
        map.layers[windows.size()].at.fail(joined(vcds) + ": " + std::to_string(windows.size()) +
                                           " windows from start to stop for " + std::to_string(map.layers.size()) +
                                           " layers: this one has none");
    if (windows.size() > map.layers.size())
        map.layers.back().at.fail(joined(vcds) + ": " + std::to_string(windows.size()) +
                                  " windows from start to stop, but this is the last of " +
                                  std::to_string(map.layers.size()) +
                                  " layers: name the others, or write {skip: true} for each");
    std::vector<Measurement> rows;
    for (std::size_t i = 0; i < windows.size(); ++i)
        if (!map.layers[i].skip) rows.push_back(row_of(map, map.layers[i], windows[i]));
    if (rows.empty()) map.layers.back().at.fail("every layer is skipped");
    refuse_duplicates(rows);
    return rows;
}

} // namespace heddle
