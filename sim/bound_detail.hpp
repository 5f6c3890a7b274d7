// The parts of compute_traffic(). Internal to sim/bound*.cpp.
#pragma once

#include "sim/bound.hpp"

#include <vector>

namespace heddle::bound_detail {

/// The passes of a tile of one size, by class, and how many stationary tiles of each operand in a row differ
/// (the first included).
struct TilePasses {
    std::vector<PassClass> classes;
    std::int64_t weight_loads = 0, input_loads = 0;
};
TilePasses passes_of_tile(const LayerPlan& plan, const HardwareConfig& hw, const Extents& size);

/// Tiles of one size.
struct SizeClass {
    Extents size{};
    std::int64_t tiles = 0;
};
struct TileFetches {
    std::vector<SizeClass> sizes;
    std::int64_t tiles = 0;
    std::int64_t weights = 0, inputs = 0;           ///< words that the tile before did not hold
    std::int64_t same_weights = 0, same_inputs = 0; ///< tiles that fetch nothing of the tensor
};
TileFetches walk_tiles(const LayerPlan& plan);

} // namespace heddle::bound_detail
