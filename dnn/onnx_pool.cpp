// MaxPool, AveragePool, GlobalAveragePool and ReduceMean.
#include "dnn/onnx_window.hpp"

#include <algorithm>

namespace heddle::onnx_detail {

namespace {

/// A Pad in front of a pool holds zeros, a pool's own padding holds nothing.
void absorb_pool_pad(Importer& importer, const Node& node, const Value& in, Layer& layer)
{
    Window& w = layer.window;
    if (!in.padded) return;
    if (layer.op == Op::max_pool) {
        // Leaving zeros out of a maximum is the same only where nothing is negative.
        if (importer.layer(in).activation == Activation::none) {
            node.fail("a Pad before a MaxPool is supported only after a ReLU");
        }
    } else {
        if (w.pad_top + w.pad_bottom + w.pad_left + w.pad_right > 0 && !w.count_padding) {
            node.fail("a Pad before an AveragePool that has padding of its own is not supported");
        }
        w.count_padding = true;
    }
    absorb_pad(in, w);
}

void apply_pool_ceil_mode(const Node& node, const Shape4& held, Window& window)
{
    const Window before = window;
    apply_ceil_mode(window, held[2], held[3]);
    const bool grew = window.pad_bottom != before.pad_bottom || window.pad_right != before.pad_right;
    if (grew && window.count_padding) node.fail("ceil_mode together with counted padding is not supported");
}

} // namespace

void import_pool(Importer& importer, const Node& node)
{
    node.expect_inputs(1, 1);
    if (!node.output(1).empty()) node.fail("its second output (Indices) is not supported");
    const Value in = importer.padded_map(node, 0);
    const std::size_t spatial = spatial_rank(node, in);
    if (!node.has("kernel_shape")) node.fail("kernel_shape is missing");
    const Shape4 held = importer.layer(in).out_shape;
    Layer layer;
    layer.op = node.op() == "MaxPool" ? Op::max_pool : Op::avg_pool;
    layer.inputs = {in.layer};
    layer.window = read_window(node, padded_shape(held, in), spatial, pair_of(node, "kernel_shape", spatial, 1, 1));
    layer.window.count_padding = layer.op == Op::avg_pool && node.integer("count_include_pad", 0) != 0;
    absorb_pool_pad(importer, node, in, layer);
    if (node.integer("ceil_mode", 0) != 0) apply_pool_ceil_mode(node, held, layer.window);
    add_window_layer(importer, node, std::move(layer), in);
}

void import_global_pool(Importer& importer, const Node& node)
{
    node.expect_inputs(1, 1);
    const Value in = importer.map(node, 0);
    spatial_rank(node, in);
    Layer layer;
    layer.op = node.op() == "GlobalMaxPool" ? Op::max_pool : Op::avg_pool;
    layer.inputs = {in.layer};
    layer.window.filter_rows = importer.layer(in).out_shape[2];
    layer.window.filter_cols = importer.layer(in).out_shape[3];
    add_window_layer(importer, node, std::move(layer), in);
}

void import_reduce_mean(Importer& importer, const Node& node)
{
    node.expect_inputs(1, 2);
    const Value in = importer.map(node, 0);
    Dims axes = node.input(1).empty() ? node.integers("axes") : importer.constant(node, 1).integers;
    const std::size_t rank = in.dims.size();
    Dims reduced = in.dims;
    Layer layer;
    layer.op = Op::avg_pool;
    layer.inputs = {in.layer};
    const Shape4& held = importer.layer(in).out_shape;
    if (axes.empty()) node.fail("a mean over all dimensions is not supported; it must be over rows and columns");
    for (const std::int64_t given : axes) {
        const int axis = resolve_axis(node, given, rank);
        if (axis < 2)
            node.fail("a mean over axis " + std::to_string(axis) + " is not supported, only rows and columns");
        const bool rows = rank == 4 && axis == 2;
        (rows ? layer.window.filter_rows : layer.window.filter_cols) = rows ? held[2] : held[3];
        reduced[static_cast<std::size_t>(axis)] = 1;
    }
    Dims out;
    for (std::size_t i = 0; i < rank; ++i) {
        const bool gone = std::find(axes.begin(), axes.end(), static_cast<std::int64_t>(i)) != axes.end() ||
                          std::find(axes.begin(), axes.end(),
                                    static_cast<std::int64_t>(i) - static_cast<std::int64_t>(rank)) != axes.end();
        if (!gone || node.integer("keepdims", 1) != 0) out.push_back(reduced[i]);
    }
    importer.add_layer(node, std::move(layer), std::move(out));
}

} // namespace heddle::onnx_detail
