// The RTL accelerator slice beside the SystemC machine, whole layers with their tiles, cycle by cycle.
#include "tests/module/bench.hpp"
#include "tests/rtl/slice_cosim.hpp"
#include "tests/unit/sim_networks.hpp"

#include <catch2/catch.hpp>

#include <functional>
#include <iostream>

using namespace heddle;
using namespace heddle::rtl;

namespace {

/// A machine, its RTL and what watches both.
struct Pair {
    Pair(const std::string& name, const HardwareConfig& hw, const SliceMachine& rtl, std::uint64_t stall_seed)
        : slice(make_slice(name)), machine(hw, accelerator_options(stall_seed)),
          cosim(*slice, machine.accelerator(), rtl)
    {
    }
    static AcceleratorOptions accelerator_options(std::uint64_t stall_seed)
    {
        AcceleratorOptions o;
        o.driver.kind = DriverKind::reference;
        o.stall_seed = stall_seed;
        o.stall_memory_only = true;
        return o;
    }
    std::unique_ptr<Slice> slice;
    bench::Machine machine;
    SliceCosim cosim;
};

/// A random layer; `what` says which, or why it does not fit the machine or the slice.
void run(Pair& pair, Random& random, std::string& what)
{
    const SliceParameters& p = pair.slice->parameters();
    const SliceLayer layer = random_slice_layer(random, p);
    HardwareConfig& hw = pair.machine.hardware();
    LayerPlan plan;
    try {
        plan = lower(layer.net, 1, hw, layer.mapping);
        layer_descriptor(CompiledPlan(plan, hw), p);
    } catch (const std::exception& e) {
        what = e.what();
        return;
    }
    what = describe(layer.mapping);
    pair.machine.run(layer.net, plan, random.next());
}

void print(const std::string& name, int machines, const SliceCompared& c)
{
    std::cout << name << ": " << machines << " machines, " << c.layers << " layers, " << c.tiles << " tiles, "
              << c.passes << " passes, " << c.loads << " loads, " << c.fills << " fill beats, " << c.operand_beats
              << " operand beats, " << c.psum_beats << " sum beats, " << c.cycles << " cycles\n";
}

void compare_random(const std::string& name, int machines, int layers)
{
    std::vector<std::unique_ptr<Pair>> pairs;
    for (int m = 0; m < machines; ++m) { // all of them before the first one runs
        Random random(derive_seed(11, static_cast<std::uint64_t>(m)));
        const PassOptions options = random_options(random, slice_parameters(name));
        const HardwareConfig hw = random_machine(random, slice_parameters(name), options);
        pairs.push_back(
            std::make_unique<Pair>(name, hw, slice_machine(hw, options), random.below(2) == 0 ? random.next() : 0));
    }
    SliceCompared all;
    for (int m = 0; m < machines; ++m) {
        Pair& pair = *pairs[static_cast<std::size_t>(m)];
        Random random(derive_seed(12, static_cast<std::uint64_t>(m)));
        for (int l = 0; l < layers; ++l) {
            std::string what;
            run(pair, random, what);
            INFO(name << ", machine " << m << ", layer " << l << ":\n" << what);
            REQUIRE(pair.cosim.failure == "");
        }
        const SliceCompared& c = pair.cosim.compared;
        all.layers += c.layers;
        all.tiles += c.tiles;
        all.passes += c.passes;
        all.loads += c.loads;
        all.cycles += c.cycles;
        all.fills += c.fills;
        all.operand_beats += c.operand_beats;
        all.psum_beats += c.psum_beats;
    }
    print(name, machines, all);
    CHECK(all.layers > machines * layers / 2);
}

} // namespace

TEST_CASE("RTL slice with buffers: 4x4 equals the machine in every cycle")
{
    compare_random("slice_4x4", 40, 12);
}

TEST_CASE("RTL slice with buffers: 3x5, slow hops, narrow beats, 24-bit psums, late buffer and channels")
{
    compare_random("slice_3x5", 40, 12);
}

