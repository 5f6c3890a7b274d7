#if defined(__x86_64__)
#pragma GCC optimize("fp-contract=off")
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq")
#include "dnn/reference_kernels.hpp"

#include <immintrin.h>

namespace heddle::kernels_avx512 {

namespace {

struct Simd {
    static constexpr int lanes = 16;
    using Int = __m512i;
    typedef float Float __attribute__((vector_size(64)));

    static Int load(const std::int32_t* p) { return _mm512_loadu_si512(p); }
    static Float load(const float* p) { return _mm512_loadu_ps(p); }
    static void store(std::int32_t* p, Int v) { _mm512_storeu_si512(p, v); }
    static void store(float* p, Float v) { _mm512_storeu_ps(p, v); }
    static Int broadcast(std::int32_t v) { return _mm512_set1_epi32(v); }
    static Int multiply_pairs(Int acc, Int x, Int w) { return _mm512_add_epi32(acc, _mm512_madd_epi16(x, w)); }
};

constexpr int block_filters = 6, block_vectors = 4; // 24 accumulators + 4 operands of 32 registers

} // namespace

#include "dnn/reference_kernels_body.hpp"

const ReferenceKernels table = {"avx512", dot, dot_wide, axpy, axpy_wide, finish, finish_wide, dot_float, axpy_float};

} // namespace heddle::kernels_avx512
#endif
