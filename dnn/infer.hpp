// A network applied to an array by the plain reference alone: no hardware, no timing.
#pragma once

#include "dnn/network.hpp"
#include "dnn/quantize.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace heddle {

/// Row major, batch first.
struct FloatArray {
    std::vector<std::int64_t> dims;
    std::vector<float> words;
};

/// Called with the pictures done and all of them.
using InferProgress = std::function<void(std::int64_t, std::int64_t)>;

/// The array of a .npy as the network's input holds it: (N,C,H,W) for its layers, the values unchanged. UserError when
/// the words do not fit.
FloatTensor input_of(const Network& net, const FloatArray& array);

/// The model's first output, in its shape, for an input whose batch is that of `net`. A part of the batch at a time, so
/// that memory does not grow with it.
FloatArray infer_float(Network net, const FloatTensor& input, const InferProgress& progress = {});
/// The same in integers, and the result times its scale; a softmax at the end is computed in floats, as a host would.
FloatArray infer_quantized(QuantizedNetwork net, const FloatTensor& input, const InferProgress& progress = {});

} // namespace heddle
