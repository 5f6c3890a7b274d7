#include "hw/pe_kernels.hpp"

#include <cstring>

// One body, compiled for three instruction sets and chosen at load time: the package must run on any x86-64.
#define HEDDLE_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))

// The helpers are always inlined: no vector crosses a call.
#pragma GCC diagnostic ignored "-Wpsabi"

namespace heddle {

namespace {

// 32 bytes: gcc 12 splits wider vectors through the stack where the machine has none (store forwarding stalls, 5x).
constexpr int words_per_vector = 8;
using Vector = std::uint32_t __attribute__((vector_size(32), may_alias, aligned(4)));

inline __attribute__((always_inline)) Vector product(Vector a, Vector b, int shift, std::uint32_t half)
{
    using Signed = std::int32_t __attribute__((vector_size(32), may_alias, aligned(4)));
    const Vector p = a * b;
    return shift == 0 ? p : (Vector)((Signed)(p + half) >> shift);
}

inline __attribute__((always_inline)) Vector load(const std::int32_t* p)
{
    return *reinterpret_cast<const Vector*>(p);
}
inline __attribute__((always_inline)) void store(std::int32_t* p, Vector v)
{
    *reinterpret_cast<Vector*>(p) = v;
}

// A word times a vector is broadcast by the compiler; a helper that returned the broadcast vector would be lowered to
// lane-by-lane inserts before it is inlined (gcc 12).
inline std::uint32_t word(std::int32_t v)
{
    return static_cast<std::uint32_t>(v);
}

std::uint32_t half_of(int shift)
{
    return shift == 0 ? 0 : 1u << (shift - 1);
}

} // namespace

HEDDLE_CLONES void column_sums(const PeMatrix& a, const std::int32_t* b_row, int shift, std::int32_t* out)
{
    const std::uint32_t half = half_of(shift);
    for (int x = 0; x < a.stride; x += words_per_vector) {
        const std::int32_t* p = a.data.data() + x;
        Vector sum{};
        if (shift == 0)
            for (int y = 0; y < a.rows; ++y, p += a.stride) sum += load(p) * word(b_row[y]);
        else
            for (int y = 0; y < a.rows; ++y, p += a.stride)
                sum += product(load(p), Vector{} + word(b_row[y]), shift, half);
        store(out + x, sum);
    }
}

HEDDLE_CLONES void column_sums(const PeMatrix& a, const PeMatrix& b, int shift, std::int32_t* out)
{
    const std::uint32_t half = half_of(shift);
    for (int x = 0; x < a.stride; x += words_per_vector) {
        const std::int32_t *p = a.data.data() + x, *q = b.data.data() + x;
        Vector sum{};
        for (int y = 0; y < a.rows; ++y, p += a.stride, q += a.stride) sum += product(load(p), load(q), shift, half);
        store(out + x, sum);
    }
}

HEDDLE_CLONES void outer_product(PeMatrix& acc, const std::int32_t* row, const std::int32_t* col, int shift, int summed)
{
    const std::uint32_t half = half_of(shift);
    for (int x = 0; x < acc.stride; x += words_per_vector) {
        const Vector c = load(col + x);
        std::int32_t* p = acc.data.data() + x;
        const std::int32_t* r = row;
        if (shift == 0 && summed == 1)
            for (int y = 0; y < acc.rows; ++y, p += acc.stride) store(p, load(p) + c * word(row[y]));
        else
            for (int y = 0; y < acc.rows; ++y, p += acc.stride) {
                Vector sum = load(p);
                for (int v = 0; v < summed; ++v, ++r) sum += product(c, Vector{} + word(*r), shift, half);
                store(p, sum);
            }
    }
}

HEDDLE_CLONES void scaled_rows(PeMatrix& acc, const PeMatrix& a, const std::int32_t* b_row, int shift, int summed)
{
    const std::uint32_t half = half_of(shift);
    for (int x = 0; x < acc.stride; x += words_per_vector) {
        std::int32_t* p = acc.data.data() + x;
        const std::int32_t *q = a.data.data() + x, *b = b_row;
        for (int y = 0; y < acc.rows; ++y, p += acc.stride) {
            Vector sum = load(p);
            if (shift == 0)
                for (int v = 0; v < summed; ++v, ++b, q += a.stride) sum += load(q) * word(*b);
            else
                for (int v = 0; v < summed; ++v, ++b, q += a.stride)
                    sum += product(load(q), Vector{} + word(*b), shift, half);
            store(p, sum);
        }
    }
}

HEDDLE_CLONES void elementwise(PeMatrix& acc, const PeMatrix& a, const PeMatrix& b, int shift, int summed)
{
    const std::uint32_t half = half_of(shift);
    for (int x = 0; x < acc.stride; x += words_per_vector) {
        std::int32_t* p = acc.data.data() + x;
        const std::int32_t *q = a.data.data() + x, *r = b.data.data() + x;
        for (int y = 0; y < acc.rows; ++y, p += acc.stride) {
            Vector sum = load(p);
            for (int v = 0; v < summed; ++v, q += a.stride, r += b.stride)
                sum += product(load(q), load(r), shift, half);
            store(p, sum);
        }
    }
}

HEDDLE_CLONES void accumulate(std::int32_t* __restrict sum, const std::int32_t* __restrict value, int n, bool add,
                              int psum_bits)
{
    const int unused = 32 - psum_bits;
    if (!add) {
        for (int i = 0; i < n; ++i) sum[i] = static_cast<std::int32_t>(word(value[i]) << unused) >> unused;
    } else if (unused == 0) {
        for (int i = 0; i < n; ++i) sum[i] = static_cast<std::int32_t>(word(sum[i]) + word(value[i]));
    } else {
        for (int i = 0; i < n; ++i)
            sum[i] = static_cast<std::int32_t>((word(sum[i]) + word(value[i])) << unused) >> unused;
    }
}

HEDDLE_CLONES std::int64_t masked_sum(const std::int32_t* mask, const std::int32_t* count, int n)
{
    std::int32_t sum = 0;
    for (int i = 0; i < n; ++i) sum += mask[i] != 0 ? count[i] : 0;
    return sum;
}

HEDDLE_CLONES std::int64_t both_nonzero(const PeMatrix& a, const PeMatrix& b, const PeMatrix& where)
{
    std::int64_t n = 0;
    const std::int32_t *p = a.data.data(), *q = b.data.data(), *w = where.data.data();
    for (std::size_t i = 0; i < a.data.size(); ++i) n += (p[i] != 0) & (q[i] != 0) & (w[i] != 0);
    return n;
}

HEDDLE_CLONES std::int64_t both_nonzero(const PeMatrix& a, const PeMatrix& b)
{
    std::int64_t n = 0;
    const std::int32_t *p = a.data.data(), *q = b.data.data();
    for (std::size_t i = 0; i < a.data.size(); ++i) n += (p[i] != 0) & (q[i] != 0);
    return n;
}

} // namespace heddle
