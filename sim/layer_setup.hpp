// Puts one layer before the hardware: its tensors in DRAM, the PostProcessor's registers, the plan's places.
#pragma once

#include "dnn/quantize.hpp"
#include "hw/compiled_plan.hpp"
#include "hw/memory_image.hpp"
#include "hw/post_setup.hpp"
#include "sim/lower.hpp"
#include "sim/map_store.hpp"

#include <memory>
#include <vector>

namespace heddle {

/// Everything one run_layer needs; owns what the image points to.
struct LayerSetup {
    LayerPlan plan;
    int source = 0; ///< layer whose map is read
    PostSetup post;
    MemoryImage image;
    std::vector<std::int16_t> weights;
    std::vector<std::int32_t> parameters;
};

/// `plan` as lowered; its tensors get addresses by place_regions().
std::unique_ptr<LayerSetup> make_layer_setup(const QuantizedNetwork& net, const HardwareConfig& hw,
                                             const LayerPlan& plan, MapStore& maps);

} // namespace heddle
