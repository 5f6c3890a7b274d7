// The loops of a pass along one axis of a plan, in closed form: what the first position of the spatial loops goes
// through. Loops over one axis are nested by their steps, in whatever order they stand; where a step does not divide
// what the loop outside it covers, the last iteration is partial for the loops inside it too.
#pragma once

#include "hw/plan.hpp"

#include <cstdint>
#include <vector>

namespace heddle {

/// Does an axis have several loops inside the pass?
bool has_nested_pass_loops(const LayerPlan& plan);

/// Steps along the axis in a pass that covers `cover` of its indices: of the first `loops` pass loops, the others
/// standing at their first iteration.
std::int64_t pass_steps(const LayerPlan& plan, int axis, int cover, std::size_t loops);
std::int64_t pass_steps(const LayerPlan& plan, int axis, int cover);

/// Does pass loop `loop` iterate more than once wherever the loops over its axis outside it stand?
bool always_moves(const LayerPlan& plan, std::size_t loop, int cover);

/// The indices of these steps, ascending, and the largest.
std::vector<int> pass_offsets(const LayerPlan& plan, int axis, int cover);
int last_pass_offset(const LayerPlan& plan, int axis, int cover);

/// Steps along the axis, `extent` indices long, of the first `loops` glb loops, the others at their first iteration.
std::int64_t glb_steps(const LayerPlan& plan, int axis, int extent, std::size_t loops);

/// Does glb loop `loop` iterate more than once wherever the loops over its axis outside it stand?
bool glb_always_moves(const LayerPlan& plan, std::size_t loop, int extent);

/// Offsets of the spatial loops over the axis below `cover`, ascending.
std::vector<int> spatial_offsets(const LayerPlan& plan, int axis, int cover);

} // namespace heddle
