// Nests as users write them by hand, which no mapper makes: each covers every index once and fits its machine, so it
// runs and leaves the reference's values.
#include "dnn/network.hpp"
#include "sim/layer_run.hpp"
#include "tests/system/bench.hpp"
#include "tests/system/random_networks.hpp"

#include <catch2/catch.hpp>

using namespace heddle;
using namespace heddle::test_system;

namespace {

/// The last layer of the network under the levels given, with and without values.
LayerResult run_nest(const Network& net, const HardwareConfig& hw, const std::string& levels)
{
    RunOptions o = workload(net, hw, "");
    const std::string name = net.layers.back().name;
    o.mappings = parse_mappings("mappings:\n  - layer: " + name + "\n    levels:\n" + levels, "nest.yaml");
    const LayerResult r = run_apart(o).layers.back();
    CHECK(r.verified);
    CHECK(r.macs == net.layers.back().macs());
    CHECK(r.cycles >= r.bound_actual_cycles);
    return r;
}

LayerResult run_gemm(const std::string& shape, const std::string& preset, const std::string& levels)
{
    return run_nest(load_network("gemm:" + shape), load_hardware(preset), levels);
}

} // namespace

TEST_CASE("weights that PEs keep while pixels lie beside each other and step")
{
    run_gemm(
        "4x4x2", "eyeriss",
        "      - {name: glb, temporal: [{loop: K, step: 1}, {loop: C, step: 4}], keep: [weights, inputs, outputs]}\n"
        "      - {name: array, spatial: [{loop: C, axis: y, step: 1, count: 4}, {loop: P, axis: x, step: 1, count: "
        "2}]}\n"
        "      - {name: rf, temporal: [{loop: P, step: 2}], keep: [weights]}\n");
}

TEST_CASE("a reduction in blocks over the rows, its sums leaving every step")
{
    // Both pixels take two steps: channels 0 and 2, then 1 and 3. The second adds to what the first left in the buffer.
    const LayerResult r =
        run_gemm("2x1x4", "magnet_like",
                 "      - {name: array, spatial: [{loop: C, axis: y, step: 2, count: 2}]}\n"
                 "      - {name: rf, temporal: [{loop: P, step: 1}, {loop: C, step: 1}], keep: [weights]}\n");
    const AccessCounts psums = r.accesses.at("global_buffer").at("psums");
    CHECK(psums.updates == 4);
    CHECK(psums.reads == 2);
}

TEST_CASE("a reduction in blocks over the rows, in two passes of which the second is partial")
{
    // Channels 0 and 2, 1 and 3, then 4, then 5: four sums of each pixel, of which three go to the buffer and come
    // back through the array.
    const LayerResult r =
        run_gemm("2x1x6", "eyeriss",
                 "      - {name: glb, temporal: [{loop: C, step: 4}], keep: [weights, inputs, outputs]}\n"
                 "      - {name: array, spatial: [{loop: C, axis: y, step: 2, count: 2}]}\n"
                 "      - {name: rf, temporal: [{loop: P, step: 1}, {loop: C, step: 1}], keep: [weights]}\n");
    const AccessCounts psums = r.accesses.at("global_buffer").at("psums");
    CHECK(psums.updates == 2 * 3);
    CHECK(psums.reads == 2 * 3);
}

TEST_CASE("several sums in a PE while a streamed weight stays over the steps")
{
    // A weight comes once for the two pixels of each PE: 4 words; an input once a step: 4 channels x 4 pixels.
    const LayerResult r =
        run_gemm("4x1x4", "magnet_like",
                 "      - {name: array, spatial: [{loop: P, axis: x, step: 2, count: 2}]}\n"
                 "      - {name: rf, temporal: [{loop: C, step: 1}, {loop: P, step: 1}], keep: [outputs]}\n");
    CHECK(r.accesses.at("global_buffer").at("weights").reads == 4);
    CHECK(r.accesses.at("global_buffer").at("inputs").reads == 16);
}

TEST_CASE("nothing kept in the PEs and nothing summed over rows")
{
    run_gemm("4x4x4", "eyeriss",
             "      - {name: glb, temporal: [{loop: C, step: 1}], keep: [weights, inputs, outputs]}\n"
             "      - {name: array, spatial: [{loop: K, axis: x, step: 1, count: 4}]}\n"
             "      - {name: rf, temporal: [{loop: P, step: 1}], keep: []}\n");
}

