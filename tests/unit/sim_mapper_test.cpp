#include "sim/mapper.hpp"

#include "dnn/base/error.hpp"
#include "tests/unit/sim_machines.hpp"
#include "tests/unit/sim_networks.hpp"
#include "tests/unit/sim_plan_walk.hpp"

#include <catch2/catch.hpp>

#include <set>

using namespace heddle;
using namespace heddle::test_networks;

namespace {

struct Machine {
    HardwareConfig hw;
    std::vector<std::string> dataflows;
};

std::vector<Machine> machines()
{
    return {{test_machines::tpu(), {"ws", "os", "is"}}, {test_machines::shidiannao(), {"os"}}};
}

std::int64_t position(const Extents& at, const Extents& extent)
{
    std::int64_t i = 0;
    for (int d = 0; d < dim_count; ++d) i = i * extent[d] + at[d];
    return i;
}

/// Words that one tile really touches, per tensor.
struct Touched {
    std::set<std::int64_t> weights, inputs, outputs;
};

/// Walks the plan: every MAC exactly once, on a PE of the array, and no tile larger than its partition.
void check_plan(const LayerPlan& plan, const HardwareConfig& hw)
{
    std::vector<int> seen(static_cast<std::size_t>(plan.macs()), 0);
    const Window& w = plan.window;
    Touched tile;
    int at_tile = 0;
    bool on_array = true, fits = true;
    const GlobalBufferConfig& glb = hw.global_buffer;
    const Precision& bits = hw.precision;
    const auto close_tile = [&] {
        fits = fits && static_cast<std::int64_t>(tile.weights.size()) * bits.weight_bits <= glb.weights.bytes * 8 &&
               static_cast<std::int64_t>(tile.inputs.size()) * bits.input_bits <= glb.inputs.bytes * 8 &&
               static_cast<std::int64_t>(tile.outputs.size()) * bits.input_bits <= glb.outputs.bytes * 8;
        tile = Touched{};
    };
    test_walk::PlanWalk walk(plan, [&](const test_walk::Mac& mac) {
        if (mac.tile != at_tile) close_tile();
        at_tile = mac.tile;
        Extents i = mac.at;
        ++seen[static_cast<std::size_t>(position(i, plan.extent))];
        on_array = on_array && mac.y < hw.array.rows && mac.x < hw.array.cols;
        Extents weight = i, output = i, input = i;
        weight[dim_n] = weight[dim_p] = weight[dim_q] = 0;
        output[dim_c] = output[dim_r] = output[dim_s] = 0;
        input[dim_k] = input[dim_r] = input[dim_s] = 0;
        input[dim_p] = i[dim_p] * w.stride_rows + i[dim_r] * w.dilation_rows - w.pad_top;
        input[dim_q] = i[dim_q] * w.stride_cols + i[dim_s] * w.dilation_cols - w.pad_left;
        tile.weights.insert(position(weight, plan.extent));
        tile.outputs.insert(position(output, plan.extent));
        Extents map = plan.extent;
        map[dim_p] = plan.in_rows;
        map[dim_q] = plan.in_cols;
        if (input[dim_p] >= 0 && input[dim_p] < map[dim_p] && input[dim_q] >= 0 && input[dim_q] < map[dim_q])
            tile.inputs.insert(position(input, map));
    });
    walk.run();
    close_tile();
    CHECK(std::all_of(seen.begin(), seen.end(), [](int n) { return n == 1; }));
    CHECK(on_array);
    CHECK(fits);
}

double wires(const Network& net, const HardwareConfig& hw, const std::string& dataflow)
{
    return map_layer(net, 1, hw, dataflow).wire_utilization;
}

Network depthwise(int channels, int size, int filter)
{
    Network net = input_of(1, channels, size, size);
    add_conv(net, 0, channels, square(filter, 1, filter / 2, channels));
    return net;
}

std::string error_of(const Network& net, const HardwareConfig& hw, const std::string& dataflow)
{
    try {
        map_layer(net, 1, hw, dataflow);
    } catch (const UserError& e) {
        return e.what();
    }
    return "no error";
}

} // namespace

