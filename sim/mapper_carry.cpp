#include "sim/mapper_carry.hpp"

#include "dnn/base/error.hpp"
#include "sim/lower_detail.hpp"

#include <algorithm>

namespace heddle {

namespace {

std::int64_t ceil_div(std::int64_t a, std::int64_t b)
{
    return (a + b - 1) / b;
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
    for (const PassClass& p : compute_traffic(l.plan, hw).passes) {
        const double utilization = carried_utilization(l.plan, hw, p);
        if (utilization < c.utilization) continue;
        c.utilization = utilization;
        c.phases = pass_phases(l.plan, hw, p);
        c.keeps_inputs = l.plan.keep_inputs;
        c.load_words = (l.plan.keep_weights ? p.weight_words : 0) + (l.plan.keep_inputs ? p.input_words : 0);
    }
    return c;
}

} // namespace

double carried_utilization(const LayerPlan& plan, const HardwareConfig& hw, const PassClass& p)
{
    const PassPhases phases = pass_phases(plan, hw, p);
    std::int64_t cycles = std::max({p.steps, phases.load, phases.drain});
    if (!plan.keep_weights) cycles = std::max(cycles, ceil_div(p.weight_words, hw.weight_network.words_per_beat));
    const bool sparing = plan.input_delivery == Delivery::shift;
    if (!plan.keep_inputs && !sparing)
        cycles = std::max(cycles, ceil_div(p.input_words, hw.input_network.words_per_beat));
    cycles = std::max(cycles, ceil_div(p.psum_words, hw.psum_network.words_per_beat));
    return static_cast<double>(p.active_macs * p.steps) / static_cast<double>(cycles * hw.macs());
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
