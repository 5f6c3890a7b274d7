// Conv, and what it shares with the pools: kernel, strides, dilations and every way ONNX states padding, as one Window.
#include "dnn/onnx_window.hpp"

#include <algorithm>

namespace heddle::onnx_detail {

namespace {

struct Padding {
    int before = 0, after = 0;
};

/// SAME: ceil(in / stride) outputs, an odd zero goes after (upper) or before (lower).
Padding same_padding(int in, int filter, int stride, int dilation, bool upper)
{
    const std::int64_t outputs = (std::int64_t{in} + stride - 1) / stride;
    const std::int64_t extent = std::int64_t{filter - 1} * dilation + 1;
    const std::int64_t missing = (outputs - 1) * stride + extent - in;
    const auto total = static_cast<int>(std::clamp<std::int64_t>(missing, 0, largest_window_extent));
    const int half = total / 2;
    return upper ? Padding{half, total - half} : Padding{total - half, half};
}

void set_explicit_padding(const Node& node, std::size_t spatial, Window& window)
{
    Dims pads = node.integers("pads");
    if (pads.empty()) pads.assign(2 * spatial, 0);
    if (pads.size() != 2 * spatial) node.fail("pads has " + std::to_string(pads.size()) + " values");
    for (const std::int64_t pad : pads) {
        if (pad < 0 || pad > largest_window_extent)
            node.fail("a padding of " + std::to_string(pad) + " is not supported");
    }
    if (spatial == 1) pads = {0, pads[0], 0, pads[1]};
    window.pad_top = static_cast<int>(pads[0]);
    window.pad_left = static_cast<int>(pads[1]);
    window.pad_bottom = static_cast<int>(pads[2]);
    window.pad_right = static_cast<int>(pads[3]);
}

void set_padding(const Node& node, std::size_t spatial, const Shape4& in, Window& window)
{
    const std::string mode = node.text("auto_pad", "NOTSET");
    if (mode == "NOTSET") {
        set_explicit_padding(node, spatial, window);
    } else if (mode == "SAME_UPPER" || mode == "SAME_LOWER") {
        const bool upper = mode == "SAME_UPPER";
        const Padding rows = same_padding(in[2], window.filter_rows, window.stride_rows, window.dilation_rows, upper);
        const Padding cols = same_padding(in[3], window.filter_cols, window.stride_cols, window.dilation_cols, upper);
        window.pad_top = rows.before;
        window.pad_bottom = rows.after;
        window.pad_left = cols.before;
        window.pad_right = cols.after;
    } else if (mode != "VALID") {
        node.fail("auto_pad " + printable(mode) + " is unknown");
    }
}

/// `dims` of the output of a window: those of the input with new channels and positions.
Dims window_dims(const Value& in, const Shape4& out)
{
    if (in.dims.size() == 3) return {out[0], out[1], out[3]};
    return {out[0], out[1], out[2], out[3]};
}

std::array<int, 2> conv_kernel(const Node& node, const Constant& weights, std::size_t spatial)
{
    for (std::size_t i = 0; i < weights.dims.size(); ++i) {
        const bool good = weights.dims[i] >= 1 && (i < 2 || weights.dims[i] <= largest_window_extent);
        if (!good) node.fail("weights of impossible shape " + dims_text(weights.dims));
    }
    const auto at = [&](std::size_t i) { return static_cast<int>(weights.dims[i]); };
    const std::array<int, 2> kernel = spatial == 1 ? std::array<int, 2>{1, at(2)} : std::array<int, 2>{at(2), at(3)};
    if (node.has("kernel_shape") && pair_of(node, "kernel_shape", spatial, 1, 1) != kernel) {
        node.fail("kernel_shape differs from the shape " + dims_text(weights.dims) + " of the weights");
    }
    return kernel;
}

} // namespace

std::array<int, 2> pair_of(const Node& node, const std::string& attribute, std::size_t spatial, int least,
                           std::int64_t fallback)
{
    Dims values = node.integers(attribute);
    if (values.empty()) values.assign(spatial, fallback);
    if (values.size() != spatial) {
        node.fail(attribute + " has " + std::to_string(values.size()) + " values for " + std::to_string(spatial) +
                  " spatial dimensions");
    }
    for (const std::int64_t value : values) {
        if (value < least || value > largest_window_extent)
            node.fail(attribute + " of " + std::to_string(value) + " is impossible");
    }
    if (spatial == 1) return {1, static_cast<int>(values[0])};
    return {static_cast<int>(values[0]), static_cast<int>(values[1])};
}

std::size_t spatial_rank(const Node& node, const Value& in)
{
    if (in.dims.size() < 3) node.fail("expects an input of (N,C,H,W) or (N,C,W), got " + dims_text(in.dims));
    return in.dims.size() - 2;
}

Shape4 padded_shape(Shape4 shape, const Value& value)
{
    shape[2] += value.top + value.bottom;
    shape[3] += value.left + value.right;
    return shape;
}

void absorb_pad(const Value& value, Window& window)
{
    window.pad_top += value.top;
    window.pad_bottom += value.bottom;
    window.pad_left += value.left;
    window.pad_right += value.right;
}

Window read_window(const Node& node, const Shape4& in, std::size_t spatial, const std::array<int, 2>& kernel)
{
    Window window;
    window.filter_rows = kernel[0];
    window.filter_cols = kernel[1];
    const auto strides = pair_of(node, "strides", spatial, 1, 1);
    const auto dilations = pair_of(node, "dilations", spatial, 1, 1);
    window.stride_rows = strides[0];
    window.stride_cols = strides[1];
    window.dilation_rows = dilations[0];
    window.dilation_cols = dilations[1];
    set_padding(node, spatial, in, window);
    return window;
}

void add_window_layer(Importer& importer, const Node& node, Layer layer, const Value& in)
{
    importer.add_layer(node, std::move(layer), {}); // only the inferred shape tells the dims
    Value out = importer.value_of(node.output(0));
    out.dims = window_dims(in, importer.layer(out).out_shape);
    importer.bind(node, out);
}

void import_conv(Importer& importer, const Node& node)
{
    node.expect_inputs(2, 3);
    const Value in = importer.padded_map(node, 0);
    const std::size_t spatial = spatial_rank(node, in);
    const Constant& weights = importer.constant(node, 1);
    const std::string shape = dims_text(weights.dims);
    if (weights.dims.size() != spatial + 2) node.fail("weights of shape " + shape + " do not fit its input");
    const Shape4 held = padded_shape(importer.layer(in).out_shape, in);
    Layer layer;
    layer.op = Op::conv;
    layer.inputs = {in.layer};
    layer.window = read_window(node, held, spatial, conv_kernel(node, weights, spatial));
    absorb_pad(in, layer.window);
    const std::int64_t groups = node.integer("group", 1);
    if (groups < 1 || weights.dims[0] % groups != 0 || weights.dims[1] * groups != held[1]) {
        node.fail("weights of shape " + shape + " in " + std::to_string(groups) + " groups do not fit " +
                  std::to_string(held[1]) + " input channels");
    }
    layer.window.groups = static_cast<int>(groups);
    layer.fully_connected = importer.own() && node.note() == fully_connected_note;
    layer.out_shape[1] = static_cast<int>(weights.dims[0]);
    layer.weights = importer.finite_floats(node, 1);
    if (!node.input(2).empty()) {
        layer.bias = importer.finite_floats(node, 2);
        if (layer.bias.size() != static_cast<std::size_t>(weights.dims[0])) {
            node.fail("bias holds " + std::to_string(layer.bias.size()) + " values for weights of shape " + shape);
        }
    }
    add_window_layer(importer, node, std::move(layer), in);
}

} // namespace heddle::onnx_detail
