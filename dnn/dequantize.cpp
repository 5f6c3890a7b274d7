#include "dnn/quantize.hpp"

#include <cmath>

namespace heddle {

/// A conv's output is out_scale * factor * (sum of products / 2^product_shift + bias), its input in_scale * integer.
Network dequantized(const QuantizedNetwork& net)
{
    Network floats = net.net;
    floats.has_weights = true;
    const double products = std::ldexp(1.0, -net.precision.product_shift);
    for (std::size_t i = 0; i < floats.layers.size(); ++i) {
        Layer& layer = floats.layers[i];
        if (layer.op != Op::conv) continue;
        const QuantizedLayer& q = net.layers[i];
        const double in_scale = net.layers[static_cast<std::size_t>(layer.inputs.front())].out_scale;
        const std::size_t filters = q.requant.size(), taps = q.weights.data.size() / filters;
        layer.weights.resize(q.weights.data.size());
        layer.bias.resize(filters);
        for (std::size_t k = 0; k < filters; ++k) {
            const double factor = q.out_scale * std::ldexp(q.requant[k].multiplier, -q.requant[k].shift);
            for (std::size_t t = k * taps; t < (k + 1) * taps; ++t)
                layer.weights[t] = static_cast<float>(q.weights.data[t] * products * factor / in_scale);
            layer.bias[k] = static_cast<float>(q.bias[k] * factor);
        }
    }
    return floats;
}

} // namespace heddle