TEST_CASE("RTL slice with buffers: 8x8")
{
    compare_random("slice_8x8", 20, 10);
}

TEST_CASE("RTL slice with buffers: 16x16, and how much faster the model is")
{
    const PassOptions hidden{true, true, true, true, 0, 0};
    Random random(13);
    HardwareConfig hw = random_machine(random, slice_parameters("slice_16x16"), hidden);
    hw.dram = {};
    hw.dram.kind = DramKind::fixed;
    hw.dram.latency_cycles = 40;
    hw.dram.beat_bytes = hw.dma.read_bytes_per_cycle = 16;
    hw.dram.burst_bytes = hw.dma.max_burst_bytes = 64;
    hw.dma.requests_in_flight = 16;
    GlobalBufferConfig& g = hw.global_buffer;
    for (PartitionConfig* c : {&g.weights, &g.inputs, &g.psums}) {
        c->read_port = c->write_port = {16, true};
        c->shared_port = false;
    }
    g.weights.bytes = g.inputs.bytes = 1 << 16;
    hw.post.words_per_cycle = 16;
    Pair pair("slice_16x16", hw, slice_machine(hw, hidden), 0);
    bench::Machine fast(hw);
    for (int l = 0; l < 10; ++l) {
        std::string what;
        run(pair, random, what);
        INFO(what);
        REQUIRE(pair.cosim.failure == "");
    }
    Network net = test_networks::input_of(1, 32, 18, 18);
    test_networks::add_conv(net, 0, 32, test_networks::square(3, 1, 1));
    for (const Mapping& mapping : {bench::weight_stationary(16, 16), bench::output_stationary(16, 16)}) {
        pair.cosim.rtl_seconds = 0;
        const auto cycles = static_cast<double>(pair.machine.run(net, 1, mapping).cycles);
        REQUIRE(pair.cosim.failure == "");
        CHECK(fast.run(net, 1, mapping).cycles == static_cast<std::int64_t>(cycles));
        const double model = cycles / fast.seconds(), rtl = cycles / pair.cosim.rtl_seconds;
        std::cout << "slice_16x16 " << mapping.dataflow << ": model " << model / 1e6 << " M cycles/s, RTL " << rtl / 1e6
                  << " M cycles/s, ratio " << model / rtl << "\n";
        CHECK(model > 10 * rtl); // shared cores: far below what is measured
    }
    print("slice_16x16", 1, pair.cosim.compared);
}

TEST_CASE("RTL slice with buffers: other RTL than the machine's is found out")
{
    const auto narrower = [](SliceMachine& m) { m.x.read.words = 1; };
    const auto shared = [](SliceMachine& m) { m.k.shared = true; };
    const auto whole_tiles = [](SliceMachine& m) { m.whole_tiles = true; };
    const auto slow_psums = [](SliceMachine& m) { m.psum.read.words = 1; };
    const auto gap = [](SliceMachine& m) { m.passes.gap_cycles = 1; };
    const PassOptions options;
    Random random(17);
    HardwareConfig hw = random_machine(random, slice_parameters("slice_4x4"), options);
    hw.global_buffer.fill_granularity = FillGranularity::word;
    for (PartitionConfig* c : {&hw.global_buffer.weights, &hw.global_buffer.inputs, &hw.global_buffer.psums}) {
        c->read_port = c->write_port = {4, true};
        c->shared_port = false;
    }
    std::vector<std::unique_ptr<Pair>> pairs;
    for (const std::function<void(SliceMachine&)>& change :
         std::vector<std::function<void(SliceMachine&)>>{narrower, shared, whole_tiles, slow_psums, gap}) {
        SliceMachine rtl = slice_machine(hw, options);
        change(rtl);
        pairs.push_back(std::make_unique<Pair>("slice_4x4", hw, rtl, 0));
    }
    for (const auto& pair : pairs) {
        Random layers(18);
        std::string what;
        for (int l = 0; l < 10; ++l) run(*pair, layers, what);
        CHECK(pair->cosim.failure != "");
    }
}
