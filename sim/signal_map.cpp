#include "sim/signal_map.hpp"

#include "dnn/base/error.hpp"
#include "dnn/base/yaml_scalar.hpp"

#include <algorithm>
#include <limits>

namespace heddle {

namespace {

constexpr std::int64_t most = std::numeric_limits<int>::max();

MappedSignal signal_at(const YamlReader& node, const std::string& key)
{
    return {node.text(key), node.child(key)};
}

/// {signal, edge: rise | fall | change} or {signal, value: N}; with offset.
WaveEvent read_event(const YamlReader& node)
{
    WaveEvent e{signal_at(node, "signal"), WaveEvent::rise, 0, 0};
    if (node.has("edge") == node.has("value")) node.fail("expected either edge (rise, fall, change) or value");
    if (node.has("edge")) {
        e.kind = static_cast<WaveEvent::Kind>(node.choice("edge", {"rise", "fall", "change"}));
    } else {
        e.kind = WaveEvent::equal;
        e.value = static_cast<std::uint64_t>(node.integer("value", 0, std::numeric_limits<std::int64_t>::max()));
    }
    e.offset = node.integer("offset", -1000000, 1000000, 0);
    return e;
}

/// An event, or {dump_end: true}; with offset.
WaveEvent read_stop(const YamlReader& node)
{
    if (!node.has("dump_end")) return read_event(node);
    if (!node.boolean("dump_end", false) || node.has("signal"))
        node.fail("expected {signal: ...} or {dump_end: true}, which needs no signal");
    WaveEvent e{{"", node}, WaveEvent::dump_end, 0, node.integer("offset", -1000000, 1000000, 0)};
    node.finish();
    return e;
}

std::string read_phase(const YamlReader& node, const std::string& key)
{
    std::string column = canonical_column(node.text(key, ""));
    const std::vector<std::string> phases(measured_targets().begin() + 2, measured_targets().end());
    if (!column.empty() && std::find(phases.begin(), phases.end(), column) == phases.end())
        node.fail_at(key, "expected first_request, first_operand, last_result or last_write, got " + quoted(column));
    return column;
}

std::string read_count(const YamlReader& node, const std::string& key)
{
    std::string column = node.text(key, "");
    if (!column.empty() && (!is_compared(column) || column.rfind("energy_pj", 0) == 0))
        node.fail_at(key, "expected ledger.BLOCK.CAUSE or counts.PATH, got " + quoted(column));
    return column;
}

WaveChannel read_channel(const YamlReader& node)
{
    WaveChannel c{node.text("name"), signal_at(node, "valid"), {}, {}, {}, {}, {}, {}, node};
    if (node.has("ready")) c.ready = signal_at(node, "ready");
    if (node.has("data")) c.data = signal_at(node, "data");
    c.first = read_phase(node, "first");
    c.last = read_phase(node, "last");
    c.transfers = read_count(node, "transfers");
    c.sum = read_count(node, "sum");
    if (c.data.has_value() != !c.sum.empty()) node.fail("expected data and sum together");
    if (c.first.empty() && c.last.empty() && c.transfers.empty() && c.sum.empty())
        node.fail("expected first, last, transfers or sum: which column it is for");
    return c;
}

void read_tile(const YamlReader& node, Measurement& m)
{
    if (!node.has("tile")) return;
    const YamlReader tile = node.child("tile");
    m.tile = {tile.integer("M", 1, most), tile.integer("N", 1, most), tile.integer("K", 1, most)};
}

/// The row as a line of CSV would give it; nothing is measured yet.
SignalMap::Entry read_layer(const YamlReader& node)
{
    SignalMap::Entry e{{}, node.boolean("skip", false), node};
    Measurement& m = e.row;
    m.file = node.file();
    m.line = node.line();
    m.name = node.text("name", "");
    if (e.skip) return e;
    m.workload = node.text("workload");
    try {
        workload_network(m.workload);
    } catch (const UserError& error) {
        node.fail_at("workload", error.what());
    }
    m.dataflow = node.text("dataflow", "");
    m.mapping_file = node.text("mapping", "");
    read_tile(node, m);
    if (node.has("hardware")) {
        const YamlReader keys = node.child("hardware");
        for (const std::string& key : keys.keys()) m.keys[key] = keys.text(key);
    }
    return e;
}

void check_window(const YamlReader& file, const SignalMap& map)
{
    const auto gives = [&](const std::string& phase) {
        return std::any_of(map.channels.begin(), map.channels.end(),
                           [&](const WaveChannel& c) { return c.first == phase || c.last == phase; });
    };
    if (map.window == SignalMap::Window::none && !(gives("first_operand") && gives("last_result")))
        file.fail_at("window", "with none, channels must give first_operand and last_result: else nothing is measured");
    if (map.window == SignalMap::Window::array_cycles)
        for (const WaveChannel& c : map.channels)
            if (!c.first.empty() || !c.last.empty())
                c.at.fail("phases count from the start of the layer, but the window is array_cycles: expected window: "
                          "cycles or none");
}

} // namespace

SignalMap read_signal_map(const std::string& path)
{
    const YamlReader file = YamlReader::load_file(path);
    SignalMap map{signal_at(file, "clock"),
                  read_event(file.child("start")),
                  read_stop(file.child("stop")),
                  static_cast<SignalMap::Window>(file.choice("window", {"cycles", "array_cycles", "none"}, "cycles")),
                  {},
                  {}};
    if (file.has("channels"))
        for (const YamlReader& item : file.child("channels").items()) {
            map.channels.push_back(read_channel(item));
            item.finish();
        }
    for (const YamlReader& item : file.child("layers").items()) {
        map.layers.push_back(read_layer(item));
        item.finish();
    }
    file.finish();
    if (map.layers.empty()) file.fail_at("layers", "expected one entry for each window of the dump");
    check_window(file, map);
    return map;
}

} // namespace heddle
