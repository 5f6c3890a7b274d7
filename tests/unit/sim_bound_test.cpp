#include "sim/bound.hpp"

#include "sim/mapper.hpp"
#include "tests/unit/sim_machines.hpp"
#include "tests/unit/sim_networks.hpp"
#include "tests/unit/sim_plan_walk.hpp"

#include <catch2/catch.hpp>

#include <set>
#include <tuple>

using namespace heddle;
using namespace heddle::test_networks;

namespace {

Bound gemm_bound(const std::string& gemm, const HardwareConfig& hw, const std::string& dataflow)
{
    const Network net = load_network(gemm);
    return map_layer(net, 1, hw, dataflow).bound;
}

/// What a plan moves, counted MAC by MAC.
struct Counted {
    std::int64_t steps = 0, passes = 0, tiles = 0;
    std::int64_t input_reads = 0, psums = 0, macs = 0;
};

Counted count(const LayerPlan& plan)
{
    using Word = std::tuple<int, int, int, int, int>;
    std::set<Word> inputs, psums; // of the step or pass in progress
    int at_step = -1, at_pass = -1;
    Counted c;
    const Window& w = plan.window;
    test_walk::PlanWalk walk(plan, [&](const test_walk::Mac& mac) {
        ++c.macs;
        const bool new_pass = mac.pass != at_pass, new_step = mac.step != at_step;
        if (plan.keep_inputs ? new_pass : new_step) {
            c.input_reads += static_cast<std::int64_t>(inputs.size());
            inputs.clear();
        }
        if (plan.keep_psums ? new_pass : new_step) {
            c.psums += static_cast<std::int64_t>(psums.size());
            psums.clear();
        }
        at_pass = mac.pass;
        at_step = mac.step;
        const Extents& i = mac.at;
        const int h = i[dim_p] * w.stride_rows + i[dim_r] * w.dilation_rows - w.pad_top;
        const int v = i[dim_q] * w.stride_cols + i[dim_s] * w.dilation_cols - w.pad_left;
        // Shared by loop: two PEs need not share a word that two different (p, r) reach.
        if (h >= 0 && h < plan.in_rows && v >= 0 && v < plan.in_cols)
            inputs.insert(
                {i[dim_n], i[dim_g] * 1000 + i[dim_c], i[dim_p] * 100 + i[dim_r], i[dim_q] * 100 + i[dim_s], 0});
        psums.insert({i[dim_n], i[dim_g], i[dim_k], i[dim_p], i[dim_q]});
    });
    walk.run();
    c.input_reads += static_cast<std::int64_t>(inputs.size());
    c.psums += static_cast<std::int64_t>(psums.size());
    c.steps = walk.steps_seen();
    c.passes = walk.passes_seen();
    c.tiles = walk.tiles_seen();
    return c;
}

} // namespace

// M pixels x N channels x K reduction; R = C = 16; per fold T + R + C - 2 with skew, + R for a load or drain.
TEST_CASE("exposed systolic bounds are the classical counts")
{
    const HardwareConfig hw = test_machines::resident_tpu();
    // WS: ceil(40/16) * ceil(33/16) = 9 folds of 100 + 30 + 16
    CHECK(gemm_bound("gemm:100x33x40", hw, "ws").part("compute") == 9 * 146);
    // OS: ceil(100/16) * ceil(33/16) = 21 folds of 40 + 30 + 16
    CHECK(gemm_bound("gemm:100x33x40", hw, "os").part("compute") == 21 * 86);
    // IS: ceil(40/16) * ceil(100/16) = 21 folds of 33 + 30 + 16
    CHECK(gemm_bound("gemm:100x33x40", hw, "is").part("compute") == 21 * 79);
    CHECK(gemm_bound("gemm:100x33x40", hw, "ws").by == "compute");
}

TEST_CASE("a published output-stationary mesh takes K + 34 cycles a fold")
{
    HardwareConfig hw = test_machines::resident_tpu();
    hw.psum_network.words_per_beat = 256; // all psums leave at once: one cycle
    hw.array.mac_latency_cycles = 4;      // 30 of skew + 1 + 3
    CHECK(gemm_bound("gemm:32x32x50", hw, "os").part("compute") == 4 * (50 + 34));
}

TEST_CASE("hidden loads and chained wavefronts leave the streams")
{
    HardwareConfig hw = test_machines::resident_tpu();
    hw.passes.load = Overlap::hidden;
    hw.passes.wavefront_chained = true;
    // 9 passes of 100, the first load (16) and the last wavefront (30) exposed
    CHECK(gemm_bound("gemm:100x33x40", hw, "ws").part("compute") == 9 * 100 + 16 + 30);
    // 9 passes of 4 steps wait for the next load (16): first load, 8 starts 16 apart, last stream, wavefront
    CHECK(gemm_bound("gemm:4x33x40", hw, "ws").part("compute") == 16 + 8 * 16 + 4 + 30);
    hw.passes.min_cycles = 20;
    hw.passes.gap_cycles = 2;
    CHECK(gemm_bound("gemm:4x33x40", hw, "ws").part("compute") == 16 + 8 * (20 + 2) + 4 + 30);
}

