// Post-training quantisation to the hardware's integer widths.
//
// Symmetric, zero point 0: real = scale * integer. Weights per output channel, activations per tensor.
// Fixed-point rule (the only rounding in Heddle besides the product shift): for an accumulator a,
//     y = clamp((a * multiplier + 2^(shift-1)) >> shift, lo, hi)        in 64-bit integers, shift >= 1,
// arithmetic shift = floor, so halves round up. ReLU/ReLU6 are the clamp's bounds.
#pragma once

#include "dnn/network.hpp"
#include "dnn/tensor.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace heddle {

/// Integer widths of a machine (design.md §6.2). Defaults: int8 operands, 32-bit psums.
struct Precision {
    int weight_bits = 8;   // 2..16
    int input_bits = 8;    // 2..16, also outputs
    int psum_bits = 32;    // 16..32
    int product_shift = 0; // a product is (w*x + half) >> product_shift before accumulation
};

struct Requant {
    std::int32_t multiplier = 1; // 0 <= multiplier < 2^31
    int shift = 1;               // 1..62
};

inline std::int32_t requantize(std::int64_t acc, const Requant& q, std::int32_t lo, std::int32_t hi)
{
    const std::int64_t y = (acc * q.multiplier + (std::int64_t{1} << (q.shift - 1))) >> q.shift;
    return static_cast<std::int32_t>(y < lo ? lo : y > hi ? hi : y);
}

/// Integer parameters of one layer; which fields are used depends on the op:
/// conv: weights, bias (added to the psum in the PostProcessor), requant per output channel;
/// add:  y = clamp((a*requant[0].multiplier + b*requant[1].multiplier + half) >> requant[0].shift) (equal shifts);
/// avg_pool: requant[0] over the window sum; where count_padding is false and windows are cut by padding,
///       requant[n-1] for a window with n valid words;
/// max_pool, clamp: clamp bounds only (scale unchanged); concat, reshape: nothing (one common scale).
struct QuantizedLayer {
    Tensor weights;                 // (K,C/G,R,S)
    std::vector<std::int32_t> bias; // (K)
    std::vector<Requant> requant;
    std::int32_t clamp_lo = 0, clamp_hi = 0;
    double out_scale = 1.0; // real = out_scale * integer
};

struct QuantizedNetwork {
    Network net; // float weights dropped when quantised
    Precision precision;
    std::vector<QuantizedLayer> layers; // same indices as net.layers
    bool synthetic = false;             // seeded weights, not trained ones
};

/// Quantises with scales calibrated on `calibration` (float reference over those inputs, min/max). Scales are chosen
/// so that no exact psum overflows psum_bits on the calibration inputs and, per channel, by a worst-case bound where
/// affordable.
QuantizedNetwork quantize(const Network& net, const Precision& precision, const std::vector<FloatTensor>& calibration);

/// Seeded weights with realistic ranges for a network that has none (He-normal, so that about half of the ReLU outputs
/// are zero). Deterministic in (seed, layer index). Fast: under 0.5 s for ResNet-50, no float reference run over the
/// full network.
QuantizedNetwork synthesize(const Network& net, const Precision& precision, std::uint64_t seed);

/// The float network that the integers stand for: their weights times their scales, rounding and saturation aside.
Network dequantized(const QuantizedNetwork& net);

/// Seeded input picture in the integer range of the first layer's input.
Tensor synthetic_input(const QuantizedNetwork& net, std::uint64_t seed);
/// Float picture (N,C,H,W) to integers with the input's scale.
Tensor quantize_input(const QuantizedNetwork& net, const FloatTensor& picture);

} // namespace heddle
