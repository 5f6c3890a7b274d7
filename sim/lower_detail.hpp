// The steps of lower(), each in a file of its own. Internal to sim/lower*.cpp and the mapper.
#pragma once

#include "sim/layer_shape.hpp"
#include "sim/mapping.hpp"

#include <string>

namespace heddle::lower_detail {

/// What the steps work on.
struct Lowering {
    const HardwareConfig& hw;
    const Mapping& mapping;
    LayerShape shape;
    LayerPlan plan;

    [[noreturn]] void fail(const std::string& level, const std::string& message) const;
    /// How far the tile goes along an axis.
    int axis_extent(const Axis& axis) const;
};

/// "C*R*S" of an axis of the plan.
std::string axis_name(const LayerPlan& plan, int axis);

void set_tile_loops(Lowering& l);
/// axes, glb_loops, pass_loops, spatial; every index must be covered exactly once.
void set_loops(Lowering& l);
/// What stays in the PEs, and whether their registers hold it.
void set_kept(Lowering& l);
/// Entries of a PE's register file that a full pass touches, and words of one PE in an entry.
std::int64_t register_entries(const LayerPlan& plan, Tensors t);
std::int64_t words_per_entry(const LayerPlan& plan, Tensors t);
/// Delivery modes and the psum path, from the wires.
void set_delivery(Lowering& l);
/// Partitions of the global buffer, and their shares of its pool.
void check_capacity(Lowering& l);

/// Psums alive at once in the buffer: outputs touched inside the outermost loop over a reduction; 0 when every pass
/// completes its psums.
std::int64_t live_psums(const LayerPlan& plan);

} // namespace heddle::lower_detail