TEST_CASE("plans cover every multiply once, on random shapes and scarce buffers")
{
    for (std::uint64_t seed = 1; seed <= 80; ++seed) {
        Random random(seed);
        const Network net = random_conv(random);
        for (Machine& m : machines()) {
            const bool scarce = random.below(2) == 0;
            for (PartitionConfig* p : {&m.hw.global_buffer.weights, &m.hw.global_buffer.inputs,
                                       &m.hw.global_buffer.outputs, &m.hw.global_buffer.psums})
                if (scarce) p->bytes = random.range(300, 2000);
            if (random.below(2) == 0) m.hw.array.rows = static_cast<int>(random.range(1, 7));
            if (random.below(2) == 0) m.hw.array.cols = static_cast<int>(random.range(1, 7));
            for (const std::string& dataflow : m.dataflows) {
                INFO("seed " << seed << " machine " << m.hw.name << " dataflow " << dataflow);
                const MapChoice choice = map_layer(net, 1, m.hw, dataflow);
                INFO(describe(choice.mapping));
                check_plan(choice.plan, m.hw);
                CHECK(choice.bound.cycles * m.hw.pes() * choice.wire_utilization >= choice.plan.macs() * 0.999999);
            }
        }
    }
}

TEST_CASE("a chosen mapping can be written, read and lowered to the same plan")
{
    Random random(7);
    const Network net = random_conv(random);
    for (const Machine& m : machines())
        for (const std::string& dataflow : m.dataflows) {
            const MapChoice choice = map_layer(net, 1, m.hw, dataflow);
            const auto again = parse_mappings(to_yaml({{"conv", choice.mapping}}), "m.yaml");
            CHECK(again[0].mapping == choice.mapping);
            const MapChoice given = use_mapping(net, 1, m.hw, again[0].mapping);
            CHECK(given.bound.cycles == choice.bound.cycles);
            CHECK(given.bound.dram_read_bytes == choice.bound.dram_read_bytes);
        }
}

TEST_CASE("every layer of the shipped networks maps where the wires allow")
{
    for (const char* name : {"mobilenet_v1", "mobilenet_v2", "resnet50", "alexnet", "squeezenet1_0", "vgg16"}) {
        const Network net = load_network(name);
        for (const Machine& m : machines())
            for (const std::string& dataflow : m.dataflows)
                for (int i = 0; i < static_cast<int>(net.layers.size()); ++i) {
                    if (!has_plan(net, m.hw, i)) continue;
                    INFO(name << " " << net.layers[static_cast<std::size_t>(i)].name << " " << dataflow);
                    const MapChoice c = map_layer(net, i, m.hw, dataflow);
                    const double busy = static_cast<double>(c.plan.macs()) / static_cast<double>(m.hw.pes());
                    CHECK(busy <= static_cast<double>(c.bound.cycles) * c.wire_utilization * 1.000001);
                }
    }
}

TEST_CASE("the mapper is deterministic")
{
    const Network net = load_network("mobilenet_v1");
    for (int i : {1, 2, 3, 20}) {
        const MapChoice a = map_layer(net, i, test_machines::tpu(), "ws"),
                        b = map_layer(net, i, test_machines::tpu(), "ws");
        CHECK(a.mapping == b.mapping);
        CHECK(a.why == b.why);
    }
}

// 16x16, 16 words a beat on each network; R x S = 3 x 3, one channel per group.
TEST_CASE("depthwise layers reach what the systolic wires allow")
{
    const HardwareConfig hw = test_machines::tpu();
    const Network net = depthwise(64, 28, 3);
    // WS: a row wire carries one word a cycle that a single column uses: 16 of 256 PEs.
    CHECK(wires(net, hw, "ws") == Approx(16.0 / 256));
    // OS: 16 PEs (one per row) compute 9 steps, then 16 rows leave one by one.
    CHECK(wires(net, hw, "os") == Approx(16.0 * 9 / (256 * 16)));
    // IS: 9 rows x 16 columns compute one step per load of 16 rows.
    CHECK(wires(net, hw, "is") == Approx(9.0 * 16 / (256 * 16)));
}

TEST_CASE("depthwise layers use a whole output-stationary plane")
{
    // 8x8 outputs of one channel, 9 steps; 8 rows of psums leave meanwhile: every PE computes every cycle.
    CHECK(wires(depthwise(64, 56, 3), test_machines::shidiannao(), "os") == Approx(1.0));
    // 7x7 outputs leave 15 of 64 PEs idle.
    CHECK(wires(depthwise(64, 7, 3), test_machines::shidiannao(), "os") == Approx(49.0 / 64));
}

