// Does "best" take the least of the dataflows, with what switching costs?
#include "dnn/base/error.hpp"
#include "sim/choose_mappings.hpp"
#include "sim/mapper_energy.hpp"
#include "tests/unit/sim_networks.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <numeric>

using namespace heddle;
using namespace heddle::test_networks;
using Catch::Contains;

namespace {

RunOptions options_of(Network net, const std::string& dataflow, int simulate_best)
{
    RunOptions o;
    o.hardware = load_hardware("tpu_like");
    o.network = synthesize(net, o.hardware.precision, 1);
    o.dataflow = dataflow;
    o.simulate_best = simulate_best;
    o.timing_only = true;
    return o;
}

/// A dense layer, a depthwise one, and a matrix-vector product: none likes the same dataflow.
Network mixed()
{
    Network net = input_of(1, 32, 14, 14);
    const int a = add_conv(net, 0, 64, square(1), "dense");
    const int b = add_conv(net, a, 64, square(3, 1, 1, 64), "depthwise");
    add_conv(net, b, 32, square(1), "last");
    return net;
}

std::int64_t cycles_of(const RunResult& r)
{
    return std::accumulate(r.layers.begin(), r.layers.end(), std::int64_t{0},
                           [](std::int64_t s, const LayerResult& l) { return s + l.cycles; });
}

} // namespace

TEST_CASE("a chain of dataflows is the cheapest of all chains")
{
    for (std::uint64_t seed = 1; seed <= 50; ++seed) {
        INFO("seed " << seed);
        Random random(seed);
        const std::size_t layers = static_cast<std::size_t>(random.range(1, 6)), dataflows = 3;
        std::vector<std::vector<double>> cost(layers), change(layers);
        for (std::size_t i = 0; i < layers; ++i)
            for (std::size_t d = 0; d < dataflows; ++d) {
                cost[i].push_back(d > 0 && random.below(4) == 0 ? -1.0 : static_cast<double>(random.below(100)));
                change[i].push_back(static_cast<double>(random.below(40)));
            }
        const auto sum = [&](const std::vector<std::size_t>& path) {
            double s = 0.0;
            for (std::size_t i = 0; i < path.size(); ++i) {
                if (cost[i][path[i]] < 0.0) return 1e300;
                s += cost[i][path[i]] + (i > 0 && path[i] != path[i - 1] ? change[i][path[i]] : 0.0);
            }
            return s;
        };
        double least = 1e300;
        std::vector<std::size_t> path(layers, 0);
        for (std::size_t n = 0; n < static_cast<std::size_t>(std::pow(dataflows, layers)); ++n) {
            std::size_t rest = n;
            for (std::size_t i = 0; i < layers; ++i, rest /= dataflows) path[i] = rest % dataflows;
            least = std::min(least, sum(path));
        }
        CHECK(sum(best_chain(cost, change)) == least);
    }
}

TEST_CASE("best takes the least simulated cycles, and says by how much")
{
    RunOptions o = options_of(mixed(), "best", -1);
    const std::map<int, DataflowChoice> choices = choose_mappings(o, {1, 2, 3});
    REQUIRE(choices.size() == 3);
    for (const auto& [layer, c] : choices) {
        INFO("layer " << layer);
        CHECK(c.candidates.size() == o.hardware.dataflows.size());
        std::vector<std::int64_t> cycles;
        for (const auto& [dataflow, n] : c.candidates) cycles.push_back(n);
        std::sort(cycles.begin(), cycles.end());
        CHECK(c.candidates.at(c.chosen) == cycles[0]);
        CHECK(c.margin == Approx(static_cast<double>(cycles[1]) / static_cast<double>(cycles[0]) - 1.0));
        CHECK(o.chosen.at(layer).mapping.dataflow == c.chosen);
    }
}

TEST_CASE("best is no slower than any dataflow alone, and switches cost what the machine says")
{
    std::map<std::string, std::int64_t> cycles;
    for (const char* dataflow : {"ws", "os", "is", "best"}) {
        RunOptions o = options_of(mixed(), dataflow, -1);
        o.jobs = 2; // in processes: this one stays without a machine
        cycles[dataflow] = cycles_of(run_network(o, {}));
    }
    CHECK(cycles["best"] <= std::min({cycles["ws"], cycles["os"], cycles["is"]}));
    RunOptions o = options_of(mixed(), "best", -1);
    o.jobs = 2;
    o.hardware.dram.kind = DramKind::fixed; // rows that close as a layer starts would hide the switch
    o.hardware.dram.latency_cycles = 20;
    o.hardware.dram.beat_bytes = 16;
    const std::int64_t free_switches = cycles_of(run_network(o, {}));
    o.hardware.passes.switch_cycles = 7;
    const RunResult r = run_network(o, {});
    std::int64_t switches = 0;
    for (std::size_t i = 2; i < r.layers.size(); ++i) switches += r.layers[i].dataflow != r.layers[i - 1].dataflow;
    CHECK(switches > 0);
    CHECK(cycles_of(r) == free_switches + 7 * switches);
    for (std::size_t i = 2; i < r.layers.size(); ++i) {
        const DataflowSwitch& s = r.layers[i].dataflow_switch;
        const std::string &before = r.layers[i - 1].dataflow, &after = r.layers[i].dataflow;
        INFO(before << " to " << after);
        CHECK(s.from == (before == after ? "" : before));
        CHECK(s.mode_cycles == (before == after ? 0 : 7));
        // 16x16, full edges: loads and drains go row by row, the wavefront crosses rows, and columns where systolic.
        if (before != after) CHECK(s.reload_cycles == (after == "os" ? 0 : 16));
        if (before != after) CHECK(s.flush_cycles == (before == "os" ? 15 + 15 + 16 : 15 + 15));
    }
    o = options_of(mixed(), "best", -1);
    o.jobs = 2;
    o.hardware.passes.switch_cycles = 1000000; // then no switch pays
    CHECK(cycles_of(run_network(o, {})) == std::min({cycles["ws"], cycles["os"], cycles["is"]}));
}

