// Inter-PE shifting of inputs (ShiDianNao, ISCA 2015): output rows lie on y and output columns on x, so the input that
// a PE needs for filter tap (r, s) is the one that its right neighbour held for (r, s - stride), or the one below it
// held for (r - stride, s). Only words that no neighbour can pass on are read from the buffer: per channel and tile
// (rows + R - 1)(cols + S - 1) at stride 1.
#pragma once

#include "hw/walk.hpp"

namespace heddle {

struct ShiftSource {
    bool from_buffer = true;
    int neighbour = 0; ///< PE index it comes from
    int age = 0;       ///< steps ago
};

class ShiftRule {
public:
    ShiftRule() = default;
    explicit ShiftRule(const CompiledPlan& plan);
    /// Where PE `pe` gets its input at this step.
    ShiftSource source(const StepWalk& step, const LaneSet& set, int pe) const;
    int depth() const { return depth_; }

private:
    int age(const StepWalk& step, int loop, int distance) const;

    int cols_ = 0, rows_ = 0, depth_ = 0;
    int row_loop_ = -1, col_loop_ = -1;       ///< pass loops over R and S
    int row_distance_ = 0, col_distance_ = 0; ///< taps between a PE's word and its neighbour's; 0: never equal
};

} // namespace heddle
