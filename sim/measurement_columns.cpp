// What a column of a measurement file may be called.
#include "sim/measurements.hpp"
#include "sim/text.hpp"
#include "sim/totals.hpp"

#include <algorithm>
#include <cctype>

namespace heddle {

namespace {

std::string lower_case(std::string text)
{
    std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
    return text;
}

/// Names that are no hardware keys, energies or counts.
const std::vector<std::string>& plain_columns()
{
    static const std::vector<std::string> all = [] {
        std::vector<std::string> list = text_columns();
        for (const auto* more : {&shape_columns(), &tile_columns(), &measured_targets()})
            list.insert(list.end(), more->begin(), more->end());
        list.emplace_back("stall_cycles");
        return list;
    }();
    return all;
}

bool contains(const std::vector<std::string>& list, const std::string& word)
{
    return std::find(list.begin(), list.end(), word) != list.end();
}

/// dram.latency_cycles: a key of the hardware's YAML, which is checked when it is applied.
bool is_hardware_key(const std::string& column)
{
    static const std::vector<std::string> others = {"tile", "phases", "energy_pj", "ledger", "counts"};
    return column.find('.') != std::string::npos && !contains(others, column.substr(0, column.find('.')));
}

} // namespace

const std::vector<std::string>& text_columns()
{
    static const std::vector<std::string> all = {"name", "workload", "dataflow", "mapping"};
    return all;
}

const std::vector<std::string>& shape_columns()
{
    static const std::vector<std::string> all = {"M", "N", "K",      "C",       "H",        "W",
                                                 "R", "S", "stride", "padding", "dilation", "groups"};
    return all;
}

const std::vector<std::string>& tile_columns()
{
    static const std::vector<std::string> all = {"tile.M", "tile.N", "tile.K"};
    return all;
}

const std::vector<std::string>& measured_targets()
{
    static const std::vector<std::string> all = {"cycles",        "array_cycles", "first_request",
                                                 "first_operand", "last_result",  "last_write"};
    return all;
}

bool is_compared(const std::string& column)
{
    if (column.rfind("energy_pj.", 0) == 0)
        return std::find(energy_parts.begin(), energy_parts.end(), column.substr(10)) != energy_parts.end();
    return column == "energy_pj" || column.rfind("ledger.", 0) == 0 || column.rfind("counts.", 0) == 0;
}

std::string canonical_column(const std::string& name)
{
    static const std::map<std::string, std::string> aliases = {
        {"compute_cycles", "array_cycles"}, {"layer", "name"}, {"pad", "padding"}};
    std::string folded = lower_case(name);
    if (folded.rfind("phases.", 0) == 0) folded = folded.substr(7);
    if (const auto alias = aliases.find(folded); alias != aliases.end()) return alias->second;
    for (const std::string& ours : plain_columns())
        if (lower_case(ours) == folded) return ours;
    return is_compared(folded) || is_hardware_key(folded) ? folded : name;
}

bool is_known_column(const std::string& column)
{
    return contains(plain_columns(), column) || is_compared(column) || is_hardware_key(column);
}

std::string known_columns()
{
    return joined(text_columns()) + "; M, N, K of a GEMM; " +
           joined({shape_columns().begin() + 3, shape_columns().end()}) + ", K (filters), N (batch) of a conv; " +
           joined(tile_columns()) + "; " + joined(measured_targets()) + ", stall_cycles; energy_pj, energy_pj.PART (" +
           joined({energy_parts.begin(), energy_parts.end()}) +
           "), ledger.BLOCK.CAUSE, counts.PATH; or a hardware key such as dram.latency_cycles";
}

} // namespace heddle
