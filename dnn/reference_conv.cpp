#include "dnn/reference_conv.hpp"

#include "dnn/conv_lowering.hpp"
#include "dnn/reference_kernels.hpp"

#include <cstdlib>
#include <limits>

namespace heddle {

namespace {

constexpr int filter_block = 24; // sums of one call stay in the first cache

class Convolution {
public:
    /// With `peaks` the sums are only looked at and `output` may be null.
    Convolution(const Layer& layer, const QuantizedLayer& q, const Precision& precision, const Tensor& input,
                Tensor* output, std::vector<std::int64_t>* peaks)
        : q_(q), precision_(precision), input_(input, layer.window), lowering_(layer, input_.rows, input_.cols),
          output_(output), peaks_(peaks), wide_(precision.product_shift > 0 || !sums_fit_int32(input))
    {
    }

    std::int64_t run()
    {
        if (lowering_.direct())
            run_rows();
        else
            run_tiles();
        return overflows_;
    }

private:
    /// Every partial sum is at most max|x| times the largest sum of |w| of one filter.
    bool sums_fit_int32(const Tensor& input) const
    {
        std::int64_t largest_input = 0, largest_filter = 0;
        for (const std::int16_t x : input.data) largest_input = std::max<std::int64_t>(largest_input, std::abs(x));
        const std::size_t taps = lowering_.taps.size();
        for (std::size_t at = 0; at < q_.weights.data.size(); at += taps) {
            std::int64_t sum = 0;
            for (std::size_t i = 0; i < taps; ++i) sum += std::abs(q_.weights.data[at + i]);
            largest_filter = std::max(largest_filter, sum);
        }
        return largest_filter * largest_input <= std::numeric_limits<std::int32_t>::max();
    }

    const std::int16_t* filter(int k) const
    {
        return q_.weights.data.data() + static_cast<std::int64_t>(k) * static_cast<std::int64_t>(lowering_.taps.size());
    }

    FinishRule rule(int k) const
    {
        const auto i = static_cast<std::size_t>(k);
        return {precision_.psum_bits, q_.bias[i],  q_.requant[i].multiplier,
                q_.requant[i].shift,  q_.clamp_lo, q_.clamp_hi};
    }

    void run_tiles()
    {
        packed_.resize((lowering_.taps.size() + 1) / 2 * tile_pixels);
        for (std::int64_t first = 0; first < lowering_.pixels(); first += tile_pixels) {
            const int count = static_cast<int>(std::min<std::int64_t>(tile_pixels, lowering_.pixels() - first));
            std::int64_t offsets[tile_pixels];
            lowering_.tile_offsets(first, count, offsets);
            for (int g = 0; g < lowering_.groups; ++g) {
                pack(input_.data + g * lowering_.group_channels * lowering_.plane, offsets);
                const int end = (g + 1) * lowering_.group_filters;
                for (int k = g * lowering_.group_filters; k < end; k += filter_block)
                    dot_block(k, std::min(filter_block, end - k), first, count);
            }
        }
    }

    /// Two taps of one pixel per word, the first in the low half.
    void pack(const std::int16_t* base, const std::int64_t (&offsets)[tile_pixels])
    {
        const std::size_t taps = lowering_.taps.size();
        std::int32_t* word = packed_.data();
        for (std::size_t t = 0; t < taps; t += 2) {
            const std::int16_t* low = base + lowering_.taps[t];
            const std::int16_t* high = t + 1 < taps ? base + lowering_.taps[t + 1] : nullptr;
            for (const std::int64_t offset : offsets) {
                const std::uint32_t upper = high ? static_cast<std::uint16_t>(high[offset]) : 0u;
                *word++ = static_cast<std::int32_t>(upper << 16 | static_cast<std::uint16_t>(low[offset]));
            }
        }
    }

    void dot_block(int k, int filters, std::int64_t first, int count)
    {
        const int taps = static_cast<int>(lowering_.taps.size());
        if (wide_)
            kernels_.dot_wide(filter(k), filters, taps, packed_.data(), count, precision_.product_shift, wide_sums_);
        else
            kernels_.dot(filter(k), filters, taps, packed_.data(), count, sums_);
        if (peaks_) {
            for (int f = 0; f < filters; ++f)
                wide_ ? note_peak(k + f, wide_sums_ + f * tile_pixels, count)
                      : note_peak(k + f, sums_ + f * tile_pixels, count);
            return;
        }
        finish_block(k, filters, first, count);
    }

