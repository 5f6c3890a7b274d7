#include "sim/mapper_beam.hpp"

#include "sim/mapper_score.hpp"

#include <algorithm>
#include <tuple>
#include <unordered_set>

namespace heddle {

namespace {

constexpr int pass_parts[] = {1, 2, 4, 8};

/// Every size that cuts a dimension into another number of parts, also rounded up to what the array takes at once;
/// largest first.
std::vector<int> all_sizes(int extent, int quantum)
{
    std::vector<int> sizes;
    for (int parts = 1; parts <= extent; ++parts) {
        const int size = (extent + parts - 1) / parts;
        sizes.push_back(size);
        if (quantum > 1) sizes.push_back(std::min(extent, (size + quantum - 1) / quantum * quantum));
    }
    std::sort(sizes.rbegin(), sizes.rend());
    sizes.erase(std::unique(sizes.begin(), sizes.end()), sizes.end());
    return sizes;
}

class Beam {
public:
    Beam(const TileSearch& search, const std::optional<EnergyRates>& rates, const BeamLimits& limits, std::size_t most)
        : s_(search), scorer_(search), rates_(rates), limits_(limits), goals_(rates ? 3 : 1),
          width_(limits.width / goals_), most_(std::max(most, width_))
    {
        const Extents& e = s_.shape.extent;
        for (int d = 0; d < dim_count; ++d)
            sizes_[d] = s_.hw.dram.kind == DramKind::resident ? std::vector<int>{e[d]}
                                                              : all_sizes(e[d], tile_quantum(s_, static_cast<Dim>(d)));
    }

    void run(const std::vector<TileChoice>& starts)
    {
        for (TileChoice c : starts) consider(c);
        if (combinations() <= limits_.scorings) {
            TileChoice c;
            enumerate(c, 0);
            return;
        }
        for (std::size_t before = 0; before != improved_ && scored_ < limits_.scorings;) {
            before = improved_;
            std::vector<TileChoice> around;
            for (const std::vector<Ranked>& list : best_)
                for (std::size_t i = 0; i < std::min(list.size(), width_); ++i) around.push_back(list[i].choice);
            for (const TileChoice& c : around)
                if (expanded_.insert(key(c)).second) expand(c);
        }
    }

    BestTiles best(std::size_t most) const
    {
        BestTiles best;
        for (std::size_t goal = 0; goal < goals_; ++goal)
            for (std::size_t i = 0; i < std::min(most, best_[goal].size()); ++i)
                best[goal].push_back(best_[goal][i].choice);
        return best;
    }
    SearchCounts counts;

private:
    struct Ranked {
        TileChoice choice;
        double value = 0.0;
        std::int64_t tiles = 0;
        bool operator<(const Ranked& o) const
        {
            return std::tie(value, choice.dram_bytes, tiles, choice.parts) <
                   std::tie(o.value, o.choice.dram_bytes, o.tiles, o.choice.parts);
        }
    };

    bool cut(const TileChoice& c, Dim d) const { return c.tile[d] < s_.shape.extent[d]; }

    /// Upper limit: every size of every dimension, every order of those that have sizes, every pass length.
    std::int64_t combinations() const
    {
        std::int64_t n = s_.spread && s_.spread->cut >= 0 ? std::int64_t{std::size(pass_parts)} : 1, loops = 0;
        for (int d = 0; d < dim_count && n <= limits_.scorings; ++d) {
            n *= static_cast<std::int64_t>(sizes_[d].size());
            if (sizes_[d].size() > 1 && !reduces(static_cast<Dim>(d))) n *= ++loops;
        }
        return n;
    }

    void enumerate(TileChoice& c, int d)
    {
        if (d == dim_count) {
            for (const TileOrder& order : orders(c))
                for (int parts : pass_parts) {
                    TileChoice next = c;
                    next.order = order;
                    next.parts = parts;
                    consider(next);
                    if (!s_.spread || s_.spread->cut < 0) break;
                }
            return;
        }
        for (int size : sizes_[d]) {
            c.tile[d] = size;
            enumerate(c, d + 1);
        }
    }

    /// Permutations of the loops that are cut and no reductions; the others stand where they cost nothing. Reductions
    /// stay innermost: psums never leave the chip.
    std::vector<TileOrder> orders(const TileChoice& c) const
    {
        std::vector<Dim> loops, rest;
        for (Dim d : {dim_n, dim_g, dim_k, dim_p, dim_q}) (cut(c, d) ? loops : rest).push_back(d);
        std::vector<TileOrder> list;
        do {
            TileOrder order;
            auto at = std::copy(rest.begin(), rest.end(), order.begin());
            at = std::copy(loops.begin(), loops.end(), at);
            for (Dim d : {dim_c, dim_r, dim_s}) *at++ = d;
            list.push_back(order);
        } while (std::next_permutation(loops.begin(), loops.end()));
        return list;
    }

