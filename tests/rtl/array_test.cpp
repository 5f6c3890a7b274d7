// The RTL array slice and the SystemC array, cycle by cycle on the same stimuli.
#include "tests/rtl/cosim.hpp"

#include <catch2/catch.hpp>

#include <iostream>

using namespace heddle;
using namespace heddle::rtl;

namespace {

Stimulus random_stimulus(Random& random)
{
    static constexpr int percents[] = {100, 100, 95, 70, 40, 10};
    const auto percent = [&] { return percents[random.below(6)]; };
    return {random.next(), percent(), percent(), percent(), random.below(2) == 0 ? 1 : 25};
}

void compare_random(const std::string& twin, int layers, bool os_only = false)
{
    CoSimulation cosim(twin);
    for (int i = 0; i < layers; ++i) {
        Random random(derive_seed(7, static_cast<std::uint64_t>(i)));
        const ArrayLayer layer = random_layer(random, cosim.parameters(), os_only);
        const PassOptions options = random_options(random, cosim.parameters());
        const Stimulus stimulus = random_stimulus(random);
        if (cosim.run(layer, options, stimulus)) continue;
        FAIL(twin << ", layer " << i << " (" << layer.describe() << "; " << describe(options) << "; stimulus x "
                  << stimulus.x << " k " << stimulus.k << " out " << stimulus.out << " burst " << stimulus.burst
                  << "): " << cosim.failure);
    }
    const Compared& c = cosim.compared;
    std::cout << twin << ": " << c.layers << " layers, " << c.passes << " passes, " << c.loads << " loads, " << c.steps
              << " steps, " << c.results << " result beats, " << c.cycles << " cycles (" << c.frozen
              << " standing still)\n";
    CHECK(c.layers == layers);
}

} // namespace

TEST_CASE("RTL array: 4x4 systolic equals the model in every cycle")
{
    compare_random("systolic_4x4", 1000);
}

TEST_CASE("RTL array: 3x5, slow hops, deep MACs, narrow beats, rounded products, 24-bit psums, late channels")
{
    compare_random("odd_3x5", 1000);
}

TEST_CASE("RTL array: 8x8, row buses")
{
    compare_random("bus_8x8", 300);
}

TEST_CASE("RTL array: 4x4, buses both ways")
{
    compare_random("wires_4x4", 500, true);
}

TEST_CASE("RTL array: 16x16, and how much faster the model is")
{
    compare_random("systolic_16x16", 40);
    CoSimulation cosim("systolic_16x16");
    ArrayLayer layer;
    layer.extent[axis_y] = layer.extent[axis_x] = 32;
    layer.extent[axis_s] = 1000;
    layer.fold[axis_y] = layer.fold[axis_x] = 16;
    layer.fold[axis_s] = 1000;
    layer.order = {axis_x, axis_y, axis_s};
    const PassOptions hidden{true, true, true, true, 0, 0};
    for (Flow flow : {Flow::ws, Flow::os}) {
        layer.flow = flow;
        std::int64_t model_cycles = 0, rtl_cycles = 0;
        const double model = cosim.time_model(layer, hidden, model_cycles);
        const double rtl = cosim.time_twin(layer, hidden, rtl_cycles);
        std::cout << "16x16 " << layer.describe() << ": model " << model_cycles / model / 1e6 << " M cycles/s, RTL "
                  << rtl_cycles / rtl / 1e6 << " M cycles/s, ratio " << model_cycles / model / (rtl_cycles / rtl)
                  << "\n";
        CHECK(model_cycles / model > 10 * rtl_cycles / rtl); // 2 shared cores: far below what is measured
    }
}
