// The words of one tensor that a pass touches, as entries of the PEs' register files. An entry has one word for every
// MAC (fewer distinct ones where MACs share); all PEs hold the same entries.
//
// Inputs are told apart by the row and column that the pass's loops over P, R and Q, S reach together, so that a window
// sliding inside a pass stores each word once, in every PE that uses it in any of its steps. When a register file is
// filled word by word (passes.load: word) and only one output row or column index has stepped since the pass before,
// entries that both passes touch stay, where all PEs that use them now have them (design.md §4, `reuse: sliding`).
#pragma once

#include "hw/walk.hpp"

#include <deque>

namespace heddle {

/// How far the entries of a pass lie from those of the pass before that hold the same words.
struct Slide {
    bool valid = false;
    int rows = 0, cols = 0;
};

class RegisterTile {
public:
    struct Touched {
        int entry;
        AxisIndex offset;     ///< of its first use, from the pass's base
        int last_use;         ///< step of the pass
        const LaneSet* lanes; ///< those that use it in any step
    };
    using List = std::vector<Touched>;

    RegisterTile() = default;
    RegisterTile(const CompiledPlan& plan, Tensors tensor);

    /// Numbers of entries run below this.
    int numbers() const { return numbers_; }
    int entry(const AxisIndex& index, const AxisIndex& base) const;
    /// In order of first use.
    const List& touched(const Pass& pass) const;

    Slide slide(const Pass& before, const Pass& now) const;
    /// The entry of the pass before that holds the same word in all PEs that use it now, or -1.
    int held(const Slide& slide, const Pass& before, const Touched& now) const;
    /// Entries to be fetched for `now` when the register files hold those of `before` (nullptr: nothing).
    void loads(const Pass* before, const Pass& now, List& out) const;

private:
    struct Part {
        int axis;
        int unit;   ///< axis indices per number
        int weight; ///< of a number
        enum { other, row, col } kind;
    };
    struct Known {
        AxisIndex covered;
        List list;
        std::vector<int> place; ///< in the list, by entry; -1: not touched
    };
    const Known& known(const Pass& pass) const;
    Known make(const Pass& pass, const AxisIndex& covered) const;

    const CompiledPlan* plan_ = nullptr;
    Tensors tensor_ = Tensors::weights;
    std::vector<Part> parts_;
    int rows_ = 1, cols_ = 1; ///< extent of the row and column numbers
    int numbers_ = 1;
    bool slides_ = false;
    mutable std::deque<Known> known_;
};

} // namespace heddle
