// The table of a report, a row per layer, and the legend that says what its columns mean.
#pragma once

#include "sim/result.hpp"

#include <iosfwd>
#include <string>
#include <vector>

namespace heddle {

/// Columns of a terminal that tables and texts fit unless they are asked to be wide.
inline constexpr std::size_t report_width = 100;

/// One column. docs/report.md defines every one.
struct LayerColumn {
    std::string name;    ///< '<' in front: aligned left
    std::string meaning; ///< for the legend; empty where the name says all
    bool narrow;         ///< also in the table that fits report_width
    std::string (*cell)(const LayerResult& layer, std::size_t number);
};
const std::vector<LayerColumn>& layer_columns();

/// Layers with cycles. Narrow tables cut long names, wide ones nothing.
void print_layer_table(std::ostream& out, const RunResult& run, bool wide);
/// What the columns of that table mean.
void print_legend(std::ostream& out, bool wide);

/// "weights missing dram bandwidth", with the block in front unless it is the array.
std::string cause_text(const std::string& block, const std::string& cause);

} // namespace heddle