TEST_CASE("of several simulated mappings the fastest is taken")
{
    const auto simulated = [](int n) {
        RunOptions o = options_of(mixed(), "ws", n);
        o.jobs = 2;
        return cycles_of(run_network(o, {}));
    };
    CHECK(simulated(4) <= simulated(1));
    CHECK(simulated(1) == simulated(0));
}

// Short layers: the candidates of all objectives are the same, and are simulated. Values within 0.1 % are a tie.
TEST_CASE("no objective is beaten in its own measure by another's choice")
{
    const auto table = std::make_shared<const EnergyTable>(EnergyTable::load("generic_28nm"));
    constexpr Objective objectives[] = {Objective::latency, Objective::energy, Objective::edp};
    std::vector<std::vector<double>> cycles, pj; // by objective, by layer
    for (const Objective objective : objectives) {
        RunOptions o = options_of(load_network("mobilenet_v1_0.25_128"), "ws", -1);
        o.jobs = 2;
        o.mapper.objective = objective;
        o.mapper.energy = table;
        for (int i = 1; i < 12; ++i) o.layers.push_back(i);
        cycles.emplace_back();
        pj.emplace_back();
        for (const LayerResult& r : run_network(o, {}).layers) {
            if (r.cycles == 0) continue;
            cycles.back().push_back(static_cast<double>(r.cycles));
            pj.back().push_back(priced_pj(r, o.hardware, *table));
        }
    }
    REQUIRE(cycles[0].size() > 8);
    const auto value = [&](Objective by, std::size_t chosen, std::size_t layer) {
        const double c = cycles[chosen][layer], e = pj[chosen][layer];
        return by == Objective::latency ? c : by == Objective::energy ? e : c * e;
    };
    for (std::size_t layer = 0; layer < cycles[0].size(); ++layer)
        for (std::size_t own = 0; own < 3; ++own)
            for (std::size_t other = 0; other < 3; ++other) {
                INFO("layer " << layer << ", objective " << own << " against " << other);
                CHECK(value(objectives[own], own, layer) <= 1.001 * value(objectives[own], other, layer));
            }
}

TEST_CASE("best without a dataflow that fits says why")
{
    RunOptions o = options_of(mixed(), "best", 0);
    o.hardware.global_buffer.inputs.bytes = 0;
    CHECK_THROWS_WITH(choose_mappings(o, {1, 2, 3}),
                      Catch::StartsWith("--dataflow best: ") && Catch::Contains("inputs"));
}

TEST_CASE("mappings by hand that nothing would read are refused by name and line")
{
    Network net = input_of(1, 8, 8, 8);
    const int a = add_conv(net, 0, 8, square(3, 1, 1), "a");
    const int b = add_conv(net, a, 8, square(3, 1, 1), "b");
    const int sum = add_op(net, Op::add, {a, b}, "sum");
    const int pool = add_op(net, Op::max_pool, {sum}, "pool", square(2, 2));
    const int flat = add_op(net, Op::reshape, {pool}, "flat");
    add_op(net, Op::softmax, {flat}, "prob");
    const HardwareConfig hw = load_hardware("tpu_like");
    const auto check = [&](const std::string& layer) {
        check_mappings(net, hw, {{"a", {}, 2}, {layer, {}, 5}}, "m.yaml");
    };
    CHECK_NOTHROW(check("b"));
    CHECK_NOTHROW(check("pool")); // a layer of its own here, with tiles
    CHECK_THROWS_WITH(check("A2"), Contains("m.yaml:5: layer \"A2\": is no layer of test"));
    CHECK_THROWS_WITH(check("poool"), Contains("(did you mean \"pool\"?)"));
    CHECK_THROWS_WITH(check("sum"), Contains("m.yaml:5: layer \"sum\": takes no mapping, since it is fused into b"));
    CHECK_THROWS_WITH(check("flat"), Contains("moves no data (reshape)"));
    CHECK_THROWS_WITH(check("input"), Contains("moves no data (input)"));
    CHECK_THROWS_WITH(check("prob"), Contains("is left to the host"));
}
