// The sequencers: how every block steps through tiles, passes and steps of a plan on its own, in the same order.
#pragma once

#include "hw/compiled_plan.hpp"

namespace heddle {

/// One visit of the array to one tile of the array level.
struct Pass {
    std::int64_t index = 0; ///< within the layer
    const Tile* tile = nullptr;
    AxisIndex base{};  ///< first index of each axis
    AxisIndex limit{}; ///< one past the last
    bool first_of_tile = true, last_of_tile = false, last_of_layer = false;
    bool new_weights = true, new_inputs = true;         ///< stationary contents differ from the previous pass's
    bool first_reduction = true, last_reduction = true; ///< of the psums, as far as the pass's base decides it
};

class PassWalk {
public:
    PassWalk() = default;
    explicit PassWalk(const CompiledPlan& plan);
    bool done() const { return done_; }
    const Pass& pass() const { return pass_; }
    void next();

private:
    void enter_tile();
    void enter_pass();
    bool advance_glb();
    int left(std::size_t l) const;

    const CompiledPlan* plan_ = nullptr;
    std::size_t tile_ = 0;
    std::vector<int> at_; ///< axis index offset of each glb loop
    Pass pass_;
    bool done_ = true;
};

/// The temporal steps of a pass. Loops over the input's rows and columns (AxisLoop::by_input) need all operands kept.
class StepWalk {
public:
    StepWalk() = default;
    explicit StepWalk(const CompiledPlan& plan);
    /// Only the loops that move the tensor; the others stay at their first iteration.
    StepWalk(const CompiledPlan& plan, Tensors tensor);
    void start(const Pass& pass);
    bool done() const { return done_; }
    void next();
    /// To where the axes are `offset` from the pass's base; the loops do not follow.
    void jump(const AxisIndex& offset);
    /// Current index of each axis: the pass's base plus its temporal loops.
    const AxisIndex& index() const { return index_; }
    /// Since the previous step (all true at the first): does the tensor's coordinate differ, or are MACs in use that
    /// its last change left out? Then a streamed tensor is delivered anew.
    bool changed(Tensors t) const { return changed_[static_cast<int>(t)]; }
    /// Indices left for the spatial loops on each axis.
    AxisIndex remaining() const;
    /// Do the temporal loops move an axis that also has spatial loops (lanes then differ within the pass)?
    bool lanes_vary() const { return lanes_vary_; }
    /// Is this the last step that reduces for its outputs, in this pass?
    bool last_reduction() const;
    /// Index of pass loop `l` in its own iterations (rows or columns, when it runs over the input).
    int iteration(std::size_t l) const { return at_[l] / plan_->plan().pass_loops[l].step; }
    bool last_iteration(std::size_t l) const { return iteration(l) + 1 == count(l); }
    /// Iterations of pass loop `l` with the loops outside it where they stand.
    int count(std::size_t l) const;
    std::size_t loops() const { return at_.size(); }

private:
    /// A loop over the input's rows (columns), and the loop over the taps that it shares them with.
    struct InputLoop {
        std::size_t loop;
        int taps; ///< -1: none in the pass
        int stride, dilation;
    };
    /// The sum of some loops' positions stays below what the loop outside them covers.
    struct Cut {
        int span;
        std::vector<std::size_t> loops;
    };
    void list_cuts();
    int left(std::size_t l) const;
    int left_of(const Cut& cut) const;
    int end(std::size_t l) const;
    void advance();
    void follow_lanes();
    bool place_outputs();

    const CompiledPlan* plan_ = nullptr;
    const Pass* pass_ = nullptr;
    std::vector<int> at_; ///< axis indices; of an input loop, rows (columns)
    std::vector<InputLoop> input_loops_;
    std::vector<std::size_t> moving_; ///< loops that step, outermost first
    AxisIndex index_{};
    std::vector<std::vector<std::size_t>> outer_; ///< by loop: loops over the same axis that stand outside it
    std::vector<std::vector<Cut>> cuts_;          ///< by loop: without itself and the loops that stand inside it
    std::vector<std::pair<int, Cut>> lane_cuts_;  ///< of an axis's positions
    std::vector<std::size_t> reducing_;           ///< loops over reductions
    Positions served_[3] = {};                    ///< positions in use at the tensor's last change
    bool changed_[3] = {true, true, true};
    bool lanes_vary_ = false;
    bool done_ = true;
};

/// Is what the current step (or, with kept psums, the pass) contributes the first, the last of its outputs' reduction?
struct ReductionPlace {
    bool first = true, last = true;
};
ReductionPlace reduction_place(const CompiledPlan& plan, const Pass& pass, const StepWalk& step);

/// Word indices of the lanes of one tensor at the current step.
class LaneCursor {
public:
    LaneCursor() = default;
    LaneCursor(const CompiledPlan& plan, Tensors tensor);
    /// At the first step of a pass: works the lanes' own part out. Later steps only move the common part.
    void start(const Pass& pass, const StepWalk& step);
    void follow(const Pass& pass, const StepWalk& step);
    /// To the step, with other lanes than are in use there: those that share an entry of the register files.
    void follow(const Pass& pass, const StepWalk& step, const LaneSet& lanes);

    const LaneSet& set() const { return *set_; }
    const TensorLanes& lanes() const { return set_->tensor[static_cast<int>(tensor_)]; }
    int count() const { return lanes().count; }
    /// Word index in the tensor's layout; -1 where the window lies on padding (inputs only).
    std::int32_t word(int lane) const
    {
        const std::size_t l = static_cast<std::size_t>(lane);
        if (tensor_ == Tensors::inputs && (static_cast<unsigned>(row_ + lane_row_[l]) >= rows_ ||
                                           static_cast<unsigned>(col_ + lane_col_[l]) >= cols_))
            return -1;
        return word_ + lane_word_[l];
    }
    /// word() of lanes [0, count), at once.
    void words(std::int32_t* out) const;
    std::int32_t operand2_word(int lane) const { return operand2_ + lane_operand2_[static_cast<std::size_t>(lane)]; }
    /// Are the lanes' words neighbours, in order, and all of them or none on padding?
    bool adjacent() const { return adjacent_; }

private:
    /// What an index entry adds to the word itself; padding is judged by row and column.
    std::int32_t word_of(const AxisEntry& e) const
    {
        if (tensor_ == Tensors::weights) return e.weight;
        if (tensor_ == Tensors::outputs) return e.out;
        return e.in_base + e.in_row * row_stride_ + e.in_col * col_stride_;
    }
    void make_lanes(const Pass& pass, const StepWalk& step, const LaneSet& set);
    void make_common(const Pass& pass, const StepWalk& step);

    const CompiledPlan* plan_ = nullptr;
    Tensors tensor_ = Tensors::weights;
    const LaneSet* set_ = nullptr;
    std::vector<int> spatial_axes_, pass_axes_, fixed_axes_;                       ///< of those that index the tensor
    std::int32_t pass_word_ = 0, pass_row_ = 0, pass_col_ = 0, pass_operand2_ = 0; ///< what the pass fixes
    std::int32_t word_ = 0, row_ = 0, col_ = 0, operand2_ = 0;                     ///< what the step adds to that
    bool adjacent_ = false;
    std::vector<std::int32_t> lane_word_, lane_row_, lane_col_, lane_operand2_;
    unsigned rows_ = 0, cols_ = 0;
    std::int32_t row_stride_ = 0, col_stride_ = 0;
};

} // namespace heddle
