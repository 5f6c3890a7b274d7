#include "sim/mapper.hpp"

#include "dnn/base/error.hpp"
#include "sim/mapper_beam.hpp"
#include "sim/mapper_carry.hpp"
#include "sim/mapper_energy.hpp"
#include "sim/mapping_cache.hpp"
#include "sim/row_stationary.hpp"

#include <algorithm>
#include <chrono>
#include <optional>
#include <tuple>

namespace heddle {

namespace {

constexpr std::size_t finalists = 16; // per spread and goal: closed-form winners that are lowered and bounded exactly
constexpr std::int64_t scorings_per_layer = 240000; // tilings scored by the search, shared by the spreads
constexpr std::int64_t scorings_per_spread = 20000;

std::int64_t ceil_div(std::int64_t a, std::int64_t b)
{
    return (a + b - 1) / b;
}

struct Candidate {
    MapChoice choice;
    std::int64_t tiles = 0;

    std::int64_t dram_bytes() const { return choice.bound.dram_read_bytes + choice.bound.dram_write_bytes; }
    /// Values up to `good` are alike; then what costs energy decides, then fewer tiles.
    auto rank(double good, Objective objective) const
    {
        const double value = choice.value(objective);
        return std::make_tuple(value <= good ? 0.0 : value, dram_bytes(), choice.bound.buffer_words, tiles, value);
    }
};

class Search {
public:
    Search(const Network& net, int layer, const HardwareConfig& hw, const std::string& dataflow,
           const MapperOptions& options)
        : net_(net), layer_(layer), hw_(hw), dataflow_(dataflow), options_(options), shape_(layer_shape(net, layer)),
          operand2_(fused_add(net, hw, layer) >= 0 || net.layers[static_cast<std::size_t>(layer)].op == Op::add)
    {
        if (options.objective != Objective::latency && !options.energy)
            throw UserError("objective " + objective_names()[static_cast<std::size_t>(options.objective)] +
                            ": needs an energy table");
    }

    std::vector<MapChoice> run(std::size_t most)
    {
        const auto start = std::chrono::steady_clock::now();
        if (shape_.kind == PlanKind::array && dataflow_ == "rs") return run_row_stationary(most, start);
        if (shape_.kind == PlanKind::post) {
            Carried c;
            c.spread = post_spread();
            carried_.push_back(c);
        } else {
            const std::string& name = net_.layers[static_cast<std::size_t>(layer_)].name;
            carried_ = carried_spreads(allowed_spreads(), shape_, name, hw_, dataflow_, counts_);
        }
        std::vector<std::vector<TileChoice>> found;
        for (const Carried& c : carried_) {
            found.push_back(tile_search(c).best(finalists, counts_));
            for (const TileChoice& t : found.back()) add_candidate(c, t);
        }
        if (candidates_.empty()) nothing_fits();
        const Candidate first = *pick(candidates_);
        if (options_.kind == MapperKind::search)
            for (std::size_t i = 0; i < carried_.size(); ++i) search_further(carried_[i], found[i]);
        const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
        return ranked(first, most, seconds);
    }

private:
    using Clock = std::chrono::steady_clock;

    /// Row-stationary mappings are made from their parameters, buffer tiles included; the bound picks among the best.
    std::vector<MapChoice> run_row_stationary(std::size_t most, Clock::time_point start)
    {
        constexpr std::size_t bounded = 24;
        std::string first_error;
        for (const RowStationary& p : row_stationary_choices(shape_, hw_, std::max(bounded, most))) {
            ++counts_.visited;
            try {
                Candidate c;
                c.choice = use_mapping(net_, layer_, hw_, row_stationary_mapping(p, shape_, hw_));
                if (options_.energy)
                    c.choice.estimate_pj = estimate_energy_pj(c.choice.plan, hw_, *options_.energy, c.choice.bound,
                                                              c.choice.estimate_cycles);
                c.tiles = compute_traffic(c.choice.plan, hw_).tiles;
                candidates_.push_back(std::move(c));
            } catch (const UserError& e) {
                ++counts_.rejected[static_cast<std::size_t>(Reject::wires)];
                if (first_error.empty()) first_error = e.what();
            }
        }
        if (candidates_.empty()) throw UserError("dataflow rs, " + first_error);
        const Candidate first = *pick(candidates_);
        return ranked(first, most, std::chrono::duration<double>(Clock::now() - start).count());
    }

