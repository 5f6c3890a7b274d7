#include "dnn/base/error.hpp"
#include "dnn/base/random.hpp"
#include "dnn/quantize.hpp"
#include "dnn/quantize_scales.hpp"
#include "dnn/synthetic_statistics.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace heddle {

namespace {

constexpr std::uint64_t input_stream = ~std::uint64_t{0}; // of derive_seed: no layer has this index

std::int16_t rounded(double x, int largest)
{
    return static_cast<std::int16_t>(std::lround(std::clamp(x, -1.0 * largest, 1.0 * largest)));
}

/// Normal integers of deviation `deviation`, cut at +-largest <= 127: a value is the sum of four random bytes, scaled.
void fill_bytes(std::vector<std::int16_t>& words, Random& random, double deviation, int largest)
{
    constexpr int center = 2 * 255;
    constexpr std::uint64_t even_bytes = 0x00ff00ff00ff00ffull;
    const double gain = deviation / std::sqrt((256.0 * 256.0 - 1.0) / 3.0);
    std::int16_t value[2 * center + 1];
    for (int sum = 0; sum <= 2 * center; ++sum) value[sum] = rounded((sum - center) * gain, largest);
    for (std::size_t i = 0; i < words.size(); i += 2) {
        const std::uint64_t word = random.next();
        const std::uint64_t pairs = (word & even_bytes) + (word >> 8 & even_bytes);
        const std::uint64_t sums = pairs + (pairs >> 16);
        words[i] = value[sums & 0xffff];
        if (i + 1 < words.size()) words[i + 1] = value[sums >> 32 & 0xffff];
    }
}

/// The same from 16-bit parts, for more than 8 bits.
void fill_halves(std::vector<std::int16_t>& words, Random& random, double deviation, int largest)
{
    constexpr int center = 2 * 65535;
    const double gain = deviation / std::sqrt((65536.0 * 65536.0 - 1.0) / 3.0);
    for (std::int16_t& to : words) {
        std::uint64_t word = random.next();
        int sum = -center;
        for (int part = 0; part < 4; ++part, word >>= 16) sum += static_cast<std::uint16_t>(word);
        to = rounded(sum * gain, largest);
    }
}

class Synthesis {
public:
    Synthesis(const Network& net, const Precision& precision, std::uint64_t seed)
        : precision_(precision), seed_(seed), models_(model_values(net))
    {
        result_.net = without_weights(net);
        result_.precision = precision;
        result_.layers.resize(net.layers.size());
        result_.synthetic = true;
    }

    QuantizedNetwork run()
    {
        choose_scales();
        for (std::size_t i = 0; i < result_.layers.size(); ++i) {
            const Layer& layer = result_.net.layers[i];
            QuantizedLayer& q = result_.layers[i];
            set_clamp(q, layer.activation, precision_.input_bits);
            std::vector<double> in_scales;
            for (const int input : layer.inputs)
                in_scales.push_back(result_.layers[static_cast<std::size_t>(input)].out_scale);
            set_simple_requant(layer, in_scales, q);
            if (layer.op == Op::conv) fill_conv(static_cast<int>(i));
        }
        return std::move(result_);
    }

private:
    void choose_scales()
    {
        const std::vector<int> groups = scale_groups(result_.net);
        std::vector<double> reach(groups.size(), 0.0);
        for (std::size_t i = 0; i < groups.size(); ++i) {
            const double own = sets_scale(result_.net.layers[i].op) ? models_[i].reach() : 0.0;
            double& shared = reach[static_cast<std::size_t>(groups[i])];
            shared = std::max(shared, own);
        }
        for (std::size_t i = 0; i < groups.size(); ++i)
            result_.layers[i].out_scale =
                reach[static_cast<std::size_t>(groups[i])] / largest_integer(precision_.input_bits);
    }

    /// Deviation of the integer weights: the whole range, less where sums would leave psum_bits.
    double weight_deviation(double input_square, std::int64_t taps) const
    {
        constexpr double plausible = 12.0; // deviations: 7 for some 10^7 outputs, the rest for a model that is off
        const double sum_per_weight =
            std::sqrt(static_cast<double>(taps) * input_square) / std::ldexp(1.0, precision_.product_shift);
        const double full = std::max(0.29 * largest_integer(precision_.weight_bits), 0.7);
        const double fitting = std::ldexp(1.0, precision_.psum_bits - 1) / (plausible * sum_per_weight);
        return std::max(std::min(full, fitting), 0.3); // below 0.3 nearly all weights would be zero
    }

