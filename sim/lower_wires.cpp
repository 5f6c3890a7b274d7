// Which wires carry a mapping: sharing follows from the spatial loops, delivery modes from the machine's list.
#include "sim/lower_detail.hpp"

#include <algorithm>

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

/// Which spatial loops tell the PEs' words of one tensor apart.
struct Sharing {
    bool y = false, x = false, diagonal = false;
    bool every_pe = true; ///< no two PEs share
};

Sharing sharing_of(const LayerPlan& plan, Tensors t)
{
    Sharing s;
    for (const SpatialLoop& loop : plan.spatial) {
        if (loop.count == 1) continue;
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
        if (loop.count > 1 && (loop.place == Place::diagonal || dims.size() != 1 || dims[0] != want || loop.step != 1))
            return false;
    }
    for (const Axis& axis : plan.axes)
        for (Dim d : axis.dims)
            if (axis.dims.size() > 1 && (d == dim_r || d == dim_s || d == dim_p || d == dim_q)) return false;
    return true;
}

std::vector<Delivery> fitting_modes(const LayerPlan& plan, Tensors t, bool kept)
{
    if (kept) return {Delivery::load_chain_y, Delivery::unicast, Delivery::multicast};
    const Sharing s = sharing_of(plan, t);
    std::vector<Delivery> modes;
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
    if (kept) return "a word of their own in every PE, loaded";
    const Sharing s = sharing_of(plan, t);
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

/// Psums that stay need a PE of their own for every output; those that leave are summed along y only.
void check_psum_loops(const Lowering& l)
{
    for (const SpatialLoop& loop : l.plan.spatial) {
        if (loop.count == 1) continue;
        const Axis& axis = axis_of(l.plan, loop.axis);
        const bool output =
            std::all_of(axis.dims.begin(), axis.dims.end(), [](Dim d) { return indexes(Tensors::outputs, d); });
        const std::string name = "spatial loop over " + axis_name(l.plan, loop.axis);
        if (loop.place == Place::diagonal && l.hw.array.one_group)
            l.fail("array", name + " is diagonal, but the array takes one group at a time (array.groups: one); move "
                                   "it to glb");
        if (l.plan.keep_psums && !output)
            l.fail("array", name + " reduces, but the rf keeps the outputs; take it off the array or let psums leave");
        if (!l.plan.keep_psums && loop.place == Place::y && !axis_reduces(axis))
            l.fail("array", name + " on y is no reduction, but psums leave every step and are summed along y; put it "
                                   "on x, or keep outputs in the rf");
        if (!l.plan.keep_psums && loop.place != Place::y && !output)
            l.fail("array", name + " reduces off the y axis; psums are summed along y only");
    }
}

PsumPath pick_path(const Lowering& l)
{
    check_psum_loops(l);
    const std::vector<PsumPath> fitting = l.plan.keep_psums
                                              ? std::vector<PsumPath>{PsumPath::local}
                                              : std::vector<PsumPath>{PsumPath::chain_y, PsumPath::tree_y};
    for (PsumPath p : l.hw.psum_network.paths)
        if (std::find(fitting.begin(), fitting.end(), p) != fitting.end()) return p;
    l.fail("array", std::string("psums ") + (l.plan.keep_psums ? "accumulate in the PE" : "leave every step") +
                        ": missing wires, any one of " + path_names(fitting) + "; the psum network has " +
                        path_names(l.hw.psum_network.paths));
}

/// Words of a tensor that one PE touches in a pass.
std::int64_t register_demand(const Lowering& l, Tensors t)
{
    std::int64_t words = 1;
    for (const AxisLoop& loop : l.plan.pass_loops)
        if (axis_indexes(axis_of(l.plan, loop.axis), t)) words *= (loop.span + loop.step - 1) / loop.step;
    return words;
}

} // namespace

void set_kept(Lowering& l)
{
    const MapLevel* array = l.mapping.find("array");
    if (array && !array->keep.empty()) l.fail("array", "keeps nothing; what stays in the PEs belongs to keep of rf");
    const MapLevel* rf = l.mapping.find("rf");
    if (!rf) return;
    l.plan.keep_weights = rf->keeps(Tensors::weights);
    l.plan.keep_inputs = rf->keeps(Tensors::inputs);
    l.plan.keep_psums = rf->keeps(Tensors::outputs);
    const int words[] = {l.hw.array.weights.words, l.hw.array.inputs.words, l.hw.array.psums.words};
    for (Tensors t : rf->keep) {
        const std::int64_t demand = register_demand(l, t);
        const int bound = words[static_cast<int>(t)];
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
