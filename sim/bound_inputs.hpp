// Kept inputs in closed form: entries of the register files (hw/register_tile.hpp) and words that a load reads, where
// rows and columns may be shared along diagonals and windows may lie on padding. Internal to sim/bound*.cpp.
#pragma once

#include "hw/plan.hpp"

#include <cstdint>
#include <vector>

namespace heddle::bound_detail {

class KeptInputs {
public:
    KeptInputs(const LayerPlan& plan, const HardwareConfig& hw);

    struct Demand {
        int entries = 1;
        std::int64_t least_words = 0; ///< with as much padding as a pass may meet
    };
    /// Of a pass that covers `cover` indices of each axis.
    Demand of(const std::vector<int>& cover) const;

private:
    /// One direction of the window.
    struct Side {
        int out = -1, filter = -1; ///< axes that are this dimension alone, or -1
        int stride = 1, dilation = 1;
        int before = 0, after = 0; ///< rows of padding that a window may reach
    };
    struct Reach {
        int entries = 1;
        std::int64_t words = 1;
    };
    Reach reach(const Side& side, const std::vector<int>& cover) const;
    Reach reach_varying(const Side& side, int out_cover, int tap_cover) const;

    const LayerPlan& plan_;
    bool by_value_;
    Side rows_, cols_;
};

} // namespace heddle::bound_detail