    std::vector<Spread> allowed_spreads() const
    {
        const DataflowConstraints* own = options_.constraints.get();
        if (own && own->name == dataflow_) return {constrained_spread(*own, shape_, hw_)};
        return spreads(dataflow_, shape_, hw_);
    }

    TileSearch tile_search(const Carried& c) const
    {
        const bool array = shape_.kind == PlanKind::array;
        return TileSearch{shape_, hw_, array ? &c.spread : nullptr, c.phases, operand2_, c.load_words};
    }

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
        for (Dim d : {dim_r, dim_s}) s.pass.push_back({{d}, 1, 0, false});
        return s;
    }

    /// By cycles, and by the objective where that is another: so no objective is served worse than by latency's choice.
    void search_further(const Carried& c, const std::vector<TileChoice>& starts)
    {
        const TileSearch search = tile_search(c);
        BeamLimits limits;
        limits.scorings =
            std::min(scorings_per_spread,
                     std::max<std::int64_t>(1000, scorings_per_layer / static_cast<std::int64_t>(carried_.size())));
        BeamGoal goal;
        for (const TileChoice& t : beam_search(search, goal, limits, starts, finalists, counts_)) add_candidate(c, t);
        if (options_.objective == Objective::latency) return;
        goal.objective = options_.objective;
        std::int64_t macs = shape_.kind == PlanKind::array ? 1 : 0;
        for (int e : shape_.extent) macs *= e;
        goal.rates = probe_rates(hw_, *options_.energy, macs, c.keeps_inputs);
        for (const TileChoice& t : beam_search(search, goal, limits, starts, finalists, counts_)) add_candidate(c, t);
    }

    void add_candidate(const Carried& carried, const TileChoice& t)
    {
        Candidate c;
        MapChoice& m = c.choice;
        m.mapping = make_mapping(dataflow_, carried.spread, shape_, t.tile, {t.order.begin(), t.order.end()}, t.chunk);
        for (const Candidate& known : candidates_)
            if (known.choice.mapping == m.mapping) return;
        m.plan = lower(net_, layer_, hw_, m.mapping);
        m.bound = compute_bound(m.plan, hw_);
        const std::int64_t busy = std::max(m.bound.part("compute"), m.bound.part("post"));
        m.estimate_cycles = std::max({m.bound.cycles, busy + t.first, t.memory_cycles}) + t.waiting + t.starts;
        if (options_.energy && options_.objective != Objective::latency)
            m.estimate_pj = estimate_energy_pj(m.plan, hw_, *options_.energy, m.bound, m.estimate_cycles);
        c.tiles = 1;
        for (const TileLoop& l : m.plan.tile_loops) c.tiles *= ceil_div(shape_.extent[l.dim], l.tile);
        candidates_.push_back(std::move(c));
    }

    /// Values within half a percent of the least are alike, as long as they are not above `most`.
    const Candidate* pick(const std::vector<Candidate>& list, double most = 1e300) const
    {
        double least = 1e300;
        for (const Candidate& c : list) least = std::min(least, c.choice.value(options_.objective));
        const double good = std::min(least * 1.005, most);
        return &*std::min_element(list.begin(), list.end(), [&](const Candidate& a, const Candidate& b) {
            return a.rank(good, options_.objective) < b.rank(good, options_.objective);
        });
    }

    std::vector<MapChoice> ranked(const Candidate& first, std::size_t most, double seconds)
    {
        const std::size_t best =
            static_cast<std::size_t>(pick(candidates_, first.choice.value(options_.objective)) - candidates_.data());
        std::swap(candidates_.front(), candidates_[best]);
        std::stable_sort(candidates_.begin() + 1, candidates_.end(), [this](const Candidate& a, const Candidate& b) {
            return a.rank(-1.0, options_.objective) < b.rank(-1.0, options_.objective);
        });
        double wires = 0.0;
        for (const Carried& c : carried_) wires = std::max(wires, c.utilization);
        std::vector<MapChoice> list;
        for (std::size_t i = 0; i < std::min(most, candidates_.size()); ++i) {
            MapChoice m = candidates_[i].choice;
            if (!carried_.empty()) m.wire_utilization = std::max(wires, wire_utilization(m.plan, hw_));
            m.counts = counts_;
            m.seconds = seconds;
            if (options_.energy && m.estimate_pj == 0.0)
                m.estimate_pj = estimate_energy_pj(m.plan, hw_, *options_.energy, m.bound, m.estimate_cycles);
            m.why = explain(m, candidates_[i]);
            list.push_back(std::move(m));
        }
        return list;
    }

