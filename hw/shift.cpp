#include "hw/shift.hpp"

#include "hw/pe_kernels.hpp"

namespace heddle {

ShiftRule::ShiftRule(const CompiledPlan& plan)
    : cols_(plan.hardware().grid_cols()), rows_(plan.hardware().grid_rows()), right_(plan.hardware().array.lanes),
      below_(plan.hardware().array.vector), depth_(plan.hardware().input_network.link_fifo_words)
{
    const Window& w = plan.plan().window;
    // One loop over the taps: cut into several, taps beside each other are no longer its neighbouring iterations.
    const auto find = [&](Dim tap, int stride, int dilation) {
        TapLoop taps;
        const auto& loops = plan.plan().pass_loops;
        for (std::size_t l = 0; l < loops.size(); ++l) {
            if (loops[l].axis != plan.axis_of(tap)) continue;
            if (taps.loop >= 0) return TapLoop{};
            taps.loop = static_cast<int>(l);
        }
        if (stride % dilation == 0) taps.distance = stride / dilation;
        return taps;
    };
    rows_of_taps_ = find(dim_r, w.stride_rows, w.dilation_rows);
    cols_of_taps_ = find(dim_s, w.stride_cols, w.dilation_cols);
}

/// Inputs that the PEs have taken since the loop stood `distance` iterations earlier and those inside it where they
/// stand now; 0 when it has not come that far, or the link forgot.
int ShiftRule::age(TapLoop& taps, const StepWalk& step, bool first)
{
    if (taps.loop < 0 || taps.distance == 0) return 0;
    const int now = step.iteration(static_cast<std::size_t>(taps.loop));
    if (first || now != taps.iteration) {
        taps.iteration = now;
        if (taps.began.size() <= static_cast<std::size_t>(now)) taps.began.resize(static_cast<std::size_t>(now) + 1);
        taps.began[static_cast<std::size_t>(now)] = taken_;
    }
    if (now < taps.distance) return 0;
    const std::int64_t age =
        taps.began[static_cast<std::size_t>(now)] - taps.began[static_cast<std::size_t>(now - taps.distance)];
    return age <= depth_ ? static_cast<int>(age) : 0;
}

const ShiftPattern& ShiftRule::pattern(const StepWalk& step, const LaneSet& set)
{
    bool first = true; // of the pass
    for (std::size_t l = 0; l < step.loops(); ++l) first = first && step.iteration(l) == 0;
    const Key key{&set, age(cols_of_taps_, step, first), age(rows_of_taps_, step, first)};
    ++taken_;
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
