// Is what the wires allow never less than what a run can reach, also where passes share their loads?
#include "sim/mapper.hpp"

#include <algorithm>
#include <catch2/catch.hpp>

using namespace heddle;

namespace {

/// The least cycles of any run that the array and its networks allow.
double array_bound(const Bound& bound)
{
    std::int64_t cycles = 0;
    for (const char* part : {"compute", "weights network", "inputs network", "psums network"})
        cycles = std::max(cycles, bound.part(part));
    return static_cast<double>(cycles);
}

} // namespace

TEST_CASE("row-stationary passes that share a load, or slide over their inputs, are not charged it each")
{
    // Of conv5, weights stay for the 13 columns of a tile; conv1's windows of 11 columns step by 4.
    const Network net = load_network("alexnet");
    const HardwareConfig hw = load_hardware("eyeriss");
    for (const char* layer : {"conv1", "conv2", "conv3", "conv4", "conv5"}) {
        const MapChoice c = map_layer(net, net.find(layer), hw, "rs");
        const double reachable = static_cast<double>(c.plan.macs()) / hw.macs() / array_bound(c.bound);
        INFO(layer << ": reachable " << reachable << ", wires " << c.wire_utilization);
        CHECK(reachable > 0.5);
        CHECK(c.wire_utilization >= reachable);
        CHECK(c.wire_utilization <= 1.0);
    }
}
