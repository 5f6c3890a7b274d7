#include "sim/mapper_carry.hpp"

#include "dnn/base/error.hpp"
#include "sim/lower_detail.hpp"

#include <algorithm>
#include <array>

namespace heddle {

namespace {

std::int64_t ceil_div(std::int64_t a, std::int64_t b)
{
    return (a + b - 1) / b;
}

/// Cycles of a pass that each part of the array is taken: the steps, the drain, the networks of operands that are not
/// kept and of psums, the loads of those that are.
using Occupation = std::array<double, 7>;
Occupation occupation(const LayerPlan& plan, const HardwareConfig& hw, const Traffic& traffic, const PassClass& p)
{
    std::int64_t passes = 0;
    for (const PassClass& each : traffic.passes) passes += each.count;
    // Passes that keep a tile share its load.
    const auto shared = [passes](std::int64_t load, std::int64_t loads) {
        return passes > 0 ? static_cast<double>(load) * static_cast<double>(loads) / static_cast<double>(passes) : 0.0;
    };
    const auto beats = [](bool moved, std::int64_t words, int per_beat) {
        return moved ? static_cast<double>(ceil_div(words, per_beat)) : 0.0;
    };
    // Windows that slide from pass to pass load only what the pass before did not hold.
    const auto slid = [&] {
        return static_cast<double>(traffic.input_reads) / static_cast<double>(passes) / hw.input_network.words_per_beat;
    };
    const PassPhases phases = pass_phases(plan, hw, p);
    const bool slides = plan.keep_inputs && hw.passes.load == Overlap::word;
    const bool sparing = plan.input_delivery == Delivery::shift;
    return {static_cast<double>(p.steps),
            static_cast<double>(phases.drain),
            beats(!plan.keep_weights, p.weight_words, hw.weight_network.words_per_beat),
            beats(!plan.keep_inputs && !sparing, p.input_words, hw.input_network.words_per_beat),
            beats(true, p.psum_words, hw.psum_network.words_per_beat),
            shared(phases.weight_load, traffic.weight_loads),
            slides ? slid() : shared(phases.input_load, traffic.input_loads)};
}

/// The spread's loops with one tile, capacity aside. Throws when wires are missing.
Carried carry(const LayerShape& shape, const std::string& name, const HardwareConfig& hw, const Spread& spread)
{
    Extents one_chunk = shape.extent;
    const int chunk = spread.cut < 0
                          ? 1
                          : static_cast<int>(index_extent(spread.glb[static_cast<std::size_t>(spread.cut)], one_chunk));
    const Mapping mapping = make_mapping("", spread, shape, shape.extent, {}, chunk);
    lower_detail::Lowering l{hw, mapping, shape, {}};
    l.plan.name = name;
    l.plan.extent = shape.extent;
    l.plan.window = shape.window;
    l.plan.in_rows = shape.in_rows;
    l.plan.in_cols = shape.in_cols;
    set_tile_loops(l);
    set_loops(l);
    set_kept(l);
    set_delivery(l);
    Carried c{spread, {}, 0, false, 0.0};
    const Traffic traffic = compute_traffic(l.plan, hw);
    for (const PassClass& p : traffic.passes) {
        const double utilization = carried_utilization(l.plan, hw, traffic, p);
        if (utilization < c.utilization) continue;
        c.utilization = utilization;
        c.phases = pass_phases(l.plan, hw, p);
        c.keeps_inputs = l.plan.keep_inputs;
        c.load_words = (l.plan.keep_weights ? p.weight_words : 0) + (l.plan.keep_inputs ? p.input_words : 0);
    }
    return c;
}

} // namespace

double carried_utilization(const LayerPlan& plan, const HardwareConfig& hw, const Traffic& traffic, const PassClass& p)
{
    const Occupation all = occupation(plan, hw, traffic, p);
    return static_cast<double>(p.active_macs * p.steps) / (*std::max_element(all.begin(), all.end()) * hw.macs());
}

double wire_utilization(const LayerPlan& plan, const HardwareConfig& hw)
{
    if (plan.kind != PlanKind::array) return 0.0;
    const Traffic traffic = compute_traffic(plan, hw);
    double best = 0.0;
    Occupation sum{};
    for (const PassClass& p : traffic.passes) {
        best = std::max(best, carried_utilization(plan, hw, traffic, p));
        const Occupation one = occupation(plan, hw, traffic, p);
        for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += static_cast<double>(p.count) * one[i];
    }
    // Where passes differ, a short one may lend its time to what a long one waits for: no part works longer than in
    // all.
    const double busiest = *std::max_element(sum.begin(), sum.end());
    return std::max(best, static_cast<double>(plan.macs()) / (busiest * hw.macs()));
}

std::vector<Carried> carried_spreads(const std::vector<Spread>& spreads, const LayerShape& shape,
                                     const std::string& name, const HardwareConfig& hw, const std::string& dataflow,
                                     SearchCounts& counts)
{
    std::vector<Carried> list;
    std::string first_error;
    for (const Spread& s : spreads) {
        try {
            list.push_back(carry(shape, name, hw, s));
        } catch (const UserError& e) {
            counts.reject(Reject::wires);
            if (first_error.empty()) first_error = e.what();
        }
    }
    if (list.empty()) throw UserError("dataflow " + dataflow + ", " + first_error);
    return list;
}

} // namespace heddle
