// The PostProcessor's registers for one layer. Per-channel parameters (bias, multiplier, shift) are not here: they come
// from DRAM like any other tensor.
#pragma once

#include "dnn/network.hpp"
#include "dnn/quantize.hpp"

#include <cstdint>
#include <vector>

namespace heddle {

/// Pooling of the conv's results on their way out.
struct FusedPool {
    bool active = false, average = false;
    Window window;
    int images = 1;
    int in_rows = 0, in_cols = 0; ///< of the conv's map
    int rows = 0, cols = 0;       ///< of the pooled map
    std::int32_t clamp_lo = 0, clamp_hi = 0;
    std::vector<Requant> rules;                 ///< average: [0], or [n-1] for a window with n valid words
    int channel_stride = 1, channel_offset = 0; ///< of the pooled map in memory
    bool planes = false;                        ///< both maps lie channel by channel
};

struct PostSetup {
    Op op = Op::conv; ///< conv: requantise psums; pools, clamp, add: windows from the buffer
    std::int32_t clamp_lo = 0, clamp_hi = 0;
    std::vector<Requant> average; ///< avg_pool: [0], or [n-1] for a window with n valid words
    bool add = false;             ///< a second operand is added after the layer's own clamp
    std::int64_t add_multiplier = 0, operand2_multiplier = 0;
    int add_shift = 1;
    std::int32_t add_lo = 0, add_hi = 0;
    FusedPool pool;
    std::int64_t psum_words = 0;                ///< that the layer sends through it; 0 for windows from the buffer
    int channels = 0;                           ///< that have parameters
    int channel_stride = 1, channel_offset = 0; ///< of the output map, to find a word's channel
    std::int32_t channel_step = 1;              ///< words between neighbouring channels
};

} // namespace heddle
