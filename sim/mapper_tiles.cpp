#include "sim/mapper_tiles.hpp"

#include "sim/mapper_score.hpp"

#include <algorithm>
#include <numeric>

namespace heddle {

namespace {

/// Tile sizes worth trying: equal parts, rounded up to what the array takes at once.
std::vector<int> sizes_of(int extent, int quantum)
{
    std::vector<int> sizes = {extent};
    for (int parts = 2; parts <= extent; parts += std::max(1, parts / 3)) {
        int size = (extent + parts - 1) / parts;
        if (size > quantum) size = (size + quantum - 1) / quantum * quantum;
        if (size < extent && size < sizes.back()) sizes.push_back(size);
    }
    if (sizes.back() > 1) sizes.push_back(1);
    return sizes;
}

/// Visits the candidates of one round and keeps the best.
class Enumeration {
public:
    Enumeration(const TileSearch& search, std::size_t most) : s_(search), scorer_(search), most_(most) {}

    SearchCounts counts;
    std::vector<TileChoice> best;

    /// `cut_filter`: R and S may be cut, too; only where nothing else fits.
    void run(bool cut_cols, bool cut_filter)
    {
        cut_cols_ = cut_cols;
        const Extents& e = s_.shape.extent;
        for (int d = 0; d < dim_count; ++d) {
            const Dim dim = static_cast<Dim>(d);
            const bool whole = ((d == dim_r || d == dim_s) && !cut_filter) || s_.hw.dram.kind == DramKind::resident;
            sizes_[d] = whole ? std::vector<int>{e[d]} : sizes_of(e[d], tile_quantum(s_, dim));
        }
        choose(0);
    }

private:
    void choose(std::size_t depth)
    {
        static constexpr Dim depth_dims[] = {dim_g, dim_n, dim_r, dim_s, dim_k, dim_c, dim_p, dim_q};
        if (depth == 6 && !scorer_.weights_fit(choice_.tile)) {
            counts.reject(Reject::weights);
            return;
        }
        if (depth == dim_count) {
            visit();
            return;
        }
        const Dim d = depth_dims[depth];
        for (int size : sizes_[d]) {
            // Cutting columns pays only where single rows do not fit: rows are the long runs.
            if (d == dim_q && size < s_.shape.extent[dim_q] &&
                (!cut_cols_ || choice_.tile[dim_p] > sizes_[dim_p].back() * 8))
                return;
            choice_.tile[d] = size;
            choose(depth + 1);
        }
    }

    void visit()
    {
        const Reject why = scorer_.fits(choice_);
        if (why != Reject::none) {
            counts.reject(why);
            return;
        }
        ++counts.visited;
        for (const TileOrder& order : tile_orders()) {
            choice_.order = order;
            scorer_.score(choice_);
            insert();
        }
    }

    bool better(const TileChoice& a, const TileChoice& b) const
    {
        if (a.score != b.score) return a.score < b.score;
        if (a.dram_bytes != b.dram_bytes) return a.dram_bytes < b.dram_bytes;
        return scorer_.tiles(a.tile) < scorer_.tiles(b.tile);
    }

    void insert()
    {
        if (best.size() == most_ && !better(choice_, best.back())) return;
        for (const TileChoice& b : best)
            if (b.tile == choice_.tile && b.score == choice_.score && b.dram_bytes == choice_.dram_bytes) return;
        if (best.size() == most_) best.pop_back();
        const auto place = std::upper_bound(best.begin(), best.end(), choice_,
                                            [this](const TileChoice& a, const TileChoice& b) { return better(a, b); });
        best.insert(place, choice_);
    }

    const TileSearch& s_;
    TileScorer scorer_;
    std::size_t most_;
    std::vector<int> sizes_[dim_count];
    bool cut_cols_ = false;
    TileChoice choice_;
};

} // namespace

int tile_quantum(const TileSearch& s, Dim d)
{
    if (!s.spread) return d == dim_g ? s.hw.post.words_per_cycle : 1;
    for (const MapLoop& loop : s.spread->spatial) {
        if (std::find(loop.dims.begin(), loop.dims.end(), d) == loop.dims.end()) continue;
        const int all = s.spread->quantum(loop.dims);
        std::int64_t others = 1;
        for (Dim o : loop.dims)
            if (o != d) others *= s.shape.extent[o];
        return static_cast<int>(all / std::gcd<std::int64_t>(all, others));
    }
    return 1;
}

const std::vector<TileOrder>& tile_orders()
{
    static const std::vector<TileOrder> orders = {
        {dim_g, dim_n, dim_p, dim_q, dim_k, dim_c, dim_r, dim_s},
        {dim_g, dim_k, dim_n, dim_p, dim_q, dim_c, dim_r, dim_s},
        {dim_n, dim_p, dim_q, dim_g, dim_k, dim_c, dim_r, dim_s},
    };
    return orders;
}

std::vector<TileChoice> TileSearch::best(std::size_t most, SearchCounts& counts) const
{
    Enumeration all(*this, most);
    all.run(false, false);
    const bool crowded = all.best.empty() || all.best.front().waiting > 0;
    if (crowded && shape.extent[dim_q] > 1) all.run(true, false);
    if (all.best.empty()) all.run(true, true);
    counts += all.counts;
    return all.best;
}

} // namespace heddle
