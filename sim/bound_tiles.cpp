// The walk over a plan's tiles: what each fetches that its predecessor did not hold.
#include "sim/bound_detail.hpp"
#include "sim/layer_shape.hpp"

#include <algorithm>

namespace heddle::bound_detail {

namespace {

/// Half-open ranges of one tensor's tile in every dimension that it has.
struct Region {
    int lo[dim_count + 2] = {}, hi[dim_count + 2] = {};

    std::int64_t words() const
    {
        std::int64_t n = 1;
        for (int d = 0; d < dim_count + 2; ++d) n *= std::max(0, hi[d] - lo[d]);
        return n;
    }
    std::int64_t common(const Region& o) const
    {
        std::int64_t n = 1;
        for (int d = 0; d < dim_count + 2; ++d) n *= std::max(0, std::min(hi[d], o.hi[d]) - std::max(lo[d], o.lo[d]));
        return n;
    }
};

/// Walks the tiles in order and adds what each fetches that its predecessor did not hold.
class TileWalk {
public:
    explicit TileWalk(const LayerPlan& plan)
        : odometer_(plan), rows_(window_rows(plan.window, plan.extent, plan.in_rows)),
          cols_(window_cols(plan.window, plan.extent, plan.in_cols))
    {
        enter();
    }

    const Extents& size() const { return odometer_.size(); }
    const Region& weights() const { return weights_; }
    const Region& inputs() const { return inputs_; }

    bool next()
    {
        const bool more = odometer_.next();
        if (more) enter();
        return more;
    }

private:
    Region region(Tensors t) const
    {
        Region r;
        for (int d = 0; d < dim_count + 2; ++d) r.hi[d] = 1;
        for (int i = 0; i < dim_count; ++i) {
            const Dim d = static_cast<Dim>(i);
            const bool window = t == Tensors::inputs && (d == dim_p || d == dim_q || d == dim_r || d == dim_s);
            if (!indexes(t, d) || window) continue;
            r.lo[d] = odometer_.base()[d];
            r.hi[d] = r.lo[d] + size()[d];
        }
        return r;
    }

    void enter()
    {
        const Extents &base = odometer_.base(), &size = odometer_.size();
        weights_ = region(Tensors::weights);
        inputs_ = region(Tensors::inputs);
        inputs_.lo[dim_count] = rows_.lo(base[dim_p], base[dim_r]);
        inputs_.hi[dim_count] = rows_.hi(base[dim_p] + size[dim_p], base[dim_r] + size[dim_r]);
        inputs_.lo[dim_count + 1] = cols_.lo(base[dim_q], base[dim_s]);
        inputs_.hi[dim_count + 1] = cols_.hi(base[dim_q] + size[dim_q], base[dim_s] + size[dim_s]);
    }

    TileOdometer odometer_;
    WindowAxis rows_, cols_;
    Region weights_, inputs_;
};

} // namespace

TileFetches walk_tiles(const LayerPlan& plan)
{
    TileFetches f;
    TileWalk walk(plan);
    Region weights, inputs; // of the tile before
    do {
        const bool first = f.tiles++ == 0;
        const auto fresh = [first](const Region& now, const Region& before) {
            return now.words() - (first ? 0 : now.common(before));
        };
        const std::int64_t w = fresh(walk.weights(), weights), i = fresh(walk.inputs(), inputs);
        if (plan.kind == PlanKind::array) f.weights += w;
        f.inputs += i;
        f.same_weights += !first && w == 0;
        f.same_inputs += !first && i == 0;
        weights = walk.weights();
        inputs = walk.inputs();
        auto known = std::find_if(f.sizes.begin(), f.sizes.end(), [&](auto& c) { return c.size == walk.size(); });
        if (known == f.sizes.end()) known = f.sizes.insert(known, {walk.size(), 0});
        ++known->tiles;
    } while (walk.next());
    return f;
}

} // namespace heddle::bound_detail
