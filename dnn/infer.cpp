#include "dnn/infer.hpp"

#include "dnn/base/error.hpp"
#include "dnn/reference.hpp"

#include <algorithm>

namespace heddle {

namespace {

std::int64_t product(const std::vector<std::int64_t>& dims)
{
    std::int64_t words = 1;
    for (const std::int64_t extent : dims) words *= extent;
    return words;
}

/// (N,H,W,C) to (N,C,H,W), or back.
std::vector<float> turned(const std::vector<float>& from, const Shape4& shape, bool to_first)
{
    std::vector<float> to(from.size());
    const auto [batch, channels, rows, cols] = shape;
    const std::int64_t positions = std::int64_t{rows} * cols;
    for (std::int64_t n = 0; n < batch; ++n)
        for (std::int64_t p = 0; p < positions; ++p)
            for (std::int64_t c = 0; c < channels; ++c) {
                const auto last = static_cast<std::size_t>((n * positions + p) * channels + c);
                const auto first = static_cast<std::size_t>((n * channels + c) * positions + p);
                (to_first ? to[first] : to[last]) = from[to_first ? last : first];
            }
    return to;
}

std::size_t answer_layer(const Network& net)
{
    return net.output_array.layer >= 0 ? static_cast<std::size_t>(net.output_array.layer) : net.layers.size() - 1;
}

/// Pictures at once: as many as keep all maps of all layers below some 100 MB.
int chunk_of(const Network& net)
{
    constexpr std::int64_t most_words = 1 << 24;
    std::int64_t words = 0;
    for (const Layer& layer : net.layers) words += word_count(layer.out_shape) / layer.out_shape[0];
    return static_cast<int>(std::clamp<std::int64_t>(most_words / words, 1, net.layers.front().out_shape[0]));
}

/// `compute(part of the input)` gives the answer's words for it; `net` is what compute reads, at the part's batch.
template <typename Compute>
FloatArray in_parts(Network& net, const FloatTensor& input, const InferProgress& progress, const Compute& compute)
{
    if (input.shape != net.layers.front().out_shape)
        throw UserError("network " + net.name + ": the input has another shape");
    const int batch = input.shape[0], chunk = chunk_of(net);
    FloatArray answer{edge_dims(net, net.output_array), {}};
    const Shape4 held = net.layers[answer_layer(net)].out_shape;
    const std::int64_t words = word_count(input.shape) / batch;
    for (int first = 0; first < batch; first += chunk) {
        const int count = std::min(chunk, batch - first);
        if (net.layers.front().out_shape[0] != count) {
            net.layers.front().out_shape[0] = count;
            infer_shapes(net);
        }
        FloatTensor part(net.layers.front().out_shape);
        std::copy_n(input.data.begin() + first * words, count * words, part.data.begin());
        const std::vector<float> got = compute(part);
        answer.words.insert(answer.words.end(), got.begin(), got.end());
        if (progress) progress(first + count, batch);
    }
    if (net.output_array.channels_last) answer.words = turned(answer.words, held, false);
    return answer;
}

/// A softmax that integers leave to the host, and what follows it.
std::vector<bool> left_to_host(const Network& net)
{
    std::vector<bool> host(net.layers.size(), false);
    for (std::size_t i = 0; i < net.layers.size(); ++i) {
        const Layer& layer = net.layers[i];
        const bool reads = std::any_of(layer.inputs.begin(), layer.inputs.end(),
                                       [&](int in) { return host[static_cast<std::size_t>(in)]; });
        host[i] = layer.op == Op::softmax || (reads && layer.op != Op::conv);
    }
    return host;
}

FloatTensor scaled(const Tensor& integers, double scale)
{
    FloatTensor floats(integers.shape);
    for (std::size_t i = 0; i < floats.data.size(); ++i) floats.data[i] = static_cast<float>(integers.data[i] * scale);
    return floats;
}

} // namespace

FloatTensor input_of(const Network& net, const FloatArray& array)
{
    const Shape4& shape = net.layers.front().out_shape;
    if (product(array.dims) != word_count(shape) || array.words.size() != static_cast<std::size_t>(word_count(shape)))
        throw UserError("network " + net.name + ": the input has another number of words than " +
                        std::to_string(word_count(shape)));
    FloatTensor input(shape);
    input.data = net.input_array.channels_last ? turned(array.words, shape, true) : array.words;
    return input;
}

FloatArray infer_float(Network net, const FloatTensor& input, const InferProgress& progress)
{
    return in_parts(net, input, progress,
                    [&](const FloatTensor& part) { return std::move(run_float(net, part)[answer_layer(net)].data); });
}

FloatArray infer_quantized(QuantizedNetwork net, const FloatTensor& input, const InferProgress& progress)
{
    const std::vector<bool> host = left_to_host(net.net);
    return in_parts(net.net, input, progress, [&](const FloatTensor& part) {
        const std::vector<Tensor> integers = run_reference(net, quantize_input(net, part));
        const std::size_t answer = answer_layer(net.net);
        std::vector<FloatTensor> floats(integers.size());
        for (std::size_t i = 0; i <= answer; ++i) {
            if (!host[i]) {
                const bool read = i == answer || std::find(host.begin(), host.end(), true) != host.end();
                if (read) floats[i] = scaled(integers[i], net.layers[i].out_scale);
                continue;
            }
            std::vector<const FloatTensor*> inputs;
            for (const int from : net.net.layers[i].inputs) inputs.push_back(&floats[static_cast<std::size_t>(from)]);
            floats[i] = float_layer(net.net, static_cast<int>(i), inputs);
        }
        return std::move(floats[answer].data);
    });
}

} // namespace heddle