TEST_CASE("partial edges pay for their used part where the machine says so")
{
    HardwareConfig hw = test_machines::resident_tpu();
    hw.passes.edges_full = false;
    // K = 16 + 8 rows, N = 16 + 4 columns, T = 50: load rows + T + rows - 1 + cols - 1
    const auto pass = [](int rows, int cols) { return rows + 50 + rows - 1 + cols - 1; };
    CHECK(gemm_bound("gemm:50x20x24", hw, "ws").part("compute") ==
          pass(16, 16) + pass(16, 4) + pass(8, 16) + pass(8, 4));
}

TEST_CASE("ports, networks and DRAM bound what compute does not")
{
    HardwareConfig hw = test_machines::tpu();
    // A matrix-vector product: every weight once. 64 bytes in two cycles; 10 parameter bytes per channel.
    const Bound b = gemm_bound("gemm:1x256x1024", hw, "ws");
    CHECK(b.dram_read_bytes == 256 * 1024 + 1024 + 2560);
    CHECK(b.dram_write_bytes == 256);
    // Whole bursts: of the 40 requests for parameters, four of five end in a channel's 10 bytes that reach into a burst
    // behind theirs.
    CHECK(b.dram.read_bytes() == b.dram_read_bytes + 32 * 64);
    CHECK(b.part("dram") == (256 * 1024 + 1024 + 2560) / 64 * 2 + 32 * 2);
    CHECK(b.part("weights port") == 256 * 1024 / 16);
    hw.dram.kind = DramKind::dram; // 2 channels of 8 bytes on both edges of 800 MHz at 500 MHz: 51.2 bytes a cycle
    hw.dram.timing.channels = 2;
    hw.dram.timing.bus_bits = 64;
    hw.dram.timing.clock_khz = 800000;
    CHECK(dram_cycles(hw, 512, 0) == 10);
    CHECK(dram_cycles(hw, 512, 1) == 11);
    hw.dram.kind = DramKind::resident;
    CHECK(dram_cycles(hw, 512, 512) == 0);
}

// 64 x 64 words of weights, inputs, outputs each, and 640 bytes of parameters: (3 x 4096 + 640) / 64 = 202 requests.
// Each takes one of 16 places for the latency, a channel's cycle, and its data's 2 cycles.
TEST_CASE("a latency with few requests in flight bounds what bandwidth does not")
{
    HardwareConfig hw = test_machines::tpu();
    hw.dram.latency_cycles = 1000;
    hw.dma.requests_in_flight = 16;
    hw.dram.queue_depth = 64;
    const Bound b = gemm_bound("gemm:64x64x64", hw, "ws");
    CHECK(b.dram.read.requests == 138);
    CHECK(b.dram.written.requests == 64);
    CHECK(b.part("request window") == (202 * 1001 + 210 * 2 + 15) / 16);
    CHECK(b.by == "request window");
    hw.dma.requests_in_flight = 32; // twice the window, half the time
    CHECK(gemm_bound("gemm:64x64x64", hw, "ws").part("request window") == (202 * 1001 + 210 * 2 + 31) / 32);
    hw.dram.queue_depth = 8; // the memory's own places, for the latency and the data
    CHECK(gemm_bound("gemm:64x64x64", hw, "ws").part("request window") == (202 * 1000 + 210 * 2 + 7) / 8);
}

// Passes of 2 steps, 2 of load and a wavefront of 4 + 15 + 15 - 1: where the wavefront is exposed, the next pass's
// weights, which no chain shifts, arrive while it passes.
TEST_CASE("an exposed wavefront is paid by every pass, and hides the next load but for a chain's")
{
    HardwareConfig hw = test_machines::resident_tpu();
    hw.passes.load = Overlap::hidden;
    hw.array.mac_latency_cycles = 4;
    // 9 folds, chain: a load of 16, then 16 + 33 a pass, the last one 4 steps and the wavefront
    CHECK(gemm_bound("gemm:4x33x40", hw, "ws").part("compute") == 16 + 8 * (16 + 33) + 4 + 33);
    hw.weight_network.modes = {Delivery::unicast};
    hw.weight_network.words_per_beat = 16; // the smallest fold loads 8 x 1 words in one beat; 16 x 16 take 16
    const std::int64_t passes = 8 * (4 + 33) + 4 + 33;
    CHECK(gemm_bound("gemm:4x33x40", hw, "ws").part("compute") == 1 + passes);
}

