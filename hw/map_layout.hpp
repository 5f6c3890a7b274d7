// Where the words of maps and weights lie in memory, in either order (MapLayout).
#pragma once

#include "hw/box.hpp"
#include "hw/hardware.hpp"

namespace heddle {

/// A map, or the channels of one that a layer has to do with.
struct MapShape {
    int images = 1, rows = 1, cols = 1;
    int groups = 1, channels = 1; ///< channels of a group
    int stored_channels = 1;      ///< of the whole map: more than the layer's own under concat
    int first_channel = 0;        ///< of the layer's own
};

/// Box dimensions (n,h,w,g,c).
TensorLayout map_layout(MapLayout kind, const MapShape& shape);
/// Words between the same pixel of neighbouring channels.
std::int64_t channel_step(MapLayout kind, int rows, int cols);
/// Box dimensions (g,k,r,s,c): filters one behind the other.
TensorLayout weight_layout(MapLayout kind, int groups, int filters, int rows, int cols, int channels);

} // namespace heddle
