#include "sim/layer_shape.hpp"

#include "dnn/base/error.hpp"

#include <vector>

namespace heddle {

namespace {

const Layer& at(const Network& net, int layer)
{
    return net.layers[static_cast<std::size_t>(layer)];
}

bool is_flat(const Shape4& s)
{
    return s[2] == 1 && s[3] == 1;
}

/// Is the order of pixels in memory the same under both shapes?
bool same_pixels(const Shape4& a, const Shape4& b)
{
    return a[0] == b[0] && a[1] == b[1] && word_count(a) == word_count(b);
}

/// The map that the layer reads, and its shape as stored: behind reshapes.
int behind_reshapes(const Network& net, int layer)
{
    while (at(net, layer).op == Op::reshape) layer = at(net, layer).inputs.front();
    return layer;
}

[[noreturn]] void fail_mixed(const Network& net, const Layer& layer, int source)
{
    throw UserError("layer \"" + layer.name + "\": reads \"" + at(net, layer.inputs.front()).name +
                    "\", which mixes channels and positions of \"" + at(net, source).name +
                    "\"; only a fully connected layer can read it");
}

void set_conv(const Network& net, int index, LayerShape& s)
{
    const Layer& layer = at(net, index);
    const Shape4 stored = at(net, s.source).out_shape;
    const int groups = layer.window.groups;
    s.extent = {layer.out_shape[0],          groups,
                layer.out_shape[1] / groups, layer.in_shape[1] / groups,
                layer.out_shape[2],          layer.out_shape[3],
                layer.window.filter_rows,    layer.window.filter_cols};
    if (stored == layer.in_shape || same_pixels(stored, layer.in_shape)) return;
    const bool one_window = is_flat(layer.in_shape) && s.extent[dim_r] == 1 && s.extent[dim_s] == 1 && groups == 1;
    if (!one_window || word_count(stored) != word_count(layer.in_shape) || stored[0] != layer.in_shape[0])
        fail_mixed(net, layer, s.source);
    s.window = Window{};
    s.extent[dim_c] = stored[1];
    s.extent[dim_r] = s.window.filter_rows = s.in_rows = stored[2];
    s.extent[dim_s] = s.window.filter_cols = s.in_cols = stored[3];
}

} // namespace

bool computes(const Layer& layer)
{
    switch (layer.op) {
    case Op::conv:
    case Op::max_pool:
    case Op::avg_pool:
    case Op::add:
    case Op::clamp:
        return true;
    case Op::input:
    case Op::concat:
    case Op::reshape:
    case Op::softmax:
        return false;
    }
    return false;
}

LayerShape layer_shape(const Network& net, int index)
{
    const Layer& layer = at(net, index);
    if (!computes(layer))
        throw UserError("layer \"" + layer.name + "\": " + op_name(layer.op) + " computes nothing on the accelerator");
    LayerShape s;
    s.source = behind_reshapes(net, layer.inputs.front());
    s.in_rows = layer.in_shape[2];
    s.in_cols = layer.in_shape[3];
    if (layer.op == Op::conv) {
        s.window = layer.window;
        set_conv(net, index, s);
        return s;
    }
    s.kind = PlanKind::post;
    for (int input : layer.inputs) {
        const int source = behind_reshapes(net, input);
        if (!same_pixels(at(net, source).out_shape, at(net, input).out_shape)) fail_mixed(net, layer, source);
    }
    const bool pool = layer.op == Op::max_pool || layer.op == Op::avg_pool;
    if (pool) s.window = layer.window;
    s.window.groups = layer.out_shape[1];
    s.extent = {layer.out_shape[0],   layer.out_shape[1],  1, 1, layer.out_shape[2], layer.out_shape[3],
                s.window.filter_rows, s.window.filter_cols};
    return s;
}

Extents layer_extents(const Network& net, int layer)
{
    return layer_shape(net, layer).extent;
}

std::int64_t WindowAxis::valid_pairs() const
{
    std::int64_t n = 0;
    for (int p = 0; p < outputs; ++p)
        for (int r = 0; r < filter; ++r) {
            const int row = p * stride + r * dilation - pad;
            n += row >= 0 && row < size;
        }
    return n;
}

int WindowAxis::distinct(int p0, int p1) const
{
    std::vector<bool> seen(static_cast<std::size_t>(size), false);
    int n = 0;
    for (int p = p0; p < p1; ++p)
        for (int r = 0; r < filter; ++r) {
            const int row = p * stride + r * dilation - pad;
            if (row < 0 || row >= size || seen[static_cast<std::size_t>(row)]) continue;
            seen[static_cast<std::size_t>(row)] = true;
            ++n;
        }
    return n;
}

namespace {

WindowAxis window_axis(WindowAxis a)
{
    if (a.filter == 1 && a.stride > 1 && a.pad == 0 && (a.outputs - 1) * a.stride < a.size) {
        a.size = a.outputs;
        a.stride = 1;
    }
    return a;
}

} // namespace

WindowAxis window_rows(const Window& w, const Extents& e, int in_rows)
{
    return window_axis({e[dim_r], w.stride_rows, w.dilation_rows, w.pad_top, in_rows, e[dim_p]});
}

WindowAxis window_cols(const Window& w, const Extents& e, int in_cols)
{
    return window_axis({e[dim_s], w.stride_cols, w.dilation_cols, w.pad_left, in_cols, e[dim_q]});
}

std::int64_t tile_words(const LayerShape& s, const Extents& t, Tensors tensor)
{
    const std::int64_t groups = t[dim_g];
    switch (tensor) {
    case Tensors::weights:
        return s.kind == PlanKind::post ? 0 : groups * t[dim_k] * t[dim_c] * t[dim_r] * t[dim_s];
    case Tensors::inputs:
        return groups * t[dim_n] * t[dim_c] * window_rows(s.window, s.extent, s.in_rows).box(t[dim_p], t[dim_r]) *
               window_cols(s.window, s.extent, s.in_cols).box(t[dim_q], t[dim_s]);
    case Tensors::outputs:
        return groups * t[dim_n] * t[dim_k] * t[dim_p] * t[dim_q];
    }
    return 0;
}

} // namespace heddle
