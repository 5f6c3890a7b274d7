#include "hw/map_layout.hpp"

namespace heddle {

std::int64_t channel_step(MapLayout kind, int rows, int cols)
{
    return kind == MapLayout::planes ? std::int64_t{rows} * cols : 1;
}

TensorLayout map_layout(MapLayout kind, const MapShape& s)
{
    const bool planes = kind == MapLayout::planes;
    const std::int64_t channel = channel_step(kind, s.rows, s.cols), col = planes ? 1 : s.stored_channels;
    TensorLayout l;
    l.extent = {s.images, s.rows, s.cols, s.groups, s.channels};
    l.stride = {std::int64_t{s.stored_channels} * s.rows * s.cols, col * s.cols, col, channel * s.channels, channel};
    l.order = planes ? planes_order : channels_innermost_order;
    l.offset = s.first_channel * channel;
    l.words = l.stride[0] * s.images;
    return l;
}

TensorLayout weight_layout(MapLayout kind, int groups, int filters, int rows, int cols, int channels)
{
    const bool planes = kind == MapLayout::planes;
    const std::int64_t filter = std::int64_t{rows} * cols * channels, col = planes ? 1 : channels;
    TensorLayout l;
    l.extent = {groups, filters, rows, cols, channels};
    l.stride = {filters * filter, filter, col * cols, col, channel_step(kind, rows, cols)};
    l.order = planes ? filter_planes_order : channels_innermost_order;
    l.words = filter * filters * groups;
    return l;
}

} // namespace heddle
