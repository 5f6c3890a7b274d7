// The feature maps of a network as they lie in DRAM between its layers.
#pragma once

#include "dnn/network.hpp"
#include "dnn/tensor.hpp"
#include "hw/compressed_map.hpp"
#include "sim/map_place.hpp"

#include <memory>
#include <vector>

namespace heddle {

/// The feature maps of a network in DRAM, in the order of the machine's map_layout.
class MapStore {
public:
    /// UserError when a map feeds two concats: it would have to be copied, which nothing here does for free.
    MapStore(const Network& net, const HardwareConfig& hw);

    const MapPlace& place(int layer) const { return places_[static_cast<std::size_t>(layer)]; }
    /// Of a map that lies there as it is.
    std::vector<std::int16_t>& words(int layer);
    /// Where the machine compresses the map that holds it; else nullptr. The network's inputs come as they are, and so
    /// do maps whose rows (or planes) have one word, such as a fully connected layer's.
    CompressedMap* compressed(int layer);
    void write(int layer, const Tensor& values);
    Tensor read(int layer) const;
    /// Frees maps that only layers up to `layer` read.
    void forget_before(int layer);

private:
    std::size_t index(int layer, const Shape4& shape, int n, int c, int pixel) const;
    int unit_words(int layer) const;
    template <typename Move> void each_unit(int layer, const Move& move) const;

    const Network& net_;
    const HardwareConfig& hw_;
    std::vector<MapPlace> places_;
    std::vector<int> last_reader_;
    std::vector<std::vector<std::int16_t>> maps_;
    std::vector<std::unique_ptr<CompressedMap>> compressed_;
};

} // namespace heddle
