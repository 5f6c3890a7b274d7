// Which mapping each layer of a run gets: given by hand, the mapper's, the really best of several that are simulated,
// or that of the best dataflow.
#pragma once

#include "sim/driver.hpp"

namespace heddle {

/// Fills `options.chosen` for the planned layers, with the cycles that changes of the dataflow cost. Simulates in
/// forked processes, without values, where `simulate_best` asks for it: none may be elaborated here before. Returns the
/// choices among dataflows; empty unless the dataflow is "best". UserError when a layer cannot be mapped.
std::map<int, DataflowChoice> choose_mappings(RunOptions& options, const std::vector<int>& planned);

/// Mappings by hand that nothing would read are refused: UserError `file:line: …` for a name that no layer has and for
/// a layer that takes no mapping.
void check_mappings(const Network& net, const HardwareConfig& hw, const std::vector<NamedMapping>& mappings,
                    const std::string& file);

/// Of a chain of array layers, which dataflow each takes: least sum of costs, where layer i costs cost[i][d] and
/// change[i][d] more when the layer before ran under another. Costs < 0: the dataflow cannot run the layer.
std::vector<std::size_t> best_chain(const std::vector<std::vector<double>>& cost,
                                    const std::vector<std::vector<double>>& change);

} // namespace heddle
