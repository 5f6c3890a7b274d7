#include "dnn/quantize_scales.hpp"

#include "dnn/base/error.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace heddle {

namespace {

void check_width(const char* what, int bits, int min, int max)
{
    if (bits < min || bits > max)
        throw UserError(std::string("precision.") + what + ": expected integer from " + std::to_string(min) + " to " +
                        std::to_string(max) + ", got " + std::to_string(bits));
}

int root_of(std::vector<int>& parent, int i)
{
    while (parent[static_cast<std::size_t>(i)] != i) i = parent[static_cast<std::size_t>(i)];
    return i;
}

/// shift such that factor * 2^shift just fits 31 bits.
int shift_for(double factor)
{
    int exponent = 0;
    std::frexp(factor, &exponent); // factor = m * 2^exponent with m in [0.5, 1)
    return std::clamp(31 - exponent, 1, 62);
}

Requant with_shift(double factor, int shift)
{
    const double scaled = std::round(std::ldexp(factor, shift));
    const double largest = std::numeric_limits<std::int32_t>::max();
    return {static_cast<std::int32_t>(std::clamp(scaled, 0.0, largest)), shift};
}

/// Number of valid words of every window at most; several only if padding cuts some and is not counted.
bool averages_cut_windows(const Layer& layer)
{
    const Window& w = layer.window;
    return !w.count_padding && (w.pad_top > 0 || w.pad_bottom > 0 || w.pad_left > 0 || w.pad_right > 0);
}

} // namespace

void check_precision(const Precision& precision)
{
    check_width("weight_bits", precision.weight_bits, 2, 16);
    check_width("input_bits", precision.input_bits, 2, 16);
    check_width("psum_bits", precision.psum_bits, 16, 32);
    check_width("product_shift", precision.product_shift, 0, 30);
}

bool sets_scale(Op op)
{
    return op == Op::input || op == Op::conv || op == Op::avg_pool || op == Op::add;
}

std::vector<int> scale_groups(const Network& net)
{
    std::vector<int> parent(net.layers.size());
    std::iota(parent.begin(), parent.end(), 0);
    for (std::size_t i = 0; i < net.layers.size(); ++i) {
        if (sets_scale(net.layers[i].op)) continue;
        for (const int input : net.layers[i].inputs) {
            const int a = root_of(parent, static_cast<int>(i)), b = root_of(parent, input);
            parent[static_cast<std::size_t>(std::max(a, b))] = std::min(a, b);
        }
    }
    for (std::size_t i = 0; i < parent.size(); ++i) parent[i] = root_of(parent, static_cast<int>(i));
    return parent;
}

Requant make_requant(double factor)
{
    return with_shift(factor, shift_for(factor));
}

std::vector<Requant> make_requant_pair(double first, double second)
{
    const int shift = shift_for(std::max(first, second));
    return {with_shift(first, shift), with_shift(second, shift)};
}

void set_clamp(QuantizedLayer& layer, Activation activation, int output_bits)
{
    const int largest = largest_integer(output_bits);
    layer.clamp_lo = activation == Activation::none ? -largest : 0;
    layer.clamp_hi = largest;
    if (activation == Activation::relu6)
        layer.clamp_hi = static_cast<std::int32_t>(std::clamp(std::round(6.0 / layer.out_scale), 1.0, 1.0 * largest));
}

void set_simple_requant(const Layer& layer, const std::vector<double>& in_scales, QuantizedLayer& q)
{
    q.requant.clear();
    if (layer.op == Op::add) q.requant = make_requant_pair(in_scales[0] / q.out_scale, in_scales[1] / q.out_scale);
    if (layer.op != Op::avg_pool) return;
    const int words = layer.window.filter_rows * layer.window.filter_cols;
    const double factor = in_scales[0] / q.out_scale;
    for (int n = averages_cut_windows(layer) ? 1 : words; n <= words; ++n)
        q.requant.push_back(make_requant(factor / n));
}

Network without_weights(const Network& net)
{
    Network copy;
    copy.name = net.name;
    copy.input_array = net.input_array;
    copy.output_array = net.output_array;
    copy.groups = net.groups;
    for (const Layer& layer : net.layers) {
        Layer bare;
        bare.name = layer.name;
        bare.op = layer.op;
        bare.inputs = layer.inputs;
        bare.window = layer.window;
        bare.activation = layer.activation;
        bare.fully_connected = layer.fully_connected;
        bare.in_shape = layer.in_shape;
        bare.out_shape = layer.out_shape;
        bare.group = layer.group;
        copy.layers.push_back(std::move(bare));
    }
    return copy;
}

} // namespace heddle
