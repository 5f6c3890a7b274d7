// Is the search never worse than the first mapper, does it serve every objective, and are its counts sound?
#include "dnn/base/error.hpp"
#include "sim/mapper.hpp"
#include "tests/unit/sim_machines.hpp"
#include "tests/unit/sim_networks.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <set>

using namespace heddle;
using namespace heddle::test_networks;

namespace {

MapperOptions options(Objective objective, MapperKind kind = MapperKind::search)
{
    static const auto table = std::make_shared<const EnergyTable>(EnergyTable::load("generic_28nm"));
    MapperOptions o;
    o.objective = objective;
    o.kind = kind;
    o.energy = table;
    return o;
}

HardwareConfig scarce_machine(Random& random)
{
    HardwareConfig hw = test_machines::tpu();
    for (PartitionConfig* p :
         {&hw.global_buffer.weights, &hw.global_buffer.inputs, &hw.global_buffer.outputs, &hw.global_buffer.psums})
        if (random.below(2) == 0) p->bytes = random.range(300, 2000);
    return hw;
}

} // namespace

TEST_CASE("the search is never worse than the first mapper, for any objective")
{
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        Random random(seed);
        const Network net = random_conv(random);
        const HardwareConfig hw = scarce_machine(random);
        for (const char* dataflow : {"ws", "os", "is"})
            for (Objective objective : {Objective::latency, Objective::energy, Objective::edp}) {
                INFO("seed " << seed << " dataflow " << dataflow << " objective " << static_cast<int>(objective));
                const MapChoice first = map_layer(net, 1, hw, dataflow, options(objective, MapperKind::first));
                const MapChoice search = map_layer(net, 1, hw, dataflow, options(objective));
                CHECK(search.value(objective) <= first.value(objective) * values_alike);
                CHECK(search.value(objective) > 0.0);
                CHECK(search.counts.visited > first.counts.visited);
            }
    }
}

TEST_CASE("an objective is served at least as well as by latency's choice")
{
    const HardwareConfig hw = test_machines::tpu();
    const Network net = load_network("mobilenet_v1");
    for (int layer : {1, 2, 3, 20, 27}) {
        INFO("layer " << layer);
        const MapChoice latency = map_layer(net, layer, hw, "ws", options(Objective::latency));
        const MapChoice energy = map_layer(net, layer, hw, "ws", options(Objective::energy));
        CHECK(energy.estimate_pj <= latency.estimate_pj);
        CHECK(energy.estimate_cycles * 1.006 >= latency.estimate_cycles);
        CHECK(map_layer(net, layer, hw, "ws", options(Objective::edp)).value(Objective::edp) <=
              latency.value(Objective::edp));
        CHECK(latency.seconds < 1.0);
    }
}

TEST_CASE("rejections are counted by reason")
{
    Network net = input_of(1, 64, 14, 14);
    add_conv(net, 0, 64, square(3, 1, 1));
    HardwareConfig hw = test_machines::tpu();
    const auto rejected = [&](Reject reason) {
        const SearchCounts c = map_layer(net, 1, hw, "ws").counts;
        CHECK(c.all_rejected() < c.visited);
        std::int64_t sum = 0;
        for (std::int64_t n : c.rejected) sum += n;
        CHECK(sum == c.all_rejected());
        return c.rejected[static_cast<std::size_t>(reason)];
    };
    CHECK(rejected(Reject::weights) == 0);
    hw.global_buffer.weights.bytes = 2000;
    CHECK(rejected(Reject::weights) > 0);
    hw = test_machines::tpu();
    hw.global_buffer.inputs.bytes = 2000;
    CHECK(rejected(Reject::inputs) > 0);
    hw = test_machines::tpu();
    hw.global_buffer.outputs.bytes = 2000;
    CHECK(rejected(Reject::outputs) > 0);
    hw = test_machines::tpu();
    hw.global_buffer.psums.bytes = 200;
    CHECK(rejected(Reject::psums) > 0);
}

