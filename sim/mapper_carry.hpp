// Which spreads of a dataflow the wires can carry. Internal to the mapper.
#pragma once

#include "sim/bound.hpp"
#include "sim/dataflow.hpp"
#include "sim/mapper_objective.hpp"

#include <string>
#include <vector>

namespace heddle {

/// A spread that the wires can carry.
struct Carried {
    Spread spread;
    PassPhases phases;
    std::int64_t load_words = 0; ///< read from the buffer to load one pass
    bool keeps_inputs = false;
    double utilization = 0.0;
};

/// Share of PE-cycles that compute in a pass if every phase but the slowest hid behind it: what the wires allow.
double carried_utilization(const LayerPlan& plan, const HardwareConfig& hw, const Traffic& traffic, const PassClass& p);
/// The highest that a plan's wires allow: that of its best pass. No run has a higher utilisation.
double wire_utilization(const LayerPlan& plan, const HardwareConfig& hw);

/// Those of `spreads` (of `dataflow`, for the layer `name`). UserError with the first reason when there are none.
std::vector<Carried> carried_spreads(const std::vector<Spread>& spreads, const LayerShape& shape,
                                     const std::string& name, const HardwareConfig& hw, const std::string& dataflow,
                                     SearchCounts& counts);

} // namespace heddle
