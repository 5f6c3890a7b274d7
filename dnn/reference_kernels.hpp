// Inner loops of the reference, compiled once per instruction set and picked at run time (never -march=native).
// All variants give the same bits: integers are exact, floats add in the same order without fused multiply-add.
#pragma once

#include <cstdint>

namespace heddle {

/// Pixels of one tile; a tile's operands are laid out [pair or tap][tile_pixels].
constexpr int tile_pixels = 64;

/// What happens to an exact sum: wrap to psum_bits, + bias, fixed-point rule of quantize.hpp, clamp.
struct FinishRule {
    int psum_bits;
    std::int64_t bias;
    std::int64_t multiplier;
    int shift;
    std::int32_t lo, hi;
};

struct ReferenceKernels {
    const char* name;

    /// sums[f][pixel] = sum over taps of weights[f][tap] * x[tap][pixel], for sums and pairwise sums that fit int32.
    /// Row f of the weights starts at f * taps. x holds two taps per word (low half first; last high half 0 when odd).
    void (*dot)(const std::int16_t* weights, int filters, int taps, const std::int32_t* x, int pixels,
                std::int32_t* sums);
    /// The same in 64 bits with every product rounded: (w * x + 2^(shift-1)) >> shift when shift > 0.
    void (*dot_wide)(const std::int16_t* weights, int filters, int taps, const std::int32_t* x, int pixels, int shift,
                     std::int64_t* sums);
    /// sums[i] += w * x[i * stride]: one filter tap along an output row.
    void (*axpy)(std::int32_t w, const std::int16_t* x, int stride, int count, std::int32_t* sums);
    void (*axpy_wide)(std::int32_t w, const std::int16_t* x, int stride, int count, int shift, std::int64_t* sums);
    /// Returns how many sums did not fit psum_bits.
    std::int64_t (*finish)(const std::int32_t* sums, int count, const FinishRule& rule, std::int16_t* out);
    std::int64_t (*finish_wide)(const std::int64_t* sums, int count, const FinishRule& rule, std::int16_t* out);

    /// Float versions: x is [tap][tile_pixels].
    void (*dot_float)(const float* weights, int filters, int taps, const float* x, int pixels, float* sums);
    void (*axpy_float)(float w, const float* x, int stride, int count, float* sums);
};

/// The fastest set this processor runs.
const ReferenceKernels& reference_kernels();
/// All sets this processor runs, slowest first: so that a test can compare them.
const ReferenceKernels* const* runnable_reference_kernels(int& count);

namespace kernels_baseline {
extern const ReferenceKernels table;
}
namespace kernels_avx2 {
extern const ReferenceKernels table;
}
namespace kernels_avx512 {
extern const ReferenceKernels table;
}

} // namespace heddle