TEST_CASE("dense and grouped layers reach what the wires allow")
{
    Network dense = input_of(1, 64, 14, 14);
    add_conv(dense, 0, 64, square(3, 1, 1));
    for (const std::string dataflow : {"ws", "os", "is"})
        CHECK(wires(dense, test_machines::tpu(), dataflow) == Approx(1.0));
    CHECK(wires(dense, test_machines::shidiannao(), "os") == Approx(1.0));
    // 4 groups of 8 channels: two groups side by side fill all rows of two halves, 8 columns each: 2 x 8 x 8 PEs;
    // one group alone spreads 72 reductions over 16 rows and 8 channels over 8 columns: 128 PEs, too.
    Network grouped = input_of(1, 32, 14, 14);
    add_conv(grouped, 0, 32, square(3, 1, 1, 4));
    CHECK(wires(grouped, test_machines::tpu(), "ws") == Approx(0.5));
    // A matrix-vector product loads 16 words a cycle and uses each once (WS); one row of outputs (OS).
    const Network vector = load_network("gemm:1x256x512");
    CHECK(wires(vector, test_machines::tpu(), "ws") == Approx(16.0 / 256));
    CHECK(wires(vector, test_machines::tpu(), "os") == Approx(16.0 / 256));
}

TEST_CASE("missing wires are named for the dataflow")
{
    Network net = input_of(1, 16, 8, 8);
    add_conv(net, 0, 16, square(3));
    CHECK_THAT(error_of(net, test_machines::shidiannao(), "ws"),
               Catch::StartsWith("dataflow ws, layer \"conv\": array: ") && Catch::Contains("missing wires"));
    CHECK_THAT(error_of(net, test_machines::shidiannao(), "is"), Catch::Contains("missing wires"));
    CHECK(error_of(net, test_machines::tpu(), "xs") ==
          "unknown dataflow \"xs\" (did you mean \"ws\"?): expected one of ws, os, is, ws_los, os_lws, rs");
    for (const std::string& name : dataflow_names()) CHECK_FALSE(describe_dataflow(name).empty());
}

TEST_CASE("a layer that cannot fit says what its smallest tile needs")
{
    Network net = input_of(1, 16, 8, 8);
    add_conv(net, 0, 16, square(3));
    HardwareConfig hw = test_machines::tpu();
    hw.global_buffer.inputs.bytes = 0;
    CHECK(error_of(net, hw, "ws") ==
          "layer \"conv\": glb: the inputs tile has 1 words of 8 bits, its partition holds 0; "
          "give the partition 1 bytes");
    hw = test_machines::resident_tpu();
    hw.global_buffer.inputs.bytes = 1000;
    CHECK_THAT(error_of(net, hw, "ws"),
               Catch::Contains("the inputs tile has 1024 words of 8 bits, its partition holds 1000; "
                               "give the partition 1024 bytes"));
}

TEST_CASE("a residual add shares the tiles of its conv")
{
    Network net = input_of(1, 64, 14, 14);
    const int a = add_conv(net, 0, 64, square(1), "a"), b = add_conv(net, a, 64, square(1), "b");
    const int add = add_op(net, Op::add, {a, b}, "add");
    HardwareConfig hw = test_machines::tpu();
    hw.global_buffer.operand2.bytes = 2000;
    const MapChoice c = map_layer(net, b, hw, "ws");
    CHECK(c.plan.add_layer == a);
    CHECK(c.plan.fused_layer == add);
    std::int64_t outputs = 1;
    for (Dim d : {dim_n, dim_g, dim_k, dim_p, dim_q}) outputs *= c.plan.dim_tile(d);
    CHECK(outputs <= 2000);
    CHECK(compute_traffic(c.plan, hw).operand2_fills == 64 * 14 * 14);
    hw.global_buffer.operand2.bytes = 0;
    CHECK_THROWS_WITH(map_layer(net, add, hw, "ws"), Catch::Contains("operand2"));
}

TEST_CASE("layers of the PostProcessor run channels side by side")
{
    Network net = input_of(2, 40, 9, 9);
    const int pool = add_op(net, Op::max_pool, {0}, "pool", square(3, 2, 1));
    const LayerPlan plan = map_layer(net, pool, test_machines::tpu(), "ws").plan;
    CHECK(plan.kind == PlanKind::post);
    CHECK(plan.extent == Extents{2, 40, 1, 1, 5, 5, 3, 3});
    REQUIRE(plan.spatial.size() == 1);
    CHECK(plan.spatial[0].count == 16);
    CHECK(plan.spatial[0].place == Place::x);
    REQUIRE(plan.glb_loops.size() == 4);
    CHECK(plan.glb_loops[3].step == 16);
    CHECK(plan.axes[static_cast<std::size_t>(plan.glb_loops[3].axis)].dims == std::vector<Dim>{dim_g});
    CHECK(plan.pass_loops.size() == 2);
    CHECK(plan.macs() == 0);
}

