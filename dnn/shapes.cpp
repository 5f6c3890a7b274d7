#include "dnn/base/error.hpp"
#include "dnn/network.hpp"

#include <algorithm>

namespace heddle {

namespace {

[[noreturn]] void fail(const Layer& layer, const std::string& message)
{
    throw UserError("layer " + layer.name + ": " + message);
}

std::string show(const Shape4& s)
{
    return std::to_string(s[0]) + "x" + std::to_string(s[1]) + "x" + std::to_string(s[2]) + "x" + std::to_string(s[3]);
}

void check_size(const Layer& layer, const Shape4& shape, const char* tensor)
{
    std::int64_t words = 1;
    for (const int extent : shape) {
        if (extent <= 0)
            fail(layer, std::string("expected positive extents of its ") + tensor + ", got " + show(shape));
        if (words > max_tensor_words / extent) // the product of four extents can overflow 64 bits
            fail(layer, std::string("expected at most 2^31 words in its ") + tensor + ", got " + show(shape));
        words *= extent;
    }
}

/// One spatial axis of a window, so that rows and columns share the arithmetic.
struct Axis {
    int filter, stride, dilation, pad_before, pad_after;
    std::int64_t extent() const { return (std::int64_t{filter} - 1) * dilation + 1; }
};

Axis rows(const Window& w)
{
    return {w.filter_rows, w.stride_rows, w.dilation_rows, w.pad_top, w.pad_bottom};
}
Axis cols(const Window& w)
{
    return {w.filter_cols, w.stride_cols, w.dilation_cols, w.pad_left, w.pad_right};
}

int out_extent(const Layer& layer, const Axis& a, int in, const char* name)
{
    if (a.filter < 1 || a.stride < 1 || a.dilation < 1 || a.pad_before < 0 || a.pad_after < 0)
        fail(layer,
             std::string("expected filter, stride and dilation of at least 1 and padding of at least 0 along ") + name);
    const std::int64_t padded = std::int64_t{in} + a.pad_before + a.pad_after;
    if (a.extent() > padded)
        fail(layer, std::string("window of ") + std::to_string(a.extent()) + " " + name +
                        " is larger than the padded input of " + std::to_string(padded));
    const std::int64_t out = (padded - a.extent()) / a.stride + 1;
    if (out > max_tensor_words / 2) fail(layer, "expected at most 2^31 words in its outputs");
    return static_cast<int>(out);
}

/// A pool's window that holds only padding has neither a maximum nor an average.
void check_pool_axis(const Layer& layer, const Axis& a, int in, int out)
{
    for (int p = 0; p < out; ++p) {
        bool valid = false;
        for (int r = 0; r < a.filter && !valid; ++r) {
            const std::int64_t at = std::int64_t{p} * a.stride - a.pad_before + std::int64_t{r} * a.dilation;
            valid = at >= 0 && at < in;
        }
        if (!valid) fail(layer, "padding is so large that a pooling window holds no input word");
    }
}

void infer_conv(Layer& layer, const Shape4& in)
{
    const Window& w = layer.window;
    if (w.groups < 1 || in[1] % w.groups != 0)
        fail(layer, "expected groups that divide " + std::to_string(in[1]) + " input channels, got " +
                        std::to_string(w.groups));
    const Shape4 filter = {1, in[1] / w.groups, w.filter_rows, w.filter_cols};
    int channels = layer.out_shape[1];
    if (channels == 0 && !layer.weights.empty()) {
        check_size(layer, filter, "filters");
        channels = static_cast<int>(static_cast<std::int64_t>(layer.weights.size()) / word_count(filter));
    }
    if (channels < 1 || channels % w.groups != 0)
        fail(layer, "expected output channels that are a multiple of " + std::to_string(w.groups) + " groups, got " +
                        std::to_string(channels));
    layer.out_shape = {in[0], channels, out_extent(layer, rows(w), in[2], "rows"),
                       out_extent(layer, cols(w), in[3], "columns")};
    check_size(layer, layer.weight_shape(), "weights");
    const auto words = static_cast<std::size_t>(layer.weight_words());
    if (!layer.weights.empty() && layer.weights.size() != words)
        fail(layer, "expected " + std::to_string(words) + " weights, got " + std::to_string(layer.weights.size()));
    if (!layer.bias.empty() && layer.bias.size() != static_cast<std::size_t>(channels))
        fail(layer, "expected " + std::to_string(channels) + " biases, got " + std::to_string(layer.bias.size()));
}

void infer_pool(Layer& layer, const Shape4& in)
{
    Window& w = layer.window;
    w.groups = in[1];
    layer.out_shape = {in[0], in[1], out_extent(layer, rows(w), in[2], "rows"),
                       out_extent(layer, cols(w), in[3], "columns")};
    check_pool_axis(layer, rows(w), in[2], layer.out_shape[2]);
    check_pool_axis(layer, cols(w), in[3], layer.out_shape[3]);
}

void infer_concat(const Network& net, Layer& layer)
{
    layer.out_shape = layer.in_shape;
    std::int64_t channels = 0;
    for (const int i : layer.inputs) {
        const Shape4& s = net.layers[static_cast<std::size_t>(i)].out_shape;
        channels += s[1];
        if (s[0] != layer.in_shape[0] || s[2] != layer.in_shape[2] || s[3] != layer.in_shape[3])
            fail(layer,
                 "expected inputs that differ only in channels, got " + show(layer.in_shape) + " and " + show(s));
    }
    if (channels > max_tensor_words / 2) fail(layer, "expected at most 2^31 words in its outputs");
    layer.out_shape[1] = static_cast<int>(channels);
}

void infer_reshape(Layer& layer, const Shape4& in)
{
    Shape4& out = layer.out_shape;
    const bool keep = out[1] == 0 && out[2] == 0 && out[3] == 0;
    if (keep) out = in;
    out[0] = in[0];
    check_size(layer, out, "outputs");
    if (word_count(out) != word_count(in)) fail(layer, "cannot reshape " + show(in) + " to " + show(out));
}

void check_inputs(const Network& net, int index)
{
    const Layer& layer = net.layers[static_cast<std::size_t>(index)];
    for (const int i : layer.inputs)
        if (i < 0 || i >= index) fail(layer, "expected inputs that are earlier layers");
    const std::size_t count = layer.inputs.size();
    const std::size_t least = layer.op == Op::input ? 0 : layer.op == Op::add ? 2 : 1;
    const bool any_more = layer.op == Op::concat;
    if (count < least || (count > least && !any_more))
        fail(layer, std::string("expected ") + (any_more ? "at least " : "") + std::to_string(least) +
                        (least == 1 ? " input, got " : " inputs, got ") + std::to_string(count));
    if ((layer.op == Op::input) != (index == 0)) fail(layer, "expected one input layer, the first");
}

} // namespace

void infer_layer_shape(Network& net, int index)
{
    check_inputs(net, index);
    Layer& layer = net.layers[static_cast<std::size_t>(index)];
    layer.in_shape = index == 0 ? layer.out_shape : net.layers[static_cast<std::size_t>(layer.inputs[0])].out_shape;
    switch (layer.op) {
    case Op::input:
        break;
    case Op::conv:
        infer_conv(layer, layer.in_shape);
        break;
    case Op::max_pool:
    case Op::avg_pool:
        infer_pool(layer, layer.in_shape);
        break;
    case Op::concat:
        infer_concat(net, layer);
        break;
    case Op::reshape:
        infer_reshape(layer, layer.in_shape);
        break;
    case Op::add: {
        const Shape4& other = net.layers[static_cast<std::size_t>(layer.inputs[1])].out_shape;
        if (other != layer.in_shape)
            fail(layer, "expected two inputs of one shape, got " + show(layer.in_shape) + " and " + show(other));
        layer.out_shape = layer.in_shape;
        break;
    }
    case Op::clamp:
    case Op::softmax:
        layer.out_shape = layer.in_shape;
        break;
    }
    check_size(layer, layer.out_shape, "outputs");
}

void infer_shapes(Network& net)
{
    if (net.layers.empty()) throw UserError("network " + net.name + ": expected at least an input layer");
    for (std::size_t i = 0; i < net.layers.size(); ++i) infer_layer_shape(net, static_cast<int>(i));
    for (Group& group : net.groups) {
        group.original.in_shape = net.layers[static_cast<std::size_t>(group.parts.front())].in_shape;
        group.original.out_shape = net.layers[static_cast<std::size_t>(group.parts.back())].out_shape;
    }
}

namespace {

int ceil_padding(const Axis& a, int in)
{
    const std::int64_t spare = std::int64_t{in} + a.pad_before + a.pad_after - a.extent();
    if (spare < 0 || spare % a.stride == 0) return a.pad_after;
    const std::int64_t start = (spare / a.stride + 1) * a.stride; // of the extra window
    if (start >= std::int64_t{in} + a.pad_before) return a.pad_after;
    return static_cast<int>(a.pad_after + a.stride - spare % a.stride);
}

} // namespace

void apply_ceil_mode(Window& window, int in_rows, int in_cols)
{
    const int bottom = ceil_padding(rows(window), in_rows);
    const int right = ceil_padding(cols(window), in_cols);
    window.pad_bottom = bottom;
    window.pad_right = right;
}

} // namespace heddle
