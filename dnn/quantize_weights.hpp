// Integer weights, bias and requantisation of one conv. Internal to dnn/.
#pragma once

#include "dnn/network.hpp"
#include "dnn/quantize.hpp"

#include <vector>

namespace heddle {

/// One real weight scale per output channel: the one with the least squared error whose bias fits 32 bits.
std::vector<double> weight_scales(const Layer& conv, const Precision& precision, double in_scale);

/// Fills weights, bias and requant of `q` (its out_scale is set) with the given weight scales.
void quantize_conv(const Layer& conv, const Precision& precision, double in_scale, const std::vector<double>& scales,
                   QuantizedLayer& q);

/// Per output channel the largest sum that any inputs within the integer range could give.
std::vector<double> worst_sums(const QuantizedLayer& q, const Precision& precision);

} // namespace heddle
