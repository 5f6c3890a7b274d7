// The global buffer: ports, lines, psums in flight, room for the next tile. Rates are measured between two lengths of
// the same layer, so that what is paid once (start, wavefront, drain) cancels out.
#include "sim/mapper.hpp"
#include "tests/module/bench.hpp"
#include "tests/unit/sim_networks.hpp"

using namespace heddle;
using namespace heddle::bench;

namespace {

constexpr int rows = 16, cols = 16;

/// What 40 pixels more cost in the array's window.
std::int64_t forty_more(Machine& machine, int n, int k, const Mapping& mapping)
{
    LayerResult a = machine.run(gemm(40, n, k), 1, mapping);
    LayerResult b = machine.run(gemm(80, n, k), 1, mapping);
    return b.array_cycles - a.array_cycles;
}

/// Psums of a pixel's 8 chunks of 16 channels leave one after the other, into the same 16 words of the buffer.
Mapping depth_innermost()
{
    return {"",
            {{"glb", {loop(filters, cols)}, {}, all_tensors},
             {"array", {}, {spread(depth, Place::y, rows), spread(filters, Place::x, cols)}, {}},
             {"rf", {loop(pixels, 1), loop(depth, rows)}, {}, {}}}};
}

HardwareConfig two_tiles(std::int64_t input_bytes)
{
    HardwareConfig hw = systolic();
    hw.dram.kind = DramKind::fixed;
    hw.dram.latency_cycles = 50;
    hw.dram.beat_bytes = 16;
    hw.dram.burst_bytes = 64;
    hw.dma.requests_in_flight = 16;
    hw.global_buffer.inputs.bytes = input_bytes;
    return hw;
}

} // namespace

TEST_CASE("a port that does not gather moves words of one line a beat")
{
    HardwareConfig lines = systolic();
    lines.global_buffer.inputs.read_port.gather = false;
    Machine any(systolic()), one_line(lines);
    // 20 channels: fold 1 reads words 20 p to 20 p + 15 of pixel p, two lines of 16 unless p is a multiple of 4: 7
    // beats in 4 pixels. Fold 2 reads words 20 p + 16 to 20 p + 19, always of one line.
    CHECK(forty_more(any, 16, 20, weight_stationary(rows, cols)) == 40 + 40);
    CHECK(forty_more(one_line, 16, 20, weight_stationary(rows, cols)) == 70 + 40);
    // 16 channels, a pixel a line: nothing is lost.
    CHECK(forty_more(one_line, 16, 16, weight_stationary(rows, cols)) == 40);
}

TEST_CASE("a narrow port reads an event in as many beats as it needs")
{
    HardwareConfig narrow = systolic();
    narrow.global_buffer.inputs.read_port.words = 6;
    Machine machine(narrow);
    CHECK(forty_more(machine, 16, 16, weight_stationary(rows, cols)) == 40 * 3); // 6 + 6 + 4 words
    CHECK(forty_more(machine, 16, 12, weight_stationary(rows, cols)) == 40 * 2);
    CHECK(forty_more(machine, 16, 6, weight_stationary(rows, cols)) == 40);
}

TEST_CASE("accumulating through one shared port takes a read and a write of it")
{
    HardwareConfig shared = systolic();
    shared.global_buffer.psums.shared_port = true;
    Machine separate(systolic()), one(shared);
    // Three folds of the depth: the first writes, the second reads and writes, the third reads and passes on.
    CHECK(forty_more(separate, 16, 48, weight_stationary(rows, cols)) == 3 * 40);
    CHECK(forty_more(one, 16, 48, weight_stationary(rows, cols)) == 40 + 2 * 40 + 40);
}

TEST_CASE("a psum with an update in flight waits for it")
{
    const auto with_latency = [](int cycles) {
        HardwareConfig hw = systolic();
        hw.weight_network.modes = {Delivery::unicast};
        hw.weight_network.words_per_beat = hw.global_buffer.weights.read_port.words = 256;
        hw.global_buffer.update_latency_cycles = cycles;
        return hw;
    };
    Machine one(with_latency(1)), four(with_latency(4)), nine(with_latency(9));
    // Per pixel 8 updates of the same words: one a cycle, or each update_latency after the one before; the first update
    // of the next pixel needs no word that is in flight.
    CHECK(forty_more(one, 16, 128, depth_innermost()) == 40 * 8);
    CHECK(forty_more(four, 16, 128, depth_innermost()) == 40 * (7 * 4 + 1));
    CHECK(forty_more(nine, 16, 128, depth_innermost()) == 40 * (7 * 9 + 1));
}

