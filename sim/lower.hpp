// A mapping made executable: checked against the machine and turned into the plan that hw/ runs.
#pragma once

#include "sim/layer_shape.hpp"
#include "sim/mapping.hpp"

namespace heddle {

/// Complete but for addresses (the driver's). Delivery modes are the first of each network's list
/// that fit the sharing which the spatial loops give. UserError naming layer, level, tensor, demand, bound and the
/// nearest change that fits, or the wires that are missing.
LayerPlan lower(const Network& net, int layer, const HardwareConfig& hw, const Mapping& mapping);

/// The residual add that runs in the PostProcessor behind this conv, or -1. The conv is the later of the add's two
/// producers (so the other operand exists when it runs), has no other reader, and the machine has an operand2
/// partition.
int fused_add(const Network& net, const HardwareConfig& hw, int conv_layer);
/// The pooling that runs in the PostProcessor behind this conv, or -1: the conv has no other reader, and the line
/// buffer and the output partition hold the whole pooled map.
int fused_pool(const Network& net, const HardwareConfig& hw, int conv_layer);
/// The conv that this add or pooling is fused into, or -1.
int fused_into(const Network& net, const HardwareConfig& hw, int layer);
/// False for layers that move no data, are left to the host, or are fused into another layer's plan.
bool has_plan(const Network& net, const HardwareConfig& hw, int layer);

} // namespace heddle
