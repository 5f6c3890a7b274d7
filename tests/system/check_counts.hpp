// Every planned layer of a run against the walk of its plan that shares no code with the hardware.
#pragma once

#include "dnn/reference.hpp"
#include "sim/layer_run.hpp"
#include "sim/lower.hpp"
#include "tests/system/bench.hpp"
#include "tests/system/brute_counts.hpp"

#include <catch2/catch.hpp>

namespace heddle::test_system {

inline bool keeps_all(const LayerPlan& plan)
{
    return plan.keep_weights && plan.keep_inputs && plan.keep_psums;
}

/// Where equal words of a window go to several sets of PEs in beats of their own, the walk, which knows no beats, tells
/// only how many different words are read.
inline Compared comparable(const LayerPlan& plan, const HardwareConfig& hw, Compared compared)
{
    const bool windows = plan.extent[dim_r] * plan.extent[dim_s] > 1;
    const NetworkConfig& n = hw.input_network;
    const bool apart =
        n.one_set || (keeps_all(plan) ? n.sharing == Sharing::by_loop : plan.input_delivery != Delivery::load_chain_y);
    return plan.kind == PlanKind::array && plan.keep_inputs && windows && apart && compared == Compared::words
               ? Compared::least_inputs
               : compared;
}

inline Counts walked_counts(const RunOptions& o, int layer, const LayerPlan& plan, const std::vector<Tensor>& reference)
{
    const std::size_t source = static_cast<std::size_t>(layer_shape(o.network.net, layer).source);
    return (keeps_all(plan) ? brute_pe_counts : brute_counts)(
        plan, o.hardware, o.network.layers[static_cast<std::size_t>(layer)].weights, reference[source]);
}

inline void check_counts(const RunOptions& o, const RunResult& run, Compared compared)
{
    const Network& net = o.network.net;
    const std::vector<Tensor> reference = run_reference(o.network, o.input);
    for (int i = 0; i < static_cast<int>(net.layers.size()); ++i) {
        if (!has_plan(net, o.hardware, i)) continue;
        const LayerResult& r = run.layers[static_cast<std::size_t>(i)];
        const MapChoice choice = LayerRunner::choose(o, i);
        const LayerPlan& plan = choice.plan;
        INFO("layer " << r.name << ", " << r.shape << ", " << r.op << "\n" << describe(choice.mapping));
        CHECK(first_wrong_count(r, walked_counts(o, i, plan, reference), o.hardware,
                                comparable(plan, o.hardware, compared)) == "");
        CHECK(r.verified);
        CHECK(r.cycles >= r.bound_actual_cycles);
        if (!o.hardware.dram.compression.maps)
            CHECK(r.dram.read_bytes + r.dram.write_bytes >=
                  choice.bound.dram_read_bytes + choice.bound.dram_write_bytes);
        if (compared == Compared::everything)
            CHECK(r.utilization <= (plan.kind == PlanKind::array ? r.wire_utilization : 0.0) + 1e-9);
    }
}

} // namespace heddle::test_system
