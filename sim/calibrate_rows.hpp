// A measured row as something to simulate. Internal to heddle calibrate.
#pragma once

#include "hw/hardware.hpp"
#include "sim/mapper.hpp"
#include "sim/measurements.hpp"
#include "sim/overlay.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace heddle {

/// Hardware keys and their values, dotted, sorted by key.
using KeyValues = std::map<std::string, std::string>;

/// What one row is in the simulation.
struct RowOutcome {
    std::map<std::string, std::int64_t> simulated; ///< by the names of measured_targets()
    std::map<std::string, double> compared;        ///< by the row's columns of energies and counts
    std::map<std::string, double> energy_pj;       ///< by part; empty when the row has no energy
    double stall_share = 0.0;                      ///< of the PE-cycles that are not idle: waiting for words or room
    std::int64_t bound_cycles = 0;
    std::map<std::string, double> shape; ///< quantities of layer and mapping that a residual may follow
    std::string error;                   ///< the machine cannot run it; everything else is empty
};

struct MeasuredSet {
    std::string file;                 ///< all sources, for reports
    std::vector<std::string> sources; ///< files it was read from
    std::string hardware_yaml;        ///< the description that is fitted
    std::string hardware_file;
    std::string hardware_name;              ///< as the user gave it
    std::vector<OverlayEntry> base_overlay; ///< already in the description
    std::string energy_table;               ///< shipped name or file; empty: the hardware's
    std::string dataflow;                   ///< of rows that name none; empty: the hardware's first
    std::vector<Measurement> rows;
    std::vector<std::vector<NamedMapping>> mappings; ///< of each row; empty: from its tile, or the mapper's

    /// The row's machine: values of parameters, over which go the row's own. UserError naming the row.
    HardwareConfig hardware(const Measurement& m, const KeyValues& parameters) const;
};

/// Reads the mapping files and refuses rows that the machine cannot be: hardware keys that it does not have, and
/// cycles below what its MACs and, unless `bandwidth_is_fitted`, its memory need at least.
void prepare(MeasuredSet& set, bool bandwidth_is_fitted);

/// The mapping that the row asks for under a machine. UserError naming the row.
MapChoice choose_mapping(const MeasuredSet& set, std::size_t row, const Network& net, const HardwareConfig& hw);

/// Simulates one row (timing only); once per process.
RowOutcome simulate_row(const MeasuredSet& set, std::size_t row, const KeyValues& parameters);

} // namespace heddle
