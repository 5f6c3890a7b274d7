#include "sim/lower.hpp"

#include "dnn/base/error.hpp"
#include "tests/unit/sim_machines.hpp"
#include "tests/unit/sim_networks.hpp"
#include "tests/unit/sim_plan_walk.hpp"

#include <catch2/catch.hpp>

using namespace heddle;
using namespace heddle::test_networks;

namespace {

MapLoop loop(std::vector<Dim> dims, int step)
{
    return {std::move(dims), step, 0, Place::y};
}
MapLoop spread(std::vector<Dim> dims, Place place, int count, int step = 1)
{
    return {std::move(dims), step, count, place};
}

/// 32 channels to 32, 14x14, 3x3: weight-stationary on 16x16.
Network example_network()
{
    Network net = input_of(1, 32, 16, 16);
    add_conv(net, 0, 32, square(3));
    return net;
}

Mapping example()
{
    const std::vector<Tensors> all = {Tensors::weights, Tensors::inputs, Tensors::outputs};
    return {"ws",
            {{"dram", {loop({dim_p}, 7)}, {}, {}},
             {"glb", {loop({dim_k}, 16), loop({dim_c, dim_r, dim_s}, 16)}, {}, all},
             {"array", {}, {spread({dim_c, dim_r, dim_s}, Place::y, 16), spread({dim_k}, Place::x, 16)}, {}},
             {"rf", {loop({dim_p, dim_q}, 1)}, {}, {Tensors::weights}}}};
}

std::string error_of(const Network& net, const HardwareConfig& hw, const Mapping& mapping)
{
    try {
        lower(net, 1, hw, mapping);
    } catch (const UserError& e) {
        return e.what();
    }
    return "no error";
}

} // namespace

TEST_CASE("a mapping becomes a plan")
{
    const LayerPlan plan = lower(example_network(), 1, test_machines::tpu(), example());
    CHECK(plan.extent == Extents{1, 1, 32, 32, 14, 14, 3, 3});
    REQUIRE(plan.tile_loops.size() == 1);
    CHECK(plan.tile_loops[0].tile == 7);
    REQUIRE(plan.glb_loops.size() == 2);
    CHECK(plan.glb_loops[0].span == 32);
    CHECK(plan.glb_loops[1].span == 288);
    REQUIRE(plan.pass_loops.size() == 1);
    CHECK(plan.pass_loops[0].span == 98);
    CHECK(plan.keep_weights);
    CHECK(plan.weight_delivery == Delivery::load_chain_y);
    CHECK(plan.input_delivery == Delivery::systolic_x);
    CHECK(plan.psum_path == PsumPath::chain_y);
    CHECK(plan.add_layer == -1);
    CHECK(plan.fused_layer == 1);
    int dims[dim_count] = {};
    for (const Axis& axis : plan.axes)
        for (Dim d : axis.dims) ++dims[d];
    for (int n : dims) CHECK(n == 1);
}

TEST_CASE("loops that do not cover every index once are refused")
{
    const Network net = example_network();
    const HardwareConfig hw = test_machines::tpu();
    Mapping m = example();
    m.levels[1].temporal[0].step = 20;
    CHECK(error_of(net, hw, m) ==
          "layer \"conv\": array: spatial loop over K covers 16 of 20 indices; let the loop outside "
          "it step by 16");
    m = example();
    m.levels[1].temporal[0].step = 8;
    CHECK(error_of(net, hw, m).find("covers 16 of 8 indices") != std::string::npos);
    m = example();
    m.levels[1].temporal.erase(m.levels[1].temporal.begin());
    CHECK(error_of(net, hw, m).find("array: spatial loop over K covers 16 of 32 indices") != std::string::npos);
    m = example();
    m.levels[3].temporal[0].step = 2;
    CHECK(error_of(net, hw, m).find("rf: innermost loop over P*Q steps by 2") != std::string::npos);
    m = example();
    m.levels[3].temporal.clear();
    CHECK(error_of(net, hw, m) ==
          "layer \"conv\": glb: no loop covers P, whose tile has 7 indices; add a loop below dram");
    m = example();
    m.levels[1].temporal.push_back(loop({dim_p}, 7));
    CHECK(error_of(net, hw, m).find("rf: loop over P*Q: P already runs in loops over P below dram") !=
          std::string::npos);
    m = example();
    m.levels[1].temporal[0].dims = {dim_k, dim_c};
    CHECK(error_of(net, hw, m).find("mixes outputs with reductions") != std::string::npos);
}

