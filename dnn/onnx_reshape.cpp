// Operators that move no data, and Pad, which becomes part of the window that reads it.
#include "dnn/onnx_import.hpp"

#include <algorithm>
#include <numeric>

namespace heddle::onnx_detail {

namespace {

constexpr std::int64_t largest_pad = 1 << 15;

/// Axes of Squeeze/Unsqueeze: an attribute before operator set 13, an input since. Sorted, resolved, distinct.
std::vector<int> axes_of(Importer& importer, const Node& node, std::size_t rank)
{
    const Dims given = node.input(1).empty() ? node.integers("axes") : importer.constant(node, 1).integers;
    std::vector<int> axes;
    for (const std::int64_t axis : given) axes.push_back(resolve_axis(node, axis, rank));
    std::sort(axes.begin(), axes.end());
    if (std::adjacent_find(axes.begin(), axes.end()) != axes.end()) node.fail("names an axis twice");
    return axes;
}

/// (N,C,H,W) of the graph's input may be stated by the first operator that reads it: nothing has been stored yet.
bool restates_graph_input(Importer& importer, const Node& node, const Value& in)
{
    return in.layer == 0 && !in.channels_last && !importer.own() && importer.sole_reader(node, 0);
}

/// Heddle's own writer flattens a map for a Gemm, and back: the same layer under another shape.
bool is_view(const Importer& importer, const Node& node, const Value& in)
{
    return importer.is_part(node) && !in.channels_last;
}

void bind_view(Importer& importer, const Node& node, Value in, Dims dims)
{
    in.dims = std::move(dims);
    importer.bind(node, std::move(in));
}

/// True when the axes longer than one keep their order: then no word moves.
bool moves_nothing(const std::vector<int>& perm, const Dims& dims)
{
    int last = -1;
    for (const int axis : perm) {
        if (dims[static_cast<std::size_t>(axis)] == 1) continue;
        if (axis < last) return false;
        last = axis;
    }
    return true;
}

Dims permuted(const Dims& dims, const std::vector<int>& perm)
{
    Dims out;
    for (const int axis : perm) out.push_back(dims[static_cast<std::size_t>(axis)]);
    return out;
}

} // namespace

std::vector<int> permutation(const Node& node, std::size_t rank)
{
    std::vector<int> perm;
    for (const std::int64_t axis : node.integers("perm")) perm.push_back(resolve_axis(node, axis, rank));
    if (!node.has("perm")) {
        perm.resize(rank);
        std::iota(perm.rbegin(), perm.rend(), 0);
    }
    std::vector<int> sorted = perm;
    std::sort(sorted.begin(), sorted.end());
    for (std::size_t i = 0; i < sorted.size(); ++i) {
        if (sorted[i] != static_cast<int>(i)) node.fail("perm is no permutation");
    }
    if (perm.size() != rank) node.fail("perm does not fit " + std::to_string(rank) + " dimensions");
    return perm;
}

Dims reshape_target(Importer& importer, const Node& node, const Dims& from)
{
    const bool attribute = node.input(1).empty(); // before operator set 5
    Dims target = attribute ? node.integers("shape") : importer.constant(node, 1).integers;
    const std::int64_t words = element_count(from, node.label());
    std::int64_t known = 1;
    int open = -1;
    for (std::size_t i = 0; i < target.size(); ++i) {
        if (target[i] == 0 && node.integer("allowzero", 0) == 0) {
            if (i >= from.size()) node.fail("copies a dimension that its input does not have");
            target[i] = from[i];
        }
        if (target[i] == -1) {
            if (open >= 0) node.fail("leaves two dimensions open");
            open = static_cast<int>(i);
        } else {
            if (target[i] < 0 || target[i] > words) node.fail("cannot make " + dims_text(target));
            known *= std::max<std::int64_t>(target[i], 1);
            if (known > words) break;
        }
    }
    if (open >= 0 && words % known == 0) target[static_cast<std::size_t>(open)] = words / known;
    const bool closed = std::find(target.begin(), target.end(), -1) == target.end();
    if (known > words || !closed || element_count(target, node.label()) != words) {
        node.fail("cannot reshape " + dims_text(from) + " to " + dims_text(target));
    }
    return target;
}

Dims squeeze_target(Importer& importer, const Node& node, const Dims& from)
{
    const std::vector<int> axes = axes_of(importer, node, from.size());
    Dims out;
    for (std::size_t i = 0; i < from.size(); ++i) {
        const bool named = std::find(axes.begin(), axes.end(), static_cast<int>(i)) != axes.end();
        if (named && from[i] != 1) node.fail("cannot squeeze axis " + std::to_string(i) + " of " + dims_text(from));
        if (!named && !(axes.empty() && from[i] == 1)) out.push_back(from[i]);
    }
    return out;
}

Dims unsqueeze_target(Importer& importer, const Node& node, const Dims& from)
{
    const std::size_t given =
        node.input(1).empty() ? node.integers("axes").size() : importer.constant(node, 1).integers.size();
    if (given > 8) node.fail("adds too many dimensions");
    Dims out = from;
    for (const int axis : axes_of(importer, node, from.size() + given)) out.insert(out.begin() + axis, 1);
    return out;
}

void import_identity(Importer& importer, const Node& node)
{
    const Value& in = importer.value(node, 0);
    importer.add_reshape(node, in, in.dims, in.channels_last);
}

void import_dropout(Importer& importer, const Node& node)
{
    if (importer.is_read(node.output(1))) node.fail("its second output (mask) is read, which is not supported");
    if (!node.input(2).empty()) {
        const Constant& training = importer.constant(node, 2);
        const bool off = training.integral && training.size() == 1 && training.integers[0] == 0;
        if (!off) node.fail("training_mode is not supported");
    }
    import_identity(importer, node);
}

void import_flatten(Importer& importer, const Node& node)
{
    node.expect_inputs(1, 1);
    const Value& in = importer.value(node, 0);
    const auto rank = static_cast<std::int64_t>(in.dims.size());
    const std::int64_t given = node.integer("axis", 1);
    const std::int64_t axis = given < 0 ? given + rank : given;
    if (axis < 0 || axis > rank) node.fail("axis " + std::to_string(given) + " does not exist");
    Dims out = {1, 1};
    for (std::int64_t i = 0; i < rank; ++i) out[i < axis ? 0 : 1] *= in.dims[static_cast<std::size_t>(i)];
    if (is_view(importer, node, in)) return bind_view(importer, node, in, std::move(out));
    importer.add_reshape(node, in, std::move(out), in.channels_last);
}

void import_reshape(Importer& importer, const Node& node)
{
    node.expect_inputs(1, 2);
    const Value in = importer.value(node, 0);
    Dims out = reshape_target(importer, node, in.dims);
    if (restates_graph_input(importer, node, in) && out.size() == 4 && out[0] == map_shape(in.dims)[0]) {
        importer.reshape_graph_input(map_shape(out), false);
    }
    if (is_view(importer, node, in)) return bind_view(importer, node, in, std::move(out));
    importer.add_reshape(node, in, std::move(out), in.channels_last);
}

void import_squeeze(Importer& importer, const Node& node)
{
    node.expect_inputs(1, 2);
    const Value& in = importer.value(node, 0);
    importer.add_reshape(node, in, squeeze_target(importer, node, in.dims), in.channels_last);
}

void import_unsqueeze(Importer& importer, const Node& node)
{
    node.expect_inputs(1, 2);
    const Value& in = importer.value(node, 0);
    importer.add_reshape(node, in, unsqueeze_target(importer, node, in.dims), in.channels_last);
}

void import_transpose(Importer& importer, const Node& node)
{
    node.expect_inputs(1, 1);
    const Value in = importer.value(node, 0);
    const std::vector<int> perm = permutation(node, in.dims.size());
    const std::vector<int> to_last = {0, 2, 3, 1};
    const std::vector<int> to_first = {0, 3, 1, 2};
    const bool is_map = map_shape(in.dims) == importer.layer(in).out_shape;
    Dims out = permuted(in.dims, perm);
    const bool back = in.channels_last && perm == to_first && in.dims.size() == 4;
    if (back || (!in.channels_last && moves_nothing(perm, in.dims))) {
        importer.add_reshape(node, in, std::move(out), false);
    } else if (restates_graph_input(importer, node, in) && perm == to_first && is_map) {
        importer.reshape_graph_input(map_shape(out),
                                     true); // a picture stored channels last: we are handed it channels first
        importer.add_reshape(node, in, std::move(out), false);
    } else if (!in.channels_last && is_map && in.dims.size() == 4 && perm == to_last) {
        importer.add_reshape(node, in, std::move(out), true);
    } else {
        node.fail("a transposition of " + dims_text(in.dims) + " that moves data is not supported");
    }
}

namespace {

/// (before each axis, then after each axis), from input or attribute.
Dims pads_of(Importer& importer, const Node& node, std::size_t rank)
{
    const bool input = node.opset() >= 11;
    if (node.text("mode", "constant") != "constant") node.fail("only constant padding is supported");
    float fill = node.real("value", 0.0f);
    if (input && !node.input(2).empty()) {
        const auto& given = importer.finite_floats(node, 2);
        fill = given.size() == 1 ? given[0] : 1.0f;
    }
    if (fill != 0.0f) node.fail("only padding with zeros is supported");
    Dims pads = input ? importer.constant(node, 1).integers : node.integers(node.has("pads") ? "pads" : "paddings");
    if (input && !node.input(3).empty()) { // operator set 18: pads of these axes only
        const Dims axes = importer.constant(node, 3).integers;
        if (pads.size() != 2 * axes.size()) node.fail("has " + std::to_string(pads.size()) + " pads");
        Dims all(2 * rank, 0);
        for (std::size_t i = 0; i < axes.size(); ++i) {
            const auto axis = static_cast<std::size_t>(resolve_axis(node, axes[i], rank));
            all[axis] = pads[i];
            all[axis + rank] = pads[i + axes.size()];
        }
        pads = all;
    }
    if (pads.size() != 2 * rank) node.fail("has " + std::to_string(pads.size()) + " pads");
    for (const std::int64_t pad : pads) {
        if (pad < 0 || pad > largest_pad) node.fail("a padding of " + std::to_string(pad) + " is not supported");
    }
    return pads;
}

} // namespace

void import_pad(Importer& importer, const Node& node)
{
    node.expect_inputs(1, 4);
    Value out = importer.padded_map(node, 0);
    const std::size_t rank = out.dims.size();
    const Dims pads = pads_of(importer, node, rank);
    if (std::all_of(pads.begin(), pads.end(), [](std::int64_t pad) { return pad == 0; })) {
        import_identity(importer, node);
        return;
    }
    for (const std::size_t axis : {std::size_t{0}, std::size_t{1}}) {
        if (rank < 3 || pads[axis] != 0 || pads[axis + rank] != 0) node.fail("only rows and columns may be padded");
    }
    const auto at = [&](std::size_t i) { return static_cast<int>(pads[i]); };
    if (rank == 4) {
        out.top += at(2);
        out.bottom += at(2 + rank);
    }
    out.left += at(rank - 1);
    out.right += at(2 * rank - 1);
    if (out.top + out.bottom > largest_pad || out.left + out.right > largest_pad) node.fail("pads too much");
    out.padded = true;
    importer.bind(node, out);
}

} // namespace heddle::onnx_detail