    template <typename Sum> void note_peak(int k, const Sum* sums, int count)
    {
        std::int64_t& peak = (*peaks_)[static_cast<std::size_t>(k)];
        for (int i = 0; i < count; ++i) peak = std::max(peak, std::abs(static_cast<std::int64_t>(sums[i])));
    }

    void finish_block(int k, int filters, std::int64_t first, int count)
    {
        const std::int64_t plane = static_cast<std::int64_t>(lowering_.out_rows) * lowering_.out_cols;
        const bool contiguous = lowering_.out_index(first + count - 1) - lowering_.out_index(first) == count - 1;
        for (int f = 0; f < filters; ++f) {
            std::int16_t words[tile_pixels];
            std::int16_t* to = output_->data.data() + (k + f) * plane;
            std::int16_t* row = contiguous ? to + lowering_.out_index(first) : words;
            overflows_ += wide_ ? kernels_.finish_wide(wide_sums_ + f * tile_pixels, count, rule(k + f), row)
                                : kernels_.finish(sums_ + f * tile_pixels, count, rule(k + f), row);
            if (!contiguous) // the tile spans images
                for (int i = 0; i < count; ++i) to[lowering_.out_index(first + i)] = words[i];
        }
    }

    void run_rows()
    {
        const auto cols = static_cast<std::size_t>(lowering_.out_cols);
        row_.resize(cols);
        wide_row_.resize(cols);
        std::int16_t* out = output_ ? output_->data.data() : nullptr;
        for (int n = 0; n < lowering_.batch; ++n)
            for (int k = 0; k < lowering_.filters; ++k)
                for (int p = 0; p < lowering_.out_rows; ++p)
                    row(n, k, p,
                        out ? out + (static_cast<std::int64_t>(n * lowering_.filters + k) * lowering_.out_rows + p) *
                                        lowering_.out_cols
                            : nullptr);
    }

    void row(int n, int k, int p, std::int16_t* out)
    {
        const int cols = lowering_.out_cols;
        const int group = k / lowering_.group_filters;
        const std::int16_t* x =
            input_.data + lowering_.row_offset(n, p) + group * lowering_.group_channels * lowering_.plane;
        const std::int16_t* w = filter(k);
        if (wide_) {
            std::fill(wide_row_.begin(), wide_row_.end(), 0);
            for (const std::int64_t tap : lowering_.taps)
                kernels_.axpy_wide(*w++, x + tap, lowering_.stride_cols, cols, precision_.product_shift,
                                   wide_row_.data());
            if (peaks_)
                note_peak(k, wide_row_.data(), cols);
            else
                overflows_ += kernels_.finish_wide(wide_row_.data(), cols, rule(k), out);
        } else {
            std::fill(row_.begin(), row_.end(), 0);
            for (const std::int64_t tap : lowering_.taps)
                kernels_.axpy(*w++, x + tap, lowering_.stride_cols, cols, row_.data());
            if (peaks_)
                note_peak(k, row_.data(), cols);
            else
                overflows_ += kernels_.finish(row_.data(), cols, rule(k), out);
        }
    }

    const ReferenceKernels& kernels_ = reference_kernels();
    const QuantizedLayer& q_;
    const Precision& precision_;
    const PaddedInput<std::int16_t> input_;
    const ConvLowering lowering_;
    Tensor* const output_;
    std::vector<std::int64_t>* const peaks_;
    const bool wide_;
    std::int64_t overflows_ = 0;
    std::vector<std::int32_t> packed_, row_;
    std::vector<std::int64_t> wide_row_;
    std::int32_t sums_[filter_block * tile_pixels];
    std::int64_t wide_sums_[filter_block * tile_pixels];
};

} // namespace

std::int64_t reference_conv(const Layer& layer, const QuantizedLayer& q, const Precision& precision,
                            const Tensor& input, Tensor& output)
{
    return Convolution(layer, q, precision, input, &output, nullptr).run();
}

std::vector<std::int64_t> psum_peaks(const Layer& layer, const QuantizedLayer& q, const Precision& precision,
                                     const Tensor& input)
{
    std::vector<std::int64_t> peaks(static_cast<std::size_t>(layer.out_shape[1]), 0);
    Convolution(layer, q, precision, input, nullptr, &peaks).run();
    return peaks;
}

} // namespace heddle
