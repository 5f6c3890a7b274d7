#include "sim/layer_table.hpp"

#include "sim/text.hpp"
#include "sim/totals.hpp"

#include <algorithm>
#include <ostream>

namespace heddle {

namespace {

double ratio(std::int64_t a, std::int64_t b)
{
    return b > 0 ? static_cast<double>(a) / static_cast<double>(b) : 0.0;
}

std::string stall_cell(const LayerResult& layer, std::size_t)
{
    const StallCause stall = biggest_stall(layer);
    if (stall.cause.empty()) return "-";
    return cause_text(stall.block, stall.cause) + " " + percent(stall.share, 0);
}

std::string energy_part_cell(const LayerResult& layer, std::size_t)
{
    const std::string part = biggest_energy_part(layer);
    if (part.empty()) return "-";
    return part + " " + percent(layer.energy_pj.at(part) / layer_energy(layer), 0);
}

std::string number_cell(const LayerResult& l, std::size_t number)
{
    return std::to_string(l.position >= 0 ? l.position : static_cast<int>(number));
}

} // namespace

std::string cause_text(const std::string& block, const std::string& cause)
{
    std::string text = (is_array(block) ? "" : block + ": ") + cause;
    std::replace(text.begin(), text.end(), '_', ' ');
    return text;
}

const std::vector<LayerColumn>& layer_columns()
{
    static const std::vector<LayerColumn> columns = {
        {"#", "number of the layer in the network, as --layers takes it", true, number_cell},
        {"<layer", "", true, [](const LayerResult& l, std::size_t) { return l.name; }},
        {"<op", "", true, [](const LayerResult& l, std::size_t) { return l.op; }},
        {"<shape", "channels x rows x columns of inputs and outputs, filter rows x columns / stride", false,
         [](const LayerResult& l, std::size_t) { return l.shape; }},
        {"MACs", "", false, [](const LayerResult& l, std::size_t) { return grouped(l.macs); }},
        {"cycles", "from the end of the previous layer until the last word is written", true,
         [](const LayerResult& l, std::size_t) { return grouped(l.cycles); }},
        {"bound", "the least cycles that the mapping can take on this machine, in closed form", false,
         [](const LayerResult& l, std::size_t) { return grouped(l.bound_actual_cycles); }},
        {"ratio", "cycles / bound, the least that the mapping can take on this machine", true,
         [](const LayerResult& l, std::size_t) { return decimal(ratio(l.cycles, l.bound_actual_cycles), 2); }},
        {"<bound by", "which part of the machine sets the bound", true,
         [](const LayerResult& l, std::size_t) { return l.bound_by; }},
        {"util.", "share of all PE-cycles in which a MAC computes", true,
         [](const LayerResult& l, std::size_t) { return l.macs > 0 ? percent(l.utilization) : "-"; }},
        {"wires", "the highest util. that the array's wires allow for the layer under its dataflow", false,
         [](const LayerResult& l, std::size_t) { return l.macs > 0 ? percent(l.wire_utilization) : "-"; }},
        {"energy", "", true,
         [](const LayerResult& l, std::size_t) { return with_prefix(layer_energy(l) * 1e-12, "J"); }},
        {"<biggest stall", "where most PE-cycles went in which no MAC computed, of all PE-cycles", true, stall_cell},
        {"<biggest energy", "the part that takes most of the energy", false, energy_part_cell},
    };
    return columns;
}

void print_layer_table(std::ostream& out, const RunResult& run, bool wide)
{
    std::vector<std::string> names;
    for (const LayerColumn& c : layer_columns())
        if (wide || c.narrow) names.push_back(c.name);
    TextTable table(names);
    for (std::size_t i = 0; i < run.layers.size(); ++i) {
        if (!has_cycles(run.layers[i])) continue;
        std::vector<std::string> cells;
        for (const LayerColumn& c : layer_columns())
            if (wide || c.narrow) cells.push_back(c.cell(run.layers[i], i));
        table.add_row(cells);
    }
    if (wide)
        table.print(out);
    else
        table.print(out, report_width, {"layer", "bound by", "biggest stall"});
}

void print_legend(std::ostream& out, bool wide)
{
    std::size_t indent = 0;
    for (const LayerColumn& c : layer_columns()) indent = std::max(indent, c.name.size() + 4);
    for (const LayerColumn& c : layer_columns()) {
        if (c.meaning.empty() || !(wide || c.narrow)) continue;
        const std::string name = c.name.front() == '<' ? c.name.substr(1) : c.name;
        out << wrapped("  " + name, c.meaning, indent, report_width);
    }
    out << "  docs/report.md defines every column and cause" << (wide ? "" : "; --wide shows more columns") << '\n';
}

} // namespace heddle
