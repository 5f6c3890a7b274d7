// The mapper: under a dataflow's constraints, the spatial assignment, tiles, loop orders and pass lengths with the
// least cost by the closed-form bound.
#pragma once

#include "models/energy.hpp"
#include "sim/bound.hpp"
#include "sim/constraints.hpp"
#include "sim/dataflow.hpp"
#include "sim/lower.hpp"
#include "sim/mapper_objective.hpp"
#include "sim/result.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace heddle {

/// Part of every cache key: to be changed with anything that changes what the mapper chooses.
inline constexpr int mapper_version = 9;

struct MapChoice {
    Mapping mapping;
    LayerPlan plan;
    Bound bound;
    /// The largest share of PE-cycles that the wires allow: over the ways to lay the layer over the array, PEs in use
    /// times the steps of an uncut pass over the slowest of stream, load, drain and network beats. 0 without an array.
    double wire_utilization = 0.0;
    std::string why;                  ///< one line for people
    std::int64_t estimate_cycles = 0; ///< the bound, and fetches and starts that may not hide
    double estimate_pj = 0.0;         ///< 0 without an energy table
    DataflowSwitch change;            ///< from the array layer before it; set by choose_mappings()
    SearchCounts counts;
    double seconds = 0.0; ///< that the search took

    /// What the objective minimises.
    double value(Objective objective) const;
};

/// `first`: few sizes, three loop orders, the longest passes. `search`: the first mapper's finalists, then sizes,
/// orders and pass lengths by exhaustion or a beam; never worse than `first` by the objective's estimate, but for a
/// tie.
enum class MapperKind { first, search };

class MappingCache;

struct MapperOptions {
    Objective objective = Objective::latency;
    MapperKind kind = MapperKind::search;
    std::shared_ptr<const EnergyTable> energy;              ///< must be there for energy and edp
    std::shared_ptr<const DataflowConstraints> constraints; ///< what a dataflow of their name allows
    std::shared_ptr<const MappingCache> cache;              ///< empty: every mapping is searched anew
};

/// Deterministic. UserError when the dataflow is unknown, its wires are missing, or not even the smallest tile fits.
MapChoice map_layer(const Network& net, int layer, const HardwareConfig& hw, const std::string& dataflow,
                    const MapperOptions& options = {});
/// Values so close are a tie (one in a thousand): less energy decides, or less time where energy is the objective.
inline constexpr double values_alike = 1.001;

/// The choice, then others, all distinct: of each measure, whatever the objective, the `most` best (of time alone
/// without an energy table). Their set does not depend on the objective.
std::vector<MapChoice> map_candidates(const Network& net, int layer, const HardwareConfig& hw,
                                      const std::string& dataflow, const MapperOptions& options, std::size_t most);

/// The same for a mapping that is given: lowered and bounded, nothing searched. UserError as lower().
MapChoice use_mapping(const Network& net, int layer, const HardwareConfig& hw, const Mapping& mapping);

} // namespace heddle
