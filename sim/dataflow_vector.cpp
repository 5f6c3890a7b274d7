#include "sim/dataflow_vector.hpp"

#include <algorithm>
#include <set>

namespace heddle {

namespace {

int ceil_div(int a, int b)
{
    return (a + b - 1) / b;
}

int largest_divisor(int n, int most)
{
    for (int d = std::min(n, most); d > 1; --d)
        if (n % d == 0) return d;
    return 1;
}

int window_span(int outputs, int stride, int taps, int dilation)
{
    return (outputs - 1) * stride + (taps - 1) * dilation + 1;
}

/// What lies on rows and columns of the array.
struct Placement {
    Dim y, x;
};

class VectorSpreads {
public:
    VectorSpreads(const std::string& dataflow, const LayerShape& shape, const HardwareConfig& hw)
        : dataflow_(dataflow), shape_(shape), e_(shape.extent), hw_(hw), lanes_(std::min(e_[dim_k], hw.array.lanes)),
          vector_(std::min(e_[dim_c], hw.array.vector))
    {
    }

    std::vector<Spread> all() const
    {
        std::vector<Spread> list;
        for (const Placement& p : placements())
            for (int channels : channel_steps()) add(list, p, channels);
        return list;
    }

private:
    std::vector<Placement> placements() const
    {
        std::vector<Placement> list = {{dim_p, dim_k}, {dim_k, dim_k}, {dim_c, dim_k}, {dim_p, dim_q}};
        if (e_[dim_g] > 1) list.insert(list.begin(), {{dim_p, dim_g}, {dim_g, dim_g}});
        return list;
    }

    /// Vectors of input channels in a pass: all of them, a half, …, one.
    std::vector<int> channel_steps() const
    {
        std::vector<int> steps;
        const int all = ceil_div(e_[dim_c], vector_);
        for (int parts = 1; parts < 2 * all; parts *= 2) {
            const int n = ceil_div(all, std::min(parts, all));
            if (steps.empty() || steps.back() != n) steps.push_back(n);
        }
        return steps;
    }

    /// Counts of a pass.
    struct Counts {
        int k = 1, c = 1, p = 1, q = 1, r = 1, s = 1;
    };

    bool fits(const Counts& n) const
    {
        const Window& w = shape_.window;
        const ArrayConfig& a = hw_.array;
        const std::int64_t macs = std::int64_t{lanes_} * vector_;
        const std::int64_t rows = window_span(n.p, w.stride_rows, n.r, w.dilation_rows);
        const std::int64_t cols = window_span(n.q, w.stride_cols, n.s, w.dilation_cols);
        return std::int64_t{n.k} * n.c * n.r * n.s * macs <= a.weights.words &&
               n.c * rows * cols * vector_ <= a.inputs.words && std::int64_t{n.k} * n.p * n.q * lanes_ <= a.psums.words;
    }

    /// Positions of a dimension on the array, `inside` of its indices already in each.
    int positions(Dim d, int room, int inside) const { return std::min(room, ceil_div(e_[d], inside)); }

    void add(std::vector<Spread>& list, const Placement& place, int channels) const
    {
        Counts n;
        n.c = channels;
        if (place.y == dim_c) n.c = ceil_div(n.c, positions(dim_c, hw_.array.rows, vector_));
        n.r = e_[dim_r];
        n.s = e_[dim_s];
        if (!fits(n)) n.r = 1;
        if (!fits(n)) n.s = 1;
        if (!fits(n)) return;
        if (dataflow_ == "is") {
            n = most_used_inputs(place, n);
        } else {
            n.q = most(n, &Counts::q, share(place, dim_q));
            if (n.q == share(place, dim_q)) n.p = most(n, &Counts::p, share(place, dim_p));
        }
        Spread s = spread_of(place, n);
        const auto same = [&s](const Spread& o) {
            return o.spatial == s.spatial && o.glb == s.glb &&
                   std::equal(o.pass.begin(), o.pass.end(), s.pass.begin(), s.pass.end(),
                              [](const PassLoop& a, const PassLoop& b) {
                                  return a.dims == b.dims && a.step == b.step && a.count == b.count;
                              });
        };
        if (std::none_of(list.begin(), list.end(), same)) list.push_back(std::move(s));
    }

    /// Indices of P or Q that one PE has to cover.
    int share(const Placement& place, Dim d) const
    {
        const int on =
            (place.y == d ? positions(d, hw_.array.rows, 1) : 1) * (place.x == d ? positions(d, hw_.array.cols, 1) : 1);
        return ceil_div(e_[d], on);
    }

    /// The most that fits, in equal parts of the extent.
    int most(Counts n, int Counts::*count, int extent) const
    {
        for (int parts = 1; parts <= extent; ++parts) {
            n.*count = ceil_div(extent, parts);
            if (fits(n)) return n.*count;
        }
        return 1;
    }

