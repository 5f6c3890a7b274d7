// Layers for the accelerator slice: random networks of one layer with a mapping, and the descriptor that tells the RTL
// what the CompiledPlan tells the model.
#pragma once

#include "sim/mapping.hpp"
#include "tests/rtl/layers.hpp"
#include "tests/rtl/slices.hpp"

namespace heddle::rtl {

struct SliceLayer {
    Network net; ///< layer 1
    Mapping mapping;
};
/// A convolution (or GEMM), weight- or output-stationary, with random tiles, folds and loop order.
SliceLayer random_slice_layer(Random& random, const SliceParameters& p);

/// std::invalid_argument when the slice cannot run the plan.
LayerDescriptor layer_descriptor(const CompiledPlan& plan, const SliceParameters& p);

/// By tile of the plan: its number among those for which the operand fetches something.
std::vector<int> fetch_numbers(const CompiledPlan& plan, Tensors tensor);

/// A random machine around the slice: ports, capacities, memory.
HardwareConfig random_machine(Random& random, const SliceParameters& p, const PassOptions& options);
SliceMachine slice_machine(const HardwareConfig& hw, const PassOptions& options);

} // namespace heddle::rtl
