// The PostProcessor's registers for one layer. Per-channel parameters (bias, multiplier, shift) are not here: they come
// from DRAM like any other tensor.
#pragma once

#include "dnn/network.hpp"
#include "dnn/quantize.hpp"

#include <cstdint>
#include <vector>

namespace heddle {

struct PostSetup {
    Op op = Op::conv; ///< conv: requantise psums; pools, clamp, add: windows from the buffer
    std::int32_t clamp_lo = 0, clamp_hi = 0;
    std::vector<Requant> average; ///< avg_pool: [0], or [n-1] for a window with n valid words
    bool add = false;             ///< a second operand is added after the layer's own clamp
    std::int64_t add_multiplier = 0, operand2_multiplier = 0;
    int add_shift = 1;
    std::int32_t add_lo = 0, add_hi = 0;
    int channels = 0;                           ///< that have parameters
    int channel_stride = 1, channel_offset = 0; ///< of the output map, to find a word's channel
};

} // namespace heddle
