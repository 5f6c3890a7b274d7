// Random convolutions for the tests of dnn/decompose, and their decompositions multiplied out by plain loops.
#pragma once

#include "dnn/base/random.hpp"
#include "dnn/decompose/decomposition.hpp"

#include <cmath>
#include <vector>

namespace heddle::test {

/// A conv (without neighbours) from the whole space a user can write, small: groups, strides 1 to 3, dilation, padding
/// on each side, filters with one row or column.
inline Layer random_conv(Random& random, bool weights = true)
{
    const auto pick = [&](int lo, int hi) { return static_cast<int>(random.range(lo, hi)); };
    Network net;
    Layer input, conv;
    conv.name = "conv";
    conv.op = Op::conv;
    conv.inputs = {0};
    conv.activation = static_cast<Activation>(pick(0, 2));
    Window& w = conv.window;
    w.groups = pick(0, 2) == 0 ? pick(2, 3) : 1;
    w.filter_rows = pick(1, 4);
    w.filter_cols = pick(1, 4);
    w.stride_rows = pick(1, 3);
    w.stride_cols = pick(1, 3);
    w.dilation_rows = pick(1, 2);
    w.dilation_cols = pick(1, 2);
    w.pad_top = pick(0, 3);
    w.pad_bottom = pick(0, 3);
    w.pad_left = pick(0, 3);
    w.pad_right = pick(0, 3);
    input.out_shape = {pick(1, 2), w.groups * pick(1, 5), pick(7, 11), pick(7, 13)};
    conv.out_shape[1] = w.groups * pick(1, 6);
    net.layers = {input, conv};
    infer_shapes(net);
    conv = net.layers[1];
    if (!weights) return conv;
    conv.weights.resize(static_cast<std::size_t>(conv.weight_words()));
    for (float& x : conv.weights) x = static_cast<float>(random.normal());
    if (pick(0, 1) == 0) return conv;
    conv.bias.resize(static_cast<std::size_t>(conv.out_shape[1]));
    for (float& x : conv.bias) x = static_cast<float>(random.normal());
    return conv;
}

inline Ranks random_ranks(const Layer& layer, Method method, Random& random)
{
    Ranks ranks = largest_ranks(layer, method);
    for (int& rank : ranks) rank = static_cast<int>(random.range(1, rank));
    return ranks;
}

/// What one group's parts stand for at [k,c,r,s] (all within the group), by the formula of each method. `w(part, i)` is
/// word i of the group's block of a part's weights.
template <class Word>
double composed_word(const Layer& layer, const Decomposition& d, int k, int c, int r, int s, const Word& w)
{
    const int channels = layer.in_shape[1] / layer.window.groups;
    const int rows = layer.window.filter_rows, cols = layer.window.filter_cols;
    const int a = d.ranks[0];
    double sum = 0.0;
    switch (d.method) {
    case Method::svd:
    case Method::tucker1:
        for (int t = 0; t < a; ++t) sum += w(0, ((t * channels + c) * rows + r) * cols + s) * w(1, k * a + t);
        return sum;
    case Method::jaderberg1:
        for (int m = 0; m < a; ++m)
            sum += w(0, (c * a + m) * rows + r) * w(1, (c * a + m) * cols + s) * w(2, k * channels * a + c * a + m);
        return sum;
    case Method::jaderberg2:
        for (int t = 0; t < a; ++t) sum += w(0, (t * channels + c) * rows + r) * w(1, (k * a + t) * cols + s);
        return sum;
    case Method::cp:
        for (int t = 0; t < a; ++t)
            sum += w(0, t * channels + c) * w(1, t * rows + r) * w(2, t * cols + s) * w(3, k * a + t);
        return sum;
    case Method::tucker2: {
        const int b = d.ranks[1];
        for (int o = 0; o < b; ++o)
            for (int i = 0; i < a; ++i)
                sum += w(0, i * channels + c) * w(1, ((o * a + i) * rows + r) * cols + s) * w(2, k * b + o);
        return sum;
    }
    }
    return sum;
}

/// The dense weights that the parts stand for, in the layer's order.
inline std::vector<double> composed(const Layer& layer, const Decomposition& d)
{
    const Shape4 shape = layer.weight_shape();
    const int groups = layer.window.groups, filters = shape[0] / groups;
    std::vector<double> all;
    for (int k = 0; k < shape[0]; ++k)
        for (int c = 0; c < shape[1]; ++c)
            for (int r = 0; r < shape[2]; ++r)
                for (int s = 0; s < shape[3]; ++s)
                    all.push_back(composed_word(layer, d, k % filters, c, r, s, [&](int part, int i) {
                        const std::vector<double>& words = d.weights[static_cast<std::size_t>(part)];
                        const std::size_t block = words.size() / static_cast<std::size_t>(groups);
                        return words[static_cast<std::size_t>(k / filters) * block + static_cast<std::size_t>(i)];
                    }));
    return all;
}

/// Relative Euclidean distance of the parts from the layer's weights.
inline double distance(const Layer& layer, const Decomposition& d)
{
    const std::vector<double> all = composed(layer, d);
    double error = 0.0, norm = 0.0;
    for (std::size_t i = 0; i < all.size(); ++i) {
        const double want = layer.weights[i];
        error += (all[i] - want) * (all[i] - want);
        norm += want * want;
    }
    return std::sqrt(error / norm);
}

} // namespace heddle::test
