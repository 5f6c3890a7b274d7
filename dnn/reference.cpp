#include "dnn/reference.hpp"

#include "dnn/base/error.hpp"
#include "dnn/reference_conv.hpp"

#include <algorithm>
#include <limits>
#include <stdexcept>

namespace heddle {

namespace {

std::int16_t clamped(std::int64_t value, const QuantizedLayer& q)
{
    return static_cast<std::int16_t>(std::clamp<std::int64_t>(value, q.clamp_lo, q.clamp_hi));
}

/// Calls visit(output word, sum, maximum, valid words) for each window; padding is neither added nor compared.
template <typename Visit> void for_each_window(const Layer& layer, const Tensor& in, Tensor& out, Visit visit)
{
    const Window& w = layer.window;
    const std::int64_t planes = static_cast<std::int64_t>(in.shape[0]) * in.shape[1];
    const int rows = in.shape[2], cols = in.shape[3];
    std::int16_t* to = out.data.data();
    for (std::int64_t plane = 0; plane < planes; ++plane) {
        const std::int16_t* from = in.data.data() + plane * rows * cols;
        for (int p = 0; p < out.shape[2]; ++p) {
            for (int q = 0; q < out.shape[3]; ++q) {
                std::int64_t sum = 0;
                int largest = std::numeric_limits<std::int16_t>::min(), valid = 0;
                for (int r = 0; r < w.filter_rows; ++r) {
                    const int h = p * w.stride_rows - w.pad_top + r * w.dilation_rows;
                    if (h < 0 || h >= rows) continue;
                    for (int s = 0; s < w.filter_cols; ++s) {
                        const int x = q * w.stride_cols - w.pad_left + s * w.dilation_cols;
                        if (x < 0 || x >= cols) continue;
                        const int value = from[h * cols + x];
                        sum += value;
                        largest = std::max(largest, value);
                        ++valid;
                    }
                }
                *to++ = visit(sum, largest, valid);
            }
        }
    }
}

void average(const Layer& layer, const QuantizedLayer& q, const Tensor& in, Tensor& out)
{
    for_each_window(layer, in, out, [&](std::int64_t sum, int, int valid) {
        const std::size_t rule = q.requant.size() == 1 ? 0 : static_cast<std::size_t>(valid - 1);
        return static_cast<std::int16_t>(requantize(sum, q.requant[rule], q.clamp_lo, q.clamp_hi));
    });
}

void add(const QuantizedLayer& q, const Tensor& a, const Tensor& b, Tensor& out)
{
    const std::int64_t first = q.requant[0].multiplier, second = q.requant[1].multiplier;
    const int shift = q.requant[0].shift;
    const std::int64_t half = std::int64_t{1} << (shift - 1);
    for (std::size_t i = 0; i < out.data.size(); ++i)
        out.data[i] = clamped((a.data[i] * first + b.data[i] * second + half) >> shift, q);
}

void concatenate(const std::vector<const Tensor*>& inputs, Tensor& out)
{
    auto to = out.data.begin();
    for (int n = 0; n < out.shape[0]; ++n) {
        for (const Tensor* input : inputs) {
            const std::int64_t words = word_count(input->shape) / input->shape[0];
            to = std::copy_n(input->data.begin() + n * words, words, to);
        }
    }
}

void check_inputs(const Network& net, int index, const std::vector<const Tensor*>& inputs)
{
    const Layer& layer = net.layers[static_cast<std::size_t>(index)];
    bool fits = layer.op != Op::input && inputs.size() == layer.inputs.size();
    for (std::size_t i = 0; fits && i < inputs.size(); ++i)
        fits = inputs[i]->shape == net.layers[static_cast<std::size_t>(layer.inputs[i])].out_shape;
    if (!fits) throw std::logic_error("reference_layer: inputs of " + layer.name + " have other shapes");
}

} // namespace

Tensor reference_layer(const QuantizedNetwork& net, int index, const std::vector<const Tensor*>& inputs,
                       std::int64_t* overflows)
{
    check_inputs(net.net, index, inputs);
    const Layer& layer = net.net.layers[static_cast<std::size_t>(index)];
    const QuantizedLayer& q = net.layers[static_cast<std::size_t>(index)];
    Tensor out(layer.out_shape);
    std::int64_t overflowed = 0;
    switch (layer.op) {
    case Op::input:
        break;
    case Op::conv:
        overflowed = reference_conv(layer, q, net.precision, *inputs[0], out);
        break;
    case Op::max_pool:
        for_each_window(layer, *inputs[0], out, [&](std::int64_t, int largest, int) { return clamped(largest, q); });
        break;
    case Op::avg_pool:
        average(layer, q, *inputs[0], out);
        break;
    case Op::add:
        add(q, *inputs[0], *inputs[1], out);
        break;
    case Op::concat:
        concatenate(inputs, out);
        break;
    case Op::clamp:
        std::transform(inputs[0]->data.begin(), inputs[0]->data.end(), out.data.begin(),
                       [&](std::int16_t x) { return clamped(x, q); });
        break;
    case Op::reshape:
    case Op::softmax:
        out.data = inputs[0]->data;
        break;
    }
    if (overflows) *overflows = overflowed;
    return out;
}

std::vector<Tensor> run_reference(const QuantizedNetwork& net, const Tensor& input,
                                  std::vector<std::int64_t>* overflows)
{
    const std::vector<Layer>& layers = net.net.layers;
    if (layers.empty() || input.shape != layers[0].out_shape)
        throw UserError("network " + net.net.name + ": the input has another shape");
    if (overflows) overflows->assign(layers.size(), 0);
    std::vector<Tensor> results;
    results.reserve(layers.size());
    results.push_back(input);
    for (std::size_t i = 1; i < layers.size(); ++i) {
        std::vector<const Tensor*> inputs;
        for (const int from : layers[i].inputs) inputs.push_back(&results[static_cast<std::size_t>(from)]);
        results.push_back(reference_layer(net, static_cast<int>(i), inputs, overflows ? &(*overflows)[i] : nullptr));
    }
    return results;
}

} // namespace heddle
