// Every MAC of a plan with when and where it happens, from the definition of a loop nest: loops over one index are
// nested by their steps, so an index decides where each of them stands, by division. No loop is walked.
#pragma once

#include "hw/plan.hpp"

#include <vector>

namespace heddle::test_system {

struct Use {
    std::vector<int> tile, pass, step; ///< where the loops of dram, glb and the pass stand, outermost first
    int y = 0, x = 0, lane = 0, element = 0;
    Extents at{};                                ///< coordinate in the layer
    std::array<int, dim_count> index{}, place{}; ///< by axis: index in the tile; of it, the spatial loops' part
    std::array<int, dim_count> base{}, cover{};  ///< by axis: of the pass
    Extents tile_base{}, tile_size{};

    bool first_place() const { return y == 0 && x == 0 && lane == 0 && element == 0; }
};

/// In the order of time, those of a step in the order of the MAC grid.
std::vector<Use> uses_of(const LayerPlan& plan, int lanes, int vector);

} // namespace heddle::test_system
