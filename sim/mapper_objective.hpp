// What the mapper minimises, and what it counts while it looks.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace heddle {

enum class Objective { latency, energy, edp };
/// "latency", "energy", "edp", in the order of the enumeration.
const std::vector<std::string>& objective_names();

/// Why a tiling or a spread is no candidate: the partition that is too small, or wires that are missing.
enum class Reject { weights, inputs, outputs, psums, operand2, wires, none };
inline constexpr std::size_t reject_reasons = static_cast<std::size_t>(Reject::none);
const char* reject_name(Reject reason);

struct SearchCounts {
    std::int64_t visited = 0; ///< tilings, with their pass lengths, and spreads that the wires cannot carry
    std::array<std::int64_t, reject_reasons> rejected{}; ///< of these, by reason

    void reject(Reject reason)
    {
        ++visited;
        ++rejected[static_cast<std::size_t>(reason)];
    }
    std::int64_t all_rejected() const;
    SearchCounts& operator+=(const SearchCounts& o);
    bool operator==(const SearchCounts& o) const { return visited == o.visited && rejected == o.rejected; }
    /// "373 do not fit (weights 12, psums 361)", without the reasons that rejected nothing; "all fit".
    std::string describe() const;
};

/// What a unit of traffic costs, for ranking tiles before their exact counts are known: probed from price().
struct EnergyRates {
    double fixed_pj = 0.0;      ///< of the layer, whatever its tiles: the MACs
    double dram_pj = 0.0;       ///< per byte
    double cycle_pj = 0.0;      ///< leakage and clock
    double accumulate_pj = 0.0; ///< per psum that is added to one in the buffer
    double load_pj = 0.0;       ///< per word loaded into the array
};

} // namespace heddle
