#include "sim/mapper.hpp"

#include "dnn/base/error.hpp"
#include "sim/map_place.hpp"
#include "sim/mapper_beam.hpp"
#include "sim/mapper_carry.hpp"
#include "sim/mapper_energy.hpp"
#include "sim/mapping_cache.hpp"
#include "sim/row_stationary.hpp"

#include <algorithm>
#include <chrono>
#include <numeric>
#include <optional>
#include <tuple>

namespace heddle {

namespace {

// Closed-form winners that are lowered and bounded exactly: of the first mapper per spread; of the search per measure
// and spread, and over all spreads.
constexpr std::size_t first_finalists = 16, spread_finalists = 4, finalists = 24;
constexpr std::int64_t scorings_per_layer = 160000; // tilings scored by the search, shared by the spreads
constexpr std::int64_t scorings_per_spread = 20000;

std::int64_t ceil_div(std::int64_t a, std::int64_t b)
{
    return (a + b - 1) / b;
}

struct Candidate {
    MapChoice choice;
    std::int64_t tiles = 0;

    std::int64_t dram_bytes() const { return choice.bound.dram.bytes(); }
    /// Values up to `good` are alike: then less energy decides, or, where that is what counts, less time; then what
    /// costs energy where none is known, and fewer tiles.
    auto rank(double good, Objective objective) const
    {
        const double value = choice.value(objective);
        const double next =
            objective == Objective::energy ? static_cast<double>(choice.estimate_cycles) : choice.estimate_pj;
        return std::make_tuple(value <= good ? 0.0 : value, next, dram_bytes(), choice.bound.buffer_words, tiles,
                               value);
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
            carried_ = carried_spreads(allowed_spreads(), shape_, layer_name(), hw_, dataflow_, counts_);
            keep_most_utilized();
        }
        std::vector<std::vector<TileChoice>> found;
        for (const Carried& c : carried_) {
            found.push_back(tile_search(c).best(first_finalists, counts_));
            for (const TileChoice& t : found.back()) add_candidate(c, t);
        }
        if (candidates_.empty()) nothing_fits();
        if (options_.kind == MapperKind::search) search_further(found);
        const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
        return ranked(most, seconds);
    }

private:
    using Clock = std::chrono::steady_clock;

    /// Row-stationary mappings are made from their parameters, buffer tiles included; the bound picks among the best.
    std::vector<MapChoice> run_row_stationary(std::size_t most, Clock::time_point start)
    {
        constexpr std::size_t bounded = 24; // by each measure
        for (const RowStationary& p : row_stationary_choices(shape_, layer_name(), hw_, std::max(bounded, most))) {
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
                if (first_error_.empty()) first_error_ = e.what();
            }
        }
        if (candidates_.empty()) throw UserError("dataflow rs, " + first_error_);
        return ranked(most, std::chrono::duration<double>(Clock::now() - start).count());
    }

    const std::string& layer_name() const { return net_.layers[static_cast<std::size_t>(layer_)].name; }

    /// A dataflow of the user's own may be laid out in many ways: the first, and those that use the array best.
    void keep_most_utilized()
    {
        constexpr std::size_t most = 8;
        if (!options_.constraints || options_.constraints->name != dataflow_) return;
        std::stable_sort(carried_.begin() + 1, carried_.end(),
                         [](const Carried& a, const Carried& b) { return a.utilization > b.utilization; });
        if (carried_.size() > most) carried_.erase(carried_.begin() + most, carried_.end());
    }

    std::vector<Spread> allowed_spreads() const
    {
        const DataflowConstraints* own = options_.constraints.get();
        if (own && own->name == dataflow_) return constrained_spreads(*own, shape_, hw_);
        return spreads(dataflow_, shape_, hw_);
    }