    /// Equal parts of the extent: all of it, a half, a third, …
    static std::vector<int> equal_parts(int extent)
    {
        std::vector<int> sizes;
        for (int parts = 1; parts <= extent; ++parts)
            if (const int size = ceil_div(extent, parts); sizes.empty() || size != sizes.back()) sizes.push_back(size);
        return sizes;
    }

    /// The psums of a PE divided among output channels, rows and columns so that an input is used most on average.
    Counts most_used_inputs(const Placement& place, const Counts& from) const
    {
        const Window& w = shape_.window;
        Counts best = from;
        double best_uses = 0.0;
        for (const int k : equal_parts(ceil_div(e_[dim_k], lanes_)))
            for (const int q : equal_parts(share(place, dim_q))) {
                Counts n = from;
                n.k = k;
                n.q = q;
                if (!fits(n)) continue;
                n.p = most(n, &Counts::p, share(place, dim_p));
                const double inputs = double(window_span(n.p, w.stride_rows, n.r, w.dilation_rows)) *
                                      window_span(n.q, w.stride_cols, n.s, w.dilation_cols);
                const double uses = double(n.k) * n.p * n.q * n.r * n.s / inputs;
                if (uses <= best_uses) continue;
                best_uses = uses;
                best = n;
            }
        return best;
    }

    void add_place(Spread& s, Dim d, Place place, int count, int step) const
    {
        if (count <= 1) return;
        MapLoop loop;
        loop.dims = {d};
        loop.place = place;
        loop.count = count;
        loop.step = step;
        s.spatial.push_back(loop);
    }

    static void add_loop(Spread& s, Dim d, int count, int step, bool collector = false)
    {
        if (count > 1) s.pass.push_back({{d}, step, count, collector});
    }

    Spread spread_of(const Placement& place, const Counts& n) const
    {
        Spread s;
        s.keep = {Tensors::weights, Tensors::inputs, Tensors::outputs};
        int inside[dim_count]; // indices covered by the loops inside the array's
        std::fill(std::begin(inside), std::end(inside), 1);
        inside[dim_k] = lanes_ * n.k;
        inside[dim_c] = vector_ * n.c;
        inside[dim_p] = n.p;
        inside[dim_q] = n.q;
        const int x = positions(place.x, hw_.array.cols, inside[place.x]);
        const int x_step = inside[place.x];
        if (place.y == place.x) inside[place.y] *= x;
        const int y = positions(place.y, hw_.array.rows, inside[place.y]);
        add_place(s, place.y, Place::y, y, inside[place.y]);
        add_place(s, place.x, Place::x, x, x_step);
        add_place(s, dim_k, Place::lane, lanes_, 1);
        add_place(s, dim_c, Place::vector, vector_, 1);
        add_loops(s, n);
        // Weights stay in the PEs over the positions of an image where a pass holds the whole reduction.
        for (Dim d : {dim_g, dim_k, dim_n, dim_p, dim_q, dim_c, dim_r, dim_s})
            if (e_[d] > 1) s.glb.push_back({d});
        return s;
    }

    /// The loops of the dataflow, outermost first (design.md §4).
    void add_loops(Spread& s, const Counts& n) const
    {
        const auto reduction = [&](int channels, int channel_step) {
            add_loop(s, dim_r, n.r, 1);
            add_loop(s, dim_s, n.s, 1);
            add_loop(s, dim_c, channels, channel_step);
        };
        const auto pixels = [&](int q_count, int q_step) {
            add_loop(s, dim_p, n.p, 1);
            add_loop(s, dim_q, q_count, q_step);
        };
        if (dataflow_ == "ws") {
            reduction(n.c, vector_);
            pixels(n.q, 1);
        } else if (dataflow_ == "ws_los") {
            const int c0 = largest_divisor(n.c, hw_.array.weights.collector_depth);
            reduction(n.c / c0, vector_ * c0);
            pixels(n.q, 1);
            add_loop(s, dim_c, c0, vector_, true);
        } else if (dataflow_ == "os_lws") {
            const int q0 = largest_divisor(n.q, hw_.array.psums.collector_depth);
            pixels(n.q / q0, q0);
            reduction(n.c, vector_);
            add_loop(s, dim_q, q0, 1, true);
        } else if (dataflow_ == "is") {
            pixels(n.q, 1);
            for (PassLoop& loop : s.pass) loop.by_input = true;
            add_loop(s, dim_c, n.c, vector_);
            add_loop(s, dim_r, n.r, 1);
            add_loop(s, dim_s, n.s, 1);
            add_loop(s, dim_k, n.k, lanes_);
        } else {
            pixels(n.q, 1);
            reduction(n.c, vector_);
        }
    }

    std::string dataflow_;
    const LayerShape& shape_;
    const Extents& e_;
    const HardwareConfig& hw_;
    int lanes_, vector_;
};

} // namespace

bool vector_machine(const HardwareConfig& hw)
{
    return hw.array.collectors;
}

std::vector<Spread> vector_spreads(const std::string& dataflow, const LayerShape& shape, const HardwareConfig& hw)
{
    return VectorSpreads(dataflow, shape, hw).all();
}

} // namespace heddle
