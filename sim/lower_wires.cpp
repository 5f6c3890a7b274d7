// Which wires carry a mapping: sharing follows from the spatial loops, delivery modes from the machine's list.
#include "sim/lower_detail.hpp"
#include "sim/pass_nest.hpp"

#include <algorithm>
#include <set>

namespace heddle::lower_detail {

namespace {

bool axis_indexes(const Axis& axis, Tensors t)
{
    return std::any_of(axis.dims.begin(), axis.dims.end(), [t](Dim d) { return indexes(t, d); });
}

bool axis_reduces(const Axis& axis)
{
    return std::all_of(axis.dims.begin(), axis.dims.end(), reduces);
}

const Axis& axis_of(const LayerPlan& plan, int axis)
{
    return plan.axes[static_cast<std::size_t>(axis)];
}

bool inside_pe(Place place)
{
    return place == Place::lane || place == Place::vector;
}

/// Which spatial loops tell the PEs' words of one tensor apart.
struct Sharing {
    bool y = false, x = false, diagonal = false;
    bool every_pe = true; ///< no two PEs share
};

Sharing sharing_of(const LayerPlan& plan, Tensors t)
{
    Sharing s;
    for (const SpatialLoop& loop : plan.spatial) {
        if (loop.count == 1 || inside_pe(loop.place)) continue;
        if (!axis_indexes(axis_of(plan, loop.axis), t)) {
            s.every_pe = false;
            continue;
        }
        s.y = s.y || loop.place == Place::y;
        s.x = s.x || loop.place == Place::x;
        s.diagonal = s.diagonal || loop.place == Place::diagonal;
    }
    return s;
}

/// Neighbours hold each other's words when rows and columns are single output rows and columns.
bool shiftable(const LayerPlan& plan)
{
    for (const SpatialLoop& loop : plan.spatial) {
        const std::vector<Dim>& dims = axis_of(plan, loop.axis).dims;
        const Dim want = loop.place == Place::y ? dim_p : dim_q;
        const bool other = loop.place == Place::diagonal || inside_pe(loop.place);
        if (loop.count > 1 && (other || dims.size() != 1 || dims[0] != want || loop.step != 1)) return false;
    }
    for (const Axis& axis : plan.axes)
        for (Dim d : axis.dims)
            if (axis.dims.size() > 1 && (d == dim_r || d == dim_s || d == dim_p || d == dim_q)) return false;
    return true;
}

std::vector<Delivery> fitting_modes(const LayerPlan& plan, Tensors t, bool kept)
{
    const Sharing s = sharing_of(plan, t);
    std::vector<Delivery> modes;
    if (kept) {
        if (s.every_pe) modes = {Delivery::load_chain_y, Delivery::unicast};
        if (!s.y && !s.x && !s.diagonal) modes.push_back(Delivery::broadcast);
        if (!s.x && !s.diagonal) modes.push_back(Delivery::row_bus);
        if (!s.y && !s.diagonal) modes.push_back(Delivery::column_bus);
        modes.push_back(Delivery::multicast);
        return modes;
    }
    if (!s.y && !s.x && !s.diagonal) modes.push_back(Delivery::broadcast);
    if (!s.x) modes.insert(modes.end(), {Delivery::systolic_x, Delivery::row_bus});
    if (!s.y) modes.insert(modes.end(), {Delivery::systolic_y, Delivery::column_bus});
    if (t == Tensors::inputs && shiftable(plan)) modes.push_back(Delivery::shift);
    if (s.every_pe) modes.push_back(Delivery::unicast);
    modes.push_back(Delivery::multicast);
    return modes;
}

std::string names_of(const std::vector<Delivery>& modes)
{
    std::string text;
    for (Delivery d : modes) text += (text.empty() ? "" : ", ") + std::string(delivery_name(d));
    return text.empty() ? "none" : text;
}

std::string need_text(const LayerPlan& plan, Tensors t, bool kept)
{
    const Sharing s = sharing_of(plan, t);
    if (kept && s.every_pe) return "a word of their own in every PE, loaded";
    if (!s.y && !s.x && !s.diagonal) return "one word for all PEs";
    if (!s.x) return "one word per row, shared along x";
    if (!s.y) return "one word per column, shared along y";
    return "a word of its own for every PE";
}

Delivery pick(const Lowering& l, Tensors t, bool kept)
{
    const std::vector<Delivery> fitting = fitting_modes(l.plan, t, kept);
    const std::vector<Delivery>& wires = (t == Tensors::weights ? l.hw.weight_network : l.hw.input_network).modes;
    for (Delivery d : wires)
        if (std::find(fitting.begin(), fitting.end(), d) != fitting.end()) return d;
    l.fail("array", std::string(tensor_name(t)) + " need " + need_text(l.plan, t, kept) +
                        ": missing wires, any one of " + names_of(fitting) + "; the " + tensor_name(t) +
                        " network has " + names_of(wires));
}

std::string path_names(const std::vector<PsumPath>& paths)
{
    std::string text;
    for (PsumPath p : paths) text += (text.empty() ? "" : ", ") + std::string(psum_path_name(p));
    return text.empty() ? "none" : text;
}

/// Where a reduction is summed: down the columns, and over a PE's vector elements by its tree. Without psums in the
/// PEs, all of y and vector must be such sums, for an output leaves each column in every step.
void check_psum_loops(const Lowering& l)
{
    const bool keep = l.plan.keep_psums;
    bool vector_sums = false, vector_outputs = false;
    for (const SpatialLoop& loop : l.plan.spatial) {
        if (loop.count == 1) continue;
        const Axis& axis = axis_of(l.plan, loop.axis);
        const bool sums = axis_reduces(axis);
        const std::string name = "spatial loop over " + axis_name(l.plan, loop.axis);
        const std::string place = place_name(loop.place);
        if (loop.place == Place::diagonal && l.hw.array.one_group)
            l.fail("array", name + " is diagonal, but the array takes one group at a time (array.groups: one); move "
                                   "it to glb");
        const bool summed_here = loop.place == Place::y || loop.place == Place::vector;
        if (sums && l.hw.array.sums_channels && (axis.dims.size() > 1 || axis.dims.front() != dim_c))
            l.fail("array", name + " sums filter taps, but this array sums input channels only (array.spatial_sums: "
                                   "channels); move R and S to glb");
        if (sums && !summed_here)
            l.fail("array", name + " reduces off the y axis; psums are summed along y, and in a PE along vector");
        if (!sums && !keep && summed_here)
            l.fail("array", name + " on " + place +
                                " is no reduction, but psums leave every step and are summed along " + place +
                                "; put it on " + (loop.place == Place::y ? "x" : "lane") +
                                ", or keep outputs in the rf");
        if (loop.place == Place::vector) (sums ? vector_sums : vector_outputs) = true;
    }
    if (vector_sums && vector_outputs)
        l.fail("vector", "loops over reductions and over outputs; the elements of a PE are summed all together or "
                         "not at all");
}

bool sums_columns(const LayerPlan& plan)
{
    return std::any_of(plan.spatial.begin(), plan.spatial.end(), [&](const SpatialLoop& s) {
        return s.place == Place::y && s.count > 1 && axis_reduces(axis_of(plan, s.axis));
    });
}

PsumPath pick_path(const Lowering& l)
{
    check_psum_loops(l);
    const bool local = l.plan.keep_psums && !sums_columns(l.plan);
    const std::vector<PsumPath> fitting =
        local ? std::vector<PsumPath>{PsumPath::local} : std::vector<PsumPath>{PsumPath::chain_y, PsumPath::tree_y};
    for (PsumPath p : l.hw.psum_network.paths)
        if (std::find(fitting.begin(), fitting.end(), p) != fitting.end()) return p;
    l.fail("array", std::string("psums ") +
                        (local               ? "accumulate in the PE"
                         : l.plan.keep_psums ? "of a column are summed on their way out"
                                             : "leave every step") +
                        ": missing wires, any one of " + path_names(fitting) + "; the psum network has " +
                        path_names(l.hw.psum_network.paths));
}

/// Of a full pass.
int iterations(const LayerPlan& plan, const AxisLoop& loop)
{
    int extent = 1;
    for (Dim d : axis_of(plan, loop.axis).dims) extent *= plan.dim_tile(d);
    return (std::min(loop.span, extent) + loop.step - 1) / loop.step;
}

/// What of an axis a full pass covers.
int pass_cover(const LayerPlan& plan, int axis)
{
    int cover = 1;
    for (Dim d : axis_of(plan, axis).dims) cover *= plan.dim_tile(d);
    for (const AxisLoop& loop : plan.glb_loops)
        if (loop.axis == axis) cover = std::min(cover, loop.step);
    return cover;
}

std::vector<int> steps_along(const LayerPlan& plan, Dim d)
{
    for (std::size_t a = 0; a < plan.axes.size(); ++a)
        if (plan.axes[a].dims == std::vector<Dim>{d})
            return pass_offsets(plan, static_cast<int>(a), pass_cover(plan, static_cast<int>(a)));
    return {0};
}

/// Different rows (or columns) that the steps of a pass over a window reach.
std::int64_t window_places(const LayerPlan& plan, Dim out, int stride, Dim filter, int dilation)
{
    const std::vector<int> taps = steps_along(plan, filter);
    std::set<int> places;
    for (int o : steps_along(plan, out))
        for (int tap : taps) places.insert(o * stride + tap * dilation);
    return static_cast<std::int64_t>(places.size());
}

} // namespace

/// What RegisterTile (hw/register_tile.hpp) stores: inputs by row and column where these are axes of their own.
std::int64_t register_entries(const LayerPlan& plan, Tensors t)
{
    std::int64_t entries = 1;
    for (std::size_t a = 0; a < plan.axes.size(); ++a) {
        const Axis& axis = plan.axes[a];
        if (!axis_indexes(axis, t)) continue;
        const Dim d = axis.dims.front();
        const bool window = d == dim_p || d == dim_q || d == dim_r || d == dim_s;
        if (t == Tensors::inputs && axis.dims.size() == 1 && window) continue;
        entries *= pass_steps(plan, static_cast<int>(a), pass_cover(plan, static_cast<int>(a)));
    }
    if (t != Tensors::inputs) return entries;
    const Window& w = plan.window;
    return entries * window_places(plan, dim_p, w.stride_rows, dim_r, w.dilation_rows) *
           window_places(plan, dim_q, w.stride_cols, dim_s, w.dilation_cols);
}

std::int64_t words_per_entry(const LayerPlan& plan, Tensors t)
{
    std::int64_t words = 1;
    for (const SpatialLoop& s : plan.spatial)
        if (inside_pe(s.place) && axis_indexes(axis_of(plan, s.axis), t)) words *= s.count;
    return words;
}

namespace {

void check_collectors(const Lowering& l)
{
    const std::size_t loops = static_cast<std::size_t>(l.plan.collector_loops);
    if (loops == 0) return;
    if (!l.hw.array.collectors) l.fail("collector", "the PEs of this machine have no collectors; move its loops to rf");
    for (Tensors t : {Tensors::weights, Tensors::inputs, Tensors::outputs}) {
        std::int64_t entries = 1;
        for (std::size_t i = l.plan.pass_loops.size() - loops; i < l.plan.pass_loops.size(); ++i) {
            const AxisLoop& loop = l.plan.pass_loops[i];
            if (axis_indexes(axis_of(l.plan, loop.axis), t)) entries *= iterations(l.plan, loop);
        }
        const int depth = l.hw.register_file(t).collector_depth;
        // Operands that change every step pass through a single register.
        if (entries > depth && depth > 1)
            l.fail("collector", std::string(tensor_name(t)) + " need " + std::to_string(entries) +
                                    " entries, the collector has " + std::to_string(depth) +
                                    "; make its loops shorter");
    }
}

} // namespace

void set_kept(Lowering& l)
{
    const MapLevel* array = l.mapping.find("array");
    if (array && !array->keep.empty()) l.fail("array", "keeps nothing; what stays in the PEs belongs to keep of rf");
    check_collectors(l);
    const MapLevel* rf = l.mapping.find("rf");
    if (!rf) return;
    l.plan.keep_weights = rf->keeps(Tensors::weights);
    l.plan.keep_inputs = rf->keeps(Tensors::inputs);
    l.plan.keep_psums = rf->keeps(Tensors::outputs);
    for (Tensors t : rf->keep) {
        const std::int64_t demand = register_entries(l.plan, t) * words_per_entry(l.plan, t);
        const int bound = l.hw.register_file(t).words;
        if (demand > bound)
            l.fail("rf", std::string(tensor_name(t)) + " need " + std::to_string(demand) +
                             " words per PE in a pass, the register file has " + std::to_string(bound) +
                             "; move loops over them to glb");
    }
}

void set_delivery(Lowering& l)
{
    l.plan.psum_path = pick_path(l);
    l.plan.weight_delivery = pick(l, Tensors::weights, l.plan.keep_weights);
    l.plan.input_delivery = pick(l, Tensors::inputs, l.plan.keep_inputs);
}

} // namespace heddle::lower_detail
