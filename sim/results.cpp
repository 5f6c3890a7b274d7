#include "sim/results.hpp"

#include "dnn/base/error.hpp"
#include "dnn/base/files.hpp"
#include "sim/json.hpp"
#include "sim/result_fields.hpp"
#include "sim/totals.hpp"

#include <algorithm>
#include <filesystem>

namespace heddle {

namespace {

constexpr const char* format_name = "heddle-report-1";

json::object with_total(const std::map<std::string, double>& parts)
{
    json::object object;
    double total = 0.0;
    for (const char* part : energy_parts) {
        const auto found = parts.find(part);
        object[part] = found == parts.end() ? 0.0 : found->second;
        total += object[part].get_double();
    }
    object["total"] = total;
    return object;
}

json::object totals_json(const RunResult& run)
{
    const Totals t = sum_layers(run);
    json::object object;
    object["cycles"] = t.cycles;
    object["latency_ms"] = t.latency_ms();
    object["macs"] = t.macs;
    object["macs_effectual"] = t.macs_effectual;
    object["macs_gated"] = t.macs_gated;
    object["macs_skipped"] = t.macs_skipped;
    object["macs_per_cycle"] = t.macs_per_cycle();
    object["utilization"] = t.utilization;
    object["bound_cycles"] = t.bound_cycles;
    object["bound_actual_cycles"] = t.bound_actual_cycles;
    object["dram_read_bytes"] = t.dram_read_bytes;
    object["dram_write_bytes"] = t.dram_write_bytes;
    object["layers"] = t.layers;
    object["verified"] = t.verified;
    object["overflows"] = t.overflows;
    object["energy_pj"] = with_total(t.energy);
    object["on_chip_energy_pj"] = t.on_chip_energy();
    object["off_chip_energy_pj"] = t.off_chip_energy();
    object["dram_energy_pj"] = JsonWriter::to_json(t.dram_energy);
    object["energy_by_tensor_pj"] = JsonWriter::to_json(t.energy_by_tensor);
    return object;
}

json::object layer_json(LayerResult layer, std::int64_t position)
{
    JsonWriter writer;
    writer.field("position", position);
    visit(writer, layer);
    writer.object["energy_pj"] = with_total(layer.energy_pj);
    if (layer.mapping_parameters.empty()) writer.object.erase("mapping_parameters");
    if (!has_cycles(layer))
        for (const char* of_cycles : {"dram_energy_pj", "bound_terms_cycles", "mapping"})
            writer.object.erase(of_cycles);
    if (!layer.dataflow_choice.chosen.empty()) {
        JsonWriter choice;
        visit(choice, layer.dataflow_choice);
        writer.object["dataflow_choice"] = std::move(choice.object);
    }
    if (!layer.dataflow_switch.from.empty()) {
        JsonWriter change;
        visit(change, layer.dataflow_switch);
        writer.object["dataflow_switch"] = std::move(change.object);
    }
    return std::move(writer.object);
}

struct PlacedLayer {
    std::int64_t position = 0;
    LayerResult layer;
};

void read_layers(const JsonReader& root, const char* list, std::vector<PlacedLayer>& layers)
{
    for (const JsonReader& item : root.child(list).items()) {
        PlacedLayer placed;
        item.field("position", placed.position);
        visit(item, placed.layer);
        if (item.has("dataflow_choice")) {
            const JsonReader choice = item.child("dataflow_choice");
            visit(choice, placed.layer.dataflow_choice);
        }
        if (item.has("dataflow_switch")) {
            const JsonReader change = item.child("dataflow_switch");
            visit(change, placed.layer.dataflow_switch);
        }
        placed.layer.position = static_cast<int>(placed.position);
        placed.layer.energy_pj.erase("total");
        layers.push_back(std::move(placed));
    }
}

/// Path of the first value of `a` that `b` lacks or has otherwise.
std::string difference(const json::value& a, const json::value& b, const std::string& path)
{
    if (!a.is_object() || !b.is_object()) return a == b ? "" : path;
    const json::object& other = b.get_object();
    for (const auto& member : a.get_object()) {
        const std::string name = (path.empty() ? "" : path + ".") + std::string(member.key());
        const json::value* counterpart = other.if_contains(member.key());
        std::string found = counterpart ? difference(member.value(), *counterpart, name) : name;
        if (!found.empty()) return found;
    }
    for (const auto& member : other)
        if (!a.get_object().contains(member.key())) return (path.empty() ? "" : path + ".") + std::string(member.key());
    return "";
}

json::value counts_json(LayerResult layer)
{
    JsonWriter writer;
    visit_counts(writer, layer);
    return writer.object;
}

} // namespace

std::string heddle_version()
{
    return HEDDLE_VERSION;
}

std::string report_json(const RunReport& report)
{
    RunResult run = report.run;
    JsonWriter writer;
    writer.field("format", std::string(format_name));
    writer.field("version", heddle_version());
    visit(writer, run);
    writer.field("energy_source", report.energy_source);
    writer.field("coverage", report.coverage);
    writer.object["totals"] = totals_json(run);
    json::array timed, untimed;
    for (const LayerResult& layer : run.layers) {
        const std::int64_t place =
            layer.position >= 0 ? layer.position : static_cast<std::int64_t>(timed.size() + untimed.size());
        (has_cycles(layer) ? timed : untimed).push_back(layer_json(layer, place));
    }
    writer.object["layers"] = std::move(timed);
    writer.object["untimed"] = std::move(untimed);
    writer.field("hardware_file", report.hardware_file);
    writer.field("hardware_yaml", report.hardware_yaml);
    return pretty(writer.object);
}

RunReport parse_report(const std::string& text, const std::string& file_name)
{
    json::error_code error;
    const json::value value = json::parse(text, error);
    if (error) throw UserError(file_name + ": no report: " + error.message());
    const JsonReader root(value, file_name + ": ");
    std::string format;
    if (root.has("format")) root.field("format", format);
    if (format != format_name)
        throw UserError(file_name + ": expected a report of format " + format_name + ", got \"" + format + "\"");
    RunReport report;
    visit(root, report.run);
    root.field("energy_source", report.energy_source);
    root.field("coverage", report.coverage);
    root.field("hardware_file", report.hardware_file);
    root.field("hardware_yaml", report.hardware_yaml);
    std::vector<PlacedLayer> layers;
    read_layers(root, "layers", layers);
    read_layers(root, "untimed", layers);
    std::sort(layers.begin(), layers.end(),
              [](const PlacedLayer& a, const PlacedLayer& b) { return a.position < b.position; });
    for (PlacedLayer& placed : layers) report.run.layers.push_back(std::move(placed.layer));
    return report;
}

RunReport read_report(const std::string& path)
{
    std::error_code ignored;
    const std::filesystem::path given(path);
    const bool folder = std::filesystem::is_directory(given, ignored);
    const std::string file = folder ? (given / report_file_name).string() : path;
    return parse_report(read_file(file, std::uint64_t{1} << 30), file);
}

std::string first_difference(const LayerResult& a, const LayerResult& b)
{
    return difference(counts_json(a), counts_json(b), "");
}

std::string manifest_json(const Manifest& manifest)
{
    JsonWriter writer;
    writer.field("version", heddle_version());
    writer.field("command", manifest.command);
    json::object hashes;
    for (const auto& [name, hash] : manifest.config_hashes) hashes[name] = hash;
    writer.object["config_hashes"] = std::move(hashes);
    writer.field("seed", manifest.seed);
    writer.field("stall_seed", manifest.stall_seed);
    return pretty(writer.object);
}

} // namespace heddle
