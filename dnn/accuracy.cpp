#include "dnn/accuracy.hpp"

#include "dnn/base/error.hpp"
#include "dnn/reference.hpp"

#include <algorithm>

namespace heddle {

namespace {

constexpr int batch_size = 32; // large enough to amortise a layer's set-up, small enough for the cache

template <typename T> int largest_word(const TensorOf<T>& output, int n)
{
    const auto words = static_cast<std::ptrdiff_t>(output.data.size()) / output.shape[0];
    const auto first = output.data.begin() + words * n;
    return static_cast<int>(std::max_element(first, first + words) - first);
}

void check_fits(const Network& net, const Dataset& data)
{
    if (!net.has_weights) throw UserError("network " + net.name + ": has no weights, so no accuracy");
    const Shape4& in = net.layers.front().out_shape;
    if (in[1] != 1 || in[2] != data.rows || in[3] != data.cols) {
        throw UserError("network " + net.name + ": expects input of " + std::to_string(in[1]) + "x" +
                        std::to_string(in[2]) + "x" + std::to_string(in[3]) + ", the data set has 1x" +
                        std::to_string(data.rows) + "x" + std::to_string(data.cols));
    }
    const Shape4& out = net.layers.back().out_shape;
    const int classes = data.labels.empty() ? 0 : *std::max_element(data.labels.begin(), data.labels.end()) + 1;
    if (out[1] < classes || out[2] != 1 || out[3] != 1) {
        throw UserError("network " + net.name + ": its last layer " + net.layers.back().name + " gives " +
                        std::to_string(word_count(out) / out[0]) + " words for " + std::to_string(classes) +
                        " classes");
    }
}

std::vector<FloatTensor> calibration_batches(const Dataset& train, std::int64_t wanted)
{
    const std::int64_t batches = std::min(train.size(), std::max<std::int64_t>(wanted, 1)) / batch_size;
    std::vector<FloatTensor> out;
    for (std::int64_t b = 0; b < std::max<std::int64_t>(batches, 1); ++b) {
        if (train.size() < (b + 1) * batch_size) throw UserError("the training set is too small to calibrate on");
        out.push_back(train.pictures(b * batch_size, batch_size));
    }
    return out;
}

} // namespace

int top1(const FloatTensor& output, int n)
{
    return largest_word(output, n);
}
int top1(const Tensor& output, int n)
{
    return largest_word(output, n);
}

Network with_batch(Network net, int batch)
{
    net.layers.front().out_shape[0] = batch;
    infer_shapes(net);
    return net;
}

Accuracy measure_accuracy(const Network& net, const Dataset& train, const Dataset& test, const AccuracyOptions& options)
{
    check_fits(net, test);
    check_fits(net, train);
    Network floats = with_batch(net, batch_size);
    QuantizedNetwork integers = quantize(floats, options.precision, calibration_batches(train, options.calibration));
    const std::int64_t pictures = options.limit > 0 ? std::min(options.limit, test.size()) : test.size();
    Accuracy result;
    while (result.pictures < pictures) {
        const auto count = static_cast<int>(std::min<std::int64_t>(batch_size, pictures - result.pictures));
        if (count != batch_size) {
            floats = with_batch(std::move(floats), count);
            integers.net = with_batch(std::move(integers.net), count);
        }
        const FloatTensor input = test.pictures(result.pictures, count);
        std::vector<std::int64_t> overflows;
        const FloatTensor expected = run_float(floats, input).back();
        const Tensor got = run_reference(integers, quantize_input(integers, input), &overflows).back();
        for (int n = 0; n < count; ++n) {
            const int label = test.labels[static_cast<std::size_t>(result.pictures + n)];
            result.float_correct += top1(expected, n) == label;
            result.quantised_correct += top1(got, n) == label;
            result.agreed += top1(expected, n) == top1(got, n);
        }
        for (const std::int64_t layer : overflows) result.overflows += layer;
        result.pictures += count;
        if (options.progress) options.progress(result.pictures);
    }
    return result;
}

} // namespace heddle
