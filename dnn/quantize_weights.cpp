#include "dnn/quantize_weights.hpp"

#include "dnn/quantize_scales.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace heddle {

namespace {

double rounding_error(const float* w, std::size_t count, double scale, double largest)
{
    double sum = 0.0;
    for (std::size_t i = 0; i < count; ++i) {
        const double difference = w[i] - scale * std::clamp(std::nearbyint(w[i] / scale), -largest, largest);
        sum += difference * difference;
    }
    return sum;
}

/// Cutting the largest weights pays only where steps are coarse; at 8 bits and more the range is kept.
double channel_scale(const float* w, std::size_t count, int bits)
{
    double reach = 0.0;
    for (std::size_t i = 0; i < count; ++i) reach = std::max<double>(reach, std::fabs(w[i]));
    const double largest = largest_integer(bits);
    if (bits >= 8 || reach == 0.0) return reach / largest;
    double best = reach / largest, least = rounding_error(w, count, best, largest);
    for (int percent = 95; percent >= 30; percent -= 5) {
        const double scale = reach * percent / 100.0 / largest;
        const double error = rounding_error(w, count, scale, largest);
        if (error >= least) continue;
        least = error;
        best = scale;
    }
    return best;
}

double psum_unit(double in_scale, const Precision& precision)
{
    return std::ldexp(in_scale, precision.product_shift);
}

std::size_t words_per_channel(const Layer& conv)
{
    return conv.weights.size() / static_cast<std::size_t>(conv.out_shape[1]);
}

} // namespace

std::vector<double> weight_scales(const Layer& conv, const Precision& precision, double in_scale)
{
    constexpr double smallest = 1e-12;       // of a channel whose weights are all zero
    constexpr double largest_bias = 1 << 30; // leaves room for rounding in 32 bits
    const std::size_t words = words_per_channel(conv);
    std::vector<double> scales(static_cast<std::size_t>(conv.out_shape[1]));
    for (std::size_t k = 0; k < scales.size(); ++k) {
        const double bias = conv.bias.empty() ? 0.0 : std::fabs(conv.bias[k]);
        const double fits = bias / (largest_bias * psum_unit(in_scale, precision));
        const double best = channel_scale(conv.weights.data() + k * words, words, precision.weight_bits);
        scales[k] = std::max({best, fits, smallest});
    }
    return scales;
}

void quantize_conv(const Layer& conv, const Precision& precision, double in_scale, const std::vector<double>& scales,
                   QuantizedLayer& q)
{
    const std::size_t words = words_per_channel(conv);
    const double largest = largest_integer(precision.weight_bits);
    q.weights = Tensor(conv.weight_shape());
    q.bias.assign(scales.size(), 0);
    q.requant.resize(scales.size());
    for (std::size_t k = 0; k < scales.size(); ++k) {
        for (std::size_t i = k * words; i < (k + 1) * words; ++i) {
            const double w = std::clamp(std::nearbyint(conv.weights[i] / scales[k]), -largest, largest);
            q.weights.data[i] = static_cast<std::int16_t>(w);
        }
        const double psum_scale = scales[k] * psum_unit(in_scale, precision);
        if (!conv.bias.empty()) q.bias[k] = static_cast<std::int32_t>(std::nearbyint(conv.bias[k] / psum_scale));
        q.requant[k] = make_requant(psum_scale / q.out_scale);
    }
}

std::vector<double> worst_sums(const QuantizedLayer& q, const Precision& precision)
{
    const double input = std::ldexp(largest_integer(precision.input_bits), -precision.product_shift);
    const double rounding = precision.product_shift > 0 ? 0.5 : 0.0;
    const auto channels = static_cast<std::size_t>(q.weights.shape[0]);
    const std::size_t words = q.weights.data.size() / channels;
    std::vector<double> sums(channels, 0.0);
    for (std::size_t i = 0; i < q.weights.data.size(); ++i)
        if (q.weights.data[i] != 0) sums[i / words] += std::abs(q.weights.data[i]) * input + rounding;
    return sums;
}

} // namespace heddle
