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
    /// For the inputs of a step; asked once for each step that takes new ones, in their order.
    const ShiftPattern& pattern(const StepWalk& step, const LaneSet& set);
    /// Words that a neighbour's link FIFO remembers.
    int depth() const { return depth_; }

private:
    struct Key {
        const LaneSet* set;
        int col_age, row_age; ///< 0: no neighbour on that side has held the word
        bool operator==(const Key& o) const { return set == o.set && col_age == o.col_age && row_age == o.row_age; }
    };
    /// A pass loop over taps, and how many inputs the PEs had taken when its iterations began.
    struct TapLoop {
        int loop = -1;
        int distance = 0; ///< taps between a PE's word and its neighbour's; 0: never equal
        int iteration = 0;
        std::vector<std::int64_t> began;
    };
    int age(TapLoop& taps, const StepWalk& step, bool first);
    ShiftPattern make(const Key& key) const;

    int cols_ = 0, rows_ = 0;   ///< of the MACs' grid
    int right_ = 0, below_ = 0; ///< from a PE to its neighbours there
    int depth_ = 0;
    TapLoop rows_of_taps_, cols_of_taps_;
    std::int64_t taken_ = 0; ///< inputs, by every PE
    std::deque<std::pair<Key, ShiftPattern>> patterns_;
};

} // namespace heddle
