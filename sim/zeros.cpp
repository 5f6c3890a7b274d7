#include "sim/zeros.hpp"

#include "dnn/base/error.hpp"
#include "dnn/base/random.hpp"
#include "dnn/base/yaml_scalar.hpp"
#include "dnn/reference.hpp"

#include <algorithm>
#include <cmath>

namespace heddle {

namespace {

/// Words of which exactly the share is zero; the others are sums of four uniform ones, as normal ones look.
Tensor map_with_zeros(const Shape4& shape, double share, bool positive, int largest, Random& random)
{
    Tensor map(shape);
    std::uint64_t left = map.data.size();
    std::uint64_t zeros = static_cast<std::uint64_t>(std::llround(share * static_cast<double>(left)));
    for (std::int16_t& x : map.data) {
        if (random.below(left--) < zeros) {
            --zeros;
            continue;
        }
        std::int64_t sum = 0;
        for (int i = 0; i < 4; ++i) sum += random.range(-largest, largest);
        const std::int64_t size = std::max<std::int64_t>(1, std::abs(sum) / 4);
        x = static_cast<std::int16_t>(sum < 0 && !positive ? -size : size);
    }
    return map;
}

/// Finds, channel by channel, the sum below or at which the share of a conv's sums lies.
class Thresholds {
public:
    Thresholds(const QuantizedNetwork& network, int layer, const Tensor& input)
        : network_(network), layer_(layer), input_(input)
    {
    }

    /// Values have 16 bits and sums 32, so it takes two looks: at the upper half, then below the place found there.
    std::vector<std::int64_t> of_share(double share)
    {
        constexpr int upper = 16;
        QuantizedLayer& q = network_.layers[static_cast<std::size_t>(layer_)];
        const std::size_t channels = q.bias.size();
        q.clamp_lo = -32767;
        q.clamp_hi = 32767;
        q.bias.assign(channels, 0);
        q.requant.assign(channels, Requant{1, upper});
        const std::vector<std::int64_t> coarse = at_share(share);
        for (std::size_t k = 0; k < channels; ++k)
            q.bias[k] =
                static_cast<std::int32_t>(std::clamp<std::int64_t>(-(coarse[k] << upper), -INT32_MAX, INT32_MAX));
        q.requant.assign(channels, Requant{1, 1});
        std::vector<std::int64_t> sums = at_share(share);
        for (std::size_t k = 0; k < channels; ++k) sums[k] = 2 * sums[k] - q.bias[k];
        return sums;
    }

private:
    /// The value of each channel that so many of its words do not exceed; below all of them for a share of zero.
    std::vector<std::int64_t> at_share(double share) const
    {
        std::int64_t overflows = 0;
        const Tensor t = reference_layer(network_, layer_, {&input_}, &overflows);
        const std::size_t channels = static_cast<std::size_t>(t.shape[1]);
        const std::size_t plane = static_cast<std::size_t>(t.shape[2]) * t.shape[3];
        std::vector<std::int64_t> found;
        for (std::size_t k = 0; k < channels; ++k) {
            std::vector<std::int16_t> values;
            for (std::size_t n = 0; n < static_cast<std::size_t>(t.shape[0]); ++n) {
                const auto first = t.data.begin() + static_cast<std::ptrdiff_t>((n * channels + k) * plane);
                values.insert(values.end(), first, first + static_cast<std::ptrdiff_t>(plane));
            }
            const auto rank = std::llround(share * static_cast<double>(values.size()));
            const auto nth = values.begin() + std::max<std::ptrdiff_t>(rank - 1, 0);
            std::nth_element(values.begin(), nth, values.end());
            found.push_back(rank == 0 ? *nth - 1 : *nth);
        }
        return found;
    }

    QuantizedNetwork network_; ///< with another rule for the layer
    int layer_;
    const Tensor& input_;
};

/// Moves the biases so that sums up to the threshold become zero.
void clip_share(QuantizedNetwork& network, int layer, const Tensor& input, double share)
{
    const std::vector<std::int64_t> thresholds = Thresholds(network, layer, input).of_share(share);
    QuantizedLayer& q = network.layers[static_cast<std::size_t>(layer)];
    for (std::size_t k = 0; k < q.bias.size(); ++k) {
        // The largest sum that requantize() rounds to zero.
        const Requant& r = q.requant[k];
        const std::int64_t half = std::int64_t{1} << (r.shift - 1), m = std::max(r.multiplier, 1);
        const std::int64_t bias = (half + m - 1) / m - 1 - thresholds[k];
        q.bias[k] = static_cast<std::int32_t>(std::clamp<std::int64_t>(bias, -INT32_MAX, INT32_MAX));
    }
}

void check_layer(const Network& net, int layer, const ZeroShares& shares)
{
    const Layer& l = net.layers[static_cast<std::size_t>(layer)];
    if (l.op != Op::conv) throw UserError("layer " + l.name + ": expected a conv, found " + op_name(l.op));
    const Op from = net.layers[static_cast<std::size_t>(l.inputs.front())].op;
    if (shares.inputs >= 0 && (from == Op::concat || from == Op::reshape))
        throw UserError("layer " + l.name + ": expected an input map of its own, found a " + op_name(from));
    if (shares.outputs >= 0 && l.activation == Activation::none)
        throw UserError("layer " + l.name + ": expected a ReLU that clips outputs to zero, found none");
}

} // namespace

std::map<int, Tensor> apply_zeros(QuantizedNetwork& network, const Tensor& input,
                                  const std::map<int, ZeroShares>& zeros, std::uint64_t seed)
{
    constexpr std::uint64_t stream = std::uint64_t{1} << 32; // apart from the weights', whose streams are layer numbers
    const Network& net = network.net;
    std::map<int, Tensor> given;
    for (const auto& [layer, shares] : zeros) { // in order: a layer's input may come from one with new biases
        check_layer(net, layer, shares);
        const int from = net.layers[static_cast<std::size_t>(layer)].inputs.front();
        if (shares.inputs >= 0) {
            Random random(derive_seed(seed, stream + static_cast<std::uint64_t>(layer)));
            const bool positive = net.layers[static_cast<std::size_t>(from)].op != Op::input;
            given[layer] = map_with_zeros(net.layers[static_cast<std::size_t>(from)].out_shape, shares.inputs, positive,
                                          (1 << (network.precision.input_bits - 1)) - 1, random);
        }
        if (shares.outputs < 0) continue;
        const auto own = given.find(layer);
        if (own != given.end())
            clip_share(network, layer, own->second, shares.outputs);
        else
            clip_share(network, layer,
                       run_reference_slices(network, input, given, nullptr)[static_cast<std::size_t>(from)],
                       shares.outputs);
    }
    return given;
}

std::vector<Tensor> run_reference_slices(const QuantizedNetwork& network, const Tensor& input,
                                         const std::map<int, Tensor>& given, std::vector<std::int64_t>* overflows)
{
    if (given.empty()) return run_reference(network, input, overflows);
    const std::size_t count = network.net.layers.size();
    std::vector<Tensor> outputs(count);
    std::vector<std::int64_t> wrong(count, 0);
    outputs[0] = input;
    for (std::size_t i = 1; i < count; ++i) {
        std::vector<const Tensor*> inputs;
        const auto own = given.find(static_cast<int>(i));
        for (int in : network.net.layers[i].inputs)
            inputs.push_back(own != given.end() ? &own->second : &outputs[static_cast<std::size_t>(in)]);
        outputs[i] = reference_layer(network, static_cast<int>(i), inputs, &wrong[i]);
    }
    if (overflows) *overflows = std::move(wrong);
    return outputs;
}

} // namespace heddle
