// Puts one layer before the hardware: its tensors in DRAM, the PostProcessor's registers, the plan's places.
#pragma once

#include "dnn/quantize.hpp"
#include "hw/compiled_plan.hpp"
#include "hw/memory_image.hpp"
#include "hw/post_setup.hpp"
#include "sim/lower.hpp"

#include <memory>
#include <vector>

namespace heddle {

/// The feature maps of a network in DRAM, N,H,W,C. Concatenated maps are written side by side by their producers, and a
/// reshape is another name for its source, so neither moves data.
class MapStore {
public:
    /// UserError when a map feeds two concats: it would have to be copied, which nothing here does for free.
    explicit MapStore(const Network& net);

    struct Place {
        int owner = 0;          ///< layer whose allocation holds it
        int channel_stride = 0; ///< channels per pixel there
        int channel_offset = 0;
    };
    const Place& place(int layer) const { return places_[static_cast<std::size_t>(layer)]; }
    std::vector<std::int16_t>& words(int layer);
    void write(int layer, const Tensor& values);
    Tensor read(int layer) const;
    /// Frees maps that only layers up to `layer` read.
    void forget_before(int layer);

private:
    const Network& net_;
    std::vector<Place> places_;
    std::vector<int> last_reader_;
    std::vector<std::vector<std::int16_t>> maps_;
};

/// Everything one run_layer needs; owns what the image points to.
struct LayerSetup {
    LayerPlan plan;
    PostSetup post;
    MemoryImage image;
    std::vector<std::int16_t> weights;
    std::vector<std::int32_t> parameters;
};

/// `plan` as lowered; gets its addresses, aligned to row x banks from 0 on for every layer (design.md §8.6).
std::unique_ptr<LayerSetup> make_layer_setup(const QuantizedNetwork& net, const HardwareConfig& hw,
                                             const LayerPlan& plan, MapStore& maps);

} // namespace heddle
