#include "sim/constraints.hpp"

#include <algorithm>
#include <map>

namespace heddle {

namespace {

using Index = std::vector<Dim>;

std::int64_t ceil_div(std::int64_t a, std::int64_t b)
{
    return (a + b - 1) / b;
}

bool has_tensor(const Index& index, Tensors t)
{
    return std::any_of(index.begin(), index.end(), [t](Dim d) { return indexes(t, d); });
}

/// Works the counts of the loops out, PEs first, then from the innermost loop outwards.
class ConstrainedSpread {
public:
    ConstrainedSpread(const DataflowConstraints& c, const LayerShape& shape, const HardwareConfig& hw)
        : c_(c), shape_(shape), hw_(hw)
    {
    }

    Spread make()
    {
        inside_pe(c_.vector, hw_.array.vector);
        inside_pe(c_.lanes, hw_.array.lanes);
        reserve_array();
        spread_.keep = c_.keep;
        add_steps(c_.collector, true);
        add_steps(c_.rf, false);
        std::reverse(spread_.pass.begin(), spread_.pass.end());
        add_array();
        std::reverse(spread_.spatial.begin(), spread_.spatial.end());
        order_passes();
        return std::move(spread_);
    }

private:
    /// The dimensions of an index that the layer has.
    Index own(const Index& dims) const
    {
        Index index;
        std::copy_if(dims.begin(), dims.end(), std::back_inserter(index), [&](Dim d) { return shape_.extent[d] > 1; });
        return index;
    }

    int covered(const Index& index) const
    {
        const auto at = covered_.find(index);
        return at == covered_.end() ? 1 : at->second;
    }

    /// Steps that an index still has, `by` of its indices a step.
    int left(const Index& index, std::int64_t by) const
    {
        return static_cast<int>(ceil_div(index_extent(index, shape_.extent), by));
    }

    static int limited(int count, int at_most) { return at_most > 0 ? std::min(count, at_most) : count; }

    void add_spatial(const Index& index, Place place, int count)
    {
        if (count <= 1) return;
        MapLoop loop;
        loop.dims = index;
        loop.place = place;
        loop.count = count;
        loop.step = covered(index);
        spread_.spatial.push_back(loop);
        covered_[index] = loop.step * count;
    }

    void inside_pe(const std::vector<ConstraintLoop>& loops, int room)
    {
        for (auto l = loops.rbegin(); l != loops.rend(); ++l) {
            const Index index = own(l->dims);
            const int count = limited(std::min(room, left(index, covered(index))), l->at_most);
            for (const Tensors t : {Tensors::weights, Tensors::inputs, Tensors::outputs})
                if (has_tensor(index, t)) words_[static_cast<std::size_t>(t)] *= count;
            add_spatial(index, l->place, count);
            room /= count;
        }
    }

    /// Positions on the array, before the loops of the PEs take their share.
    void reserve_array()
    {
        int rows = hw_.array.rows, cols = hw_.array.cols;
        for (const ConstraintLoop& l : c_.array) {
            const Index index = own(l.dims);
            const int room = l.place == Place::y ? rows : l.place == Place::x ? cols : std::min(rows, cols);
            const auto [at, fresh] = reserved_.try_emplace(index, 1);
            const int count =
                limited(std::min(room, left(index, std::int64_t{covered(index)} * at->second)), l.at_most);
            positions_.push_back(count);
            at->second *= count;
            if (l.place != Place::x) rows /= count;
            if (l.place != Place::y) cols /= count;
        }
    }

    void add_array()
    {
        for (std::size_t i = c_.array.size(); i-- > 0;) {
            const Index index = own(c_.array[i].dims);
            add_spatial(index, c_.array[i].place, std::min(positions_[i], left(index, covered(index))));
        }
    }

    bool kept(const Index& index) const
    {
        return std::any_of(c_.keep.begin(), c_.keep.end(), [&](Tensors t) { return has_tensor(index, t); });
    }

    void add_steps(const std::vector<ConstraintLoop>& loops, bool collector)
    {
        for (auto l = loops.rbegin(); l != loops.rend(); ++l) {
            const Index index = own(l->dims);
            if (index.empty()) continue;
            const auto reserved = reserved_.find(index);
            const int positions = reserved == reserved_.end() ? 1 : reserved->second;
            PassLoop loop{index, covered(index), 0, collector, l->by_input};
            if (!collector && !kept(index) && positions == 1 && l->at_most == 0) {
                spread_.pass.push_back(loop); // all of a tile
                whole_.push_back(index);
                continue;
            }
            loop.count = most(loop, l->at_most, left(index, std::int64_t{covered(index)} * positions));
            if (loop.count == 1) continue;
            spread_.pass.push_back(loop);
            covered_[index] = loop.step * loop.count;
        }
    }

