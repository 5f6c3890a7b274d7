// Energies and counts of a simulated row, beside the measured ones. Internal to heddle calibrate.
#pragma once

#include "sim/calibrate_rows.hpp"
#include "sim/result.hpp"

namespace heddle {

/// Fills `outcome` with what the row's columns of energies and counts are in the simulation. UserError naming the
/// column, and the names around it, when the simulation counts no such thing.
void compare_counts(const MeasuredSet& set, const Measurement& m, const HardwareConfig& hw, const LayerResult& result,
                    RowOutcome& outcome);

} // namespace heddle
