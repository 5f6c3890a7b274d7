// What calibrated and synthetic quantisation share: which tensors must have one scale, and how a real factor becomes a
// fixed-point rule. Internal to dnn/.
#pragma once

#include "dnn/network.hpp"
#include "dnn/quantize.hpp"

#include <vector>

namespace heddle {

/// Largest magnitude of a symmetric integer of `bits`.
inline int largest_integer(int bits)
{
    return (1 << (bits - 1)) - 1;
}

/// UserError when a width is outside what design.md §6.2 states.
void check_precision(const Precision& precision);

/// Layers whose outputs must share one scale carry the same number, the smallest index among them: concat, max_pool,
/// clamp, reshape and softmax keep their inputs' scale.
std::vector<int> scale_groups(const Network& net);
/// True for layers that requantise, so that their values decide the scale; the others only hand values on.
bool sets_scale(Op op);

/// factor ~ multiplier / 2^shift, 31 significant bits where the shift allows. Factors outside the range saturate.
Requant make_requant(double factor);
/// Two factors with one shift.
std::vector<Requant> make_requant_pair(double first, double second);

/// Fills clamp_lo/clamp_hi for an activation at out_scale.
void set_clamp(QuantizedLayer& layer, Activation activation, int output_bits);

/// requant of add and avg_pool from the scales of their inputs and output; nothing for the other ops.
void set_simple_requant(const Layer& layer, const std::vector<double>& in_scales, QuantizedLayer& q);

/// The network without its float parameters.
Network without_weights(const Network& net);

} // namespace heddle
