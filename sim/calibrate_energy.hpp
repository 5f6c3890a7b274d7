// Energies of a calibration: factors on the parts of the energy table. Internal to heddle calibrate.
#pragma once

#include "sim/calibrate_simulator.hpp"

#include <string>
#include <vector>

namespace heddle {

/// Factor on the simulated energy of some parts that fits the measured ones best.
struct EnergyFactor {
    std::vector<std::string> parts; ///< mac, register_file, …
    double factor = 1.0;
    int rows = 0; ///< that it was fitted to
};

/// Linear least squares on relative errors: one factor for each part with a column of its own, and one for all others
/// together when energy_pj is measured. Empty without energies.
std::vector<EnergyFactor> fit_energy(const RowSimulator& simulator, const KeyValues& values,
                                     const std::vector<std::size_t>& rows);

/// The simulated energy of a column (energy_pj, energy_pj.PART) under the factors.
double scaled_energy(const RowOutcome& outcome, const std::string& column, const std::vector<EnergyFactor>& factors);

/// The energy table's text with the factors on its values.
std::string scaled_energy_table(const MeasuredSet& set, const std::vector<EnergyFactor>& factors);

} // namespace heddle