    /// The most, in equal parts, that fits collectors and register files.
    int most(PassLoop loop, int at_most, int all)
    {
        for (int parts = 1; parts <= all; ++parts) {
            loop.count = static_cast<int>(ceil_div(all, parts));
            if (at_most > 0 && loop.count > at_most) continue;
            spread_.pass.push_back(loop);
            const bool fit = loop.count == 1 || fits(loop.collector);
            spread_.pass.pop_back();
            if (fit) return loop.count;
        }
        return 1;
    }

    bool fits(bool collector) const
    {
        for (const Tensors t : {Tensors::weights, Tensors::inputs, Tensors::outputs}) {
            const RegisterFileConfig& file = hw_.register_file(t);
            if (collector && file.collector_depth > 1 && collector_entries(t) > file.collector_depth) return false;
            const bool kept = std::find(c_.keep.begin(), c_.keep.end(), t) != c_.keep.end();
            if (kept && entries(t) * words_[static_cast<std::size_t>(t)] > file.words) return false;
        }
        return true;
    }

    std::int64_t collector_entries(Tensors t) const
    {
        std::int64_t n = 1;
        for (const PassLoop& l : spread_.pass)
            if (l.collector && has_tensor(l.dims, t)) n *= l.count;
        return n;
    }

    /// Coordinates of a tensor in a pass; inputs by row and column where P, R and Q, S run alone.
    std::int64_t entries(Tensors t) const
    {
        std::int64_t n = 1;
        int of[dim_count];
        std::fill(std::begin(of), std::end(of), 1);
        for (const PassLoop& l : spread_.pass) {
            if (!has_tensor(l.dims, t)) continue;
            const Dim d = l.dims.front();
            const bool window = l.dims.size() == 1 && (d == dim_p || d == dim_q || d == dim_r || d == dim_s);
            if (t == Tensors::inputs && window)
                of[d] *= l.count;
            else
                n *= l.count;
        }
        const Window& w = shape_.window;
        const auto span = [](int outputs, int stride, int taps, int dilation) {
            return std::int64_t{outputs - 1} * stride + std::int64_t{taps - 1} * dilation + 1;
        };
        return n * span(of[dim_p], w.stride_rows, of[dim_r], w.dilation_rows) *
               span(of[dim_q], w.stride_cols, of[dim_s], w.dilation_cols);
    }

    /// Indices step from pass to pass in the order given, what it does not name outside of that.
    void order_passes()
    {
        std::vector<Index> all;
        const auto add = [&all](const Index& index) {
            if (!index.empty() && std::find(all.begin(), all.end(), index) == all.end()) all.push_back(index);
        };
        for (const MapLoop& l : spread_.spatial) add(l.dims);
        for (const PassLoop& l : spread_.pass) add(l.dims);
        std::vector<Index> named;
        for (const Index& index : c_.glb)
            if (!own(index).empty()) named.push_back(own(index));
        for (const Index& index : named) add(index);
        for (const Dim d : {dim_g, dim_n, dim_k, dim_p, dim_q, dim_c, dim_r, dim_s}) {
            const bool found = std::any_of(all.begin(), all.end(), [d](const Index& index) {
                return std::find(index.begin(), index.end(), d) != index.end();
            });
            if (!found) add(own({d}));
        }
        const auto is_named = [&](const Index& i) { return std::find(named.begin(), named.end(), i) != named.end(); };
        std::vector<Index> order;
        std::copy_if(all.begin(), all.end(), std::back_inserter(order), [&](const Index& i) { return !is_named(i); });
        order.insert(order.end(), named.begin(), named.end());
        for (const Index& index : order) add_glb(index);
    }

    /// A pass runs over all of a tile, unless it streams outputs: then their psums may have to be cut.
    void add_glb(const Index& index)
    {
        if (std::find(whole_.begin(), whole_.end(), index) == whole_.end()) {
            spread_.glb.push_back(index);
            return;
        }
        const bool streams_psums = has_tensor(index, Tensors::outputs);
        if (!streams_psums || spread_.cut >= 0) return;
        spread_.cut = static_cast<int>(spread_.glb.size());
        spread_.glb.push_back(index);
    }