    void expand(const TileChoice& c)
    {
        for (int d = 0; d < dim_count; ++d)
            for (int size : sizes_[d]) {
                TileChoice next = c;
                next.tile[d] = size;
                consider(next);
            }
        for (int smaller = 0; smaller < dim_count; ++smaller)
            for (int larger = 0; larger < dim_count; ++larger) exchange(c, smaller, larger);
        for (const TileOrder& order : orders(c)) {
            TileChoice next = c;
            next.order = order;
            consider(next);
        }
        for (int parts : pass_parts) {
            TileChoice next = c;
            next.parts = parts;
            if (s_.spread && s_.spread->cut >= 0) consider(next);
        }
    }

    void exchange(const TileChoice& c, int smaller, int larger)
    {
        if (smaller == larger) return;
        const auto down = std::find_if(sizes_[smaller].begin(), sizes_[smaller].end(),
                                       [&](int size) { return size < c.tile[smaller]; });
        const auto up = std::find_if(sizes_[larger].rbegin(), sizes_[larger].rend(),
                                     [&](int size) { return size > c.tile[larger]; });
        if (down == sizes_[smaller].end() || up == sizes_[larger].rend()) return;
        TileChoice next = c;
        next.tile[smaller] = *down;
        next.tile[larger] = *up;
        consider(next);
    }

    /// Sizes, the order of the loops that are cut, pass length: what tells choices apart.
    std::uint64_t key(const TileChoice& c) const
    {
        std::uint64_t h = 1469598103934665603ull;
        const auto add = [&h](int v) { h = (h ^ static_cast<std::uint64_t>(v)) * 1099511628211ull; };
        for (int size : c.tile) add(size);
        for (Dim d : c.order)
            if (cut(c, d)) add(100 + d);
        add(1000 + c.parts);
        return h;
    }

    void consider(TileChoice& c)
    {
        if (scored_ >= limits_.scorings || !seen_.insert(key(c)).second) return;
        ++scored_;
        const Reject why = scorer_.fits(c);
        if (why != Reject::none) {
            counts.reject(why);
            return;
        }
        ++counts.visited;
        scorer_.score(c);
        const std::int64_t tiles = scorer_.tiles(c.tile);
        for (std::size_t goal = 0; goal < goals_; ++goal)
            insert(best_[goal], {c, tile_value(s_, rates_, c, static_cast<Objective>(goal)), tiles});
    }

    void insert(std::vector<Ranked>& list, const Ranked& r)
    {
        if (list.size() == most_ && !(r < list.back())) return;
        if (list.size() == most_) list.pop_back();
        list.insert(std::upper_bound(list.begin(), list.end(), r), r);
        ++improved_;
    }

    const TileSearch& s_;
    TileScorer scorer_;
    const std::optional<EnergyRates>& rates_;
    const BeamLimits& limits_;
    std::size_t goals_, width_, most_;
    std::vector<int> sizes_[dim_count];
    std::array<std::vector<Ranked>, 3> best_; ///< by Objective, best first
    std::unordered_set<std::uint64_t> seen_, expanded_;
    std::int64_t scored_ = 0;
    std::size_t improved_ = 0;
};

} // namespace

double tile_value(const TileSearch& search, const std::optional<EnergyRates>& rates, const TileChoice& c,
                  Objective objective)
{
    const auto n = [](std::int64_t v) { return static_cast<double>(v); };
    if (objective == Objective::latency || !rates) return n(c.score);
    const double pj = rates->fixed_pj + n(c.dram_bytes) * rates->dram_pj + n(c.score) * rates->cycle_pj +
                      n(c.accumulations) * rates->accumulate_pj + n(c.passes * search.load_words) * rates->load_pj;
    return objective == Objective::energy ? pj : pj * n(c.score);
}

BestTiles beam_search(const TileSearch& search, const std::optional<EnergyRates>& rates, const BeamLimits& limits,
                      const std::vector<TileChoice>& starts, std::size_t most, SearchCounts& counts)
{
    Beam beam(search, rates, limits, most);
    beam.run(starts);
    counts += beam.counts;
    return beam.best(most);
}

} // namespace heddle
