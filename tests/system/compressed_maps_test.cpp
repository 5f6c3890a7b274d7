// Run-length coded maps in DRAM: values are those of plain maps, and the bytes moved are those of a code counted here.
#include "dnn/reference.hpp"
#include "hw/code_walk.hpp"
#include "hw/map_layout.hpp"
#include "tests/system/bench.hpp"
#include "tests/system/random_networks.hpp"

#include <catch2/catch.hpp>

using namespace heddle;
using namespace heddle::test_system;

namespace {

constexpr int second = 2; ///< layer of the network below whose input and output are both coded

/// conv1 and conv2 (1x1, no padding) on 4 channels of 6x10; DRAM moves single code words.
RunOptions two_convs(bool compressed, CompressionUnit unit, int filter = 1)
{
    Network net = test_networks::input_of(1, 4, 6, 10);
    test_networks::add_conv(net, 0, 8, test_networks::square(1), "conv1");
    test_networks::add_conv(net, 1, 5, test_networks::square(filter), "conv2");
    for (Layer& l : net.layers)
        if (l.op == Op::conv) l.activation = Activation::relu;
    HardwareConfig hw = load_hardware("tpu_like");
    hw.precision.weight_bits = hw.precision.input_bits = 16;
    hw.dram = {};
    hw.dram.kind = DramKind::fixed;
    hw.dram.latency_cycles = 10;
    hw.dram.beat_bytes = hw.dram.burst_bytes = 8;
    hw.dma.max_burst_bytes = 64;
    hw.dram.map_layout = MapLayout::planes;
    hw.dram.compression.maps = compressed;
    hw.dram.compression.unit = unit;
    return workload(net, hw, "ws");
}

/// Bytes of the code of rows [from, to) of all channels: three pairs a word, unit by unit.
std::int64_t coded_bytes(const Tensor& map, CompressionUnit unit, int from, int to)
{
    const int rows = map.shape[2], cols = map.shape[3];
    const int unit_rows = unit == CompressionUnit::row ? 1 : rows;
    std::int64_t words = 0;
    for (int c = 0; c < map.shape[0] * map.shape[1]; ++c)
        for (int row = from; row < to; row += unit_rows) {
            const auto first = map.data.begin() + (c * rows + row / unit_rows * unit_rows) * cols;
            int pairs = 0, zeros = 0;
            for (int i = 0; i < unit_rows * cols; ++i) {
                const bool ends = first[i] != 0 || zeros == 31 || i + 1 == unit_rows * cols;
                pairs += ends ? 1 : 0;
                zeros = ends ? 0 : zeros + 1;
            }
            words += (pairs + 2) / 3;
        }
    return 8 * words;
}

/// Weights and parameters of the second layer, in bursts of 8 bytes.
std::int64_t other_bytes(const RunOptions& o)
{
    const std::int64_t weights = static_cast<std::int64_t>(o.network.layers[second].weights.data.size()) * 2;
    const std::int64_t parameters = std::int64_t{5} * o.hardware.post.parameter_bytes_per_channel;
    return (weights + 7) / 8 * 8 + (parameters + 7) / 8 * 8;
}

/// Tiles of so many output rows.
constexpr const char* strips = R"(
mappings:
  - layer: conv2
    levels:
      - name: dram
        temporal: [{loop: P, step: ROWS}]
      - name: glb
        temporal: [{loop: K, step: 16}, {loop: P*Q, step: 60}, {loop: C*R*S, step: 16}]
        keep: [weights, inputs, outputs]
      - name: array
        spatial: [{loop: C*R*S, axis: y, step: 1, count: 16}, {loop: K, axis: x, step: 1, count: 16}]
      - name: rf
        temporal: [{loop: P*Q, step: 1}]
        keep: [weights]
)";

void use_strips(RunOptions& o, int rows)
{
    std::string text = strips;
    text.replace(text.find("ROWS"), 4, std::to_string(rows));
    o.mappings = parse_mappings(text, "strips.yaml");
}

} // namespace

TEST_CASE("a layer between coded maps gives the plain maps' values and moves the bytes of their codes")
{
    RunOptions plain = two_convs(false, CompressionUnit::plane), coded = two_convs(true, CompressionUnit::plane);
    use_strips(plain, 6);
    use_strips(coded, 6);
    const Outcome a = simulate(plain, second), b = simulate(coded, second);
    const Tensor expected = expected_output(coded, second);
    CHECK(a.output.data == expected.data);
    CHECK(b.output.data == expected.data);
    const Tensor input = run_reference(coded.network, coded.input)[1];
    CHECK(a.result.dram.read_bytes == other_bytes(plain) + 8 * 60 * 2);
    CHECK(b.result.dram.read_bytes == other_bytes(coded) + coded_bytes(input, CompressionUnit::plane, 0, 6));
    CHECK(b.result.dram.write_bytes == coded_bytes(expected, CompressionUnit::plane, 0, 6));
    CHECK(b.result.accesses.at("dram").at("inputs").reads == 480);
    CHECK(b.result.accesses.at("dram").at("outputs").updates == 300);
    CHECK(b.result.dram.read_bytes < a.result.dram.read_bytes); // about half of the words are zero
}

