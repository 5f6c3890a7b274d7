#include "sim/bound_inputs.hpp"

#include "sim/pass_nest.hpp"

#include <algorithm>
#include <array>
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

/// Rows that lanes and entries reach where loops of the pass move the lanes' own axis: those of positions behind its
/// end are not loaded.
KeptInputs::Reach KeptInputs::reach_varying(const Side& s, int out_cover, int tap_cover) const
{
    const auto steps = [&](int axis, int cover) {
        return axis < 0 ? std::vector<int>{0} : pass_offsets(plan_, axis, cover);
    };
    const auto places = [&](int axis, int cover) {
        return axis < 0 ? std::vector<int>{0} : spatial_offsets(plan_, axis, cover);
    };
    const std::vector<int> out_places = places(s.out, out_cover), tap_places = places(s.filter, tap_cover);
    std::set<int> entries;
    std::set<std::array<int, 3>> words; // entry, lane
    for (int o : steps(s.out, out_cover))
        for (int t : steps(s.filter, tap_cover)) {
            const int entry = o * s.stride + t * s.dilation;
            entries.insert(entry);
            for (int lane_out : out_places)
                for (int lane_tap : tap_places) {
                    if (o + lane_out >= out_cover || t + lane_tap >= tap_cover) continue;
                    if (by_value_)
                        words.insert({entry, lane_out * s.stride + lane_tap * s.dilation, 0});
                    else
                        words.insert({entry, lane_out, lane_tap});
                }
        }
    const int last = (out_cover - 1) * s.stride + (tap_cover - 1) * s.dilation;
    Reach r;
    r.entries = static_cast<int>(entries.size());
    r.words = std::count_if(words.begin(), words.end(), [&](const std::array<int, 3>& w) {
        const int row = w[0] + (by_value_ ? w[1] : w[1] * s.stride + w[2] * s.dilation);
        return row >= s.before && row <= last - s.after;
    });
    return r;
}

/// Rows that lanes and entries reach together: how often each, less what may lie on padding at either end.
KeptInputs::Reach KeptInputs::reach(const Side& s, const std::vector<int>& cover) const
{
    const auto covered = [&](int axis) { return axis < 0 ? 1 : cover[static_cast<std::size_t>(axis)]; };
    for (int axis : {s.out, s.filter})
        if (axis >= 0 && spatial_offsets(plan_, axis, covered(axis)).size() > 1 &&
            pass_steps(plan_, axis, covered(axis)) > 1)
            return reach_varying(s, covered(s.out), covered(s.filter));
    const auto sums = [&](const std::vector<int>& out, const std::vector<int>& taps) {
        std::vector<int> all;
        for (int o : out)
            for (int t : taps) all.push_back(o * s.stride + t * s.dilation);
        return all;
    };
    const auto offsets = [&](bool pass, int axis) {
        if (axis < 0) return std::vector<int>{0};
        return pass ? pass_offsets(plan_, axis, covered(axis)) : spatial_offsets(plan_, axis, covered(axis));
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
        d.entries *= static_cast<int>(pass_steps(plan_, a, cover[i]));
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
