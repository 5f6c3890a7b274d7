// The order of maps in DRAM: values are the same in either, requests follow it.
#include "dnn/reference.hpp"
#include "tests/system/bench.hpp"
#include "tests/system/random_networks.hpp"

#include <catch2/catch.hpp>

using namespace heddle;
using namespace heddle::test_system;

namespace {

/// Two tiles of two channels each, whole rows and columns.
constexpr const char* two_channels = R"(
mappings:
  - layer: conv1
    levels:
      - name: dram
        temporal: [{loop: C, step: 2}]
      - name: glb
        temporal: [{loop: K, step: 16}, {loop: P*Q, step: 30}, {loop: C*R*S, step: 16}]
        keep: [weights, inputs, outputs]
      - name: array
        spatial: [{loop: C*R*S, axis: y, step: 1, count: 16}, {loop: K, axis: x, step: 1, count: 16}]
      - name: rf
        temporal: [{loop: P*Q, step: 1}]
        keep: [weights]
)";

RunOptions small_conv(MapLayout layout)
{
    Network net = test_networks::input_of(1, 4, 5, 6);
    test_networks::add_conv(net, 0, 3, test_networks::square(1), "conv1");
    HardwareConfig hw = load_hardware("tpu_like");
    hw.dram = {};
    hw.dram.kind = DramKind::fixed;
    hw.dram.latency_cycles = 10;
    hw.dram.beat_bytes = hw.dram.burst_bytes = hw.dma.max_burst_bytes = 16;
    hw.dram.map_layout = layout;
    RunOptions o = workload(net, hw, "ws");
    o.mappings = parse_mappings(two_channels, "two_channels.yaml");
    return o;
}

} // namespace

TEST_CASE("a tile of channels is runs of pixels in one order of memory and runs of columns in the other")
{
    const RunOptions pixels = small_conv(MapLayout::channels_innermost), planes = small_conv(MapLayout::planes);
    const Outcome a = simulate(pixels, 1), b = simulate(planes, 1);
    CHECK(a.output.data == expected_output(pixels, 1).data);
    CHECK(b.output.data == a.output.data);
    // Bursts of 16 bytes. Inputs: 60 pixels of 2 channels side by side; or 2 planes of 30 bytes, bytes 0-59 and 60-119.
    // Weights: 3 filters, 2 of 4 bytes each, twice. Parameters: 2 words of 10 bytes begin in the first 16, 1 behind.
    CHECK(a.result.dram.read_bytes == 16 * (60 + 6 + 3));
    CHECK(b.result.dram.read_bytes == 16 * (4 + 5 + 6 + 3));
    CHECK(a.result.dram.write_bytes == 96); // 90 bytes, all of the map
    CHECK(b.result.dram.write_bytes == 96);
    CHECK(a.result.accesses.at("dram").at("inputs").reads == 120);
    CHECK(b.result.accesses.at("dram").at("inputs").reads == 120);
}

TEST_CASE("a network of joins, pools and adds runs with maps stored plane by plane")
{
    Random random(7);
    const Network net = joined(random);
    HardwareConfig hw = load_hardware("tpu_like");
    hw.dram.map_layout = MapLayout::planes;
    const RunOptions o = workload(net, hw, "ws");
    const RunResult r = run_apart(o);
    for (const LayerResult& l : r.layers)
        if (l.cycles > 0) CHECK(l.verified);
}
