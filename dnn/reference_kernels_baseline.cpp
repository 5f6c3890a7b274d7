// Whatever the compiler's default target offers, with GCC's portable vectors.
#pragma GCC optimize("fp-contract=off")
#include "dnn/reference_kernels.hpp"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace heddle::kernels_baseline {

namespace {

struct Simd {
    static constexpr int lanes = 4;
    typedef std::int32_t Int __attribute__((vector_size(16)));
    typedef float Float __attribute__((vector_size(16)));

    template <typename T, typename V> static void copy(T* to, const V& from) { __builtin_memcpy(to, &from, 16); }
    static Int load(const std::int32_t* p)
    {
        Int v;
        __builtin_memcpy(&v, p, sizeof v);
        return v;
    }
    static Float load(const float* p)
    {
        Float v;
        __builtin_memcpy(&v, p, sizeof v);
        return v;
    }
    static void store(std::int32_t* p, Int v) { copy(p, v); }
    static void store(float* p, Float v) { copy(p, v); }
    static Int broadcast(std::int32_t v) { return Int{v, v, v, v}; }
    static Int multiply_pairs(Int acc, Int x, Int w)
    {
#if defined(__SSE2__)
        return acc + reinterpret_cast<Int>(_mm_madd_epi16(reinterpret_cast<__m128i>(x), reinterpret_cast<__m128i>(w)));
#else
        return acc + ((x << 16) >> 16) * ((w << 16) >> 16) + (x >> 16) * (w >> 16);
#endif
    }
};

constexpr int block_filters = 4, block_vectors = 2;

} // namespace

#include "dnn/reference_kernels_body.hpp"

const ReferenceKernels table = {"baseline", dot, dot_wide, axpy, axpy_wide, finish, finish_wide, dot_float, axpy_float};

} // namespace heddle::kernels_baseline
