// Inter-PE shifting of inputs (ShiDianNao, ISCA 2015): output rows lie on y and output columns on x, so the input that
// a PE needs for filter tap (r, s) is the one that its right neighbour held for (r, s - stride), or the one below it
// held for (r - stride, s). Only words that no neighbour can pass on are read from the buffer: per channel and tile
// (rows + R - 1)(cols + S - 1) at stride 1.
#pragma once

#include "hw/walk.hpp"

#include <deque>

namespace heddle {

/// Where the PEs get their inputs in one step.
struct ShiftPattern {
    struct Move {
        int cell, neighbour_cell; ///< of a PeMatrix
        int age;                  ///< words ago
    };
    std::vector<std::int32_t> read_lanes; ///< from the buffer
    std::vector<Move> moves;              ///< from a neighbour
};

class ShiftRule {
public:
    ShiftRule() = default;
    explicit ShiftRule(const CompiledPlan& plan);
    const ShiftPattern& pattern(const StepWalk& step, const LaneSet& set);
    /// Words that a neighbour's link FIFO remembers.
    int depth() const { return depth_; }

private:
    struct Key {
        const LaneSet* set;
        int col_age, row_age; ///< 0: no neighbour on that side has held the word
        bool operator==(const Key& o) const { return set == o.set && col_age == o.col_age && row_age == o.row_age; }
    };
    int age(const StepWalk& step, int loop, int distance) const;
    ShiftPattern make(const Key& key) const;

    int cols_ = 0, rows_ = 0;   ///< of the MACs' grid
    int right_ = 0, below_ = 0; ///< from a PE to its neighbours there
    int depth_ = 0;
    int row_loop_ = -1, col_loop_ = -1;       ///< pass loops over R and S
    std::vector<bool> moves_inputs_, cut_;    ///< by pass loop: does it move the inputs, is its axis cut once more
    int row_distance_ = 0, col_distance_ = 0; ///< taps between a PE's word and its neighbour's; 0: never equal
    std::deque<std::pair<Key, ShiftPattern>> patterns_;
};

} // namespace heddle
