// Passes of one tile, counted by class: full and partial along each axis.
#include "sim/bound_detail.hpp"

#include <algorithm>

namespace heddle::bound_detail {

namespace {

bool axis_indexes(const Axis& axis, Tensors t)
{
    return std::any_of(axis.dims.begin(), axis.dims.end(), [t](Dim d) { return indexes(t, d); });
}

/// Indices that a pass covers of one axis, and how many passes along the axis do.
struct Cover {
    int size = 1;
    std::int64_t count = 1;
};

void add_cover(std::vector<Cover>& covers, int size, std::int64_t count)
{
    for (Cover& c : covers)
        if (c.size == size) {
            c.count += count;
            return;
        }
    covers.push_back({size, count});
}

/// The array's part of a plan, for one size of tile.
class TileTraffic {
public:
    TileTraffic(const LayerPlan& plan, const Extents& size) : plan_(plan)
    {
        for (const Axis& axis : plan.axes) {
            int extent = 1;
            for (Dim d : axis.dims) extent *= size[d];
            extent_.push_back(extent);
            covers_.push_back(covers_of(static_cast<int>(extent_.size()) - 1, extent));
        }
        cover_.resize(extent_.size());
        combine(0, 1);
        const bool keeps = plan.keep_weights || plan.keep_inputs;
        loads_ = keeps ? stationary_changes() : 0;
    }

    const std::vector<PassClass>& passes() const { return passes_; }
    /// Stationary tiles in a row that differ, the first included.
    std::int64_t loads() const { return loads_; }

private:
    std::vector<Cover> covers_of(int axis, int extent) const
    {
        std::vector<Cover> covers = {{extent, 1}};
        for (const AxisLoop& loop : plan_.glb_loops) {
            if (loop.axis != axis) continue;
            std::vector<Cover> inside;
            for (const Cover& c : covers) {
                if (c.size >= loop.step) add_cover(inside, loop.step, c.count * (c.size / loop.step));
                if (c.size % loop.step != 0) add_cover(inside, c.size % loop.step, c.count);
            }
            covers = std::move(inside);
        }
        return covers;
    }

    void combine(std::size_t axis, std::int64_t count)
    {
        if (axis == covers_.size()) {
            add_pass(count);
            return;
        }
        for (const Cover& c : covers_[axis]) {
            cover_[axis] = c.size;
            combine(axis + 1, count * c.count);
        }
    }

    /// Iterations of a pass loop in its first visit.
    int iterations(const AxisLoop& loop) const
    {
        return (std::min(loop.span, cover_[static_cast<std::size_t>(loop.axis)]) + loop.step - 1) / loop.step;
    }

    int positions(const SpatialLoop& loop) const
    {
        return std::min(loop.count, (cover_[static_cast<std::size_t>(loop.axis)] + loop.step - 1) / loop.step);
    }

    /// How often the coordinate of a tensor changes over the steps of a pass, the first included.
    std::int64_t changes(Tensors t) const
    {
        std::int64_t all = 1, changing = 1;
        for (const AxisLoop& loop : plan_.pass_loops) {
            const int n = iterations(loop);
            all *= n;
            if (n > 1 && axis_indexes(plan_.axes[static_cast<std::size_t>(loop.axis)], t)) changing = all;
        }
        return changing;
    }

    std::int64_t lanes(Tensors t) const
    {
        std::int64_t words = 1;
        for (const SpatialLoop& loop : plan_.spatial)
            if (axis_indexes(plan_.axes[static_cast<std::size_t>(loop.axis)], t)) words *= positions(loop);
        return words;
    }

    /// Different words over the whole pass (inputs: by loop, so that windows do not overlap).
    std::int64_t distinct(Tensors t) const
    {
        std::int64_t words = 1;
        for (std::size_t a = 0; a < cover_.size(); ++a)
            if (axis_indexes(plan_.axes[a], t)) words *= cover_[a];
        return words;
    }

    void add_pass(std::int64_t count)
    {
        PassClass p;
        p.count = count;
        p.steps = 1;
        for (const AxisLoop& loop : plan_.pass_loops) p.steps *= iterations(loop);
        p.used_rows = p.used_cols = p.active_pes = 1;
        for (const SpatialLoop& loop : plan_.spatial) {
            const int n = positions(loop);
            if (loop.place != Place::x) p.used_rows *= n;
            if (loop.place != Place::y) p.used_cols *= n;
            p.active_pes *= n;
        }
        p.weight_lanes = plan_.keep_weights ? distinct(Tensors::weights) : lanes(Tensors::weights);
        p.input_lanes = plan_.keep_inputs ? distinct(Tensors::inputs) : lanes(Tensors::inputs);
        p.weight_words = p.weight_lanes * (plan_.keep_weights ? 1 : changes(Tensors::weights));
        p.input_words = p.input_lanes * (plan_.keep_inputs ? 1 : changes(Tensors::inputs));
        p.psum_words = plan_.keep_psums ? distinct(Tensors::outputs) : p.steps * lanes(Tensors::outputs);
        passes_.push_back(p);
    }

    std::int64_t stationary_changes() const
    {
        std::int64_t all = 1, changing = 1;
        std::vector<int> left = extent_; // of each axis, inside the loops so far
        for (const AxisLoop& loop : plan_.glb_loops) {
            int& extent = left[static_cast<std::size_t>(loop.axis)];
            const int n = (extent + loop.step - 1) / loop.step;
            extent = std::min(extent, loop.step);
            all *= n;
            const Axis& axis = plan_.axes[static_cast<std::size_t>(loop.axis)];
            const bool moves = (plan_.keep_weights && axis_indexes(axis, Tensors::weights)) ||
                               (plan_.keep_inputs && axis_indexes(axis, Tensors::inputs));
            if (n > 1 && moves) changing = all;
        }
        std::int64_t passes = 0;
        for (const PassClass& p : passes_) passes += p.count;
        return std::min(changing, passes);
    }

    const LayerPlan& plan_;
    std::vector<int> extent_;
    std::vector<std::vector<Cover>> covers_;
    std::vector<int> cover_;
    std::vector<PassClass> passes_;
    std::int64_t loads_ = 0;
};

} // namespace

TilePasses passes_of_tile(const LayerPlan& plan, const Extents& size)
{
    const TileTraffic tile(plan, size);
    return {tile.passes(), tile.loads()};
}

} // namespace heddle::bound_detail