    TileSearch tile_search(const Carried& c) const
    {
        const bool array = shape_.kind == PlanKind::array;
        const auto stored = [this](int layer) { return map_place(net_, layer).channel_stride; };
        TileSearch::Places places;
        places.inputs = stored(shape_.source);
        const int add = fused_add(net_, hw_, layer_), pool = fused_pool(net_, hw_, layer_);
        places.outputs = stored(add >= 0 ? add : pool >= 0 ? pool : layer_);
        return TileSearch{shape_, hw_, array ? &c.spread : nullptr, c.phases, operand2_, c.load_words, places};
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

    /// By all measures, whatever the objective, so that none is served worse than by another's choice. Those within
    /// reach of the best over all spreads are looked at closely, and a few of each spread.
    void search_further(const std::vector<std::vector<TileChoice>>& starts)
    {
        BeamLimits limits;
        limits.scorings =
            std::min(scorings_per_spread,
                     std::max<std::int64_t>(1000, scorings_per_layer / static_cast<std::int64_t>(carried_.size())));
        std::int64_t macs = shape_.kind == PlanKind::array ? 1 : 0;
        for (int e : shape_.extent) macs *= e;
        std::vector<BestTiles> found;
        std::vector<std::optional<EnergyRates>> rates;
        for (std::size_t i = 0; i < carried_.size(); ++i) {
            rates.emplace_back();
            if (options_.energy) rates.back() = probe_rates(hw_, *options_.energy, macs, carried_[i].keeps_inputs);
            found.push_back(beam_search(tile_search(carried_[i]), rates.back(), limits, starts[i], finalists, counts_));
        }
        for (std::size_t goal = 0; goal < 3; ++goal) {
            struct Place {
                double value;
                std::size_t spread, at;
            };
            std::vector<Place> all;
            for (std::size_t i = 0; i < found.size(); ++i)
                for (std::size_t at = 0; at < found[i][goal].size(); ++at)
                    all.push_back({tile_value(tile_search(carried_[i]), rates[i], found[i][goal][at],
                                              static_cast<Objective>(goal)),
                                   i, at});
            std::stable_sort(all.begin(), all.end(), [](const Place& a, const Place& b) { return a.value < b.value; });
            for (std::size_t n = 0; n < all.size(); ++n)
                if (n < finalists || all[n].at < spread_finalists)
                    add_candidate(carried_[all[n].spread], found[all[n].spread][goal][all[n].at]);
        }
    }

    void add_candidate(const Carried& carried, const TileChoice& t)
    {
        Candidate c;
        MapChoice& m = c.choice;
        m.mapping = make_mapping(dataflow_, carried.spread, shape_, t.tile, {t.order.begin(), t.order.end()}, t.chunk);
        for (const Candidate& known : candidates_)
            if (known.choice.mapping == m.mapping) return;
        try {
            m.plan = lower(net_, layer_, hw_, m.mapping);
        } catch (const UserError& e) { // what a closed form over sizes alone does not see
            counts_.reject(Reject::wires);
            if (first_error_.empty()) first_error_ = e.what();
            return;
        }
        m.bound = compute_bound(m.plan, hw_);
        const std::int64_t busy = std::max(m.bound.part("compute"), m.bound.part("post"));
        m.estimate_cycles = std::max(m.bound.cycles, busy + t.first) + t.waiting + t.starts;
        if (options_.energy)
            m.estimate_pj = estimate_energy_pj(m.plan, hw_, *options_.energy, m.bound, m.estimate_cycles);
        c.tiles = 1;
        for (const TileLoop& l : m.plan.tile_loops) c.tiles *= ceil_div(shape_.extent[l.dim], l.tile);
        candidates_.push_back(std::move(c));
    }

    /// Values that are alike with the least are as good.
    const Candidate* pick(Objective objective) const
    {
        double least = 1e300;
        for (const Candidate& c : candidates_) least = std::min(least, c.choice.value(objective));
        const double good = least * values_alike;
        return &*std::min_element(candidates_.begin(), candidates_.end(), [&](const Candidate& a, const Candidate& b) {
            return a.rank(good, objective) < b.rank(good, objective);
        });
    }

    /// The best, and those with the next values.
    std::vector<std::size_t> best_by(Objective objective, std::size_t most) const
    {
        std::vector<std::size_t> order(candidates_.size());
        std::iota(order.begin(), order.end(), std::size_t{0});
        std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
            return candidates_[a].rank(-1.0, objective) < candidates_[b].rank(-1.0, objective);
        });
        order.insert(order.begin(), index_of(pick(objective)));
        order.erase(std::find(order.begin() + 1, order.end(), order.front()));
        order.resize(std::min(most, order.size()));
        return order;
    }

    /// The best of the objective, then of the other measures.
    std::vector<MapChoice> ranked(std::size_t most, double seconds)
    {
        std::vector<std::size_t> order;
        const auto add = [&](Objective o) {
            const std::vector<std::size_t> best = best_by(o, most);
            order.insert(order.end(), best.begin(), best.end());
        };
        add(options_.objective);
        if (options_.energy)
            for (Objective o : {Objective::latency, Objective::energy, Objective::edp}) add(o);
        double wires = 0.0;
        for (const Carried& c : carried_) wires = std::max(wires, c.utilization);
        std::vector<MapChoice> list;
        std::vector<bool> taken(candidates_.size(), false);
        for (std::size_t i : order) {
            if (taken[i]) continue;
            taken[i] = true;
            MapChoice m = candidates_[i].choice;
            if (!carried_.empty()) m.wire_utilization = std::max(wires, wire_utilization(m.plan, hw_));
            m.counts = counts_;
            m.seconds = seconds;
            m.why = explain(m, candidates_[i]);
            list.push_back(std::move(m));
        }
        return list;
    }

    std::size_t index_of(const Candidate* c) const { return static_cast<std::size_t>(c - candidates_.data()); }

    /// Lowering the smallest tile says which partition is too small and by how much.
    [[noreturn]] void nothing_fits() const
    {
        Extents one{};
        one.fill(1);
        if (hw_.dram.kind == DramKind::resident) one = shape_.extent;
        const TileOrder& order = tile_orders().front();
        lower(net_, layer_, hw_,
              make_mapping(dataflow_, carried_.front().spread, shape_, one, {order.begin(), order.end()}, 1));
        throw UserError(first_error_);
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
    std::string first_error_;
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
