// Seeded small networks with edge shapes, and machines squeezed until layers fall into many tiles.
#pragma once

#include "dnn/base/random.hpp"
#include "tests/unit/sim_networks.hpp"

#include <algorithm>
#include <string>

namespace heddle::test_system {

using test_networks::add_conv;
using test_networks::add_op;
using test_networks::input_of;
using test_networks::square;

inline int pick(Random& random, int lo, int hi)
{
    return static_cast<int>(random.range(lo, hi));
}

/// Less than the filter, as most layers have it, or, every fourth time, up to what exceeds it: windows on padding
/// alone.
inline int any_pad(Random& random, int filter)
{
    return pick(random, 0, 3) == 0 ? pick(random, 0, filter + 2) : pick(random, 0, filter - 1);
}

/// A window with every parameter drawn, padding different on all sides.
inline Window any_window(Random& random, int most)
{
    Window w;
    w.filter_rows = pick(random, 1, most);
    w.filter_cols = pick(random, 1, most);
    w.stride_rows = pick(random, 1, 3);
    w.stride_cols = pick(random, 1, 3);
    w.dilation_rows = pick(random, 1, 2);
    w.dilation_cols = pick(random, 1, 2);
    w.pad_top = any_pad(random, w.filter_rows);
    w.pad_bottom = any_pad(random, w.filter_rows);
    w.pad_left = any_pad(random, w.filter_cols);
    w.pad_right = any_pad(random, w.filter_cols);
    return w;
}

inline int size_for(Random& random, int filter, int dilation, int most)
{
    return std::max((filter - 1) * dilation + 1, pick(random, 1, most));
}

inline Network any_conv(Random& random, int most_channels)
{
    const Window w = any_window(random, 4);
    Network net = input_of(pick(random, 1, 3), pick(random, 1, most_channels),
                           size_for(random, w.filter_rows, w.dilation_rows, 12),
                           size_for(random, w.filter_cols, w.dilation_cols, 12));
    add_conv(net, 0, pick(random, 1, most_channels), w);
    return net;
}

/// Depthwise (one channel in and out per group), or groups of a few channels.
inline Network grouped_conv(Random& random, bool depthwise)
{
    Window w = any_window(random, 3);
    w.groups = depthwise ? pick(random, 2, 40) : pick(random, 2, 5);
    const int c = depthwise ? 1 : pick(random, 1, 9), k = depthwise ? 1 : pick(random, 1, 9);
    Network net = input_of(pick(random, 1, 2), c * w.groups, size_for(random, w.filter_rows, w.dilation_rows, 10),
                           size_for(random, w.filter_cols, w.dilation_cols, 10));
    add_conv(net, 0, k * w.groups, w);
    return net;
}

/// One output pixel: the window is as large as the map.
inline Network single_output(Random& random)
{
    const int side = pick(random, 2, 7);
    Network net = input_of(pick(random, 1, 2), pick(random, 1, 9), side, side);
    add_conv(net, 0, pick(random, 1, 40), square(side));
    return net;
}

/// A window larger than the tiles and, with its padding, than the map.
inline Network large_window(Random& random)
{
    const int side = pick(random, 4, 8);
    Network net = input_of(1, pick(random, 1, 4), side, side);
    add_conv(net, 0, pick(random, 1, 20), square(2 * (side / 2) + 3, pick(random, 1, 2), side / 2 + 1));
    return net;
}

/// One tap along the rows, the columns or both, strided: reads a lattice of the map, or, with padding in front, all of
/// it. Padding behind the map may be as wide as several strides.
inline Network lattice(Random& random)
{
    Window w = square(1, pick(random, 2, 3));
    if (pick(random, 0, 2) == 0) (pick(random, 0, 1) ? w.filter_rows : w.filter_cols) = pick(random, 2, 4);
    w.pad_top = pick(random, 0, 2) ? 0 : pick(random, 1, 3);
    w.pad_left = pick(random, 0, 2) ? 0 : pick(random, 1, 3);
    w.pad_bottom = pick(random, 0, 7);
    w.pad_right = pick(random, 0, 7);
    Network net = input_of(1, pick(random, 1, 40), pick(random, 4, 11), pick(random, 4, 11));
    add_conv(net, 0, pick(random, 1, 40), w);
    return net;
}

/// conv, pool with padding, flatten, fully connected.
inline Network flattened(Random& random)
{
    Network net = input_of(pick(random, 1, 2), pick(random, 1, 5), pick(random, 6, 9), pick(random, 6, 9));
    const int conv = add_conv(net, 0, pick(random, 2, 20), square(3, 1, 1));
    Window w = square(3, 2, 1);
    w.pad_right = pick(random, 0, 2);
    w.count_padding = pick(random, 0, 1) == 1;
    const int pool = add_op(net, pick(random, 0, 1) ? Op::max_pool : Op::avg_pool, {conv}, "pool", w);
    const Shape4 s = net.layers[static_cast<std::size_t>(pool)].out_shape;
    Layer flat;
    flat.name = "flat";
    flat.op = Op::reshape;
    flat.inputs = {pool};
    flat.out_shape = {s[0], s[1] * s[2] * s[3], 1, 1};
    const int reshape = test_networks::add_layer(net, flat);
    add_conv(net, reshape, pick(random, 1, 30), square(1), "fc");
    return net;
}

/// An add fused behind its second conv, one that runs alone (both producers have other readers), and a concat.
inline Network joined(Random& random)
{
    const int k = pick(random, 1, 24);
    Network net = input_of(pick(random, 1, 2), pick(random, 1, 20), pick(random, 3, 9), pick(random, 3, 9));
    const int a = add_conv(net, 0, k, square(3, 1, 1), "a"), b = add_conv(net, a, k, square(1), "b");
    const int fused = add_op(net, Op::add, {a, b}, "fused");
    net.layers[static_cast<std::size_t>(fused)].activation = Activation::relu;
    const int pool = add_op(net, Op::max_pool, {fused}, "pool", square(3, 1, 1));
    const int alone = add_op(net, Op::add, {fused, pool}, "alone");
    const int left = add_conv(net, alone, pick(random, 1, 20), square(1), "left");
    const int right = add_conv(net, alone, pick(random, 1, 20), square(3, 1, 1), "right");
    const int join = add_op(net, Op::concat, {left, right}, "join");
    add_conv(net, join, pick(random, 1, 20), square(3, 2), "last");
    return net;
}

/// One stationary tile for the whole layer, which tiles cut along the streamed index leave in place.
inline Network one_stationary_tile(Random& random)
{
    const bool inputs = pick(random, 0, 1) == 1;
    const int c = pick(random, 3, 16), side = inputs ? pick(random, 2, 4) : pick(random, 12, 20);
    Network net = input_of(1, c, side, side);
    add_conv(net, 0, inputs ? pick(random, 100, 300) : pick(random, 3, 16), square(1));
    return net;
}

inline constexpr const char* kinds[] = {"conv",    "depthwise", "grouped", "single output",      "large window",
                                        "lattice", "flattened", "joined",  "one stationary tile"};
inline constexpr int kind_count = 9;

inline Network random_network(Random& random, int kind)
{
    switch (kind) {
    case 0:
        return any_conv(random, 40);
    case 1:
    case 2:
        return grouped_conv(random, kind == 1);
    case 3:
        return single_output(random);
    case 4:
        return large_window(random);
    case 5:
        return lattice(random);
    case 6:
        return flattened(random);
    case 7:
        return joined(random);
    default:
        return one_stationary_tile(random);
    }
}

} // namespace heddle::test_system
