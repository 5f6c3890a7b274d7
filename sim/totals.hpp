// What a report derives from a run: sums over layers and ratios.
#pragma once

#include "sim/result.hpp"

#include <array>
#include <map>
#include <string>

namespace heddle {

/// Names of the parts of an energy, in the order of reports.
inline constexpr std::array<const char*, 7> energy_parts{"mac",  "register_file", "network", "global_buffer",
                                                         "dram", "post",          "static"};

struct Totals {
    std::int64_t cycles = 0, bound_cycles = 0, bound_actual_cycles = 0;
    std::int64_t macs = 0, macs_effectual = 0, macs_gated = 0, macs_skipped = 0;
    std::int64_t dram_read_bytes = 0, dram_write_bytes = 0;
    std::int64_t overflows = 0;
    int layers = 0, verified = 0;
    double seconds = 0.0; ///< simulated, at the clock
    double utilization = 0.0;
    std::map<std::string, double> energy; ///< by part
    std::map<std::string, double> energy_by_tensor;
    double total_energy = 0.0;
    DramEnergyParts dram_energy;

    double macs_per_cycle() const { return cycles > 0 ? static_cast<double>(macs) / static_cast<double>(cycles) : 0.0; }
    double off_chip_energy() const { return dram_energy.total(); }
    double on_chip_energy() const { return total_energy - off_chip_energy(); }
    double latency_ms() const { return 1e3 * seconds; }
    // Energies in pJ, otherwise meaningless.
    double average_power_w() const { return seconds > 0.0 ? total_energy * 1e-12 / seconds : 0.0; }
    double energy_delay_js() const { return total_energy * 1e-12 * seconds; }
};

/// Simulated cycles of its own. Layers fused into another, moving no data or left to the host have none.
bool has_cycles(const LayerResult& layer);
Totals sum_layers(const RunResult& run);
double layer_energy(const LayerResult& layer);

/// Sums of the PE-cycles or cycles of one block.
std::int64_t ledger_sum(const Ledger& ledger);
/// The ledger is the array's (PE-cycles) rather than a block's (cycles).
bool is_array(const std::string& block);
/// Cause of lost cycles that cost most: of the array, or of the busiest other block when the array did nothing.
struct StallCause {
    std::string block, cause;
    double share = 0.0;
};
StallCause biggest_stall(const LayerResult& layer);
/// The parts with their names in report.json, in its order.
std::vector<std::pair<std::string, double>> dram_parts(const DramEnergyParts& energy);
/// Part with the most energy; empty when nothing is priced.
std::string biggest_energy_part(const LayerResult& layer);

} // namespace heddle
