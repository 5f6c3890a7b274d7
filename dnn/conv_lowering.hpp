// A convolution as addresses: where each filter tap of each output pixel sits in a zero-padded input.
// Shared by the integer and the float reference; internal to dnn/.
#pragma once

#include "dnn/network.hpp"
#include "dnn/reference_kernels.hpp"
#include "dnn/tensor.hpp"

#include <algorithm>
#include <cstdint>
#include <vector>

namespace heddle {

/// The input with its padding made explicit; refers to `input` itself where the window has none.
template <typename T> class PaddedInput {
public:
    PaddedInput(const TensorOf<T>& input, const Window& w)
        : rows(input.shape[2] + w.pad_top + w.pad_bottom), cols(input.shape[3] + w.pad_left + w.pad_right),
          data(input.data.data())
    {
        if (rows == input.shape[2] && cols == input.shape[3]) return;
        const std::int64_t planes = static_cast<std::int64_t>(input.shape[0]) * input.shape[1];
        copy_.assign(static_cast<std::size_t>(planes * rows * cols), T{0});
        const T* from = input.data.data();
        for (std::int64_t plane = 0; plane < planes; ++plane)
            for (int h = 0; h < input.shape[2]; ++h, from += input.shape[3])
                std::copy_n(from, input.shape[3], copy_.data() + (plane * rows + h + w.pad_top) * cols + w.pad_left);
        data = copy_.data();
    }
    PaddedInput(const PaddedInput&) = delete;
    PaddedInput& operator=(const PaddedInput&) = delete;

    const int rows, cols;
    const T* data;

private:
    std::vector<T> copy_;
};

struct ConvLowering {
    /// `rows`, `cols`: of the padded input.
    ConvLowering(const Layer& layer, int rows, int cols);

    int batch, channels, group_channels, group_filters, out_rows, out_cols, groups, filters;
    std::int64_t plane;             ///< words of one padded channel
    std::vector<std::int64_t> taps; ///< offset of each tap (c,r,s) of a group, in the order of the weights
    std::int64_t pixels() const { return static_cast<std::int64_t>(batch) * out_rows * out_cols; }

    /// Offsets of the windows of pixels [first, first + count) in (n,p,q) order; the rest of the tile repeats the
    /// first.
    void tile_offsets(std::int64_t first, int count, std::int64_t (&offsets)[tile_pixels]) const;
    /// Index of output word (k = 0, pixel) in the output tensor; k adds out_rows * out_cols.
    std::int64_t out_index(std::int64_t pixel) const;

    /// A group with so few filters is faster row by row than packed into tiles.
    bool direct() const { return group_filters < 4; }

    /// Offset of output row `p`'s first window.
    std::int64_t row_offset(int n, int p) const { return n * channels * plane + p * row_step_; }

    int stride_rows, stride_cols;

private:
    std::int64_t row_step_;
};

} // namespace heddle
