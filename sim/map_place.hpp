// Where a layer's feature map lies among the maps in DRAM: concatenated maps are written side by side by their
// producers, and a reshape is another name for its source, so neither moves data.
#pragma once

#include "dnn/network.hpp"

namespace heddle {

struct MapPlace {
    int owner = 0;          ///< layer whose allocation holds it
    int channel_stride = 0; ///< of that allocation
    int channel_offset = 0;

    bool operator==(const MapPlace& o) const
    {
        return owner == o.owner && channel_stride == o.channel_stride && channel_offset == o.channel_offset;
    }
};

/// A map that feeds several concats has its place in the first: MapStore refuses it.
MapPlace map_place(const Network& net, int layer);

} // namespace heddle
