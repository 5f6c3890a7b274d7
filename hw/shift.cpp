#include "hw/shift.hpp"

namespace heddle {

ShiftRule::ShiftRule(const CompiledPlan& plan)
    : cols_(plan.hardware().array.cols), rows_(plan.hardware().array.rows),
      depth_(plan.hardware().input_network.link_fifo_words)
{
    const Window& w = plan.plan().window;
    const auto& loops = plan.plan().pass_loops;
    for (std::size_t l = 0; l < loops.size(); ++l) {
        const Axis& axis = plan.plan().axes[static_cast<std::size_t>(loops[l].axis)];
        if (axis.dims.size() != 1) continue;
        if (axis.dims[0] == dim_r) row_loop_ = static_cast<int>(l);
        if (axis.dims[0] == dim_s) col_loop_ = static_cast<int>(l);
    }
    if (w.stride_rows % w.dilation_rows == 0) row_distance_ = w.stride_rows / w.dilation_rows;
    if (w.stride_cols % w.dilation_cols == 0) col_distance_ = w.stride_cols / w.dilation_cols;
}

/// Steps since the loop stood `distance` iterations earlier.
int ShiftRule::age(const StepWalk& step, int loop, int distance) const
{
    int steps = distance;
    for (std::size_t l = static_cast<std::size_t>(loop) + 1; l < step.loops(); ++l) steps *= step.count(l);
    return steps;
}

ShiftSource ShiftRule::source(const StepWalk& step, const LaneSet& set, int pe) const
{
    const std::vector<int>& active = set.tensor[static_cast<int>(Tensors::inputs)].lane_of_pe;
    const int y = pe / cols_, x = pe % cols_;
    ShiftSource s;
    if (col_loop_ >= 0 && col_distance_ > 0 && x + 1 < cols_ && active[static_cast<std::size_t>(pe) + 1] >= 0 &&
        step.iteration(static_cast<std::size_t>(col_loop_)) >= col_distance_) {
        s.age = age(step, col_loop_, col_distance_);
        s.neighbour = pe + 1;
        s.from_buffer = s.age > depth_;
        if (!s.from_buffer) return s;
    }
    if (row_loop_ >= 0 && row_distance_ > 0 && y + 1 < rows_ && active[static_cast<std::size_t>(pe + cols_)] >= 0 &&
        step.iteration(static_cast<std::size_t>(row_loop_)) >= row_distance_) {
        s.age = age(step, row_loop_, row_distance_);
        s.neighbour = pe + cols_;
        s.from_buffer = s.age > depth_;
    }
    return s;
}

} // namespace heddle
