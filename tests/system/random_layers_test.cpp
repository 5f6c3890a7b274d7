// Random layers through the whole machine: values against the reference, cycles against the bound (both in
// LayerRunner), and every count against a walk of the loops that shares no code with the hardware.
#include "dnn/base/error.hpp"
#include "tests/system/check_counts.hpp"
#include "tests/system/random_networks.hpp"
#include "tests/system/share.hpp"

#include <catch2/catch.hpp>

#include <numeric>

using namespace heddle;
using namespace heddle::test_system;

namespace {

struct Case {
    std::string preset, dataflow;
};
const std::vector<Case> scalar_cases = {{"tpu_like", "ws"},           {"tpu_like", "os"},
                                        {"tpu_like", "is"},           {"shidiannao_like", "os"},
                                        {"nvdla_like", "ws"},         {"squeezelerator_like", "ws"},
                                        {"squeezelerator_like", "os"}};

/// Buffers so small that hardly more than one step's words fit.
void squeeze(HardwareConfig& hw, Random& random)
{
    GlobalBufferConfig& g = hw.global_buffer;
    for (PartitionConfig* p : {&g.weights, &g.inputs, &g.outputs, &g.psums, &g.operand2})
        p->bytes = random.range(300, 1500);
}

using Change = std::function<void(HardwareConfig&, Random&)>;

void run_random(std::uint64_t first_seed, int networks, const Change& change, bool extreme,
                const std::vector<Case>& cases = scalar_cases)
{
    for (int n = 0; n < draws(networks); ++n) {
        const std::uint64_t seed = first_seed + static_cast<std::uint64_t>(n);
        const int kind = n % kind_count;
        for (const Case& c : cases) {
            Random random(seed);
            const Network net = random_network(random, kind);
            HardwareConfig hw = load_hardware(c.preset);
            change(hw, random);
            INFO("seed " << seed << " (" << kinds[kind] << "), " << c.preset << " " << c.dataflow);
            RunOptions o = workload(net, hw, c.dataflow, seed);
            if (extreme) use_extreme_values(o, seed);
            try {
                check_counts(o, run_apart(o), &cases == &scalar_cases ? Compared::everything : Compared::words);
            } catch (const std::exception& e) {
                FAIL_CHECK(e.what());
            }
        }
    }
}

} // namespace

TEST_CASE("random layers on the presets count as a walk of their loops says")
{
    run_random(
        1, 24, [](HardwareConfig&, Random&) {}, false);
}

TEST_CASE("random layers in PEs with register files count as a walk of their loops says")
{
    const std::vector<Case> cases = {{"eyeriss", "rs"},         {"magnet_like", "ws"}, {"magnet_like", "ws_los"},
                                     {"magnet_like", "os_lws"}, {"magnet_like", "os"}, {"magnet_like", "is"}};
    run_random(
        701, 18, [](HardwareConfig&, Random&) {}, false, cases);
    const auto small = [](HardwareConfig& hw, Random& random) {
        if (hw.name != "magnet_like") return;
        hw.array.rows = static_cast<int>(random.range(1, 4));
        hw.array.cols = static_cast<int>(random.range(1, 4));
        hw.array.lanes = static_cast<int>(random.range(1, 8));
        hw.array.vector = static_cast<int>(random.range(1, 8));
        hw.array.weights.words = 64 * static_cast<int>(random.range(25, 100));
        hw.array.inputs.words = 8 * static_cast<int>(random.range(50, 200));
        hw.array.psums.words = 8 * static_cast<int>(random.range(1, 30));
    };
    run_random(751, 27, small, false, cases);
}

TEST_CASE("random layers in tiny buffers count as a walk of their loops says")
{
    run_random(101, 36, squeeze, false);
}

TEST_CASE("psums wrap and products are rounded as in the reference for all widths")
{
    const auto widths = [](HardwareConfig& hw, Random& random) {
        constexpr int bits[] = {4, 8, 16, 2, 5, 11};
        hw.precision.weight_bits = bits[random.below(6)];
        hw.precision.input_bits = bits[random.below(6)];
        hw.precision.psum_bits = static_cast<int>(random.range(16, 32));
        hw.precision.product_shift = static_cast<int>(random.below(4));
        if (random.below(2) == 0) squeeze(hw, random);
    };
    run_random(201, 27, widths, true);
}

TEST_CASE("arrays of other shapes and memories count as a walk of their loops says")
{
    const auto machine = [](HardwareConfig& hw, Random& random) {
        hw.array.rows = static_cast<int>(random.range(1, hw.array.rows));
        hw.array.cols = static_cast<int>(random.range(1, hw.array.cols));
        hw.array.mac_latency_cycles = static_cast<int>(random.range(1, 4));
        hw.passes.load = random.below(2) == 0 ? Overlap::hidden : Overlap::exposed;
        hw.passes.drain = random.below(2) == 0 ? Overlap::hidden : Overlap::exposed;
        hw.passes.wavefront_chained = random.below(2) == 0;
        hw.passes.edges_full = random.below(2) == 0;
        hw.passes.gap_cycles = static_cast<int>(random.below(4));
        hw.passes.min_cycles = static_cast<int>(random.below(20));
        hw.global_buffer.latency_cycles = static_cast<int>(random.range(1, 4));
        hw.global_buffer.update_latency_cycles = static_cast<int>(random.range(1, 5));
        hw.global_buffer.fill_granularity = static_cast<FillGranularity>(random.below(3));
        hw.input_network.link_fifo_words = static_cast<int>(random.range(1, 64));
        hw.input_network.hop_cycles = static_cast<int>(random.range(1, 2));
        if (random.below(2) == 0) squeeze(hw, random);
        if (random.below(3) == 0) {
            hw.dram.kind = DramKind::fixed;
            hw.dram.latency_cycles = static_cast<int>(random.range(1, 100));
            hw.dram.beat_bytes = 16;
        }
    };
    run_random(301, 36, machine, false);
}

TEST_CASE("maps stored plane by plane count as a walk of their loops says, in tiny buffers and on chip too")
{
    const auto planes = [](HardwareConfig& hw, Random& random) {
        hw.dram.map_layout = MapLayout::planes;
        if (random.below(2) == 0) squeeze(hw, random);
    };
    run_random(501, 27, planes, false);
    const auto resident = [](HardwareConfig& hw, Random&) {
        hw.dram.map_layout = MapLayout::planes;
        hw.dram.kind = DramKind::resident;
    };
    run_random(551, 9, resident, true);
}

TEST_CASE("compressed maps change no value and no count of words, in tiny buffers too")
{
    const auto compressed = [](HardwareConfig& hw, Random& random) {
        hw.dram.map_layout = MapLayout::planes;
        hw.dram.compression.maps = true;
        hw.dram.compression.unit = CompressionUnit::row; // tiny buffers split columns
        hw.dram.compression.run_bits = static_cast<int>(random.range(2, 6));
        hw.dma.read_bytes_per_cycle = 16 << random.below(3);
        if (random.below(2) == 0) squeeze(hw, random);
    };
    run_random(601, 27, compressed, false);
}

TEST_CASE("layers resident on chip move no word of DRAM and count as a walk of their loops says")
{
    const auto resident = [](HardwareConfig& hw, Random&) { hw.dram.kind = DramKind::resident; };
    run_random(401, 9, resident, true);
}
