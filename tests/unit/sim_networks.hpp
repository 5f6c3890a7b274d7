// Small networks built in code.
#pragma once

#include "dnn/base/random.hpp"
#include "dnn/network.hpp"

#include <string>

namespace heddle::test_networks {

inline int add_layer(Network& net, Layer layer)
{
    net.layers.push_back(std::move(layer));
    infer_layer_shape(net, static_cast<int>(net.layers.size()) - 1);
    return static_cast<int>(net.layers.size()) - 1;
}

inline Network input_of(int n, int c, int h, int w)
{
    Network net;
    net.name = "test";
    Layer input;
    input.name = "input";
    input.out_shape = {n, c, h, w};
    net.layers.push_back(input);
    return net;
}

inline int add_conv(Network& net, int from, int k, const Window& window, const std::string& name = "conv")
{
    Layer conv;
    conv.name = name;
    conv.op = Op::conv;
    conv.inputs = {from};
    conv.window = window;
    conv.out_shape[1] = k;
    return add_layer(net, conv);
}

inline int add_op(Network& net, Op op, std::vector<int> from, const std::string& name, const Window& window = {})
{
    Layer layer;
    layer.name = name;
    layer.op = op;
    layer.inputs = std::move(from);
    layer.window = window;
    return add_layer(net, layer);
}

inline Window square(int filter, int stride = 1, int pad = 0, int groups = 1)
{
    Window w;
    w.filter_rows = w.filter_cols = filter;
    w.stride_rows = w.stride_cols = stride;
    w.pad_top = w.pad_bottom = w.pad_left = w.pad_right = pad;
    w.groups = groups;
    return w;
}

/// One conv layer (index 1) of random shape, small enough to walk MAC by MAC.
inline Network random_conv(Random& random)
{
    Window w;
    w.filter_rows = static_cast<int>(random.range(1, 3));
    w.filter_cols = static_cast<int>(random.range(1, 3));
    w.stride_rows = static_cast<int>(random.range(1, 2));
    w.stride_cols = static_cast<int>(random.range(1, 2));
    w.dilation_rows = static_cast<int>(random.range(1, 2));
    w.dilation_cols = static_cast<int>(random.range(1, 2));
    w.pad_top = static_cast<int>(random.range(0, w.filter_rows - 1));
    w.pad_left = static_cast<int>(random.range(0, w.filter_cols - 1));
    w.pad_right = w.pad_left;
    w.groups = random.below(3) == 0 ? static_cast<int>(random.range(2, 7)) : 1;
    const bool depthwise = w.groups > 1 && random.below(2) == 0;
    const int c = depthwise ? 1 : static_cast<int>(random.range(1, w.groups > 1 ? 5 : 20));
    const int k = depthwise ? 1 : static_cast<int>(random.range(1, w.groups > 1 ? 5 : 20));
    Network net = input_of(static_cast<int>(random.range(1, 2)), c * w.groups, static_cast<int>(random.range(5, 11)),
                           static_cast<int>(random.range(5, 11)));
    add_conv(net, 0, k * w.groups, w);
    return net;
}

} // namespace heddle::test_networks
