// A result in words and tables: where the cycles and the energy of a run or of one layer went, and what would help.
#pragma once

#include "sim/results.hpp"

#include <iosfwd>
#include <string>
#include <vector>

namespace heddle {

/// The run: its time by cause over all layers, the layers that lose most, energy by parts, what would help.
void explain_run(std::ostream& out, const RunReport& report);

/// One layer: the bound's terms, the ledger of every block, phases, DRAM, accesses, hops, energy, mapping, what would
/// help. UserError for a layer without cycles of its own.
void explain_layer(std::ostream& out, const RunReport& report, const LayerResult& layer);

/// By name or by number. UserError when there is none.
const LayerResult& find_result(const RunResult& run, const std::string& name_or_number);

/// "of 8,024 cycles 4,900 (61 %) wait for the request window: weights 3,100, inputs 1,800: more …", the costliest
/// first; only what takes a hundredth of the cycles.
std::vector<std::string> advice(const RunReport& report, const LayerResult& layer);

} // namespace heddle
