#include "sim/pass_nest.hpp"

#include <algorithm>

namespace heddle {

namespace {

struct Level {
    int step;
    bool moves; ///< a temporal loop that iterates; else its first iteration, or the first position
};

/// Outermost first. A spatial loop stands outside a temporal one of the same step.
std::vector<Level> levels_of(const LayerPlan& plan, int axis, std::size_t loops)
{
    std::vector<Level> levels;
    for (const SpatialLoop& s : plan.spatial)
        if (s.axis == axis) levels.push_back({s.step, false});
    for (std::size_t l = 0; l < plan.pass_loops.size(); ++l)
        if (plan.pass_loops[l].axis == axis) levels.push_back({plan.pass_loops[l].step, l < loops});
    std::stable_sort(levels.begin(), levels.end(), [](const Level& a, const Level& b) { return a.step > b.step; });
    return levels;
}

std::int64_t steps_in(const std::vector<Level>& levels, std::size_t l, int cover)
{
    if (l == levels.size()) return 1;
    const int step = levels[l].step;
    if (!levels[l].moves || cover <= step) return steps_in(levels, l + 1, std::min(cover, step));
    const int rest = cover % step;
    return cover / step * steps_in(levels, l + 1, step) + (rest > 0 ? steps_in(levels, l + 1, rest) : 0);
}

/// Least iterations of level `target`, over all positions of the levels outside it.
int least_iterations(const std::vector<Level>& levels, std::size_t l, std::size_t target, int cover)
{
    const int step = levels[l].step;
    if (l == target) return (cover + step - 1) / step;
    if (!levels[l].moves || cover <= step) return least_iterations(levels, l + 1, target, std::min(cover, step));
    const int rest = cover % step, least = least_iterations(levels, l + 1, target, step);
    return rest > 0 ? std::min(least, least_iterations(levels, l + 1, target, rest)) : least;
}

void list_offsets(const std::vector<Level>& levels, std::size_t l, int first, int cover, std::vector<int>& out)
{
    if (l == levels.size()) {
        out.push_back(first);
        return;
    }
    const int step = levels[l].step;
    for (int at = 0; at < cover && (at == 0 || levels[l].moves); at += step)
        list_offsets(levels, l + 1, first + at, std::min(step, cover - at), out);
}

} // namespace

bool has_nested_pass_loops(const LayerPlan& plan)
{
    for (std::size_t l = 0; l < plan.pass_loops.size(); ++l)
        for (std::size_t o = 0; o < l; ++o)
            if (plan.pass_loops[o].axis == plan.pass_loops[l].axis) return true;
    return false;
}

std::int64_t pass_steps(const LayerPlan& plan, int axis, int cover, std::size_t loops)
{
    return steps_in(levels_of(plan, axis, loops), 0, cover);
}

std::int64_t pass_steps(const LayerPlan& plan, int axis, int cover)
{
    return pass_steps(plan, axis, cover, plan.pass_loops.size());
}

bool always_moves(const LayerPlan& plan, std::size_t loop, int cover)
{
    const int axis = plan.pass_loops[loop].axis, step = plan.pass_loops[loop].step;
    for (std::size_t o = 0; o < loop; ++o) // in another order than by steps its iterations depend on loops inside it
        if (plan.pass_loops[o].axis == axis && plan.pass_loops[o].step < step) return false;
    const std::vector<Level> levels = levels_of(plan, axis, loop + 1);
    for (std::size_t l = levels.size(); l-- > 0;)
        if (levels[l].moves && levels[l].step == step) return least_iterations(levels, 0, l, cover) > 1;
    return false;
}

bool glb_always_moves(const LayerPlan& plan, std::size_t loop, int extent)
{
    std::vector<Level> levels;
    for (std::size_t l = 0; l <= loop; ++l)
        if (plan.glb_loops[l].axis == plan.glb_loops[loop].axis) levels.push_back({plan.glb_loops[l].step, true});
    return least_iterations(levels, 0, levels.size() - 1, extent) > 1;
}

std::int64_t glb_steps(const LayerPlan& plan, int axis, int extent, std::size_t loops)
{
    std::vector<Level> levels;
    for (std::size_t l = 0; l < plan.glb_loops.size(); ++l)
        if (plan.glb_loops[l].axis == axis) levels.push_back({plan.glb_loops[l].step, l < loops});
    return steps_in(levels, 0, extent);
}

std::vector<int> pass_offsets(const LayerPlan& plan, int axis, int cover)
{
    std::vector<int> out;
    list_offsets(levels_of(plan, axis, plan.pass_loops.size()), 0, 0, cover, out);
    return out;
}

int last_pass_offset(const LayerPlan& plan, int axis, int cover)
{
    int offset = 0;
    for (const Level& level : levels_of(plan, axis, plan.pass_loops.size())) {
        const int at = level.moves ? (cover - 1) / level.step * level.step : 0;
        offset += at;
        cover = std::min(level.step, cover - at);
    }
    return offset;
}

std::vector<int> spatial_offsets(const LayerPlan& plan, int axis, int cover)
{
    std::vector<int> at = {0};
    for (const SpatialLoop& loop : plan.spatial) {
        if (loop.axis != axis) continue;
        std::vector<int> next;
        for (int base : at)
            for (int i = 0; i < loop.count && base + std::int64_t{i} * loop.step < cover; ++i)
                next.push_back(base + i * loop.step);
        at = std::move(next);
    }
    std::sort(at.begin(), at.end());
    return at;
}

} // namespace heddle
