// Loops of a mapping to loops of a plan: axes, spans, and the proof that every index is covered exactly once.
#include "sim/lower_detail.hpp"

#include <algorithm>
#include <climits>

namespace heddle::lower_detail {

namespace {

const std::vector<std::string> level_order = {"dram", "glb", "array", "rf", "collector", "lanes", "vector"};
const char* const all_levels = "dram, glb, array, rf, collector, lanes, vector";

/// Where spatial loops of a level lie; false when it has none.
bool may_hold(const std::string& level, Place place)
{
    if (level == "lanes") return place == Place::lane;
    if (level == "vector") return place == Place::vector;
    return level == "array" && place != Place::lane && place != Place::vector;
}

/// Levels must be known and come in the order of the memory hierarchy.
void check_levels(const Lowering& l)
{
    std::size_t next = 0;
    for (const MapLevel& level : l.mapping.levels) {
        const auto found = std::find(level_order.begin(), level_order.end(), level.name);
        if (found == level_order.end())
            l.fail(level.name, std::string("this machine has no such level; it has ") + all_levels);
        const auto position = static_cast<std::size_t>(found - level_order.begin());
        if (position < next)
            l.fail(level.name, "stands below " + level_order[next - 1] + "; the order is " + all_levels);
        next = position + 1;
        const bool spatial = level.name == "array" || level.name == "lanes" || level.name == "vector";
        if (!spatial && !level.spatial.empty())
            l.fail(level.name, "spatial loops belong to the levels array, lanes and vector");
        if (spatial && !level.temporal.empty())
            l.fail(level.name, "has spatial loops only; the steps of a pass belong to rf or collector");
        for (const MapLoop& loop : level.spatial)
            if (!may_hold(level.name, loop.place))
                l.fail(level.name, "loop over " + loop_name(loop.dims) + " lies on axis " + place_name(loop.place) +
                                       "; axes y, x and diagonal belong to the level array, lane to lanes, vector to "
                                       "vector");
        if (level.name == "collector" && !level.keep.empty())
            l.fail(level.name, "keeps what its loops touch, no list; leave keep out");
    }
    const MapLevel* glb = l.mapping.find("glb");
    for (Tensors t : {Tensors::weights, Tensors::inputs, Tensors::outputs})
        if (glb && !glb->keeps(t) && !(l.plan.kind == PlanKind::post && t == Tensors::weights))
            l.fail("glb", std::string("must keep the ") + tensor_name(t) +
                              ": no tensor of this machine bypasses the global buffer; add it to keep");
}

int add_axis(Lowering& l, const MapLevel& level, const MapLoop& loop)
{
    std::vector<Axis>& axes = l.plan.axes;
    for (std::size_t a = 0; a < axes.size(); ++a) {
        if (axes[a].dims == loop.dims) return static_cast<int>(a);
        for (Dim d : loop.dims)
            if (std::find(axes[a].dims.begin(), axes[a].dims.end(), d) != axes[a].dims.end())
                l.fail(level.name, "loop over " + loop_name(loop.dims) + ": " + dim_names[d] +
                                       " already runs in loops over " + loop_name(axes[a].dims) +
                                       " below dram; use the same index in both");
    }
    const auto reductions = std::count_if(loop.dims.begin(), loop.dims.end(), reduces);
    if (reductions != 0 && reductions != static_cast<std::ptrdiff_t>(loop.dims.size()))
        l.fail(level.name, "loop over " + loop_name(loop.dims) +
                               " mixes outputs with reductions; flatten only dimensions of one kind");
    axes.push_back(Axis{loop.dims});
    return static_cast<int>(axes.size()) - 1;
}

/// Dimensions without a loop below dram are axes of their own; their tile must be one index.
void add_missing_axes(Lowering& l)
{
    for (int i = 0; i < dim_count; ++i) {
        const Dim d = static_cast<Dim>(i);
        const bool found = std::any_of(l.plan.axes.begin(), l.plan.axes.end(), [d](const Axis& a) {
            return std::find(a.dims.begin(), a.dims.end(), d) != a.dims.end();
        });
        if (found) continue;
        if (l.plan.dim_tile(d) > 1)
            l.fail("glb", std::string("no loop covers ") + dim_names[d] + ", whose tile has " +
                              std::to_string(l.plan.dim_tile(d)) + " indices; add a loop below dram");
        l.plan.axes.push_back(Axis{{d}});
    }
}

struct Nest {
    std::string level;
    int* step = nullptr; ///< of the loop
    int* span = nullptr; ///< of a temporal loop
    int covers = 0;      ///< of a spatial loop
};

int covered(const SpatialLoop& loop)
{
    return static_cast<int>(std::min<std::int64_t>(std::int64_t{loop.step} * loop.count, INT_MAX));
}

/// The loops over one axis, outermost first; those inside a pass by falling step.
std::vector<Nest> nest_of(Lowering& l, int axis)
{
    std::vector<Nest> nest;
    for (AxisLoop& loop : l.plan.glb_loops)
        if (loop.axis == axis) nest.push_back({"glb", &loop.step, &loop.span, 0});
    const auto inside = static_cast<std::ptrdiff_t>(nest.size());
    for (SpatialLoop& loop : l.plan.spatial)
        if (loop.axis == axis) nest.push_back({"array", &loop.step, nullptr, covered(loop)});
    for (AxisLoop& loop : l.plan.pass_loops)
        if (loop.axis == axis) nest.push_back({"rf", &loop.step, &loop.span, 0});
    std::stable_sort(nest.begin() + inside, nest.end(), [](const Nest& a, const Nest& b) { return *a.step > *b.step; });
    return nest;
}

/// Step of the innermost spatial loop; a large number without one.
int innermost_spatial_step(const std::vector<Nest>& nest)
{
    for (auto loop = nest.rbegin(); loop != nest.rend(); ++loop)
        if (!loop->span) return *loop->step;
    return INT_MAX;
}

/// What each loop covers is one step of the loop outside it; the outermost covers the axis, the innermost steps by one.
void check_nest(Lowering& l, int axis)
{
    const std::string name = axis_name(l.plan, axis);
    int outside = l.axis_extent(l.plan.axes[static_cast<std::size_t>(axis)]);
    const std::vector<Nest> nest = nest_of(l, axis);
    bool outermost = true;
    const Nest* spread = nullptr; // the spatial loop outside
    const int innermost_places = innermost_spatial_step(nest);
    for (const Nest& loop : nest) {
        if (loop.span && spread && outside % *loop.step != 0 && *loop.step > innermost_places)
            l.fail(loop.level, "loop over " + name + " steps by " + std::to_string(*loop.step) +
                                   ", which does not divide the " + std::to_string(outside) +
                                   " indices of a position of the spatial loop outside it, and a spatial loop stands "
                                   "inside it; let it step by a divisor of " +
                                   std::to_string(outside));
        if (!loop.span) spread = &loop;
        if (loop.span) {
            *loop.span = outside;
            if (!outermost && *loop.step > outside)
                l.fail(loop.level, "loop over " + name + " steps by " + std::to_string(*loop.step) +
                                       ", but the loop outside it only by " + std::to_string(outside));
        } else if (loop.covers < outside || (!outermost && loop.covers > outside)) {
            l.fail(loop.level, "spatial loop over " + name + " covers " + std::to_string(loop.covers) + " of " +
                                   std::to_string(outside) + " indices; let the loop outside it step by " +
                                   std::to_string(loop.covers));
        }
        outside = *loop.step;
        outermost = false;
    }
    if (outside != 1 && !nest.empty())
        l.fail(nest.back().level, "innermost loop over " + name + " steps by " + std::to_string(outside) +
                                      "; something inside it must cover these indices, or its step must be 1");
}

/// Loops over H and W: one in a pass, with one loop over the taps at most, and everything kept in the PE.
void check_input_loops(const Lowering& l)
{
    for (const MapLevel& level : l.mapping.levels)
        for (const std::vector<MapLoop>* loops : {&level.temporal, &level.spatial})
            for (const MapLoop& loop : *loops) {
                if (!loop.by_input) continue;
                const std::string name = loop_name(loop);
                if (level.name != "rf")
                    l.fail(level.name, "loop over " + name +
                                           ": the input's rows and columns are stepped over in rf; use " +
                                           loop_name(loop.dims) + " here");
                if (l.plan.collector_loops > 0)
                    l.fail("collector", "its loops stand below one over " + name + ", which takes single steps; use " +
                                            loop_name(loop.dims) + " there");
                for (Tensors t : {Tensors::weights, Tensors::inputs, Tensors::outputs})
                    if (!level.keeps(t))
                        l.fail("rf", "loop over " + name + " needs the " + tensor_name(t) +
                                         " in the PE; add them to keep, or use " + loop_name(loop.dims));
                const Dim taps = loop.dims.front() == dim_p ? dim_r : dim_s;
                for (const Dim d : {loop.dims.front(), taps}) {
                    int runs = 0;
                    for (const AxisLoop& inside : l.plan.pass_loops) {
                        const std::vector<Dim>& dims = l.plan.axes[static_cast<std::size_t>(inside.axis)].dims;
                        const bool has = std::find(dims.begin(), dims.end(), d) != dims.end();
                        runs += has && dims.size() > 1 ? 2 : has ? 1 : 0;
                    }
                    if (runs > 1)
                        l.fail("rf", "loop over " + name + " needs " + dim_names[d] +
                                         " as one loop of its own at most inside the pass");
                }
            }
}

struct Room {
    Place place;
    int have;
    const char *unit, *owner;
};

void check_places(const Lowering& l, const Room& room)
{
    std::int64_t need = 1;
    std::string loops;
    const bool of_array = room.place == Place::y || room.place == Place::x;
    for (const SpatialLoop& s : l.plan.spatial) {
        if (s.place != room.place && !(of_array && s.place == Place::diagonal)) continue;
        need *= s.count;
        loops += (loops.empty() ? "" : ", ") + axis_name(l.plan, s.axis) + " " + std::to_string(s.count);
    }
    if (need > room.have)
        l.fail("array", std::string("axis ") + place_name(room.place) + " needs " + std::to_string(need) + " " +
                            room.unit + " (" + loops + "), " + room.owner + " has " + std::to_string(room.have) +
                            "; make the counts' product at most " + std::to_string(room.have));
}

void check_array(const Lowering& l)
{
    if (l.plan.kind == PlanKind::post) {
        for (Dim d : {dim_r, dim_s})
            if (l.plan.dim_tile(d) < l.plan.extent[d])
                l.fail("dram", std::string("cuts ") + dim_names[d] +
                                   " of a pooling window into tiles, which the PostProcessor cannot add up; leave " +
                                   dim_names[d] + " out");
        const int words = l.plan.spatial.empty() ? 1 : l.plan.spatial.front().count;
        if (l.plan.spatial.size() > 1 || words > l.hw.post.words_per_cycle)
            l.fail("array", "spatial loops need " + std::to_string(words) + " words per cycle, the PostProcessor has " +
                                std::to_string(l.hw.post.words_per_cycle));
        return;
    }
    const ArrayConfig& array = l.hw.array;
    check_places(l, {Place::y, array.rows, "rows", "the array"});
    check_places(l, {Place::x, array.cols, "columns", "the array"});
    check_places(l, {Place::lane, array.lanes, "lanes", "a PE"});
    check_places(l, {Place::vector, array.vector, "vector elements", "a PE"});
}

} // namespace

std::string axis_name(const LayerPlan& plan, int axis)
{
    return loop_name(plan.axes[static_cast<std::size_t>(axis)].dims);
}

int Lowering::axis_extent(const Axis& axis) const
{
    int extent = 1;
    for (Dim d : axis.dims) extent *= plan.dim_tile(d);
    return extent;
}

void set_tile_loops(Lowering& l)
{
    check_levels(l);
    const MapLevel* dram = l.mapping.find("dram");
    if (!dram) return;
    for (const MapLoop& loop : dram->temporal) {
        if (loop.dims.size() != 1)
            l.fail("dram", "loop over " + loop_name(loop.dims) + ": tiles are cut along single dimensions");
        const Dim d = loop.dims.front();
        const int outside = l.plan.dim_tile(d), tile = std::min(loop.step, outside);
        if (loop.step > outside && outside < l.plan.extent[d])
            l.fail("dram", std::string("loop over ") + dim_names[d] + " steps by " + std::to_string(loop.step) +
                               ", but the loop over it outside only by " + std::to_string(outside));
        if (tile < l.plan.extent[d] && l.hw.dram.kind == DramKind::resident)
            l.fail("dram", std::string("loop over ") + dim_names[d] +
                               ": tensors are resident on chip, so there is one tile; make its step " +
                               std::to_string(l.plan.extent[d]));
        l.plan.tile_loops.push_back({d, tile});
    }
}

void set_loops(Lowering& l)
{
    for (const MapLevel& level : l.mapping.levels) {
        if (level.name == "dram") continue;
        std::vector<AxisLoop>& temporal = level.name == "glb" ? l.plan.glb_loops : l.plan.pass_loops;
        for (const MapLoop& loop : level.temporal)
            temporal.push_back({add_axis(l, level, loop), loop.step, 1, loop.by_input});
        if (level.name == "collector") l.plan.collector_loops = static_cast<int>(level.temporal.size());
        for (const MapLoop& loop : level.spatial)
            l.plan.spatial.push_back({add_axis(l, level, loop), loop.place, loop.step, loop.count});
    }
    add_missing_axes(l);
    for (std::size_t a = 0; a < l.plan.axes.size(); ++a) check_nest(l, static_cast<int>(a));
    check_input_loops(l);
    check_array(l);
}

} // namespace heddle::lower_detail
