#if defined(__x86_64__)
#pragma GCC optimize("fp-contract=off")
#pragma GCC target("avx2")
#include "dnn/reference_kernels.hpp"

#include <immintrin.h>

namespace heddle::kernels_avx2 {

namespace {

struct Simd {
    static constexpr int lanes = 8;
    using Int = __m256i;
    typedef float Float __attribute__((vector_size(32)));

    static Int load(const std::int32_t* p) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)); }
    static Float load(const float* p) { return _mm256_loadu_ps(p); }
    static void store(std::int32_t* p, Int v) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), v); }
    static void store(float* p, Float v) { _mm256_storeu_ps(p, v); }
    static Int broadcast(std::int32_t v) { return _mm256_set1_epi32(v); }
    static Int multiply_pairs(Int acc, Int x, Int w) { return _mm256_add_epi32(acc, _mm256_madd_epi16(x, w)); }
};

constexpr int block_filters = 6, block_vectors = 2; // 12 accumulators + 2 operands + weight of 16 registers

} // namespace

#include "dnn/reference_kernels_body.hpp"

const ReferenceKernels table = {"avx2", dot, dot_wide, axpy, axpy_wide, finish, finish_wide, dot_float, axpy_float};

} // namespace heddle::kernels_avx2
#endif
