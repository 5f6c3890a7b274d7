// Seeded float weights for a network that has none.
#pragma once

#include "dnn/network.hpp"

#include <cstdint>

namespace heddle {

/// He-normal (He et al., ICCV 2015): mean 0, variance 2 / (C/G * R * S); biases of zero. The same seed gives the same
/// bits on every machine, each layer from a stream of its own.
void fill_he_normal(Network& net, std::uint64_t seed);

} // namespace heddle