TEST_CASE("results that wait for sums of the buffer leave one a cycle")
{
    run_gemm(
        "6x6x4", "eyeriss",
        "      - {name: glb, temporal: [{loop: K, step: 5}, {loop: P, step: 1}, {loop: C, step: 2}], keep: [weights, "
        "inputs, outputs]}\n"
        "      - {name: array, spatial: [{loop: C, axis: y, step: 1, count: 2}]}\n"
        "      - {name: rf, temporal: [{loop: K, step: 1}], keep: [weights, inputs, outputs]}\n");
}

TEST_CASE("a row-stationary machine of few rows, narrow sums or a short pipeline")
{
    Network net = input_of(1, 13, 7, 7);
    add_conv(net, 0, 11, square(3, 1, 1));
    const auto run = [&](const HardwareConfig& hw) {
        const LayerResult r = run_apart(workload(net, hw, "rs")).layers[1];
        CHECK(r.verified);
        CHECK(r.cycles >= r.bound_actual_cycles);
    };
    HardwareConfig narrow = load_hardware("eyeriss");
    narrow.array.rows = 8;
    narrow.global_buffer.psums.read_port.words = 1;
    run(narrow);
    HardwareConfig flat = load_hardware("eyeriss");
    flat.array.rows = 3;
    flat.array.mac_latency_cycles = 1;
    run(flat);
}

TEST_CASE("a loop that ends in the middle of a spatial loop's positions ends them too")
{
    // Channels by fives in a pass of ten, in each by two rows: 0 1, 2 3, 4; 5 6, 7 8, 9. Six steps for each of 2
    // pixels.
    const LayerResult r =
        run_gemm("2x1x10", "magnet_like",
                 "      - {name: array, spatial: [{loop: C, axis: y, step: 1, count: 2}]}\n"
                 "      - {name: rf, temporal: [{loop: P, step: 1}, {loop: C, step: 5}, {loop: C, step: 2}], "
                 "keep: [weights, inputs, outputs]}\n");
    CHECK(r.macs_effectual <= 20);
}

TEST_CASE("one tap that strides onto padding behind the map reads what the map has")
{
    // 5 x 5 outputs, of which row 4 and column 4 lie on padding: 4 x 4 positions of 3 channels are read, the other 9 x
    // 3 words are zeros. Off chip 192 bytes of map are 3 bursts, 12 of weights one and 4 x 10 of parameters one.
    Network net = input_of(1, 3, 8, 8);
    Window w = square(1, 2);
    w.pad_bottom = w.pad_right = 1;
    add_conv(net, 0, 4, w);
    const LayerResult r = run_apart(workload(net, load_hardware("tpu_like"), "ws")).layers[1];
    CHECK(r.verified);
    CHECK(r.accesses.at("global_buffer").at("inputs").reads == 4 * 4 * 3);
    CHECK(r.padding_words == 9 * 3);
    CHECK(r.dram.read_bytes == (3 + 1 + 1) * 64);
}

TEST_CASE("positions on both axes with a loop between them whose step does not divide are refused by name")
{
    const std::string in_vector =
        "      - {name: array, spatial: [{loop: C, axis: y, step: 4, count: 2}]}\n"
        "      - {name: rf, temporal: [{loop: C, step: 3}], keep: [weights, inputs, outputs]}\n"
        "      - {name: vector, spatial: [{loop: C, axis: vector, step: 1, count: 3}]}\n";
    RunOptions o = workload(load_network("gemm:2x1x8"), load_hardware("magnet_like"), "");
    o.mappings =
        parse_mappings("mappings:\n  - layer: gemm\n    levels:\n" +
                           std::string("      - {name: glb, temporal: [{loop: P, step: 1}], keep: [weights, inputs, "
                                       "outputs]}\n") +
                           in_vector,
                       "nest.yaml");
    CHECK_THROWS_WITH(LayerRunner::choose(o, 1),
                      Catch::Contains("rf: loop over C steps by 3, which does not divide the 4 indices"));
}
