// One machine on a bench: layers run on it one after the other with mappings that the test wrote, every value compared.
// Several machines may stand side by side as long as all are built before the first runs.
#pragma once

#include "dnn/reference.hpp"
#include "hw/accelerator.hpp"
#include "sim/bound.hpp"
#include "sim/layer_counts.hpp"
#include "sim/layer_setup.hpp"
#include "sim/lower.hpp"
#include "sim/result.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace heddle::bench {

class Machine {
public:
    explicit Machine(const HardwareConfig& hw, const AcceleratorOptions& options = {})
        : hw_(std::make_unique<HardwareConfig>(hw)),
          machine_(std::make_unique<Accelerator>(sc_core::sc_gen_unique_name("machine"), *hw_, options))
    {
    }

    /// Simulates one layer and checks outputs, conservation laws and the bound. Its operands come from the reference.
    LayerResult run(const Network& net, int layer, const Mapping& mapping, std::uint64_t seed = 1)
    {
        return run(net, lower(net, layer, *hw_, mapping), seed);
    }
    LayerResult run(const Network& net, const LayerPlan& lowered, std::uint64_t seed = 1)
    {
        const QuantizedNetwork q = synthesize(net, hw_->precision, seed);
        const std::vector<Tensor> expected = run_reference(q, synthetic_input(q, seed));
        MapStore maps(q.net, *hw_);
        for (int i = 0; i < lowered.layer; ++i) maps.write(i, expected[static_cast<std::size_t>(i)]);
        const std::unique_ptr<LayerSetup> setup = make_layer_setup(q, *hw_, lowered, maps);
        const CompiledPlan plan(setup->plan, *hw_);
        const auto begin = std::chrono::steady_clock::now();
        const Cycle cycles = machine_->run_layer(plan, setup->post, setup->image);
        seconds_ = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
        LayerResult r;
        r.name = lowered.name;
        collect_counts(*machine_, plan, cycles, false, r);
        r.bound_cycles = compute_bound(lowered, *hw_).cycles;
        CHECK(r.cycles >= r.bound_cycles);
        const int written = lowered.fused_layer;
        r.verified = maps.read(written).data == expected[static_cast<std::size_t>(written)].data;
        CHECK(r.verified);
        return r;
    }

    HardwareConfig& hardware() { return *hw_; }
    Accelerator& accelerator() { return *machine_; }
    double seconds() const { return seconds_; } ///< that simulating the last layer took

private:
    std::unique_ptr<HardwareConfig> hw_;
    std::unique_ptr<Accelerator> machine_;
    double seconds_ = 0;
};

// ---- Loops of hand-written mappings

inline MapLoop loop(std::vector<Dim> dims, int step)
{
    return {std::move(dims), step, 0, Place::y};
}
inline MapLoop spread(std::vector<Dim> dims, Place place, int count, int step = 1)
{
    return {std::move(dims), step, count, place};
}
inline const std::vector<Tensors> all_tensors = {Tensors::weights, Tensors::inputs, Tensors::outputs};

/// GEMM of m x k by k x n: m pixels, k channels, n filters. Layer 1 of the network.
inline Network gemm(int m, int n, int k)
{
    return gemm_network("gemm:" + std::to_string(m) + "x" + std::to_string(n) + "x" + std::to_string(k), 1);
}

// The three stationary forms on rows x cols PEs, convolutions flattened: pixels = P*Q, depth = C*R*S.
inline const std::vector<Dim> pixels = {dim_p, dim_q}, depth = {dim_c, dim_r, dim_s}, filters = {dim_k};

/// Folds: filters outside, depth inside; all pixels stream.
inline Mapping weight_stationary(int rows, int cols)
{
    return {"ws",
            {{"glb", {loop(filters, cols), loop(depth, rows)}, {}, all_tensors},
             {"array", {}, {spread(depth, Place::y, rows), spread(filters, Place::x, cols)}, {}},
             {"rf", {loop(pixels, 1)}, {}, {Tensors::weights}}}};
}

/// Folds: pixels outside, depth inside; all filters stream.
inline Mapping input_stationary(int rows, int cols)
{
    return {"is",
            {{"glb", {loop(pixels, cols), loop(depth, rows)}, {}, all_tensors},
             {"array", {}, {spread(depth, Place::y, rows), spread(pixels, Place::x, cols)}, {}},
             {"rf", {loop(filters, 1)}, {}, {Tensors::inputs}}}};
}

/// Folds: pixels outside, filters inside; the whole depth streams.
inline Mapping output_stationary(int rows, int cols)
{
    return {"os",
            {{"glb", {loop(pixels, rows), loop(filters, cols)}, {}, all_tensors},
             {"array", {}, {spread(pixels, Place::y, rows), spread(filters, Place::x, cols)}, {}},
             {"rf", {loop(depth, 1)}, {}, {Tensors::outputs}}}};
}

inline int ceil_div(int a, int b)
{
    return (a + b - 1) / b;
}

/// hw/presets/systolic_ideal.yaml on another number of rows and columns.
inline HardwareConfig systolic(int rows = 16, int cols = 16)
{
    HardwareConfig hw = load_hardware("systolic_ideal");
    hw.array.rows = rows;
    hw.array.cols = cols;
    const int side = std::max(rows, cols);
    for (NetworkConfig* n : {&hw.weight_network, &hw.input_network}) n->words_per_beat = side;
    hw.psum_network.words_per_beat = cols;
    hw.post.words_per_cycle = cols;
    GlobalBufferConfig& g = hw.global_buffer;
    for (PartitionConfig* p : {&g.weights, &g.inputs, &g.outputs, &g.psums})
        p->read_port.words = p->write_port.words = side;
    return hw;
}

} // namespace heddle::bench
