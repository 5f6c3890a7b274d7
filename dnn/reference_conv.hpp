// Convolution of the integer reference; internal to dnn/.
#pragma once

#include "dnn/network.hpp"
#include "dnn/quantize.hpp"
#include "dnn/tensor.hpp"

#include <cstdint>
#include <vector>

namespace heddle {

/// Returns how many outputs' exact sums did not fit psum_bits.
std::int64_t reference_conv(const Layer& layer, const QuantizedLayer& q, const Precision& precision,
                            const Tensor& input, Tensor& output);

/// Per output channel the largest magnitude of an exact sum, before it is reduced to psum_bits.
std::vector<std::int64_t> psum_peaks(const Layer& layer, const QuantizedLayer& q, const Precision& precision,
                                     const Tensor& input);

} // namespace heddle