TEST_CASE("candidates are distinct, the choice first")
{
    Random random(11);
    const Network net = random_conv(random);
    const HardwareConfig hw = test_machines::tpu();
    const std::vector<MapChoice> list = map_candidates(net, 1, hw, "os", options(Objective::latency), 5);
    REQUIRE(list.size() > 1);
    CHECK(list.front().mapping == map_layer(net, 1, hw, "os", options(Objective::latency)).mapping);
    for (std::size_t i = 0; i < list.size(); ++i)
        for (std::size_t j = 0; j < i; ++j) CHECK_FALSE(list[i].mapping == list[j].mapping);
}

TEST_CASE("energy needs a table")
{
    Random random(3);
    const Network net = random_conv(random);
    MapperOptions o;
    o.objective = Objective::energy;
    CHECK_THROWS_AS(map_layer(net, 1, test_machines::tpu(), "ws", o), UserError);
}

// 32 channels of 112 x 112: in tiles of 16 channels every pixel is a run of 16 bytes, a quarter of a burst; by rows
// nothing is moved twice but the rows that neighbouring tiles share.
TEST_CASE("depthwise layers are cut where bursts stay whole")
{
    HardwareConfig hw = test_machines::tpu();
    hw.global_buffer.inputs.bytes = hw.global_buffer.outputs.bytes = 64 << 10;
    Network net = input_of(1, 32, 112, 112);
    add_conv(net, 0, 32, square(3, 1, 1, 32));
    const std::int64_t plain = 2 * 32 * 112 * 112;
    for (const Objective objective : {Objective::latency, Objective::energy, Objective::edp}) {
        const MapChoice choice = map_layer(net, 1, hw, "ws", options(objective));
        INFO(choice.why << '\n' << describe(choice.mapping));
        CHECK(choice.bound.dram.bytes() >= plain);
        CHECK(choice.bound.dram.bytes() <= plain * 11 / 10);
    }
}

// 40 channels of 28 x 28, stored in tiles of 16: 16, 16 and 8 bytes a pixel touch 64-byte bursts of their own.
TEST_CASE("output channels that are no multiple of the array are not cut into short runs")
{
    Network net = input_of(1, 256, 28, 28);
    add_conv(net, 0, 40, square(1));
    const MapChoice choice = map_layer(net, 1, test_machines::tpu(), "ws", options(Objective::latency));
    INFO(choice.why << '\n' << describe(choice.mapping));
    CHECK(choice.bound.dram.write_bytes() <= 40 * 28 * 28 * 11 / 10);
}

TEST_CASE("what may be simulated does not depend on the objective: the best by each measure")
{
    const HardwareConfig hw = test_machines::tpu();
    const Network net = load_network("mobilenet_v1_0.25_128");
    const auto nests = [&](int layer, Objective o, std::size_t most) {
        std::set<std::string> all;
        for (const MapChoice& c : map_candidates(net, layer, hw, "ws", options(o), most))
            all.insert(describe(c.mapping));
        return all;
    };
    for (const int layer : {1, 2, 3, 12, 27})
        for (const std::size_t most : {1, 4}) {
            INFO("layer " << layer << ", " << most);
            const std::set<std::string> latency = nests(layer, Objective::latency, most);
            CHECK(latency == nests(layer, Objective::energy, most));
            CHECK(latency == nests(layer, Objective::edp, most));
            CHECK(latency.size() <= 3 * most);
        }
}

TEST_CASE("a tie in time goes to less energy")
{
    const HardwareConfig hw = test_machines::tpu();
    const Network net = load_network("alexnet");
    for (const int layer : {1, 3, 5}) {
        const std::vector<MapChoice> all = map_candidates(net, layer, hw, "ws", options(Objective::latency), 200);
        REQUIRE(all.size() > 1);
        const auto cycles = [](const MapChoice& c) { return static_cast<double>(c.estimate_cycles); };
        double least = cycles(all[0]);
        for (const MapChoice& c : all) least = std::min(least, cycles(c));
        CHECK(cycles(all[0]) <= least * values_alike);
        for (const MapChoice& c : all)
            if (cycles(c) <= least * values_alike) CHECK(all[0].estimate_pj <= c.estimate_pj);
    }
}
