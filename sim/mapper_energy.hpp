// Energy of a plan in closed form: the counts that a run would give, estimated from its traffic, priced as a run is.
#pragma once

#include "models/energy.hpp"
#include "sim/bound.hpp"
#include "sim/mapper_objective.hpp"
#include "sim/result.hpp"

namespace heddle {

/// Counts of a layer that takes `cycles`. Words are the closed-form traffic's; row misses assume that every move of a
/// tile opens the rows that it touches once; the DRAM is active while the layer runs.
LayerResult estimate_counts(const LayerPlan& plan, const HardwareConfig& hw, const Traffic& traffic, const Bound& bound,
                            std::int64_t cycles);

/// By the table, in pJ, with the rules of price().
double estimate_energy_pj(const LayerPlan& plan, const HardwareConfig& hw, const EnergyTable& table, const Bound& bound,
                          std::int64_t cycles);

/// Of one layer's counts.
double priced_pj(LayerResult counts, const HardwareConfig& hw, const EnergyTable& table);

EnergyRates probe_rates(const HardwareConfig& hw, const EnergyTable& table, std::int64_t macs, bool keeps_inputs);

} // namespace heddle