TEST_CASE("loops over the input's rows belong to rf, alone with one loop over taps, with everything kept")
{
    const Network net = example_network();
    const HardwareConfig hw = test_machines::tpu();
    MapLoop rows = loop({dim_p}, 1);
    rows.by_input = true;
    Mapping m = example();
    m.levels[0].temporal[0].by_input = true;
    CHECK(error_of(net, hw, m) ==
          "layer \"conv\": dram: loop over H: the input's rows and columns are stepped over in rf; use P here");
    m = example();
    m.levels[3].temporal = {rows, loop({dim_q}, 1)};
    CHECK(error_of(net, hw, m) ==
          "layer \"conv\": rf: loop over H needs the inputs in the PE; add them to keep, or use P");
    m.levels[3].keep = {Tensors::weights, Tensors::inputs, Tensors::outputs};
    m.levels[1].temporal[1] = loop({dim_c}, 16);
    m.levels[2].spatial[0] = spread({dim_c}, Place::y, 16);
    m.levels[3].temporal = {rows, loop({dim_q}, 1), loop({dim_r, dim_s}, 1)};
    CHECK(error_of(net, hw, m) ==
          "layer \"conv\": rf: loop over H needs R as one loop of its own at most inside the pass");
    m.levels[0].temporal.clear();
    m.levels[3].temporal = {loop({dim_p}, 7), rows, loop({dim_q}, 1), loop({dim_r}, 1), loop({dim_s}, 1)};
    CHECK(error_of(net, hw, m) ==
          "layer \"conv\": rf: loop over H needs P as one loop of its own at most inside the pass");
}

TEST_CASE("levels must be known, ordered and hold what the machine needs")
{
    const Network net = example_network();
    const HardwareConfig hw = test_machines::tpu();
    Mapping m = example();
    m.levels[3].name = "cache";
    CHECK(error_of(net, hw, m) == "layer \"conv\": cache: this machine has no such level; it has dram, glb, array, rf, "
                                  "collector, lanes, vector");
    m = example();
    std::swap(m.levels[0], m.levels[1]);
    CHECK(error_of(net, hw, m).find("dram: stands below glb") != std::string::npos);
    m = example();
    m.levels[1].keep = {Tensors::weights, Tensors::outputs};
    CHECK(error_of(net, hw, m).find("glb: must keep the inputs") != std::string::npos);
    m = example();
    m.levels[0].temporal = {loop({dim_c}, 16), loop({dim_p}, 7)};
    HardwareConfig narrow = hw; // psums of the whole map wait for the second tile of channels
    narrow.global_buffer.psums.bytes = 64;
    CHECK(error_of(net, narrow, m).find("are alive inside the outermost loop over a reduction") != std::string::npos);
    m = example();
    CHECK(error_of(net, test_machines::resident_tpu(), m).find("there is one tile; make its step 14") !=
          std::string::npos);
}

TEST_CASE("a mapping larger than the array names the axis and the bound")
{
    Mapping m = example();
    m.levels[2].spatial[0].count = 32;
    m.levels[1].temporal[1].step = 32;
    CHECK(error_of(example_network(), test_machines::tpu(), m) ==
          "layer \"conv\": array: axis y needs 32 rows (C*R*S 32), the array has 16; make the counts' product at most "
          "16");
}

TEST_CASE("a tile that does not fit names tensor, demand, bound and the nearest change")
{
    const Network net = example_network();
    HardwareConfig hw = test_machines::tpu();
    hw.global_buffer.inputs.bytes = 4096; // 9 rows of 16 pixels of 32 channels are 4608
    CHECK(error_of(net, hw, example()) == "layer \"conv\": glb: the inputs tile has 4608 words of 8 bits, its "
                                          "partition holds 4096; cut C from 32 to 28 at "
                                          "dram, or give the partition 4608 bytes");
    hw = test_machines::tpu();
    hw.global_buffer.weights.bytes = 4608; // half of 32*32*9
    CHECK(error_of(net, hw, example())
              .find("the weights tile has 9216 words of 8 bits, its partition holds 4608; cut K "
                    "from 32 to 16") != std::string::npos);
    hw = test_machines::tpu();
    hw.global_buffer.outputs.bytes = 0;
    CHECK(error_of(net, hw, example())
              .find("the outputs tile has 3136 words of 8 bits, its partition holds 0; give the "
                    "partition 3136 bytes") != std::string::npos);
    hw = test_machines::tpu();
    hw.global_buffer.psums.bytes = 4096; // 1024 psums; 16 channels x 98 pixels live inside the reduction
    CHECK(error_of(net, hw, example())
              .find("1568 psums of 32 bits are alive inside the outermost loop over a reduction, "
                    "their partition holds 1024") != std::string::npos);
    Mapping m = example();
    m.levels[1].temporal.insert(m.levels[1].temporal.begin() + 1, loop({dim_p, dim_q}, 64));
    CHECK(error_of(net, hw, m) == "no error"); // 16 x 64
}