    const DataflowConstraints& c_;
    const LayerShape& shape_;
    const HardwareConfig& hw_;
    Spread spread_;                     ///< loops innermost first, until the end
    std::map<Index, int> covered_;      ///< indices that the loops so far cover
    std::map<Index, int> reserved_;     ///< positions on the array
    std::vector<int> positions_;        ///< of each loop of c_.array
    std::vector<Index> whole_;          ///< indices that a pass runs over all of
    std::int64_t words_[3] = {1, 1, 1}; ///< of an entry, by tensor
};

/// Steps that the array takes for the layer if nothing hinders it, and passes.
std::pair<double, double> work(const Spread& s, const LayerShape& shape)
{
    std::vector<Index> all = s.glb;
    for (const PassLoop& l : s.pass)
        if (std::find(all.begin(), all.end(), l.dims) == all.end()) all.push_back(l.dims);
    double steps = 1.0, passes = 1.0;
    for (const Index& index : all) {
        const std::int64_t extent = index_extent(index, shape.extent);
        steps *= static_cast<double>(ceil_div(extent, s.positions(index)));
        if (std::find(s.glb.begin(), s.glb.end(), index) != s.glb.end())
            passes *= static_cast<double>(ceil_div(extent, s.quantum(index)));
    }
    return {steps, passes};
}

bool same(const Spread& a, const Spread& b)
{
    const auto equal = [](const PassLoop& x, const PassLoop& y) {
        return x.dims == y.dims && x.step == y.step && x.count == y.count && x.collector == y.collector;
    };
    return a.spatial == b.spatial && a.glb == b.glb && a.pass.size() == b.pass.size() &&
           std::equal(a.pass.begin(), a.pass.end(), b.pass.begin(), equal);
}

/// Spreads with other counts than the greedy one's.
class OtherSpreads {
public:
    OtherSpreads(const DataflowConstraints& c, const LayerShape& shape, const HardwareConfig& hw)
        : c_(c), shape_(shape), hw_(hw)
    {
    }

    std::vector<Spread> all()
    {
        try_out(c_);
        DataflowConstraints limited = c_;
        divide_array(limited, 0);
        constexpr std::size_t divisions = 8; // of the array whose passes are varied
        std::stable_sort(found_.begin() + 1, found_.end(),
                         [](const Found& a, const Found& b) { return a.work < b.work; });
        const std::vector<Found> best(found_.begin(),
                                      found_.begin() + static_cast<std::ptrdiff_t>(std::min(divisions, found_.size())));
        for (const Found& f : best) shorten_passes(f.constraints);
        std::vector<Spread> list;
        for (Found& f : found_) list.push_back(std::move(f.spread));
        return list;
    }

private:
    struct Found {
        DataflowConstraints constraints;
        Spread spread;
        std::pair<double, double> work;
    };

    void try_out(const DataflowConstraints& c)
    {
        Spread s = ConstrainedSpread(c, shape_, hw_).make();
        if (std::any_of(found_.begin(), found_.end(), [&s](const Found& f) { return same(f.spread, s); })) return;
        const auto w = work(s, shape_);
        found_.push_back({c, std::move(s), w});
    }

    /// Equal parts of a loop's extent, of at most `room`; the largest ones.
    std::vector<int> counts(const ConstraintLoop& l, int room) const
    {
        constexpr std::size_t most = 8;
        std::int64_t extent = 1;
        for (const Dim d : l.dims) extent *= shape_.extent[d];
        if (l.at_most > 0) room = std::min(room, l.at_most);
        room = static_cast<int>(std::min<std::int64_t>(room, extent));
        std::vector<int> list = {room};
        for (std::int64_t parts = 1; list.back() > 1 && list.size() < most; ++parts)
            if (const std::int64_t n = ceil_div(extent, parts); n < list.back()) list.push_back(static_cast<int>(n));
        return list;
    }

    /// Every share of the array for every loop over it.
    void divide_array(DataflowConstraints& c, std::size_t loop)
    {
        if (loop == c.array.size()) {
            try_out(c);
            return;
        }
        ConstraintLoop& l = c.array[loop];
        const int rows = hw_.array.rows, cols = hw_.array.cols, own = l.at_most;
        for (const int n : counts(l, l.place == Place::y ? rows : l.place == Place::x ? cols : std::min(rows, cols))) {
            l.at_most = n;
            divide_array(c, loop + 1);
        }
        l.at_most = own;
    }

    /// An inner loop of a pass leaves room in the register files to those outside it.
    void shorten_passes(const DataflowConstraints& from)
    {
        for (std::vector<ConstraintLoop> DataflowConstraints::*level :
             {&DataflowConstraints::rf, &DataflowConstraints::collector})
            for (std::size_t l = 0; l < (from.*level).size(); ++l) {
                DataflowConstraints c = from;
                ConstraintLoop& loop = (c.*level)[l];
                for (const int n : counts(loop, 1 << 20)) {
                    loop.at_most = n;
                    try_out(c);
                }
            }
    }

    const DataflowConstraints& c_;
    const LayerShape& shape_;
    const HardwareConfig& hw_;
    std::vector<Found> found_; ///< the greedy one first
};

} // namespace

Spread constrained_spread(const DataflowConstraints& constraints, const LayerShape& shape, const HardwareConfig& hw)
{
    return ConstrainedSpread(constraints, shape, hw).make();
}

std::vector<Spread> constrained_spreads(const DataflowConstraints& constraints, const LayerShape& shape,
                                        const HardwareConfig& hw)
{
    return OtherSpreads(constraints, shape, hw).all();
}

} // namespace heddle
