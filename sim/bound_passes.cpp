// Passes of one tile, counted by class: full and partial along each axis.
#include "sim/bound_detail.hpp"
#include "sim/bound_inputs.hpp"
#include "sim/pass_nest.hpp"

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
    TileTraffic(const LayerPlan& plan, const HardwareConfig& hw, const Extents& size)
        : plan_(plan), inputs_(plan, hw), nested_(has_nested_pass_loops(plan))
    {
        for (const Axis& axis : plan.axes) {
            int extent = 1;
            for (Dim d : axis.dims) extent *= size[d];
            extent_.push_back(extent);
            covers_.push_back(covers_of(static_cast<int>(extent_.size()) - 1, extent));
        }
        cover_.resize(extent_.size());
        combine(0, 1);
    }

    const std::vector<PassClass>& passes() const { return passes_; }
    /// Stationary tiles in a row that differ, the first included.
    std::int64_t loads(Tensors t) const { return plan_.keeps(t) ? stationary_changes(t) : 0; }

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

    /// Steps along an axis of the first `loops` pass loops.
    std::int64_t steps_along(std::size_t axis, std::size_t loops) const
    {
        if (nested_) return pass_steps(plan_, static_cast<int>(axis), cover_[axis], loops);
        for (std::size_t l = 0; l < loops; ++l) {
            const AxisLoop& loop = plan_.pass_loops[l];
            if (loop.axis == static_cast<int>(axis))
                return (std::min(loop.span, cover_[axis]) + loop.step - 1) / loop.step;
        }
        return 1;
    }
    std::int64_t steps_along(std::size_t axis) const { return steps_along(axis, plan_.pass_loops.size()); }

    /// Do steps of the pass move an axis with several positions?
    bool lanes_vary() const
    {
        for (const SpatialLoop& loop : plan_.spatial)
            if (loop.count > 1 && steps_along(static_cast<std::size_t>(loop.axis)) > 1) return true;
        return false;
    }

    static int positions(const SpatialLoop& loop, const std::vector<int>& left)
    {
        return std::min(loop.count, (left[static_cast<std::size_t>(loop.axis)] + loop.step - 1) / loop.step);
    }

    /// Indices of each axis that are left where the loops of a pass stand in their last iteration.
    std::vector<int> left_in_last_step() const
    {
        std::vector<int> left = cover_;
        for (std::size_t a = 0; a < left.size() && nested_; ++a)
            left[a] -= last_pass_offset(plan_, static_cast<int>(a), cover_[a]);
        for (const AxisLoop& loop : plan_.pass_loops) {
            if (nested_) break;
            int& l = left[static_cast<std::size_t>(loop.axis)];
            l -= (std::min(loop.span, l) - 1) / loop.step * loop.step;
        }
        return left;
    }

    /// Indices of an axis that the spatial loops over it reach together, those past its end left out.
    int places(int axis) const
    {
        std::vector<int> at = {0};
        for (const SpatialLoop& loop : plan_.spatial) {
            if (loop.axis != axis) continue;
            std::vector<int> next;
            for (int base : at)
                for (int i = 0; i < loop.count && base + i * loop.step < cover_[static_cast<std::size_t>(axis)]; ++i)
                    next.push_back(base + i * loop.step);
            at = std::move(next);
        }
        return static_cast<int>(at.size());
    }

    /// Does a pass loop iterate, wherever those outside it stand?
    bool moves(std::size_t loop) const
    {
        const std::size_t a = static_cast<std::size_t>(plan_.pass_loops[loop].axis);
        return nested_ ? always_moves(plan_, loop, cover_[a]) : steps_along(a) > 1;
    }

    /// The pass loops up to the innermost one that certainly moves the tensor.
    std::size_t moving_loops(Tensors t) const
    {
        for (std::size_t l = plan_.pass_loops.size(); l-- > 0;) {
            const std::size_t a = static_cast<std::size_t>(plan_.pass_loops[l].axis);
            if (axis_indexes(plan_.axes[a], t) && moves(l)) return l + 1;
        }
        return 0;
    }

    /// How often the same words come in a pass, streamed: once for every step of other axes' loops outside the
    /// innermost one that moves the tensor.
    std::int64_t repeats(Tensors t) const
    {
        const std::size_t loops = moving_loops(t);
        std::int64_t n = 1;
        for (std::size_t a = 0; a < cover_.size(); ++a)
            if (!axis_indexes(plan_.axes[a], t)) n *= steps_along(a, loops);
        return n;
    }

    std::int64_t lanes(Tensors t) const
    {
        std::int64_t words = 1;
        for (std::size_t a = 0; a < cover_.size(); ++a)
            if (axis_indexes(plan_.axes[a], t)) words *= places(static_cast<int>(a));
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

    const Axis& axis_of(int axis) const { return plan_.axes[static_cast<std::size_t>(axis)]; }

    /// Coordinates that the steps of a pass reach.
    int entries(Tensors t) const
    {
        std::int64_t n = 1;
        for (std::size_t a = 0; a < cover_.size(); ++a)
            if (axis_indexes(plan_.axes[a], t)) n *= steps_along(a);
        return static_cast<int>(n);
    }

    void add_pass(std::int64_t count)
    {
        PassClass p;
        p.count = count;
        p.steps = 1;
        for (std::size_t a = 0; a < cover_.size(); ++a) p.steps *= steps_along(a);
        p.used_rows = p.used_cols = p.active_macs = 1;
        p.last_rows = p.last_cols = 1;
        const std::vector<int> last = left_in_last_step();
        for (const SpatialLoop& loop : plan_.spatial) {
            const int n = positions(loop, cover_), m = positions(loop, last);
            if (loop.place == Place::y || loop.place == Place::diagonal) p.last_rows *= m;
            if (loop.place == Place::x || loop.place == Place::diagonal) p.last_cols *= m;
            if (loop.place == Place::lane) p.last_lanes *= m;
            if (loop.place == Place::y || loop.place == Place::diagonal) p.used_rows *= n;
            if (loop.place == Place::x || loop.place == Place::diagonal) p.used_cols *= n;
            if (loop.place == Place::lane) p.used_lanes *= n;
            if (loop.place == Place::y && reduces(axis_of(loop.axis).dims.front())) p.summed_rows *= n;
        }
        for (std::size_t a = 0; a < cover_.size(); ++a) p.active_macs *= places(static_cast<int>(a));
        p.weight_words = distinct(Tensors::weights) * (plan_.keep_weights ? 1 : repeats(Tensors::weights));
        p.weight_lanes = plan_.keep_weights ? p.weight_words : lanes(Tensors::weights);
        p.input_words = distinct(Tensors::inputs) * repeats(Tensors::inputs);
        p.input_lanes = lanes(Tensors::inputs);
        p.lanes_vary = lanes_vary();
        if (plan_.keep_inputs) {
            const KeptInputs::Demand d = inputs_.of(cover_);
            p.input_entries = d.entries;
            p.input_words = d.least_words;
            p.input_lanes = std::max<std::int64_t>(1, d.least_words);
        }
        p.weight_entries = entries(Tensors::weights);
        p.psum_entries = entries(Tensors::outputs);
        p.psum_words = distinct(Tensors::outputs);
        for (std::size_t a = 0; a < cover_.size() && !plan_.keep_psums; ++a)
            if (!axis_indexes(plan_.axes[a], Tensors::outputs)) p.psum_words *= steps_along(a);
        passes_.push_back(p);
    }

    std::int64_t stationary_changes(Tensors t) const
    {
        const auto steps = [this](std::size_t axis, std::size_t loops) {
            return glb_steps(plan_, static_cast<int>(axis), extent_[axis], loops);
        };
        for (std::size_t l = plan_.glb_loops.size(); l-- > 0;) { // the innermost loop that certainly moves the tensor
            const std::size_t axis = static_cast<std::size_t>(plan_.glb_loops[l].axis);
            if (!axis_indexes(plan_.axes[axis], t) || !glb_always_moves(plan_, l, extent_[axis])) continue;
            std::int64_t changes = 1;
            for (std::size_t a = 0; a < extent_.size(); ++a) changes *= steps(a, l + 1);
            return changes;
        }
        return 1;
    }

    const LayerPlan& plan_;
    KeptInputs inputs_;
    bool nested_;
    std::vector<int> extent_;
    std::vector<std::vector<Cover>> covers_;
    std::vector<int> cover_;
    std::vector<PassClass> passes_;
};

} // namespace

TilePasses passes_of_tile(const LayerPlan& plan, const HardwareConfig& hw, const Extents& size)
{
    const TileTraffic tile(plan, hw, size);
    return {tile.passes(), tile.loads(Tensors::weights), tile.loads(Tensors::inputs)};
}

} // namespace heddle::bound_detail
