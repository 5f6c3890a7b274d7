#include "sim/mapper.hpp"

#include "dnn/base/error.hpp"
#include "sim/lower_detail.hpp"
#include "sim/mapper_tiles.hpp"

#include <algorithm>
#include <optional>
#include <tuple>

namespace heddle {

namespace {

constexpr std::size_t finalists = 16; // per spread: closed-form winners that are lowered and bounded exactly

std::int64_t ceil_div(std::int64_t a, std::int64_t b)
{
    return (a + b - 1) / b;
}

/// A spread that the wires can carry.
struct Carried {
    Spread spread;
    PassPhases phases;
    double utilization = 0.0;
};

/// Share of PE-cycles that compute if every phase but the slowest hid behind it: what the wires allow.
double carried_utilization(const LayerPlan& plan, const HardwareConfig& hw, const PassClass& p)
{
    const PassPhases phases = pass_phases(plan, hw, p);
    std::int64_t cycles = std::max({p.steps, phases.load, phases.drain});
    if (!plan.keep_weights) cycles = std::max(cycles, ceil_div(p.weight_words, hw.weight_network.words_per_beat));
    const bool sparing = plan.input_delivery == Delivery::shift;
    if (!plan.keep_inputs && !sparing)
        cycles = std::max(cycles, ceil_div(p.input_words, hw.input_network.words_per_beat));
    cycles = std::max(cycles, ceil_div(p.psum_words, hw.psum_network.words_per_beat));
    return static_cast<double>(p.active_pes * p.steps) / static_cast<double>(cycles * hw.macs());
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
    Carried c{spread, {}, 0.0};
    for (const PassClass& p : compute_traffic(l.plan, hw).passes) {
        const double utilization = carried_utilization(l.plan, hw, p);
        if (utilization < c.utilization) continue;
        c.utilization = utilization;
        c.phases = pass_phases(l.plan, hw, p);
    }
    return c;
}

std::vector<Carried> carried_spreads(const LayerShape& shape, const std::string& name, const HardwareConfig& hw,
                                     const std::string& dataflow)
{
    std::vector<Carried> list;
    std::string first_error;
    for (const Spread& s : spreads(dataflow, shape, hw.array.rows, hw.array.cols)) {
        try {
            list.push_back(carry(shape, name, hw, s));
        } catch (const UserError& e) {
            if (first_error.empty()) first_error = e.what();
        }
    }
    if (list.empty()) throw UserError("dataflow " + dataflow + ", " + first_error);
    return list;
}

struct Candidate {
    MapChoice choice;
    std::int64_t score = 0; ///< the bound and what it leaves out: fetches that may not hide
    std::int64_t tiles = 0;

    std::int64_t dram_bytes() const { return choice.bound.dram_read_bytes + choice.bound.dram_write_bytes; }
    /// Scores within half a percent of `least` are alike; then what costs energy decides, then fewer tiles.
    auto rank(std::int64_t least) const
    {
        const bool good = score <= least + least / 200;
        return std::make_tuple(good ? 0 : score, dram_bytes(), choice.bound.buffer_words, tiles, score);
    }
};

class Search {
public:
    Search(const Network& net, int layer, const HardwareConfig& hw, const std::string& dataflow)
        : net_(net), layer_(layer), hw_(hw), dataflow_(dataflow), shape_(layer_shape(net, layer)),
          operand2_(fused_add(net, hw, layer) >= 0 || net.layers[static_cast<std::size_t>(layer)].op == Op::add)
    {
    }

    MapChoice run()
    {
        if (shape_.kind == PlanKind::post) {
            try_spread(post_spread(), nullptr, {});
            return finish(0.0);
        }
        double wires = 0.0;
        const std::string& name = net_.layers[static_cast<std::size_t>(layer_)].name;
        for (const Carried& c : carried_spreads(shape_, name, hw_, dataflow_)) {
            wires = std::max(wires, c.utilization);
            try_spread(c.spread, &c.spread, c.phases);
        }
        return finish(wires);
    }

private:
    /// The PostProcessor's loops: channels side by side, windows innermost.
    Spread post_spread() const
    {
        Spread s;
        MapLoop channels;
        channels.dims = {dim_g};
        channels.count = std::min(hw_.post.words_per_cycle, shape_.extent[dim_g]);
        channels.place = Place::x;
        s.spatial = {channels};
        for (Dim d : {dim_n, dim_p, dim_q, dim_g}) s.glb.push_back({d});
        for (Dim d : {dim_r, dim_s}) s.pass.push_back({d});
        return s;
    }

