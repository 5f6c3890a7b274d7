#include "dnn/conv_lowering.hpp"

namespace heddle {

ConvLowering::ConvLowering(const Layer& layer, int rows, int cols)
    : batch(layer.in_shape[0]), channels(layer.in_shape[1]), group_channels(channels / layer.window.groups),
      group_filters(layer.out_shape[1] / layer.window.groups), out_rows(layer.out_shape[2]),
      out_cols(layer.out_shape[3]), groups(layer.window.groups), filters(layer.out_shape[1]),
      plane(static_cast<std::int64_t>(rows) * cols), stride_rows(layer.window.stride_rows),
      stride_cols(layer.window.stride_cols)
{
    const Window& w = layer.window;
    taps.reserve(static_cast<std::size_t>(group_channels) * w.filter_rows * w.filter_cols);
    for (int c = 0; c < group_channels; ++c)
        for (int r = 0; r < w.filter_rows; ++r)
            for (int s = 0; s < w.filter_cols; ++s)
                taps.push_back(c * plane + static_cast<std::int64_t>(r) * w.dilation_rows * cols + s * w.dilation_cols);
    row_step_ = static_cast<std::int64_t>(stride_rows) * cols;
}

void ConvLowering::tile_offsets(std::int64_t first, int count, std::int64_t (&offsets)[tile_pixels]) const
{
    const std::int64_t image = static_cast<std::int64_t>(out_rows) * out_cols;
    for (int i = 0; i < tile_pixels; ++i) {
        const std::int64_t pixel = first + (i < count ? i : 0);
        const std::int64_t in_image = pixel % image;
        offsets[i] =
            pixel / image * channels * plane + in_image / out_cols * row_step_ + in_image % out_cols * stride_cols;
    }
}

std::int64_t ConvLowering::out_index(std::int64_t pixel) const
{
    const std::int64_t image = static_cast<std::int64_t>(out_rows) * out_cols;
    return pixel / image * image * filters + pixel % image;
}

} // namespace heddle
