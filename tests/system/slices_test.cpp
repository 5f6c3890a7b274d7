// A layer is the same alone, among others, in another process, under the reference driver and without values.
#include "sim/lower.hpp"
#include "sim/results.hpp"
#include "tests/system/bench.hpp"
#include "tests/system/subjects.hpp"

#include <catch2/catch.hpp>

using namespace heddle;
using namespace heddle::test_system;

namespace {

std::vector<int> planned(const RunOptions& o)
{
    std::vector<int> list;
    for (int i = 0; i < static_cast<int>(o.network.net.layers.size()); ++i)
        if (has_plan(o.network.net, o.hardware, i)) list.push_back(i);
    return list;
}

std::vector<RunOptions> runs()
{
    const Network tiny = load_network("tiny");
    std::vector<RunOptions> list;
    for (const char* dataflow : {"ws", "os", "is"}) list.push_back(workload(tiny, load_hardware("tpu_like"), dataflow));
    list.push_back(workload(tiny, load_hardware("shidiannao_like"), "os"));
    list.push_back(workload(tiny, small_buffers("tpu_like", 1500), "ws"));
    return list;
}

/// Layers that look alike: equal ones are simulated once without values, the others must not be taken for equal.
Network lookalikes()
{
    Network net = input_of(1, 24, 9, 9);
    int last = 0, number = 0;
    const auto next = [&](const Window& w) { last = add_conv(net, last, 24, w, "conv" + std::to_string(++number)); };
    const Window same = square(3, 1, 1);
    Window dilated = same, shifted = same;
    dilated.dilation_rows = dilated.dilation_cols = 2;
    dilated.pad_top = dilated.pad_bottom = dilated.pad_left = dilated.pad_right = 2;
    shifted.pad_top = 0;
    shifted.pad_bottom = 2;
    for (const Window& w : {same, same, dilated, shifted, same}) next(w);
    const int left = add_conv(net, last, 7, square(1), "left"), right = add_conv(net, last, 7, square(1), "right");
    const int middle = add_conv(net, last, 7, square(1), "middle");
    const int join = add_op(net, Op::concat, {left, middle, right}, "join");
    const int a = add_conv(net, join, 21, square(1), "a"), b = add_conv(net, a, 21, square(1), "b");
    add_op(net, Op::add, {a, b}, "sum");
    return net;
}

void check_same(const RunResult& whole, const RunResult& other, bool timing)
{
    REQUIRE(whole.layers.size() == other.layers.size());
    for (std::size_t i = 0; i < whole.layers.size(); ++i) {
        INFO(whole.layers[i].name);
        const LayerResult &a = whole.layers[i], &b = other.layers[i];
        CHECK(first_difference(timing ? timing_of(a) : a, timing ? timing_of(b) : b) == "");
    }
}

} // namespace

TEST_CASE("a layer alone is the layer in the whole network")
{
    for (const RunOptions& o : runs()) {
        INFO(o.hardware.name << " " << o.dataflow);
        const RunResult whole = run_apart(o);
        for (int i : planned(o)) {
            RunOptions alone = o;
            alone.layers = {i};
            const RunResult r = run_apart(alone);
            REQUIRE(r.layers.size() == 1);
            INFO(r.layers[0].name);
            CHECK(r.layers[0].verified);
            CHECK(first_difference(whole.layers[static_cast<std::size_t>(i)], r.layers[0]) == "");
        }
    }
}

TEST_CASE("a layer after others is the layer alone")
{
    RunOptions some = runs()[0];
    const RunResult whole = run_apart(some);
    const std::vector<int> all = planned(some);
    for (std::size_t skip = 0; skip + 1 < all.size(); ++skip) {
        some.layers.clear();
        for (std::size_t i = skip; i < all.size(); i += skip + 1) some.layers.push_back(all[i]);
        const RunResult part = run_apart(some);
        for (std::size_t i = 0; i < some.layers.size(); ++i)
            CHECK(first_difference(whole.layers[static_cast<std::size_t>(some.layers[i])], part.layers[i]) == "");
    }
}

TEST_CASE("parallel processes give the layers of one process")
{
    for (RunOptions o : runs()) {
        INFO(o.hardware.name << " " << o.dataflow);
        const RunResult whole = run_apart(o);
        o.jobs = 3;
        check_same(whole, run_apart(o), false);
        o.stall_seed = 9;
        const RunResult stalled = run_apart(o);
        o.jobs = 1;
        check_same(run_apart(o), stalled, false);
    }
}

TEST_CASE("the reference driver gives the same network and scores")
{
    for (RunOptions o : runs()) {
        INFO(o.hardware.name << " " << o.dataflow);
        const RunResult fast = run_apart(o);
        o.driver = TimeDriver::reference;
        const RunResult reference = run_apart(o);
        check_same(fast, reference, false);
        CHECK(fast.output == reference.output);
        CHECK_FALSE(fast.output.empty());
    }
}

TEST_CASE("a run without values has the cycles and counts of a run with them")
{
    std::vector<RunOptions> list = runs();
    for (const char* dataflow : {"ws", "os", "is"})
        list.push_back(workload(lookalikes(), small_buffers("tpu_like", 2000), dataflow));
    list.push_back(workload(lookalikes(), load_hardware("shidiannao_like"), "os"));
    for (RunOptions o : list) {
        INFO(o.network.net.name << " " << o.hardware.name << " " << o.dataflow);
        const RunResult whole = run_apart(o);
        o.timing_only = true;
        check_same(whole, run_apart(o), true);
        o.jobs = 2;
        check_same(whole, run_apart(o), true);
        o.stall_seed = 5;
        const RunResult stalled = run_apart(o);
        o.timing_only = false;
        check_same(run_apart(o), stalled, true);
    }
}