    void fill_conv(int index)
    {
        const Layer& layer = result_.net.layers[static_cast<std::size_t>(index)];
        QuantizedLayer& q = result_.layers[static_cast<std::size_t>(index)];
        const auto from = static_cast<std::size_t>(layer.inputs[0]);
        const double in_scale = result_.layers[from].out_scale;
        const double in_mean = models_[from].mean() / in_scale;
        const double in_variance = models_[from].variance() / (in_scale * in_scale);
        q.weights = Tensor(layer.weight_shape());
        const std::int64_t taps = layer.weight_words() / layer.out_shape[1];
        const double deviation = weight_deviation(in_variance + in_mean * in_mean, taps);
        Random random(derive_seed(seed_, static_cast<std::uint64_t>(index)));
        const int largest = largest_integer(precision_.weight_bits);
        (precision_.weight_bits <= 8 ? fill_bytes : fill_halves)(q.weights.data, random, deviation, largest);
        finish_channels(index, taps, in_mean, in_variance);
    }

    /// Like a batch norm: removes the mean that the inputs give each sum, and scales its deviation to the model's.
    void finish_channels(int index, std::int64_t taps, double in_mean, double in_variance)
    {
        QuantizedLayer& q = result_.layers[static_cast<std::size_t>(index)];
        const ValueModel& model = models_[static_cast<std::size_t>(index)];
        const double unit = std::ldexp(1.0, -precision_.product_shift);
        const auto channels = static_cast<std::size_t>(q.weights.shape[0]);
        q.bias.resize(channels);
        q.requant.resize(channels);
        const std::int16_t* w = q.weights.data.data();
        for (std::size_t k = 0; k < channels; ++k, w += taps) {
            std::int64_t sum = 0, squares = 0;
            for (std::int64_t i = 0; i < taps; ++i) {
                sum += w[i];
                squares += std::int32_t{w[i]} * w[i];
            }
            const double spread = unit * std::sqrt(std::max<double>(static_cast<double>(squares), 0.25) * in_variance);
            const double factor = model.deviation / q.out_scale / spread;
            const double bias = model.center / q.out_scale / factor - unit * in_mean * static_cast<double>(sum);
            const double limit = std::numeric_limits<std::int32_t>::max();
            q.bias[k] = static_cast<std::int32_t>(std::clamp(std::round(bias), -limit, limit));
            q.requant[k] = make_requant(factor);
        }
    }

    QuantizedNetwork result_;
    Precision precision_;
    std::uint64_t seed_;
    std::vector<ValueModel> models_;
};

} // namespace

QuantizedNetwork synthesize(const Network& net, const Precision& precision, std::uint64_t seed)
{
    check_precision(precision);
    return Synthesis(net, precision, seed).run();
}

Tensor synthetic_input(const QuantizedNetwork& net, std::uint64_t seed)
{
    Tensor picture(net.net.layers.at(0).out_shape);
    Random random(derive_seed(seed, input_stream));
    const int largest = largest_integer(net.precision.input_bits);
    for (std::int16_t& x : picture.data) x = static_cast<std::int16_t>(random.range(-largest, largest));
    return picture;
}

Tensor quantize_input(const QuantizedNetwork& net, const FloatTensor& picture)
{
    if (picture.shape != net.net.layers.at(0).out_shape)
        throw UserError("network " + net.net.name + ": the picture has another shape than the input");
    Tensor result(picture.shape);
    const double largest = largest_integer(net.precision.input_bits), scale = net.layers[0].out_scale;
    for (std::size_t i = 0; i < result.data.size(); ++i) {
        const double x = std::round(picture.data[i] / scale);
        result.data[i] = static_cast<std::int16_t>(std::isnan(x) ? 0.0 : std::clamp(x, -largest, largest));
    }
    return result;
}

} // namespace heddle