TEST_CASE("the next tile fills as far as the partition's capacity allows, and no further")
{
    // 64 pixels of 16 channels in 4 tiles of 256 bytes; a partition for one tile, one and a half, two, and all.
    Mapping mapping = weight_stationary(rows, cols);
    mapping.levels.insert(mapping.levels.begin(), MapLevel{"dram", {loop({dim_p}, 16)}, {}, {}});
    const Network net = gemm(64, 16, 16);
    std::vector<std::unique_ptr<Machine>> machines;
    const std::vector<std::int64_t> bytes = {256, 384, 512, 1024};
    machines.reserve(bytes.size());
    for (std::int64_t b : bytes) machines.push_back(std::make_unique<Machine>(two_tiles(b)));
    std::vector<std::int64_t> cycles;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        CAPTURE(bytes[i]);
        Accelerator& m = machines[i]->accelerator();
        std::int64_t most = 0;
        for (Cycle c = 0; c < 3000; ++c)
            m.clock().at(c, [&] { most = std::max(most, m.global_buffer().partition(Region::inputs).used()); });
        LayerResult r = machines[i]->run(net, 1, mapping);
        cycles.push_back(r.cycles);
        CHECK(most <= bytes[i]);
        if (bytes[i] < 512) CHECK(most == bytes[i]); // whole requests of 64 bytes fill it
        CHECK(r.accesses["global_buffer"]["inputs"].fills == 64 * 16);
    }
    // With room for two, loading hides behind the tile in use; with less it waits for credits.
    CHECK(cycles[0] > cycles[1]);
    CHECK(cycles[1] > cycles[2]);
    CHECK(cycles[2] >= cycles[3]);
}

TEST_CASE("a fill that becomes readable as a whole tile delays the first operand, not the values")
{
    HardwareConfig by_tile = two_tiles(32768);
    by_tile.global_buffer.fill_granularity = FillGranularity::tile;
    Machine words(two_tiles(32768)), tiles(by_tile);
    const Network net = gemm(64, 1, 256);
    LayerResult a = words.run(net, 1, weight_stationary(rows, cols));
    LayerResult b = tiles.run(net, 1, weight_stationary(rows, cols));
    // 256 words of weights through a port of 16: the first fold's come with the first beat, 15 before the last.
    CHECK(b.phases["first_operand"] == a.phases["first_operand"] + 15);
    CHECK(b.cycles > a.cycles);
}

// 16x8x8 -> 16x4x4, windows of 2x2, all on chip, every latency 1: the command is pushed in cycle 0; the buffer reads
// the four taps of the first 16 windows in 1 to 4, the PostProcessor takes the last in 5, and its 16 results come to
// the output port in 6. A port of w words takes 16 / w cycles for them, the next 16 come 4 cycles after these or when
// the port is free, so the last of 256 words is written in 6 + 15 max(4, 16 / w) + 16 / w - 1. The controller learns of
// it in the next cycle, which is the layer's last.
TEST_CASE("a layer of the PostProcessor ends when its last word is through the output port")
{
    const std::vector<int> widths = {1, 2, 4, 8, 16};
    Network net = test_networks::input_of(1, 16, 8, 8);
    const int pool = test_networks::add_op(net, Op::max_pool, {0}, "pool", test_networks::square(2, 2));
    std::vector<std::unique_ptr<Machine>> machines;
    for (int w : widths) {
        HardwareConfig hw = systolic();
        hw.global_buffer.outputs.write_port.words = w;
        machines.push_back(std::make_unique<Machine>(hw));
    }
    for (std::size_t i = 0; i < widths.size(); ++i) {
        CAPTURE(widths[i]);
        const int beats = 16 / widths[i], last = 6 + 15 * std::max(4, beats) + beats - 1;
        Machine& m = *machines[i];
        Partition<std::int16_t>& outputs = m.accelerator().global_buffer().partition(Region::outputs);
        std::vector<std::int64_t> used; // as the cycles before, of and after the last write begin
        for (int c : {last - 1, last, last + 1}) m.accelerator().clock().at(c, [&] { used.push_back(outputs.used()); });
        LayerResult r = m.run(net, map_layer(net, pool, m.hardware(), "ws", {}).plan);
        CHECK(r.phases["last_write"] == last);
        CHECK(r.cycles == last + 2);
        const int before = beats > 1 ? 256 - 2 * widths[i] : 240; // a beat a cycle while the port is the limit
        CHECK(used == std::vector<std::int64_t>{before, 256 - widths[i], 256});
    }
}

// 16x8x8 = 1024 words, all on chip, every latency 1: both operands' words are there from the start. Read in 1, taken in
// 2, the second operand's read asked for in 2, read in 3, added in 4, written from 5 on, a word a cycle.
TEST_CASE("an add ends when its last word is through the output port")
{
    HardwareConfig hw = systolic();
    hw.global_buffer.outputs.write_port.words = 1;
    Machine m(hw);
    Network net = test_networks::input_of(1, 16, 8, 8);
    const int add = test_networks::add_op(net, Op::add, {0, 0}, "add");
    LayerResult r = m.run(net, map_layer(net, add, hw, "ws", {}).plan);
    CHECK(r.phases["last_write"] == 5 + 1023);
    CHECK(r.cycles == 5 + 1023 + 2);
}

// The second operand through a port of one word: a beat of 16 is there with its last word, 3 + 15, added in 19 and
// written in 20; the next reads follow without a gap, so the last of 64 beats is written in 20 + 63 x 16.
TEST_CASE("a second operand is there when its last word has been read")
{
    HardwareConfig hw = systolic();
    hw.global_buffer.operand2.read_port.words = 1;
    Machine m(hw);
    Network net = test_networks::input_of(1, 16, 8, 8);
    const int add = test_networks::add_op(net, Op::add, {0, 0}, "add");
    LayerResult r = m.run(net, map_layer(net, add, hw, "ws", {}).plan);
    CHECK(r.phases["last_write"] == 20 + 63 * 16);
}
