#include "hw/shift.hpp"

#include "hw/pe_kernels.hpp"

#include <algorithm>

namespace heddle {

ShiftRule::ShiftRule(const CompiledPlan& plan)
    : cols_(plan.hardware().grid_cols()), rows_(plan.hardware().grid_rows()), right_(plan.hardware().array.lanes),
      below_(plan.hardware().array.vector), depth_(plan.hardware().input_network.link_fifo_words)
{
    const Window& w = plan.plan().window;
    const auto& loops = plan.plan().pass_loops;
    for (std::size_t l = 0; l < loops.size(); ++l) {
        const Axis& axis = plan.plan().axes[static_cast<std::size_t>(loops[l].axis)];
        moves_inputs_.push_back(plan.loop_indexes(Tensors::inputs, l));
        cut_.push_back(
            std::count_if(loops.begin(), loops.end(), [&](const AxisLoop& o) { return o.axis == loops[l].axis; }) > 1);
        if (axis.dims.size() != 1) continue;
        if (axis.dims[0] == dim_r) row_loop_ = static_cast<int>(l);
        if (axis.dims[0] == dim_s) col_loop_ = static_cast<int>(l);
    }
    if (w.stride_rows % w.dilation_rows == 0) row_distance_ = w.stride_rows / w.dilation_rows;
    if (w.stride_cols % w.dilation_cols == 0) col_distance_ = w.stride_cols / w.dilation_cols;
}

/// Words that the PEs have taken since the loop stood `distance` iterations earlier; 0 when it has not come that far,
/// or the link forgot.
int ShiftRule::age(const StepWalk& step, int loop, int distance) const
{
    if (loop < 0 || distance == 0 || cut_[static_cast<std::size_t>(loop)]) return 0;
    if (step.iteration(static_cast<std::size_t>(loop)) < distance) return 0;
    std::int64_t words = distance, inside = distance;
    for (std::size_t l = static_cast<std::size_t>(loop) + 1; l < step.loops(); ++l) {
        if (cut_[l]) return 0; // iterations differ in length
        inside *= step.count(l);
        if (moves_inputs_[l] && step.count(l) > 1) words = inside; // loops inside it use the same words
    }
    return words <= depth_ ? static_cast<int>(words) : 0;
}

const ShiftPattern& ShiftRule::pattern(const StepWalk& step, const LaneSet& set)
{
    const Key key{&set, age(step, col_loop_, col_distance_), age(step, row_loop_, row_distance_)};
    for (const auto& [known, pattern] : patterns_)
        if (known == key) return pattern;
    patterns_.emplace_back(key, make(key));
    return patterns_.back().second;
}

ShiftPattern ShiftRule::make(const Key& key) const
{
    const TensorLanes& lanes = key.set->tensor[static_cast<int>(Tensors::inputs)];
    const auto active = [&](int y, int x) {
        return y < rows_ && x < cols_ && lanes.lane_of_mac[static_cast<std::size_t>(y * cols_ + x)] >= 0;
    };
    ShiftPattern p;
    for (int l = 0; l < lanes.count; ++l) {
        const int pe = lanes.mac_of_lane[static_cast<std::size_t>(l)], y = pe / cols_, x = pe % cols_;
        if (key.col_age > 0 && active(y, x + right_))
            p.moves.push_back({matrix_cell(pe, cols_), matrix_cell(pe + right_, cols_), key.col_age});
        else if (key.row_age > 0 && active(y + below_, x))
            p.moves.push_back({matrix_cell(pe, cols_), matrix_cell(pe + below_ * cols_, cols_), key.row_age});
        else
            p.read_lanes.push_back(l);
    }
    return p;
}

} // namespace heddle
