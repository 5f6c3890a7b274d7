#include "hw/pool_unit.hpp"

#include <algorithm>

namespace heddle {

void PoolUnit::start(const FusedPool& pool, int channels)
{
    pool_ = &pool;
    channels_ = channels;
    completed_.clear();
    live_ = 0;
    partials_.assign(static_cast<std::size_t>(pool.images) * pool.rows * pool.cols * channels, Partial{});
}

int PoolUnit::valid(int at, int taps, int stride, int dilation, int pad, int size)
{
    int n = 0;
    for (int t = 0; t < taps; ++t) {
        const int place = at * stride - pad + t * dilation;
        n += place >= 0 && place < size ? 1 : 0;
    }
    return n;
}

int PoolUnit::take(std::int32_t value, std::int32_t word)
{
    const Window& w = pool_->window;
    const int plane = pool_->in_rows * pool_->in_cols, image = word / (plane * channels_);
    const int within = word % (plane * channels_);
    const int channel = pool_->planes ? within / plane : within % channels_;
    const int pixel = pool_->planes ? within % plane : within / channels_;
    const int col = pixel % pool_->in_cols, row = pixel / pool_->in_cols;
    int windows = 0;
    for (int r = 0; r < w.filter_rows; ++r) {
        const int from_row = row + w.pad_top - r * w.dilation_rows;
        if (from_row < 0 || from_row % w.stride_rows != 0 || from_row / w.stride_rows >= pool_->rows) continue;
        for (int s = 0; s < w.filter_cols; ++s) {
            const int from_col = col + w.pad_left - s * w.dilation_cols;
            if (from_col < 0 || from_col % w.stride_cols != 0 || from_col / w.stride_cols >= pool_->cols) continue;
            add(image, from_row / w.stride_rows, from_col / w.stride_cols, channel, value);
            ++windows;
        }
    }
    return windows;
}

void PoolUnit::add(int image, int row, int col, int channel, std::int32_t value)
{
    const Window& w = pool_->window;
    const std::int64_t pixel = (static_cast<std::int64_t>(image) * pool_->rows + row) * pool_->cols + col;
    Partial& p = partials_[static_cast<std::size_t>(pixel * channels_ + channel)];
    if (p.seen == 0) ++live_;
    p.largest = p.seen == 0 ? value : std::max(p.largest, value);
    p.sum += value;
    ++p.seen;
    const int expected = valid(row, w.filter_rows, w.stride_rows, w.dilation_rows, w.pad_top, pool_->in_rows) *
                         valid(col, w.filter_cols, w.stride_cols, w.dilation_cols, w.pad_left, pool_->in_cols);
    if (p.seen < expected) return;
    --live_;
    std::int32_t result = std::clamp(p.largest, pool_->clamp_lo, pool_->clamp_hi);
    if (pool_->average) {
        const std::size_t rule = pool_->rules.size() == 1 ? 0 : static_cast<std::size_t>(p.seen - 1);
        result = requantize(p.sum, pool_->rules[rule], pool_->clamp_lo, pool_->clamp_hi);
    }
    const std::int64_t stored = pool_->channel_offset + channel, plane = std::int64_t{pool_->rows} * pool_->cols;
    const std::int64_t word = pool_->planes ? (image * pool_->channel_stride + stored) * plane + row * pool_->cols + col
                                            : pixel * pool_->channel_stride + stored;
    completed_.push_back({static_cast<std::int32_t>(word), result});
}

} // namespace heddle
