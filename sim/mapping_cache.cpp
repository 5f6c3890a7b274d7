#include "sim/mapping_cache.hpp"

#include "dnn/base/error.hpp"
#include "dnn/base/files.hpp"
#include "sim/json.hpp"
#include "sim/map_place.hpp"
#include "sim/results.hpp"

#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <sstream>

namespace heddle {

namespace {

constexpr const char* format_name = "heddle-mapping-1";

void put(std::ostream& out, const Window& w)
{
    for (int v : {w.filter_rows, w.filter_cols, w.stride_rows, w.stride_cols, w.dilation_rows, w.dilation_cols,
                  w.pad_top, w.pad_bottom, w.pad_left, w.pad_right, w.groups})
        out << v << ' ';
}

/// The shape, and what is fused behind the layer: the same tiles must hold its operands.
void put_layer(std::ostream& out, const Network& net, int layer, const HardwareConfig& hw)
{
    const LayerShape shape = layer_shape(net, layer);
    const Layer& l = net.layers[static_cast<std::size_t>(layer)];
    out << static_cast<int>(shape.kind) << ' ' << static_cast<int>(l.op) << ' ' << shape.in_rows << ' ' << shape.in_cols
        << ' ';
    for (int e : shape.extent) out << e << ' ';
    put(out, shape.window);
    const int add = fused_add(net, hw, layer), pool = fused_pool(net, hw, layer);
    for (int map : {shape.source, add >= 0 ? add : pool >= 0 ? pool : layer}) {
        const MapPlace place = map_place(net, map);
        out << place.channel_stride << ' ' << place.channel_offset << ' ';
    }
    out << "add " << (add >= 0) << " pool ";
    if (pool < 0) return;
    const Layer& p = net.layers[static_cast<std::size_t>(pool)];
    out << static_cast<int>(p.op) << ' ' << p.out_shape[2] << ' ' << p.out_shape[3] << ' ';
    put(out, p.window);
}

/// The description's content; the memory's table is a file of its own.
void put_hardware(std::ostream& out, const HardwareConfig& hw)
{
    const DramTiming& t = hw.dram.timing;
    out << '\n' << hw.content_hash << ' ';
    for (std::int64_t v : {t.clock_khz, std::int64_t{t.channels}, std::int64_t{t.ranks}, std::int64_t{t.row_bytes},
                           std::int64_t{t.bus_bits}, std::int64_t{t.burst_length}, std::int64_t{t.trcd},
                           std::int64_t{t.tcl}, std::int64_t{t.tdqsck}, std::int64_t{t.trefi}})
        out << v << ' ';
}

void put_energy(std::ostream& out, const EnergyTable* table)
{
    if (!table) return;
    out << '\n' << table->name() << ' ' << table->unit_pj() << ' ';
    for (const CostEntry& e : table->energies())
        out << e.component << e.action << e.device << e.value << e.per << e.bits << ',' << e.size_bytes << ' ';
}

/// The parser of JSON may miss a number's last bit; a hit must equal a miss.
std::string exact(double v)
{
    std::ostringstream out;
    out << std::hexfloat << v;
    return out.str();
}

double read_exact(const JsonReader& r, const char* name)
{
    std::string text;
    r.field(name, text);
    return std::strtod(text.c_str(), nullptr);
}

json::object choice_json(const MapChoice& c)
{
    JsonWriter w;
    w.field("mapping", to_yaml({{"layer", c.mapping}}));
    w.field("why", c.why);
    w.field("wire_utilization", exact(c.wire_utilization));
    w.field("estimate_cycles", c.estimate_cycles);
    w.field("estimate_pj", exact(c.estimate_pj));
    w.field("visited", c.counts.visited);
    w.field("rejected", std::vector<std::int64_t>(c.counts.rejected.begin(), c.counts.rejected.end()));
    w.field("seconds", exact(c.seconds));
    return w.object;
}

MapChoice read_choice(const JsonReader& r, const Network& net, int layer, const HardwareConfig& hw,
                      const std::string& file)
{
    std::string text;
    r.field("mapping", text);
    const std::vector<NamedMapping> parsed = parse_mappings(text, file);
    if (parsed.size() != 1) throw UserError(file + ": expected one mapping");
    MapChoice c = use_mapping(net, layer, hw, parsed.front().mapping); // checks that it fits the layer and the machine
    r.field("why", c.why);
    c.wire_utilization = read_exact(r, "wire_utilization");
    r.field("estimate_cycles", c.estimate_cycles);
    c.estimate_pj = read_exact(r, "estimate_pj");
    r.field("visited", c.counts.visited);
    std::vector<std::int64_t> rejected;
    r.field("rejected", rejected);
    if (rejected.size() != c.counts.rejected.size()) throw UserError(file + ": rejected: expected another length");
    std::copy(rejected.begin(), rejected.end(), c.counts.rejected.begin());
    c.seconds = read_exact(r, "seconds");
    return c;
}

std::vector<MapChoice> read_entry(const std::string& file, const std::string& key, const Network& net, int layer,
                                  const HardwareConfig& hw)
{
    json::error_code error;
    const json::value value = json::parse(read_file(file, 1 << 24), error);
    if (error) throw UserError(file + ": " + error.message());
    const JsonReader root(value, file + ": ");
    std::string format, stored;
    root.field("format", format);
    root.field("key", stored);
    if (format != format_name || stored != key) throw UserError(file + ": no mapping of this version");
    std::vector<MapChoice> choices;
    for (const JsonReader& item : root.child("choices").items())
        choices.push_back(read_choice(item, net, layer, hw, file));
    if (choices.empty()) throw UserError(file + ": no mapping in it");
    return choices;
}

} // namespace

std::string MappingCache::default_folder()
{
    const auto text = [](const char* name) {
        const char* value = std::getenv(name);
        return std::string(value ? value : "");
    };
    if (!text("XDG_CACHE_HOME").empty()) return text("XDG_CACHE_HOME") + "/heddle/mappings";
    return text("HOME").empty() ? "" : text("HOME") + "/.cache/heddle/mappings";
}

std::string MappingCache::key(const Network& net, int layer, const HardwareConfig& hw, const std::string& dataflow,
                              const MapperOptions& options, std::size_t most)
{
    std::ostringstream out;
    out.precision(17);
    out << heddle_version() << ' ' << mapper_version << ' ' << dataflow << ' ' << static_cast<int>(options.objective)
        << ' ' << static_cast<int>(options.kind) << ' ' << most << '\n';
    put_layer(out, net, layer, hw);
    put_hardware(out, hw);
    put_energy(out, options.energy.get());
    if (options.constraints && options.constraints->name == dataflow) out << '\n' << options.constraints->text;
    return content_hash(out.str());
}

std::optional<std::vector<MapChoice>> MappingCache::find(const std::string& key, const Network& net, int layer,
                                                         const HardwareConfig& hw) const
{
    std::error_code ignored;
    if (!std::filesystem::exists(file(key), ignored)) return std::nullopt;
    try {
        return read_entry(file(key), key, net, layer, hw);
    } catch (const std::exception& e) {
        static bool warned = false;
        if (!warned) std::cerr << "heddle: warning: cached mapping ignored: " << e.what() << '\n';
        warned = true;
        return std::nullopt;
    }
}

void MappingCache::store(const std::string& key, const std::vector<MapChoice>& choices) const
{
    JsonWriter w;
    w.field("format", std::string(format_name));
    w.field("key", key);
    json::array list;
    for (const MapChoice& c : choices) list.push_back(choice_json(c));
    w.object["choices"] = std::move(list);
    try {
        std::filesystem::create_directories(folder_);
        write_file_atomically(file(key), pretty(w.object));
    } catch (const std::exception&) {
        return;
    }
}

} // namespace heddle