TEST_CASE("missing wires are named")
{
    const Network net = example_network();
    HardwareConfig hw = test_machines::tpu();
    hw.input_network.modes = {Delivery::systolic_y, Delivery::unicast};
    CHECK(error_of(net, hw, example()) ==
          "layer \"conv\": array: inputs need one word per row, shared along x: missing wires, any one of systolic_x, "
          "row_bus, multicast; the inputs network has systolic_y, unicast");
    hw = test_machines::tpu();
    hw.psum_network.paths = {PsumPath::local};
    CHECK(error_of(net, hw, example()).find("missing wires, any one of chain_y, tree_y; the psum network has local") !=
          std::string::npos);
    hw = test_machines::tpu();
    hw.weight_network.modes = {Delivery::broadcast};
    CHECK(error_of(net, hw, example()).find("weights need a word of their own in every PE, loaded") !=
          std::string::npos);
    Mapping m = example();
    m.levels[3].keep = {Tensors::outputs};
    m.levels[3].temporal.clear();
    m.levels[1].temporal.push_back(loop({dim_p, dim_q}, 1));
    hw = test_machines::tpu();
    hw.psum_network.paths = {PsumPath::local};
    CHECK(error_of(net, hw, m)
              .find("psums of a column are summed on their way out: missing wires, any one of chain_y, "
                    "tree_y") != std::string::npos);
    std::swap(m.levels[2].spatial[0].place, m.levels[2].spatial[1].place);
    CHECK(error_of(net, test_machines::tpu(), m).find("reduces off the y axis") != std::string::npos);
}

TEST_CASE("registers bound what a PE keeps in a pass")
{
    Network net = input_of(1, 4, 8, 8);
    add_conv(net, 0, 4, square(1));
    const std::vector<Tensors> all = {Tensors::weights, Tensors::inputs, Tensors::outputs};
    const Mapping m{"",
                    {{"glb", {}, {}, all},
                     {"array", {}, {spread({dim_c}, Place::y, 4)}, {}},
                     {"rf", {loop({dim_k}, 1), loop({dim_p, dim_q}, 1)}, {}, {Tensors::weights}}}};
    CHECK(error_of(net, test_machines::tpu(), m) == "layer \"conv\": rf: weights need 4 words per PE in a pass, the "
                                                    "register file has 1; move loops over them to glb");
}

TEST_CASE("a fully connected layer behind a flatten reads the map where it lies")
{
    Network net = input_of(2, 16, 3, 5);
    Layer flat;
    flat.name = "flat";
    flat.op = Op::reshape;
    flat.inputs = {0};
    flat.out_shape = {2, 240, 1, 1};
    add_layer(net, flat);
    const int fc = add_conv(net, 1, 10, square(1), "fc");
    const LayerShape shape = layer_shape(net, fc);
    CHECK(shape.extent == Extents{2, 1, 10, 16, 1, 1, 3, 5});
    CHECK(shape.in_rows == 3);
    CHECK(shape.in_cols == 5);
    CHECK(shape.source == 0);
    CHECK(layer_extents(net, fc)[dim_c] == 16);
    const int pool = add_op(net, Op::max_pool, {1}, "pool", square(1));
    CHECK_THROWS_WITH(layer_shape(net, pool), Catch::Contains("mixes channels and positions"));
}

TEST_CASE("an add is fused into the later of its producers")
{
    Network net = input_of(1, 8, 6, 6);
    const int a = add_conv(net, 0, 8, square(1), "a");
    const int b = add_conv(net, a, 8, square(1), "b");
    const int c = add_conv(net, b, 8, square(1), "c");
    const int skip = add_conv(net, a, 8, square(1), "skip");
    const int add = add_op(net, Op::add, {c, skip}, "add");
    HardwareConfig hw = test_machines::tpu();
    CHECK(fused_add(net, hw, skip) == add);
    CHECK(fused_add(net, hw, c) == -1);
    CHECK(fused_into(net, hw, add) == skip);
    CHECK_FALSE(has_plan(net, hw, add));
    SECTION("not without a partition for the second operand")
    {
        hw.global_buffer.operand2.bytes = 0;
        CHECK(fused_add(net, hw, skip) == -1);
        CHECK(has_plan(net, hw, add));
    }
    SECTION("not when the conv has another reader")
    {
        add_conv(net, skip, 8, square(1), "reader");
        CHECK(fused_add(net, hw, skip) == -1);
        CHECK(fused_into(net, hw, add) == -1);
    }
}