TEST_CASE("coded rows: the bytes are those of rows' codes")
{
    RunOptions o = two_convs(true, CompressionUnit::row);
    use_strips(o, 6);
    const Outcome r = simulate(o, second);
    const Tensor expected = expected_output(o, second);
    CHECK(r.output.data == expected.data);
    const Tensor input = run_reference(o.network, o.input)[1];
    CHECK(r.result.dram.read_bytes == other_bytes(o) + coded_bytes(input, CompressionUnit::row, 0, 6));
    CHECK(r.result.dram.write_bytes == coded_bytes(expected, CompressionUnit::row, 0, 6));
}

TEST_CASE("a strip of a coded plane costs the whole plane, of coded rows only its own")
{
    const Tensor input = [] {
        const RunOptions o = two_convs(true, CompressionUnit::plane, 3);
        return run_reference(o.network, o.input)[1];
    }();
    // 4 rows of outputs, in strips of 2: input rows 0-3, then 4-5 (2-3 are still in the buffer).
    RunOptions planes = two_convs(true, CompressionUnit::plane, 3), rows = two_convs(true, CompressionUnit::row, 3);
    use_strips(planes, 2);
    use_strips(rows, 2);
    const Outcome a = simulate(planes, second), b = simulate(rows, second);
    CHECK(a.output.data == expected_output(planes, second).data);
    CHECK(b.output.data == expected_output(rows, second).data);
    CHECK(a.result.dram.read_bytes == other_bytes(planes) + 2 * coded_bytes(input, CompressionUnit::plane, 0, 6));
    CHECK(b.result.dram.read_bytes == other_bytes(rows) + coded_bytes(input, CompressionUnit::row, 0, 6));
    CHECK(a.result.accesses.at("dram").at("inputs").reads == 480); // only wanted words enter the buffer
    CHECK(b.result.accesses.at("dram").at("inputs").reads == 480);
    // An encoder keeps its state between strips.
    const Tensor expected = expected_output(planes, second);
    CHECK(a.result.dram.write_bytes == coded_bytes(expected, CompressionUnit::plane, 0, 4));
}

TEST_CASE("the decoder's words take their cycles however short their code is")
{
    RunOptions o = two_convs(true, CompressionUnit::plane);
    use_strips(o, 6);
    for (std::int16_t& w : o.network.layers[1].weights.data) w = 0; // 8 planes of 60 words, all alike
    for (std::int32_t& b : o.network.layers[1].bias) b = 0;
    o.hardware.dma.read_bytes_per_cycle = 2; // 1 word a cycle
    const Outcome whole = simulate(o, second);
    CHECK(whole.output.data == expected_output(o, second).data);
    // 60 words in a run of 32 and one of 28: a code word of 8 bytes for each of 8 planes, and 40 words of weights.
    CHECK(whole.result.dram.read_bytes == other_bytes(o) + 8 * 8);
    CHECK(whole.result.cycles >= 8 * 60 + 40);
    CHECK(whole.result.cycles < 2 * 8 * 60);
    use_strips(o, 3); // both strips decode all words of the planes and drop half of them
    const Outcome strips = simulate(o, second);
    CHECK(strips.result.dram.read_bytes == other_bytes(o) + 2 * 8 * 8);
    CHECK(strips.result.cycles >= 2 * 8 * 60 + 40);
}

TEST_CASE("coded maps take the same cycles under both drivers")
{
    for (const CompressionUnit unit : {CompressionUnit::plane, CompressionUnit::row}) {
        RunOptions o = two_convs(true, unit, 3);
        o.hardware.dma.read_bytes_per_cycle = 4;
        use_strips(o, 2);
        Disturbance reference;
        reference.machine.driver.kind = DriverKind::reference;
        const Outcome a = simulate(o, second), b = simulate(o, second, reference);
        CHECK(a.result.cycles == b.result.cycles);
        CHECK(a.result.ledger == b.result.ledger);
        CHECK(a.output.data == b.output.data);
    }
}

TEST_CASE("planes whose columns are stored in parts are refused")
{
    CHECK(stored_in_order(map_layout(MapLayout::planes, {1, 4, 6, 1, 2, 2, 0}),
                          {{{0, 0, 0, 0, 0}, {1, 2, 6, 1, 2}}, {{0, 2, 0, 0, 0}, {1, 4, 6, 1, 2}}}, 24));
    const std::vector<Box> columns = {{{0, 0, 0, 0, 0}, {1, 4, 3, 1, 2}}, {{0, 0, 3, 0, 0}, {1, 4, 6, 1, 2}}};
    const TensorLayout planes = map_layout(MapLayout::planes, {1, 4, 6, 1, 2, 2, 0});
    CHECK_FALSE(stored_in_order(planes, columns, 24));
    CHECK(stored_in_order(planes, columns, 6)); // rows in parts are no obstacle
}