    /// Lowering the smallest tile says which partition is too small and by how much.
    [[noreturn]] void nothing_fits() const
    {
        Extents one{};
        one.fill(1);
        if (hw_.dram.kind == DramKind::resident) one = shape_.extent;
        const TileOrder& order = tile_orders().front();
        lower(net_, layer_, hw_,
              make_mapping(dataflow_, carried_.front().spread, shape_, one, {order.begin(), order.end()}, 1));
        throw UserError("layer \"" + net_.layers[static_cast<std::size_t>(layer_)].name + "\": dataflow " + dataflow_ +
                        ": no tiling fits the global buffer");
    }

    std::string explain(const MapChoice& m, const Candidate& c) const
    {
        const std::int64_t extra = m.estimate_cycles - m.bound.cycles;
        return std::to_string(m.bound.cycles) + " cycles, bound by " + m.bound.by +
               (extra > 0 ? ", and about " + std::to_string(extra) + " for fetches that may not hide" : "") + "; " +
               std::to_string(c.tiles) + (c.tiles == 1 ? " tile" : " tiles") + ", " + std::to_string(c.dram_bytes()) +
               " DRAM bytes; least " + objective_names()[static_cast<std::size_t>(options_.objective)] + " of " +
               std::to_string(counts_.visited) + " tilings, of which " + counts_.describe();
    }

    const Network& net_;
    int layer_;
    const HardwareConfig& hw_;
    std::string dataflow_;
    const MapperOptions& options_;
    LayerShape shape_;
    bool operand2_;
    std::vector<Carried> carried_;
    std::vector<Candidate> candidates_;
    SearchCounts counts_;
};

} // namespace

double MapChoice::value(Objective objective) const
{
    const double cycles = static_cast<double>(estimate_cycles);
    return objective == Objective::latency  ? cycles
           : objective == Objective::energy ? estimate_pj
                                            : cycles * estimate_pj;
}

MapChoice use_mapping(const Network& net, int layer, const HardwareConfig& hw, const Mapping& mapping)
{
    MapChoice choice;
    choice.mapping = mapping;
    if (mapping.levels.empty() && mapping.row_stationary)
        choice.mapping = row_stationary_mapping(*mapping.row_stationary, layer_shape(net, layer), hw);
    choice.plan = lower(net, layer, hw, choice.mapping);
    choice.bound = compute_bound(choice.plan, hw);
    choice.estimate_cycles = choice.bound.cycles;
    choice.wire_utilization = wire_utilization(choice.plan, hw);
    choice.why =
        std::to_string(choice.bound.cycles) + " cycles, bound by " + choice.bound.by + "; mapping given by hand";
    return choice;
}

MapChoice map_layer(const Network& net, int layer, const HardwareConfig& hw, const std::string& dataflow,
                    const MapperOptions& options)
{
    return map_candidates(net, layer, hw, dataflow, options, 1).front();
}

std::vector<MapChoice> map_candidates(const Network& net, int layer, const HardwareConfig& hw,
                                      const std::string& dataflow, const MapperOptions& options, std::size_t most)
{
    if (!options.constraints || options.constraints->name != dataflow)
        describe_dataflow(dataflow); // throws when unknown
    most = std::max<std::size_t>(1, most);
    if (!options.cache) return Search(net, layer, hw, dataflow, options).run(most);
    const std::string key = MappingCache::key(net, layer, hw, dataflow, options, most);
    if (const auto known = options.cache->find(key, net, layer, hw)) return *known;
    std::vector<MapChoice> found = Search(net, layer, hw, dataflow, options).run(most);
    options.cache->store(key, found);
    return found;
}

} // namespace heddle
