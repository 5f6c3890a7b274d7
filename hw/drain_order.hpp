// The order in which the kept psums of a pass leave the array, cut into beats: the array sends it, and the global
// buffer reads the psums to be added in the same order. Row by row of each entry; with networks whose beats come from
// one set of PEs, the entries of one PE (or chain) together.
#pragma once

#include "hw/register_tile.hpp"

namespace heddle {

class DrainOrder {
public:
    DrainOrder() = default;
    explicit DrainOrder(const CompiledPlan& plan);

    struct Item {
        std::int32_t entry, lane, out_word, operand2_word;
        const TensorLanes* lanes; ///< of the entry
    };
    /// Works out the order for a pass.
    void start(const Pass& pass);
    const std::vector<Item>& items() const { return items_; }
    /// Beat b: items [beats()[b], beats()[b + 1]).
    const std::vector<int>& beats() const { return beats_; }
    int beat_count() const { return static_cast<int>(beats_.size()) - 1; }
    int entries() const { return static_cast<int>(entry_begin_.size()) - 1; }
    /// Does an output add up psums of several PEs?
    bool chained() const { return chained_; }

private:
    void cut_by_entry();
    void group_by_set();

    const CompiledPlan* plan_ = nullptr;
    RegisterTile tile_;
    StepWalk step_;
    LaneCursor cursor_;
    int width_ = 1;
    bool one_set_ = false, chained_ = false;
    std::vector<Item> items_;
    std::vector<int> entry_begin_, beats_;
    std::vector<const LaneSet*> sets_;
};

} // namespace heddle
