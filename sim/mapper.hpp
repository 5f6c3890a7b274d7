// The first mapper: under a dataflow's constraints, the spatial assignment, tiles and loop orders with the least bound.
#pragma once

#include "sim/bound.hpp"
#include "sim/dataflow.hpp"
#include "sim/lower.hpp"

#include <cstdint>
#include <string>

namespace heddle {

struct MapChoice {
    Mapping mapping;
    LayerPlan plan;
    Bound bound;
    /// The largest share of PE-cycles that the wires allow: over the ways to lay the layer over the array, PEs in use
    /// times the steps of an uncut pass over the slowest of stream, load, drain and network beats. 0 without an array.
    double wire_utilization = 0.0;
    std::string why;           ///< one line for people
    std::int64_t visited = 0;  ///< tilings and orders looked at
    std::int64_t rejected = 0; ///< of these, that fit no partition
};

/// Deterministic. UserError when the dataflow is unknown, its wires are missing, or not even the smallest tile fits.
MapChoice map_layer(const Network& net, int layer, const HardwareConfig& hw, const std::string& dataflow);

/// The same for a mapping that is given: lowered and bounded, nothing searched. UserError as lower().
MapChoice use_mapping(const Network& net, int layer, const HardwareConfig& hw, const Mapping& mapping);

} // namespace heddle
