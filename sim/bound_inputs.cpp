#include "sim/bound_inputs.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace heddle::bound_detail {

namespace {

int lone_axis(const LayerPlan& plan, Dim d)
{
    for (std::size_t a = 0; a < plan.axes.size(); ++a)
        if (plan.axes[a].dims.size() == 1 && plan.axes[a].dims.front() == d) return static_cast<int>(a);
    return -1;
}

bool indexes_inputs(const Axis& axis)
{
    return std::any_of(axis.dims.begin(), axis.dims.end(), [](Dim d) { return indexes(Tensors::inputs, d); });
}

} // namespace

KeptInputs::KeptInputs(const LayerPlan& plan, const HardwareConfig& hw)
    : plan_(plan), by_value_(hw.input_network.sharing == Sharing::by_value)
{
    const Window& w = plan.window;
    const Extents& e = plan.extent;
    const auto after = [](int out, int stride, int taps, int dilation, int before, int have) {
        return std::max(0, (out - 1) * stride + (taps - 1) * dilation + 1 - before - have);
    };
    rows_ = {lone_axis(plan, dim_p),
             lone_axis(plan, dim_r),
             w.stride_rows,
             w.dilation_rows,
             w.pad_top,
             after(e[dim_p], w.stride_rows, e[dim_r], w.dilation_rows, w.pad_top, plan.in_rows)};
    cols_ = {lone_axis(plan, dim_q),
             lone_axis(plan, dim_s),
             w.stride_cols,
             w.dilation_cols,
             w.pad_left,
             after(e[dim_q], w.stride_cols, e[dim_s], w.dilation_cols, w.pad_left, plan.in_cols)};
}

/// Offsets of the pass loops over an axis.
std::vector<int> KeptInputs::pass_offsets(int axis, int cover) const
{
    std::vector<int> at = {0};
    for (const AxisLoop& loop : plan_.pass_loops) {
        if (loop.axis != axis) continue;
        std::vector<int> next;
        for (int base : at)
            for (int i = 0; i < loop.span && base + i < cover; i += loop.step) next.push_back(base + i);
        at = std::move(next);
    }
    return at;
}

std::vector<int> KeptInputs::spatial_offsets(int axis, int cover) const
{
    std::vector<int> at = {0};
    for (const SpatialLoop& loop : plan_.spatial) {
        if (loop.axis != axis) continue;
        std::vector<int> next;
        for (int base : at)
            for (int i = 0; i < loop.count && base + i * loop.step < cover; ++i) next.push_back(base + i * loop.step);
        at = std::move(next);
    }
    return at;
}

/// Rows that lanes and entries reach together: how often each, less what may lie on padding at either end.
KeptInputs::Reach KeptInputs::reach(const Side& s, const std::vector<int>& cover) const
{
    const auto covered = [&](int axis) { return axis < 0 ? 1 : cover[static_cast<std::size_t>(axis)]; };
    const auto sums = [&](const std::vector<int>& out, const std::vector<int>& taps) {
        std::vector<int> all;
        for (int o : out)
            for (int t : taps) all.push_back(o * s.stride + t * s.dilation);
        return all;
    };
    const auto offsets = [&](bool pass, int axis) {
        return pass ? pass_offsets(axis, covered(axis)) : spatial_offsets(axis, covered(axis));
    };
    const std::vector<int> in_pass = sums(offsets(true, s.out), offsets(true, s.filter));
    std::vector<int> lanes = sums(offsets(false, s.out), offsets(false, s.filter));
    if (by_value_) {
        const std::set<int> distinct(lanes.begin(), lanes.end());
        lanes.assign(distinct.begin(), distinct.end());
    }
    const std::set<int> entries(in_pass.begin(), in_pass.end());
    std::map<int, std::int64_t> hits;
    for (int lane : lanes)
        for (int entry : entries) ++hits[lane + entry];
    Reach r;
    r.entries = static_cast<int>(entries.size());
    r.words = 0;
    const int last = hits.rbegin()->first;
    for (const auto& [row, count] : hits)
        if (row >= s.before && row <= last - s.after) r.words += count;
    return r;
}

KeptInputs::Demand KeptInputs::of(const std::vector<int>& cover) const
{
    Demand d;
    std::int64_t words = 1;
    for (std::size_t i = 0; i < plan_.axes.size(); ++i) {
        const int a = static_cast<int>(i);
        if (!indexes_inputs(plan_.axes[i])) continue;
        if (a == rows_.out || a == rows_.filter || a == cols_.out || a == cols_.filter) continue;
        words *= cover[i];
        d.entries *= static_cast<int>(pass_offsets(a, cover[i]).size());
    }
    const Reach rows = reach(rows_, cover), cols = reach(cols_, cover);
    d.entries *= rows.entries * cols.entries;
    // A flattened index hides where windows lie: with padding nothing is certain of it.
    const bool hidden = rows_.out < 0 || rows_.filter < 0 || cols_.out < 0 || cols_.filter < 0;
    const bool padded = rows_.before + rows_.after + cols_.before + cols_.after > 0;
    d.least_words = hidden && padded ? 0 : words * rows.words * cols.words;
    return d;
}

} // namespace heddle::bound_detail
