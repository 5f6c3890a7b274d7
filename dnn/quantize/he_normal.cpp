#include "dnn/quantize/he_normal.hpp"

#include "dnn/base/random.hpp"

#include <cmath>

namespace heddle {

void fill_he_normal(Network& net, std::uint64_t seed)
{
    for (std::size_t i = 0; i < net.layers.size(); ++i) {
        Layer& layer = net.layers[i];
        if (layer.op != Op::conv) continue;
        const auto filters = static_cast<std::size_t>(layer.out_shape[1]);
        const auto words = static_cast<std::size_t>(layer.weight_words());
        const std::size_t taps = words / filters;
        const double deviation = std::sqrt(2.0 / static_cast<double>(taps));
        Random random(derive_seed(seed, i));
        layer.weights.resize(words);
        for (float& weight : layer.weights) weight = static_cast<float>(deviation * random.normal());
        layer.bias.assign(filters, 0.0f);
    }
    net.has_weights = true;
}

} // namespace heddle