// An axis that steps and spreads ends in a partial step: skew and drain behind it are those of the part.
TEST_CASE("the wavefront behind a pass is that of its last step")
{
    LayerPlan plan;
    plan.extent = {1, 1, 1, 1, 1, 1, 1, 1};
    plan.extent[dim_k] = 10;
    plan.in_rows = plan.in_cols = 1;
    plan.axes = {{{dim_n}}, {{dim_g}}, {{dim_k}}, {{dim_c}}, {{dim_p}}, {{dim_q}}, {{dim_r}}, {{dim_s}}};
    plan.pass_loops = {{2, 4, 10, false}};
    plan.spatial = {{2, Place::x, 1, 4}};
    plan.input_delivery = Delivery::systolic_x;
    HardwareConfig hw = test_machines::resident_tpu();
    hw.passes.edges_full = false;
    const Traffic t = compute_traffic(plan, hw);
    REQUIRE(t.passes.size() == 1);
    CHECK(t.passes[0].used_cols == 4);
    CHECK(t.passes[0].last_cols == 2); // steps of 4, 4 and 2
    CHECK(pass_phases(plan, hw, t.passes[0]).wavefront == 1);
}

TEST_CASE("what compressed maps take is counted unit by unit")
{
    Network net = input_of(1, 2, 4, 8);
    const int first = add_conv(net, 0, 2, square(1));
    add_conv(net, first, 2, square(1), "conv2");
    HardwareConfig hw = test_machines::tpu();
    hw.dram.map_layout = MapLayout::planes;
    hw.dram.compression.maps = true;
    hw.dram.burst_bytes = hw.dma.max_burst_bytes = 64;
    const LayerPlan plan = map_layer(net, 2, hw, "ws").plan;
    // 5-bit runs and 8-bit values: four pairs in a word of 64 bits. A plane of 32 zeros is one pair; one without zeros
    // takes eight words, a burst.
    const std::vector<std::int16_t> zeros(64, 0), ones(64, 1);
    const EncodedMap sparse = encode_map(hw, zeros, 32), dense = encode_map(hw, ones, 32);
    CHECK(sparse.codes == std::vector<int>{1, 1});
    CHECK(dense.codes == std::vector<int>{8, 8});
    EncodedMaps maps;
    maps.inputs = sparse;
    maps.outputs = dense;
    const Bound b = compute_bound_actual(plan, hw, maps);
    // Weights of 4 bytes, parameters of 20: a burst each; a burst for each plane, whatever it holds.
    CHECK(b.dram.read_bytes() == (1 + 1 + 2) * 64);
    CHECK(b.dram.write_bytes() == 2 * 64);
    CHECK(b.dram.read.bytes == 4 + 20 + 2 * 8);
    CHECK(b.dram.written.bytes == 2 * 64);
}

TEST_CASE("neighbours pass inputs on: (8+R-1)(8+S-1) reads per channel and tile")
{
    Network net = input_of(1, 2, 10, 10);
    add_conv(net, 0, 3, square(3));
    const MapChoice c = map_layer(net, 1, test_machines::shidiannao(), "os");
    CHECK(c.plan.input_delivery == Delivery::shift);
    CHECK(compute_traffic(c.plan, test_machines::shidiannao()).input_reads == 10 * 10 * 2 * 3);
}

TEST_CASE("pools and adds are bound by the words they take")
{
    Network net = input_of(1, 20, 8, 8);
    const int pool = add_op(net, Op::max_pool, {0}, "pool", square(3, 1, 1));
    const int add = add_op(net, Op::add, {0, pool}, "add");
    const HardwareConfig hw = test_machines::resident_tpu();
    // 64 windows of 9 words for 20 channels, 16 a cycle: two steps each
    const Bound b = map_layer(net, pool, hw, "ws").bound;
    CHECK(b.part("post") == 64 * 9 * 2);
    CHECK(b.part("inputs port") == 22 * 22 * 20 / 16); // 22 of 24 (p, r) pairs lie inside the map
    CHECK(map_layer(net, add, hw, "ws").bound.part("post") == 64 * 2);
}

TEST_CASE("traffic is what a walk of the loops counts")
{
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        Random random(seed);
        const Network net = random_conv(random);
        HardwareConfig hw = test_machines::tpu();
        hw.global_buffer.inputs.bytes = 1200;
        hw.global_buffer.weights.bytes = 700;
        hw.global_buffer.outputs.bytes = 500;
        hw.global_buffer.psums.bytes = 400;
        for (const std::string dataflow : {"ws", "os", "is"}) {
            INFO("seed " << seed << " dataflow " << dataflow);
            const MapChoice choice = map_layer(net, 1, hw, dataflow);
            const Counted counted = count(choice.plan);
            const Traffic t = compute_traffic(choice.plan, hw);
            std::int64_t passes = 0, steps = 0, macs = 0;
            for (const PassClass& p : t.passes) {
                passes += p.count;
                steps += p.count * p.steps;
                macs += p.count * p.steps * p.active_macs;
            }
            CHECK(passes == counted.passes);
            CHECK(steps == counted.steps);
            CHECK(macs >= counted.macs); // a pass may end in a partial step
            CHECK(t.tiles == counted.tiles);
            CHECK(t.psums == counted.psums);
            if (dataflow != "is") CHECK(t.input_reads == counted.input_reads);
            CHECK(t.input_reads <= counted.input_reads);
            CHECK(t.loads <= counted.passes);
        }
    }
}
