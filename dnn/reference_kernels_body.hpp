// Body of reference_kernels_*.cpp, compiled once per instruction set inside a namespace of its own. The including file
// defines `Simd` (vectors of 32-bit lanes) and the register blocking. Nothing here may be inline from a shared header:
// the linker could keep the copy that uses instructions which another processor lacks.

namespace {

std::int32_t load_pair(const std::int16_t* w)
{
    std::int32_t pair;
    __builtin_memcpy(&pair, w, sizeof pair);
    return pair;
}

/// `Filters` rows times `Vectors` vectors of pixels, accumulators in registers.
template <int Filters, int Vectors>
void dot_block(const std::int16_t* weights, int taps, const std::int32_t* x, std::int32_t* sums)
{
    Simd::Int acc[Filters][Vectors] = {};
    const int pairs = taps / 2;
    for (int t = 0; t < pairs; ++t, x += tile_pixels) {
        Simd::Int operand[Vectors];
        for (int v = 0; v < Vectors; ++v) operand[v] = Simd::load(x + v * Simd::lanes);
        for (int f = 0; f < Filters; ++f) {
            const Simd::Int w = Simd::broadcast(load_pair(weights + static_cast<std::int64_t>(f) * taps + 2 * t));
            for (int v = 0; v < Vectors; ++v) acc[f][v] = Simd::multiply_pairs(acc[f][v], operand[v], w);
        }
    }
    if (taps % 2 != 0) {
        for (int f = 0; f < Filters; ++f) {
            const std::int16_t last = weights[static_cast<std::int64_t>(f) * taps + taps - 1];
            const Simd::Int w = Simd::broadcast(static_cast<std::uint16_t>(last));
            for (int v = 0; v < Vectors; ++v)
                acc[f][v] = Simd::multiply_pairs(acc[f][v], Simd::load(x + v * Simd::lanes), w);
        }
    }
    for (int f = 0; f < Filters; ++f)
        for (int v = 0; v < Vectors; ++v) Simd::store(sums + f * tile_pixels + v * Simd::lanes, acc[f][v]);
}

template <int Vectors>
void dot_columns(const std::int16_t* weights, int filters, int taps, const std::int32_t* x, std::int32_t* sums)
{
    int f = 0;
    for (; f + block_filters <= filters; f += block_filters)
        dot_block<block_filters, Vectors>(weights + static_cast<std::int64_t>(f) * taps, taps, x,
                                          sums + f * tile_pixels);
    for (; f < filters; ++f)
        dot_block<1, Vectors>(weights + static_cast<std::int64_t>(f) * taps, taps, x, sums + f * tile_pixels);
}

void dot(const std::int16_t* weights, int filters, int taps, const std::int32_t* x, int pixels, std::int32_t* sums)
{
    constexpr int wide = block_vectors * Simd::lanes;
    int done = 0;
    for (; pixels - done > Simd::lanes; done += wide)
        dot_columns<block_vectors>(weights, filters, taps, x + done, sums + done);
    if (done < pixels) dot_columns<1>(weights, filters, taps, x + done, sums + done);
}

void dot_wide(const std::int16_t* weights, int filters, int taps, const std::int32_t* x, int pixels, int shift,
              std::int64_t* sums)
{
    const std::int32_t half = shift > 0 ? 1 << (shift - 1) : 0;
    for (int f = 0; f < filters; ++f) {
        const std::int16_t* w = weights + static_cast<std::int64_t>(f) * taps;
        std::int64_t acc[tile_pixels] = {};
        for (int t = 0; t < taps; t += 2) {
            const std::int32_t low = w[t];
            const std::int32_t high = t + 1 < taps ? w[t + 1] : 0;
            const std::int32_t* words = x + static_cast<std::int64_t>(t / 2) * tile_pixels;
            for (int i = 0; i < pixels; ++i) {
                const std::int32_t a = static_cast<std::int16_t>(words[i]);
                const std::int32_t b = words[i] >> 16;
                acc[i] += static_cast<std::int64_t>((low * a + half) >> shift) + ((high * b + half) >> shift);
            }
        }
        for (int i = 0; i < pixels; ++i) sums[f * tile_pixels + i] = acc[i];
    }
}

void axpy(std::int32_t w, const std::int16_t* x, int stride, int count, std::int32_t* sums)
{
    if (stride == 1)
        for (int i = 0; i < count; ++i) sums[i] += w * x[i];
    else
        for (int i = 0; i < count; ++i) sums[i] += w * x[static_cast<std::int64_t>(i) * stride];
}

void axpy_wide(std::int32_t w, const std::int16_t* x, int stride, int count, int shift, std::int64_t* sums)
{
    const std::int32_t half = shift > 0 ? 1 << (shift - 1) : 0;
    for (int i = 0; i < count; ++i) sums[i] += (w * x[static_cast<std::int64_t>(i) * stride] + half) >> shift;
}

template <typename Sum> std::int64_t finish_any(const Sum* sums, int count, const FinishRule& rule, std::int16_t* out)
{
    const int spare = 64 - rule.psum_bits;
    const std::int64_t half = std::int64_t{1} << (rule.shift - 1);
    std::int64_t overflows = 0;
    for (int i = 0; i < count; ++i) {
        const std::int64_t exact = sums[i];
        const std::int64_t wrapped = static_cast<std::int64_t>(static_cast<std::uint64_t>(exact) << spare) >> spare;
        overflows += wrapped != exact;
        const std::int64_t y = ((wrapped + rule.bias) * rule.multiplier + half) >> rule.shift;
        out[i] = static_cast<std::int16_t>(y < rule.lo ? rule.lo : y > rule.hi ? rule.hi : y);
    }
    return overflows;
}

std::int64_t finish(const std::int32_t* sums, int count, const FinishRule& rule, std::int16_t* out)
{
    return finish_any(sums, count, rule, out);
}

std::int64_t finish_wide(const std::int64_t* sums, int count, const FinishRule& rule, std::int16_t* out)
{
    return finish_any(sums, count, rule, out);
}

template <int Filters> void dot_float_block(const float* weights, int taps, const float* x, int vectors, float* sums)
{
    for (int v = 0; v < vectors; v += 2) {
        Simd::Float acc[Filters][2] = {};
        const float* words = x + v * Simd::lanes;
        for (int t = 0; t < taps; ++t, words += tile_pixels) {
            const Simd::Float a = Simd::load(words), b = Simd::load(words + Simd::lanes);
            for (int f = 0; f < Filters; ++f) {
                const float w = weights[static_cast<std::int64_t>(f) * taps + t];
                acc[f][0] += w * a;
                acc[f][1] += w * b;
            }
        }
        for (int f = 0; f < Filters; ++f)
            for (int i = 0; i < 2; ++i) Simd::store(sums + f * tile_pixels + (v + i) * Simd::lanes, acc[f][i]);
    }
}

void dot_float(const float* weights, int filters, int taps, const float* x, int pixels, float* sums)
{
    const int vectors = (pixels + Simd::lanes - 1) / Simd::lanes;
    int f = 0;
    for (; f + 4 <= filters; f += 4)
        dot_float_block<4>(weights + static_cast<std::int64_t>(f) * taps, taps, x, vectors, sums + f * tile_pixels);
    for (; f < filters; ++f)
        dot_float_block<1>(weights + static_cast<std::int64_t>(f) * taps, taps, x, vectors, sums + f * tile_pixels);
}

void axpy_float(float w, const float* x, int stride, int count, float* sums)
{
    if (stride == 1)
        for (int i = 0; i < count; ++i) sums[i] += w * x[i];
    else
        for (int i = 0; i < count; ++i) sums[i] += w * x[static_cast<std::int64_t>(i) * stride];
}

} // namespace
