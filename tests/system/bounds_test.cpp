// Random layers, mappings and machines: no run is shorter than its bound, and the bound's DRAM traffic is the run's.
#include "dnn/base/error.hpp"
#include "sim/layer_run.hpp"
#include "tests/system/bench.hpp"
#include "tests/system/random_networks.hpp"

#include <catch2/catch.hpp>

using namespace heddle;
using namespace heddle::test_system;

namespace {

struct Case {
    std::string preset, dataflow;
};
const std::vector<Case> cases = {{"tpu_like", "ws"},
                                 {"tpu_like", "os"},
                                 {"tpu_like", "is"},
                                 {"shidiannao_like", "os"},
                                 {"nvdla_like", "ws"},
                                 {"nvdla_full_like", "ws"},
                                 {"squeezelerator_like", "ws"},
                                 {"squeezelerator_like", "os"},
                                 {"eyeriss", "rs"},
                                 {"magnet_like", "os_lws"},
                                 {"magnet_like", "ws"},
                                 {"tpu_v1", "ws"}};

int up_to(Random& random, int most)
{
    return static_cast<int>(random.range(1, most));
}

Overlap overlap(Random& random)
{
    return random.below(2) == 0 ? Overlap::hidden : Overlap::exposed;
}

void change_memory(HardwareConfig& hw, Random& random)
{
    hw.dma.requests_in_flight = 1 << random.below(6);
    hw.dma.issue_interval_cycles = up_to(random, 3);
    hw.dma.startup_cycles = static_cast<int>(random.below(30));
    hw.dma.read_bytes_per_cycle = 8 << random.below(5);
    hw.dma.write_bytes_per_cycle = 8 << random.below(5);
    hw.dma.arbitration = static_cast<DmaArbitration>(random.below(3));
    hw.dma.max_burst_bytes = 64 << random.below(4);
    hw.dram.compression.maps = hw.dram.compression.maps && random.below(2) == 0;
    if (random.below(3) == 0) hw.dram.map_layout = MapLayout::planes;
    if (random.below(2) == 0) {
        hw.dram.sync_cycles = static_cast<int>(random.below(6));
        return;
    }
    hw.dram.kind = DramKind::fixed;
    hw.dram.latency_cycles = 1 << random.below(9);
    hw.dram.beat_bytes = up_to(random, 64);
    hw.dram.cycles_per_beat = up_to(random, 3);
    hw.dram.burst_bytes = 16 << random.below(3);
    hw.dram.separate_queues = random.below(2) == 0;
    hw.dram.queue_depth = 1 << random.below(7);
}

void change_array(HardwareConfig& hw, Random& random)
{
    hw.array.mac_latency_cycles = up_to(random, 5);
    if (hw.passes.load != Overlap::word) hw.passes.load = overlap(random);
    hw.passes.drain = overlap(random);
    hw.passes.wavefront_chained = random.below(3) == 0;
    hw.passes.edges_full = random.below(2) == 0;
    hw.passes.gap_cycles = static_cast<int>(random.below(4));
    hw.passes.min_cycles = static_cast<int>(random.below(20));
    hw.weight_network.words_per_beat = up_to(random, hw.weight_network.words_per_beat);
    hw.input_network.words_per_beat = up_to(random, hw.input_network.words_per_beat);
    hw.input_network.hop_cycles = up_to(random, 3);
    hw.weight_network.hop_cycles = up_to(random, 3);
    GlobalBufferConfig& g = hw.global_buffer;
    if (random.below(2) == 0 && g.pool_banks == 0)
        for (PartitionConfig* p : {&g.weights, &g.inputs, &g.outputs, &g.psums}) p->bytes = random.range(500, 6000);
}

/// What each run took, against bounds of machines that are worse than the one that ran: were the bound of the right
/// machine as much too high, the checks here would see it.
struct Mutants {
    int runs = 0;
    int wavefront = 0, latency = 0, bandwidth = 0, window = 0; ///< runs below the bound of the worse machine

    void try_on(const LayerResult& r, const LayerPlan& plan, const HardwareConfig& hw)
    {
        ++runs;
        const auto beats = [&](const HardwareConfig& worse) { return r.cycles < compute_bound(plan, worse).cycles; };
        HardwareConfig worse = hw;
        worse.array.mac_latency_cycles += 20;
        wavefront += beats(worse);
        worse = hw;
        worse.dram.latency_cycles = worse.dram.latency_cycles * 3 / 2;
        latency += beats(worse);
        worse = hw;
        worse.dram.cycles_per_beat *= 2;
        worse.dram.timing.clock_khz /= 2;
        bandwidth += beats(worse);
        worse = hw;
        worse.dma.requests_in_flight = std::max(1, worse.dma.requests_in_flight / 2);
        window += beats(worse);
    }
};

void check_layer(const RunOptions& o, const LayerResult& r, int layer, Mutants& mutants)
{
    const MapChoice choice = LayerRunner::choose(o, layer);
    INFO("layer " << r.name << ", " << r.shape << ", " << r.op << "\n" << describe(choice.mapping) << choice.why);
    CHECK(r.bound_cycles == choice.bound.cycles);
    CHECK(r.bound_actual_cycles > 0);
    CHECK(r.bound_actual_cycles <= r.cycles);
    if (o.hardware.dram.compression.maps) return;
    CHECK(r.bound_actual_cycles == r.bound_cycles);
    CHECK(r.dram.read_bytes == choice.bound.dram.read_bytes());
    CHECK(r.dram.write_bytes == choice.bound.dram.write_bytes());
    mutants.try_on(r, choice.plan, o.hardware);
}

Mutants run_random(std::uint64_t first_seed, int networks)
{
    Mutants mutants;
    for (int n = 0; n < networks; ++n) {
        const std::uint64_t seed = first_seed + static_cast<std::uint64_t>(n);
        const Case& c = cases[static_cast<std::size_t>(n) % cases.size()];
        Random random(seed);
        const int kind = static_cast<int>(random.below(kind_count));
        const Network net = random_network(random, kind);
        HardwareConfig hw = load_hardware(c.preset);
        change_memory(hw, random);
        change_array(hw, random);
        INFO("seed " << seed << " (" << kinds[kind] << "), " << c.preset << " " << c.dataflow);
        try {
            RunOptions o = workload(net, hw, c.dataflow, seed);
            // Without values where nothing depends on them: bounds and counts are the same.
            o.timing_only = !hw.dram.compression.maps;
            const RunResult run = run_apart(o);
            for (int i = 0; i < static_cast<int>(net.layers.size()); ++i)
                if (has_plan(net, hw, i)) check_layer(o, run.layers[static_cast<std::size_t>(i)], i, mutants);
        } catch (const UserError&) { // a layer that the smaller machine cannot hold
        } catch (const std::exception& e) {
            FAIL_CHECK(e.what());
        }
    }
    return mutants;
}

} // namespace

TEST_CASE("no layer takes fewer cycles than its bound, on random machines, and their DRAM traffic is the bound's")
{
    const Mutants m = run_random(9001, 240);
    INFO("of " << m.runs << " layers, below the bound with a longer wavefront " << m.wavefront << ", latency "
               << m.latency << ", half the bandwidth " << m.bandwidth << ", half the window " << m.window);
    CHECK(m.runs > 150);
    CHECK(m.wavefront > 0);
    CHECK(m.latency > 0);
    CHECK(m.bandwidth > 0);
    CHECK(m.window > 0);
}
