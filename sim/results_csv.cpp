#include "sim/results.hpp"
#include "sim/totals.hpp"

#include <sstream>

namespace heddle {

namespace {

/// RFC 4180: quotes where the cell needs them.
std::string csv_cell(const std::string& text)
{
    if (text.find_first_of(",\"\n\r") == std::string::npos) return text;
    std::string quoted = "\"";
    for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
    return quoted + "\"";
}

double part_or_zero(const LayerResult& layer, const char* part)
{
    const auto found = layer.energy_pj.find(part);
    return found == layer.energy_pj.end() ? 0.0 : found->second;
}

/// Of the registers closest to the MACs; 0 for a layer without the array.
double uses_per_fill(const LayerResult& layer, const char* tensor)
{
    const auto found = layer.reuse.find(tensor);
    if (found == layer.reuse.end() || found->second.at("fills") == 0) return 0.0;
    return static_cast<double>(found->second.at("uses")) / static_cast<double>(found->second.at("fills"));
}

/// Words in and out of the global buffer.
double buffer_accesses_per_mac(const LayerResult& layer)
{
    const auto buffer = layer.accesses.find("global_buffer");
    if (buffer == layer.accesses.end() || layer.macs == 0) return 0.0;
    std::int64_t words = 0;
    for (const auto& [tensor, c] : buffer->second) words += c.fills + c.reads + c.updates + c.drains;
    return static_cast<double>(words) / static_cast<double>(layer.macs);
}

} // namespace

std::string layers_csv(const RunResult& run)
{
    std::ostringstream out;
    out.imbue(std::locale::classic());
    out.precision(12);
    out << "name,op,dataflow,shape,macs,cycles,array_cycles,bound_cycles,bound_actual_cycles,bound_by,utilization,"
           "wire_utilization,verified,dram_read_bytes,dram_write_bytes,activates,row_hits,weights_uses_per_fill,inputs_"
           "uses_per_fill,outputs_uses_per_fill,"
           "buffer_accesses_per_mac,biggest_stall,stall_share";
    for (const char* part : energy_parts) out << ',' << part << "_pj";
    out << ",total_pj";
    for (const auto& [part, pj] : dram_parts({})) out << ",dram_" << part << "_pj";
    out << '\n';
    for (const LayerResult& l : run.layers) {
        if (!has_cycles(l)) continue;
        const StallCause stall = biggest_stall(l);
        out << csv_cell(l.name) << ',' << l.op << ',' << l.dataflow << ',' << csv_cell(l.shape) << ',' << l.macs << ','
            << l.cycles << ',' << l.array_cycles << ',' << l.bound_cycles << ',' << l.bound_actual_cycles << ','
            << csv_cell(l.bound_by) << ',' << l.utilization << ',' << l.wire_utilization << ','
            << (l.verified ? "true" : "false") << ',' << l.dram.read_bytes << ',' << l.dram.write_bytes << ','
            << l.dram.activates << ',' << l.dram.row_hits << ',' << uses_per_fill(l, "weights") << ','
            << uses_per_fill(l, "inputs") << ',' << uses_per_fill(l, "outputs") << ',' << buffer_accesses_per_mac(l)
            << ',' << csv_cell(stall.block + ": " + stall.cause) << ',' << stall.share;
        for (const char* part : energy_parts) out << ',' << part_or_zero(l, part);
        out << ',' << layer_energy(l);
        for (const auto& [part, pj] : dram_parts(l.dram_energy_pj)) out << ',' << pj;
        out << '\n';
    }
    return out.str();
}

} // namespace heddle
