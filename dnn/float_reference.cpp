#include "dnn/base/error.hpp"
#include "dnn/conv_lowering.hpp"
#include "dnn/reference.hpp"
#include "dnn/reference_kernels.hpp"

#include <cmath>
#include <limits>

namespace heddle {

namespace {

float activated(float x, Activation activation)
{
    if (activation == Activation::none) return x;
    const float positive = x < 0.0f ? 0.0f : x; // keeps what is not a number, so that calibration sees it
    return activation == Activation::relu6 && positive > 6.0f ? 6.0f : positive;
}

void activate(FloatTensor& tensor, Activation activation)
{
    if (activation == Activation::none) return;
    for (float& x : tensor.data) x = activated(x, activation);
}

void conv_rows(const Layer& layer, const ConvLowering& low, const float* input, FloatTensor& out)
{
    const ReferenceKernels& kernels = reference_kernels();
    float* to = out.data.data();
    for (int n = 0; n < low.batch; ++n) {
        for (int k = 0; k < low.filters; ++k) {
            const std::int64_t group = k / low.group_filters * low.group_channels * low.plane;
            for (int p = 0; p < low.out_rows; ++p, to += low.out_cols) {
                const float* w = layer.weights.data() + static_cast<std::size_t>(k) * low.taps.size();
                for (const std::int64_t tap : low.taps)
                    kernels.axpy_float(*w++, input + low.row_offset(n, p) + group + tap, low.stride_cols, low.out_cols,
                                       to);
            }
        }
    }
}

void conv_tiles(const Layer& layer, const ConvLowering& low, const float* input, FloatTensor& out)
{
    const ReferenceKernels& kernels = reference_kernels();
    const int taps = static_cast<int>(low.taps.size());
    const std::int64_t plane = static_cast<std::int64_t>(low.out_rows) * low.out_cols;
    std::vector<float> packed(low.taps.size() * tile_pixels);
    std::vector<float> sums(static_cast<std::size_t>(low.group_filters) * tile_pixels);
    for (std::int64_t first = 0; first < low.pixels(); first += tile_pixels) {
        const int count = static_cast<int>(std::min<std::int64_t>(tile_pixels, low.pixels() - first));
        std::int64_t offsets[tile_pixels];
        low.tile_offsets(first, count, offsets);
        for (int g = 0; g < low.groups; ++g) {
            const float* base = input + g * low.group_channels * low.plane;
            float* word = packed.data();
            for (const std::int64_t tap : low.taps)
                for (const std::int64_t offset : offsets) *word++ = base[tap + offset];
            const int k = g * low.group_filters;
            kernels.dot_float(layer.weights.data() + static_cast<std::int64_t>(k) * taps, low.group_filters, taps,
                              packed.data(), count, sums.data());
            for (int f = 0; f < low.group_filters; ++f)
                for (int i = 0; i < count; ++i)
                    out.data[static_cast<std::size_t>(low.out_index(first + i) + (k + f) * plane)] =
                        sums[static_cast<std::size_t>(f * tile_pixels + i)];
        }
    }
}

void conv(const Layer& layer, const FloatTensor& in, FloatTensor& out)
{
    const PaddedInput<float> padded(in, layer.window);
    const ConvLowering low(layer, padded.rows, padded.cols);
    if (low.direct())
        conv_rows(layer, low, padded.data, out);
    else
        conv_tiles(layer, low, padded.data, out);
    if (layer.bias.empty()) return;
    const std::size_t plane = static_cast<std::size_t>(low.out_rows) * static_cast<std::size_t>(low.out_cols);
    for (std::size_t i = 0; i < out.data.size(); ++i) out.data[i] += layer.bias[i / plane % layer.bias.size()];
}

void pool(const Layer& layer, const FloatTensor& in, FloatTensor& out)
{
    const Window& w = layer.window;
    const bool maximum = layer.op == Op::max_pool;
    const float all = static_cast<float>(w.filter_rows) * static_cast<float>(w.filter_cols);
    for (int n = 0; n < out.shape[0]; ++n)
        for (int c = 0; c < out.shape[1]; ++c)
            for (int p = 0; p < out.shape[2]; ++p)
                for (int q = 0; q < out.shape[3]; ++q) {
                    float sum = 0.0f, largest = -std::numeric_limits<float>::infinity(), valid = 0.0f;
                    for (int r = 0; r < w.filter_rows; ++r)
                        for (int s = 0; s < w.filter_cols; ++s) {
                            const int h = p * w.stride_rows - w.pad_top + r * w.dilation_rows;
                            const int x = q * w.stride_cols - w.pad_left + s * w.dilation_cols;
                            if (h < 0 || h >= in.shape[2] || x < 0 || x >= in.shape[3]) continue;
                            const float value = in.at(n, c, h, x);
                            sum += value;
                            largest = std::max(largest, value);
                            valid += 1.0f;
                        }
                    out.at(n, c, p, q) = maximum ? largest : sum / (w.count_padding ? all : valid);
                }
}

void concatenate(const std::vector<const FloatTensor*>& inputs, FloatTensor& out)
{
    auto to = out.data.begin();
    for (int n = 0; n < out.shape[0]; ++n) {
        for (const FloatTensor* input : inputs) {
            const std::int64_t words = word_count(input->shape) / input->shape[0];
            to = std::copy_n(input->data.begin() + n * words, words, to);
        }
    }
}

/// Over the channels of each pixel.
void softmax(const FloatTensor& in, FloatTensor& out)
{
    for (int n = 0; n < in.shape[0]; ++n)
        for (int h = 0; h < in.shape[2]; ++h)
            for (int w = 0; w < in.shape[3]; ++w) {
                float largest = in.at(n, 0, h, w), sum = 0.0f;
                for (int c = 1; c < in.shape[1]; ++c) largest = std::max(largest, in.at(n, c, h, w));
                for (int c = 0; c < in.shape[1]; ++c) sum += out.at(n, c, h, w) = std::exp(in.at(n, c, h, w) - largest);
                for (int c = 0; c < in.shape[1]; ++c) out.at(n, c, h, w) /= sum;
            }
}

} // namespace

FloatTensor float_layer(const Network& net, int index, const std::vector<const FloatTensor*>& inputs)
{
    const Layer& layer = net.layers[static_cast<std::size_t>(index)];
    FloatTensor out(layer.out_shape);
    switch (layer.op) {
    case Op::input:
        break;
    case Op::conv:
        conv(layer, *inputs[0], out);
        break;
    case Op::max_pool:
    case Op::avg_pool:
        pool(layer, *inputs[0], out);
        break;
    case Op::add:
        for (std::size_t i = 0; i < out.data.size(); ++i) out.data[i] = inputs[0]->data[i] + inputs[1]->data[i];
        break;
    case Op::concat:
        concatenate(inputs, out);
        break;
    case Op::clamp:
    case Op::reshape:
        out.data = inputs[0]->data;
        break;
    case Op::softmax:
        softmax(*inputs[0], out);
        break;
    }
    activate(out, layer.activation);
    return out;
}

std::vector<FloatTensor> run_float(const Network& net, const FloatTensor& input)
{
    if (net.layers.empty() || input.shape != net.layers[0].out_shape)
        throw UserError("network " + net.name + ": the input has another shape");
    if (!net.has_weights) throw UserError("network " + net.name + ": has no weights to compute with");
    std::vector<FloatTensor> results;
    results.reserve(net.layers.size());
    results.push_back(input);
    for (std::size_t i = 1; i < net.layers.size(); ++i) {
        std::vector<const FloatTensor*> inputs;
        for (const int from : net.layers[i].inputs) inputs.push_back(&results[static_cast<std::size_t>(from)]);
        results.push_back(float_layer(net, static_cast<int>(i), inputs));
    }
    return results;
}

} // namespace heddle