TEST_CASE("a pooling window is never cut into tiles, and a mapping that does is refused")
{
    Network net = input_of(1, 512, 7, 7);
    const int pool = add_op(net, Op::avg_pool, {0}, "pool", square(7));
    const HardwareConfig hw = load_hardware("squeezelerator_like");
    HardwareConfig tight = hw;
    tight.global_buffer.inputs.bytes = 25600;
    for (MapperKind kind : {MapperKind::first, MapperKind::search}) {
        MapperOptions o;
        o.kind = kind;
        const MapChoice c = map_layer(net, pool, tight, "ws", o);
        CHECK(c.plan.dim_tile(dim_g) < 512); // 512 x 49 words of 16 bit are two bufferfuls
        CHECK(c.plan.dim_tile(dim_r) == 7);
        CHECK(c.plan.dim_tile(dim_s) == 7);
    }
    MapChoice c = map_layer(net, pool, hw, "ws");
    c.mapping.levels.front().temporal = {{{dim_s}, 1}};
    CHECK_THROWS_WITH(use_mapping(net, pool, hw, c.mapping), Catch::Contains("cuts S of a pooling window"));
}

TEST_CASE("a dataflow by constraints cuts its tiles until a shared pool holds inputs and psums")
{
    const HardwareConfig hw = load_hardware("eyeriss");
    REQUIRE(hw.global_buffer.pool_banks > 0);
    MapperOptions o;
    o.constraints = std::make_shared<const DataflowConstraints>(parse_constraints(
        "dataflow: my_rs\n"
        "levels:\n"
        "  - {name: glb, temporal: [{loop: K}, {loop: Q}]}\n"
        "  - {name: array, spatial: [{loop: C, axis: y, at_most: 4}, {loop: R, axis: y}, {loop: P, axis: x}]}\n"
        "  - {name: rf, temporal: [{loop: S}, {loop: C, at_most: 4}, {loop: K, at_most: 16}], "
        "keep: [weights, inputs, outputs]}\n",
        "my_rs.yaml"));
    Network net = input_of(1, 64, 56, 56);
    add_conv(net, 0, 128, square(3, 1, 1));
    const MapChoice choice = map_layer(net, 1, hw, "my_rs", o);
    INFO(describe(choice.mapping));
    CHECK(choice.plan.input_words > 0);
    CHECK(choice.plan.input_words * hw.precision.input_bits <=
          hw.global_buffer.pool_banks * hw.global_buffer.pool_bank_bytes * 8);
}

TEST_CASE("a row-stationary machine says what a layer's smallest mapping needs")
{
    HardwareConfig hw = load_hardware("eyeriss");
    Network net = input_of(1, 4, 18, 20);
    Window whole;
    whole.filter_rows = 18;
    whole.filter_cols = 20;
    add_conv(net, 0, 80, whole, "fc6");
    using Catch::Contains;
    CHECK_THROWS_WITH(map_layer(net, 1, hw, "rs"), Contains("layer \"fc6\"") && Contains("window of 20 words") &&
                                                       Contains("holds 12") && Contains("input_words: 20"));
    hw.array.inputs.words = 20;
    hw.global_buffer.outputs.bytes = 0;
    CHECK_THROWS_WITH(map_layer(net, 1, hw, "rs"),
                      Contains("layer \"fc6\"") && Contains("2 bytes of outputs") && Contains("holds 0"));
}

TEST_CASE("output-stationary passes on a machine that sums channels only name the wires that it has not")
{
    Network net = input_of(1, 16, 8, 8);
    add_conv(net, 0, 16, square(3, 1, 1));
    try {
        map_layer(net, 1, load_hardware("nvdla_like"), "os");
        FAIL("mapped");
    } catch (const UserError& e) {
        const std::string what = e.what();
        INFO(what);
        CHECK(what.find("no loop covers") == std::string::npos);
        CHECK(what.find("psums") != std::string::npos);
    }
}
