#include "tests/system/nest_uses.hpp"

#include <algorithm>
#include <stdexcept>
#include <tuple>

namespace heddle::test_system {

namespace {

/// A loop inside a pass, or its positions.
struct Level {
    int step;
    int temporal; ///< of pass_loops, or -1
    int spatial;  ///< of plan.spatial, or -1
};

class UseList {
public:
    explicit UseList(const LayerPlan& plan) : plan_(plan)
    {
        for (std::size_t a = 0; a < plan.axes.size(); ++a) {
            std::vector<Level> levels;
            for (std::size_t s = 0; s < plan.spatial.size(); ++s)
                if (plan.spatial[s].axis == static_cast<int>(a))
                    levels.push_back({plan.spatial[s].step, -1, static_cast<int>(s)});
            for (std::size_t l = 0; l < plan.pass_loops.size(); ++l)
                if (plan.pass_loops[l].axis == static_cast<int>(a))
                    levels.push_back({plan.pass_loops[l].step, static_cast<int>(l), -1});
            std::stable_sort(levels.begin(), levels.end(), [](auto& l, auto& r) { return l.step > r.step; });
            levels_.push_back(levels);
        }
    }

    Use use(const Extents& at)
    {
        Use u;
        u.at = at;
        set_tile(u);
        u.pass.assign(plan_.glb_loops.size(), 0);
        u.step.assign(plan_.pass_loops.size(), 0);
        spatial_.assign(plan_.spatial.size(), 0);
        for (std::size_t a = 0; a < plan_.axes.size(); ++a) set_axis(u, a);
        set_places(u);
        set_rows(u);
        return u;
    }

private:
    void set_tile(Use& u) const
    {
        u.tile.assign(plan_.tile_loops.size(), 0);
        Extents rest = u.at;
        u.tile_size = plan_.extent;
        for (std::size_t l = 0; l < plan_.tile_loops.size(); ++l) {
            const auto [d, tile] = plan_.tile_loops[l];
            u.tile[l] = rest[d] / tile;
            u.tile_size[d] = std::min(tile, u.tile_size[d] - u.tile[l] * tile);
            rest[d] %= tile;
        }
        for (int d = 0; d < dim_count; ++d) u.tile_base[d] = u.at[d] - rest[d];
    }

    void set_axis(Use& u, std::size_t a)
    {
        int index = 0, cover = 1;
        for (Dim d : plan_.axes[a].dims) {
            index = index * u.tile_size[d] + u.at[d] - u.tile_base[d];
            cover *= u.tile_size[d];
        }
        int rest = index;
        for (std::size_t l = 0; l < plan_.glb_loops.size(); ++l) {
            const AxisLoop& loop = plan_.glb_loops[l];
            if (loop.axis != static_cast<int>(a)) continue;
            u.pass[l] = rest / loop.step;
            cover = std::min(loop.step, cover - u.pass[l] * loop.step);
            rest %= loop.step;
        }
        u.index[a] = index;
        u.base[a] = index - rest;
        u.cover[a] = cover;
        for (const Level& level : levels_[a]) {
            const int digit = rest / level.step;
            rest %= level.step;
            if (level.temporal >= 0) u.step[static_cast<std::size_t>(level.temporal)] = digit;
            if (level.spatial < 0) continue;
            spatial_[static_cast<std::size_t>(level.spatial)] = digit;
            u.place[a] += digit * level.step;
        }
        if (rest != 0) throw std::logic_error("loops leave an index out");
    }

    void set_places(Use& u) const
    {
        for (std::size_t s = 0; s < plan_.spatial.size(); ++s) {
            const SpatialLoop& loop = plan_.spatial[s];
            const int i = spatial_[s];
            if (loop.place == Place::y || loop.place == Place::diagonal) u.y = u.y * loop.count + i;
            if (loop.place == Place::x || loop.place == Place::diagonal) u.x = u.x * loop.count + i;
            if (loop.place == Place::lane) u.lane = u.lane * loop.count + i;
            if (loop.place == Place::vector) u.element = u.element * loop.count + i;
        }
    }

    /// Loops that step over the input's rows or columns stand at the row that output and tap lead to.
    void set_rows(Use& u) const
    {
        for (std::size_t l = 0; l < plan_.pass_loops.size(); ++l) {
            if (!plan_.pass_loops[l].by_input) continue;
            const bool rows = axis_dim(plan_.pass_loops[l].axis) == dim_p;
            const Window& w = plan_.window;
            int row = u.step[l] * (rows ? w.stride_rows : w.stride_cols);
            for (std::size_t t = 0; t < plan_.pass_loops.size(); ++t)
                if (plan_.axes[static_cast<std::size_t>(plan_.pass_loops[t].axis)].dims ==
                    std::vector<Dim>{rows ? dim_r : dim_s})
                    row += u.step[t] * plan_.pass_loops[t].step * (rows ? w.dilation_rows : w.dilation_cols);
            u.step[l] = row;
        }
    }

    Dim axis_dim(int axis) const { return plan_.axes[static_cast<std::size_t>(axis)].dims.front(); }

    const LayerPlan& plan_;
    std::vector<std::vector<Level>> levels_; ///< by axis, outermost first
    std::vector<int> spatial_;               ///< where each spatial loop stands
};

} // namespace

std::vector<Use> uses_of(const LayerPlan& plan, int lanes, int vector)
{
    UseList list(plan);
    std::vector<Use> uses;
    Extents at{};
    for (bool more = true; more;) {
        uses.push_back(list.use(at));
        more = false;
        for (int d = dim_count; d-- > 0 && !more;) {
            more = ++at[d] < plan.extent[d];
            if (!more) at[d] = 0;
        }
    }
    const auto mac = [&](const Use& u) { return std::make_tuple(u.y * vector + u.element, u.x * lanes + u.lane); };
    std::sort(uses.begin(), uses.end(), [&](const Use& a, const Use& b) {
        if (a.tile != b.tile) return a.tile < b.tile;
        if (a.pass != b.pass) return a.pass < b.pass;
        if (a.step != b.step) return a.step < b.step;
        return mac(a) < mac(b);
    });
    return uses;
}

} // namespace heddle::test_system