    void try_spread(const Spread& spread, const Spread* searched, const PassPhases& phases)
    {
        const TileSearch search{shape_, hw_, searched, phases, operand2_};
        if (!smallest_) smallest_ = spread;
        for (const TileChoice& t : search.best(finalists, visited_, rejected_)) {
            const std::vector<Dim>& order = tile_orders()[static_cast<std::size_t>(t.order)];
            Candidate c;
            c.choice.mapping = make_mapping(dataflow_, spread, shape_, t.tile, order, t.chunk);
            c.choice.plan = lower(net_, layer_, hw_, c.choice.mapping);
            c.choice.bound = compute_bound(c.choice.plan, hw_);
            const std::int64_t busy = std::max(c.choice.bound.part("compute"), c.choice.bound.part("post"));
            c.score = std::max(c.choice.bound.cycles, busy + t.first) + t.waiting + t.starts;
            c.tiles = 1;
            for (const TileLoop& l : c.choice.plan.tile_loops) c.tiles *= ceil_div(shape_.extent[l.dim], l.tile);
            candidates_.push_back(std::move(c));
        }
    }

    const Candidate& pick() const
    {
        std::int64_t least = INT64_MAX;
        for (const Candidate& c : candidates_) least = std::min(least, c.score);
        return *std::min_element(
            candidates_.begin(), candidates_.end(),
            [least](const Candidate& a, const Candidate& b) { return a.rank(least) < b.rank(least); });
    }

    MapChoice finish(double wires)
    {
        if (candidates_.empty()) {
            // Nothing fits: lowering the smallest tile says which partition is too small and by how much.
            Extents one{};
            one.fill(1);
            if (hw_.dram.kind == DramKind::resident) one = shape_.extent;
            lower(net_, layer_, hw_, make_mapping(dataflow_, *smallest_, shape_, one, tile_orders().front(), 1));
            throw UserError("layer \"" + net_.layers[static_cast<std::size_t>(layer_)].name + "\": dataflow " +
                            dataflow_ + ": no tiling fits the global buffer");
        }
        const Candidate& best = pick();
        MapChoice choice = best.choice;
        choice.wire_utilization = wires;
        choice.visited = visited_;
        choice.rejected = rejected_;
        choice.why = explain(choice, best);
        return choice;
    }

    std::string explain(const MapChoice& c, const Candidate& best) const
    {
        const std::int64_t extra = best.score - c.bound.cycles;
        return std::to_string(c.bound.cycles) + " cycles, bound by " + c.bound.by +
               (extra > 0 ? ", and about " + std::to_string(extra) + " for fetches that may not hide" : "") + "; " +
               std::to_string(best.tiles) + (best.tiles == 1 ? " tile" : " tiles") + ", " +
               std::to_string(best.dram_bytes()) + " DRAM bytes; best of " + std::to_string(visited_) + " tilings, " +
               std::to_string(rejected_) + " of which do not fit";
    }

    const Network& net_;
    int layer_;
    const HardwareConfig& hw_;
    std::string dataflow_;
    LayerShape shape_;
    bool operand2_;
    std::vector<Candidate> candidates_;
    std::optional<Spread> smallest_; ///< the first spread: its smallest tile explains why nothing fits
    std::int64_t visited_ = 0, rejected_ = 0;
};

} // namespace

MapChoice use_mapping(const Network& net, int layer, const HardwareConfig& hw, const Mapping& mapping)
{
    MapChoice choice;
    choice.mapping = mapping;
    choice.plan = lower(net, layer, hw, mapping);
    choice.bound = compute_bound(choice.plan, hw);
    if (choice.plan.kind == PlanKind::array)
        for (const PassClass& p : compute_traffic(choice.plan, hw).passes)
            choice.wire_utilization = std::max(choice.wire_utilization, carried_utilization(choice.plan, hw, p));
    choice.why =
        std::to_string(choice.bound.cycles) + " cycles, bound by " + choice.bound.by + "; mapping given by hand";
    return choice;
}

MapChoice map_layer(const Network& net, int layer, const HardwareConfig& hw, const std::string& dataflow)
{
    describe_dataflow(dataflow); // throws when unknown
    return Search(net, layer, hw, dataflow).run();
}

} // namespace heddle
