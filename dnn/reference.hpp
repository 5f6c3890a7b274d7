// The plain C++ reference: what every layer must compute, bit for bit. Shares no code with hw/.
#pragma once

#include "dnn/network.hpp"
#include "dnn/quantize.hpp"

#include <cstdint>
#include <vector>

namespace heddle {

/// One integer layer. `inputs` are the layer's input tensors in order. Computes the sum exactly (products rounded by
/// product_shift), reduces it once modulo 2^psum_bits, adds bias, requantises. `overflows` counts outputs whose exact
/// sum did not fit. Valid for conv, pools, add, concat, clamp, reshape; softmax copies its input.
Tensor reference_layer(const QuantizedNetwork& net, int layer, const std::vector<const Tensor*>& inputs,
                       std::int64_t* overflows);

/// All layers; result[i] is the output of layer i. Fast (vectorised, one thread): ResNet-50 in about a second.
std::vector<Tensor> run_reference(const QuantizedNetwork& net, const Tensor& input,
                                  std::vector<std::int64_t>* overflows = nullptr);

/// Float layers, for calibration and `heddle accuracy`.
/// UserError when the input has another shape or the network has no weights.
std::vector<FloatTensor> run_float(const Network& net, const FloatTensor& input);

/// One float layer; `inputs` in order.
FloatTensor float_layer(const Network& net, int layer, const std::vector<const FloatTensor*>& inputs);

} // namespace heddle
