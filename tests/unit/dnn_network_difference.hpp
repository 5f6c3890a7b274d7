// Are two networks the same, layer by layer and bit by bit?
#pragma once

#include "dnn/network.hpp"

#include <cstring>
#include <string>
#include <tuple>
#include <vector>

namespace heddle_test {

inline auto window_fields(const heddle::Window& w)
{
    return std::tuple(w.filter_rows, w.filter_cols, w.stride_rows, w.stride_cols, w.dilation_rows, w.dilation_cols,
                      w.pad_top, w.pad_bottom, w.pad_left, w.pad_right, w.groups, w.count_padding);
}

/// A sum of floats would hide what -0 and 0 tell apart.
inline bool same_bits(const std::vector<float>& a, const std::vector<float>& b)
{
    return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0);
}

/// "" when equal, else the first difference. The networks' own names may differ (a file's name is its network's).
inline std::string difference(const heddle::Network& a, const heddle::Network& b)
{
    if (a.has_weights != b.has_weights) return "one has weights";
    if (a.layers.size() != b.layers.size())
        return std::to_string(a.layers.size()) + " layers against " + std::to_string(b.layers.size());
    for (std::size_t i = 0; i < a.layers.size(); ++i) {
        const heddle::Layer &l = a.layers[i], &r = b.layers[i];
        const std::string where = "layer " + std::to_string(i) + " (" + l.name + "): ";
        if (l.name != r.name) return where + "name " + r.name;
        if (l.op != r.op) return where + heddle::op_name(l.op) + " against " + heddle::op_name(r.op);
        if (l.inputs != r.inputs) return where + "inputs";
        const bool windowed = l.op == heddle::Op::conv || l.op == heddle::Op::max_pool || l.op == heddle::Op::avg_pool;
        if (windowed && window_fields(l.window) != window_fields(r.window)) return where + "window";
        if (l.activation != r.activation) return where + "activation";
        if (l.fully_connected != r.fully_connected) return where + "fully connected";
        if (l.in_shape != r.in_shape || l.out_shape != r.out_shape) return where + "shapes";
        if (l.group != r.group) return where + "group";
        if (!same_bits(l.weights, r.weights)) return where + "weights";
        if (!same_bits(l.bias, r.bias)) return where + "bias";
    }
    if (a.groups.size() != b.groups.size()) return "other groups";
    for (std::size_t i = 0; i < a.groups.size(); ++i) {
        const heddle::Group &l = a.groups[i], &r = b.groups[i];
        const auto fields = [](const heddle::Group& g) {
            return std::tie(g.name, g.method, g.ranks, g.parts, g.weight_error, g.output_error);
        };
        const heddle::Layer &was = l.original, &is = r.original;
        if (fields(l) != fields(r) || was.inputs != is.inputs || was.activation != is.activation ||
            was.in_shape != is.in_shape || was.out_shape != is.out_shape || was.fully_connected != is.fully_connected ||
            window_fields(was.window) != window_fields(is.window))
            return "group " + l.name;
    }
    return "";
}

} // namespace heddle_test
