// Runs layers on the simulated machine, each in a process of its own: SystemC elaborates once per process.
#pragma once

#include "hw/accelerator.hpp"
#include "sim/driver.hpp"
#include "sim/layer_setup.hpp"

#include <functional>
#include <string>
#include <vector>

namespace heddle::test_system {

/// What `work` returns, computed in a child process. Throws the child's UserError, or CheckFailure with its error.
std::string in_process(const std::function<std::string()>& work);

/// Seeded weights and input for `net` on `hw`.
RunOptions workload(const Network& net, const HardwareConfig& hw, const std::string& dataflow, std::uint64_t seed = 1);
/// Weights, biases and the input over their whole range instead of realistic values: psums wrap.
void use_extreme_values(RunOptions& options, std::uint64_t seed);

/// run_network in a process of its own: what it says of each layer, and the scores.
RunResult run_apart(const RunOptions& options);

/// How one layer is disturbed: another driver, or faults put in before it runs.
struct Disturbance {
    AcceleratorOptions machine;
    std::function<void(Accelerator&, LayerSetup&)> before; ///< the clock stands at cycle 0
};

struct Outcome {
    LayerResult result; ///< counted and checked for conservation, but not compared
    Tensor output;
    std::string note; ///< what `remark` says of the machine after the layer
};

/// One layer on a machine of its own, its inputs from the reference.
Outcome simulate(const RunOptions& options, int layer, const Disturbance& disturbance = {},
                 const std::function<std::string(Accelerator&)>& remark = {});

/// What the layer must leave in memory (of the add fused into it, if any).
Tensor expected_output(const RunOptions& options, int layer);
/// (n, k, p, q) of the words that differ.
std::vector<Shape4> differences(const Tensor& a, const Tensor& b);

/// Without what a run without values cannot know.
LayerResult timing_of(LayerResult result);

} // namespace heddle::test_system
