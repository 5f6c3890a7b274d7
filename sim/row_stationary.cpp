#include "sim/row_stationary.hpp"

#include "dnn/base/error.hpp"
#include "sim/bound.hpp"

#include <algorithm>
#include <numeric>
#include <tuple>

namespace heddle {

namespace {

int ceil_div(int a, int b)
{
    return (a + b - 1) / b;
}

std::int64_t ceil_div64(std::int64_t a, std::int64_t b)
{
    return (a + b - 1) / b;
}

/// How logical sets lie on the array.
struct Sets {
    int taps = 1;            ///< filter rows of a set; fewer than R when the array has fewer rows
    int folds = 1, cols = 1; ///< output rows of a set: folds above each other, columns
    int rows_left = 1;       ///< sets above each other
    int beside = 1;          ///< sets beside each other
};

Sets sets_of(const LayerShape& shape, const HardwareConfig& hw, int e)
{
    Sets s;
    s.taps = ceil_div(shape.extent[dim_r], ceil_div(shape.extent[dim_r], hw.array.rows));
    s.cols = std::min(e, hw.array.cols);
    s.folds = ceil_div(e, hw.array.cols);
    s.rows_left = hw.array.rows / (s.taps * s.folds);
    s.beside = s.folds == 1 ? hw.array.cols / s.cols : 1;
    return s;
}

/// t sets of filters (or of groups that have one filter): as many beside each other as fit, the others above.
struct Replicas {
    int x = 1, y = 1;
};
Replicas replicas_of(const Sets& s, int t)
{
    Replicas r;
    r.x = std::min(s.beside, t);
    r.y = ceil_div(t, r.x);
    return r;
}

/// Depthwise layers have one filter and channel per group: their groups take the places of filters.
bool by_group(const LayerShape& shape)
{
    return shape.extent[dim_k] == 1 && shape.extent[dim_c] == 1 && shape.extent[dim_g] > 1;
}

MapLoop temporal(Dim d, int step)
{
    MapLoop loop;
    loop.dims = {d};
    loop.step = step;
    return loop;
}

MapLoop spatial(Dim d, Place place, int step, int count)
{
    MapLoop loop = temporal(d, step);
    loop.count = count;
    loop.place = place;
    return loop;
}

Extents tile_of(const RowStationary& p, const LayerShape& shape)
{
    Extents tile = shape.extent;
    const bool groups = by_group(shape);
    tile[dim_g] = groups ? p.t : 1;
    tile[dim_n] = p.n;
    tile[dim_p] = p.e;
    tile[dim_k] = groups ? 1 : p.p * p.t;
    tile[dim_c] = p.q * p.r;
    for (int d = 0; d < dim_count; ++d) tile[d] = std::min(tile[d], shape.extent[d]);
    return tile;
}

std::int64_t psums_of(const RowStationary& p, const LayerShape& shape)
{
    const Extents tile = tile_of(p, shape);
    return std::int64_t{tile[dim_g]} * p.n * std::min(p.m, shape.extent[dim_k]) * tile[dim_p] * tile[dim_q];
}

class Choices {
public:
    Choices(const LayerShape& shape, const HardwareConfig& hw) : shape_(shape), e_(shape.extent), hw_(hw) {}

    std::vector<RowStationary> best(std::size_t most)
    {
        for (int parts = 1, e = 0; parts <= e_[dim_p]; ++parts) {
            if (ceil_div(e_[dim_p], parts) == e) continue;
            e = ceil_div(e_[dim_p], parts);
            const Sets sets = sets_of(shape_, hw_, e);
            if (sets.rows_left < 1) continue;
            for (int r = 1; r <= std::min(sets.rows_left, e_[dim_c]); ++r) with_sets(sets, e, r);
        }
        std::vector<RowStationary> list;
        std::vector<bool> taken(found_.size(), false);
        const auto take = [&](auto value) {
            std::vector<std::size_t> order(found_.size());
            std::iota(order.begin(), order.end(), std::size_t{0});
            std::stable_sort(order.begin(), order.end(),
                             [&](std::size_t a, std::size_t b) { return value(found_[a]) < value(found_[b]); });
            for (std::size_t i = 0; i < std::min(most, order.size()); ++i) {
                if (taken[order[i]]) continue;
                taken[order[i]] = true;
                list.push_back(found_[order[i]].parameters);
            }
        };
        take([](const Scored& s) { return s.cost; });
        take([](const Scored& s) { return std::make_tuple(s.words(), s.cycles()); });
        take([](const Scored& s) { return static_cast<double>(s.words()) * static_cast<double>(s.cycles()); });
        return list;
    }

    /// Why not even the smallest set fits: what it needs, what there is, what would do.
    std::string obstacle() const
    {
        const ArrayConfig& a = hw_.array;
        const std::string row = std::to_string(e_[dim_s]) + " words";
        const auto file = [&](const char* tensor, int words, const std::string& why) {
            return "rf: " + why + ", the register file of " + tensor + " holds " + std::to_string(words) +
                   "; array.register_file." + (tensor == std::string("weights") ? "weight" : "input") +
                   "_words: " + std::to_string(e_[dim_s]) + " would do";
        };
        if (a.inputs.words < e_[dim_s]) return file("inputs", a.inputs.words, "a PE holds a window of " + row + " (S)");
        if (a.weights.words < e_[dim_s])
            return file("weights", a.weights.words, "a PE holds a filter row of " + row + " (S)");
        RowStationary smallest;
        const Extents tile = tile_of(smallest, shape_);
        const GlobalBufferConfig& g = hw_.global_buffer;
        const Precision& bits = hw_.precision;
        const std::int64_t inputs = tile_words(shape_, tile, Tensors::inputs) * bits.input_bits;
        const std::int64_t psums = accumulates(tile) ? psums_of(smallest, shape_) * bits.psum_bits : 0;
        const auto part = [](const char* tensor, std::int64_t need_bits, std::int64_t bytes) {
            if (need_bits <= bytes * 8) return std::string();
            return "glb: the smallest tile has " + std::to_string((need_bits + 7) / 8) + " bytes of " + tensor +
                   ", their partition holds " + std::to_string(bytes) + "; give it " +
                   std::to_string((need_bits + 7) / 8) + " bytes";
        };
        for (const std::string& text :
             {part("weights", tile_words(shape_, tile, Tensors::weights) * bits.weight_bits, g.weights.bytes),
              part("inputs", inputs, g.inputs.bytes), part("psums", psums, g.psums.bytes),
              part("outputs", tile_words(shape_, tile, Tensors::outputs) * bits.input_bits, g.outputs.bytes)})
            if (!text.empty()) return text;
        return "glb: the smallest tile's inputs of " + std::to_string((inputs + 7) / 8) + " bytes and psums of " +
               std::to_string((psums + 7) / 8) + " bytes need " + std::to_string(pool_banks(g, inputs, psums)) +
               " banks of " + std::to_string(g.pool_bank_bytes) + " bytes, their pool has " +
               std::to_string(g.pool_banks);
    }

private:
    struct Scored {
        std::tuple<std::int64_t, std::int64_t> cost; ///< cycles, words
        RowStationary parameters;
        std::int64_t cycles() const { return std::get<0>(cost); }
        std::int64_t words() const { return std::get<1>(cost); }
    };

    void with_sets(const Sets& sets, int e, int r)
    {
        const int filters = by_group(shape_) ? e_[dim_g] : e_[dim_k];
        const int room = sets.beside * (sets.rows_left / r);
        RowStationary p;
        p.e = e;
        p.r = r;
        p.t = std::min(filters, room);
        if (p.t > sets.beside) p.t = p.t / sets.beside * sets.beside; // whole rows of sets
        const ArrayConfig& a = hw_.array;
        for (int q = std::min(ceil_div(e_[dim_c], r), a.inputs.words / e_[dim_s]); q >= 1; --q) {
            p.q = q;
            const int each = by_group(shape_) ? 1 : ceil_div(filters, p.t);
            const int most = std::min({each, a.psums.words, a.weights.words / (q * e_[dim_s])});
            for (int parts = most > 0 ? ceil_div(each, most) : each + 1; parts <= each; parts *= 2) { // equal parts
                p.p = ceil_div(each, parts);
                with_buffer(p);
            }
        }
    }

    /// For every number of images the most filters whose psums fit.
    void with_buffer(RowStationary p)
    {
        for (p.n = e_[dim_n]; p.n >= 1; p.n = p.n > 1 ? p.n / 2 : 0) {
            const int unit = by_group(shape_) ? 1 : p.p * p.t;
            for (int parts = 1; parts <= ceil_div(e_[dim_k], unit); ++parts) {
                p.m = std::min(e_[dim_k], ceil_div(ceil_div(e_[dim_k], unit), parts) * unit);
                if (!fits(p)) continue;
                found_.push_back({cost(p), p});
                break;
            }
        }
    }

    bool accumulates(const Extents& tile) const { return tile[dim_c] < e_[dim_c] || e_[dim_r] > hw_.array.rows; }

    bool fits(const RowStationary& p) const
    {
        const GlobalBufferConfig& g = hw_.global_buffer;
        const Precision& bits = hw_.precision;
        const Extents tile = tile_of(p, shape_);
        const std::int64_t inputs = tile_words(shape_, tile, Tensors::inputs);
        const std::int64_t psums = accumulates(tile) ? psums_of(p, shape_) : 0;
        const auto fit = [](std::int64_t words, int width, const PartitionConfig& part) {
            return words * width <= part.bytes * 8;
        };
        return fit(tile_words(shape_, tile, Tensors::weights), bits.weight_bits, g.weights) &&
               fit(inputs, bits.input_bits, g.inputs) && fit(psums, bits.psum_bits, g.psums) &&
               fit(tile_words(shape_, tile, Tensors::outputs), bits.input_bits, g.outputs) &&
               pool_banks(g, inputs * bits.input_bits, psums * bits.psum_bits) <= g.pool_banks;
    }

    /// Cycles of the passes (work, psums and inputs over their networks), or of the DRAM; then DRAM words.
    std::tuple<std::int64_t, std::int64_t> cost(const RowStationary& p) const
    {
        const Extents tile = tile_of(p, shape_);
        const auto count = [&](Dim d) { return ceil_div64(e_[d], tile[d]); };
        const std::int64_t k_groups = ceil_div64(e_[dim_k], p.m), rows = ceil_div64(e_[dim_p], p.e);
        const std::int64_t tiles = count(dim_g) * count(dim_n) * rows * count(dim_k) * count(dim_c);
        const int taps = sets_of(shape_, hw_, p.e).taps;
        const std::int64_t passes = tiles * p.n * e_[dim_q] * ceil_div(e_[dim_r], taps);
        const Window& w = shape_.window;
        const std::int64_t input_rows = std::int64_t{p.e - 1} * w.stride_rows + taps;
        const std::int64_t channels = std::int64_t{tile[dim_g]} * tile[dim_c];
        const std::int64_t inputs = channels * input_rows * std::min(w.stride_cols, e_[dim_s]);
        const std::int64_t psums = std::int64_t{tile[dim_g]} * tile[dim_k] * p.e;
        const std::int64_t pass =
            std::max({std::int64_t{p.p} * p.q * e_[dim_s] + p.p, ceil_div64(inputs, hw_.input_network.words_per_beat),
                      ceil_div64(psums, hw_.psum_network.words_per_beat)});
        const std::int64_t weights = tiles * tile_words(shape_, tile, Tensors::weights);
        const std::int64_t fetched =
            tile_words(shape_, tile, Tensors::inputs) * count(dim_g) * count(dim_n) * rows * k_groups * count(dim_c);
        const std::int64_t loads = ceil_div64(weights, hw_.weight_network.words_per_beat);
        const std::int64_t dram =
            dram_cycles(hw_, weights * hw_.precision.weight_bits / 8 + fetched * hw_.precision.input_bits / 8, 0);
        return {std::max({passes * pass, loads, dram}), weights + fetched};
    }

    const LayerShape& shape_;
    const Extents& e_;
    const HardwareConfig& hw_;
    std::vector<Scored> found_;
};

} // namespace

Mapping row_stationary_mapping(const RowStationary& p, const LayerShape& shape, const HardwareConfig& hw)
{
    const Extents& extent = shape.extent;
    const Sets sets = sets_of(shape, hw, p.e);
    const Replicas copies = replicas_of(sets, p.t);
    if (sets.rows_left < p.r * copies.y)
        throw UserError("row-stationary: " + std::to_string(p.r * copies.y) + " sets of " +
                        std::to_string(sets.taps * sets.folds) + " rows of PEs need " +
                        std::to_string(p.r * copies.y * sets.taps * sets.folds) + " rows, the array has " +
                        std::to_string(hw.array.rows) + "; make r, t or e smaller");
    const bool groups = by_group(shape);
    MapLevel dram{"dram", {}, {}, {}}, array{"array", {}, {}, {}};
    MapLevel glb{"glb", {}, {}, {Tensors::weights, Tensors::inputs, Tensors::outputs}};
    MapLevel rf{"rf", {}, {}, {Tensors::weights, Tensors::inputs, Tensors::outputs}};
    const auto loop = [&](MapLevel& level, Dim d, int step, int inside) {
        if (step < inside) level.temporal.push_back(temporal(d, step));
    };
    const int filters = groups ? 1 : p.p * p.t;
    loop(dram, dim_g, groups ? p.t : 1, extent[dim_g]);
    loop(dram, dim_n, p.n, extent[dim_n]);
    loop(dram, dim_p, p.e, extent[dim_p]);
    loop(dram, dim_k, p.m, extent[dim_k]);
    loop(dram, dim_c, p.q * p.r, extent[dim_c]);
    loop(dram, dim_k, filters, std::min(p.m, extent[dim_k]));
    loop(glb, dim_r, sets.taps, extent[dim_r]);
    loop(glb, dim_n, 1, extent[dim_n]);
    loop(glb, dim_q, 1, extent[dim_q]);

    const auto place = [&](Dim d, Place where, int step, int count) {
        if (count > 1) array.spatial.push_back(spatial(d, where, step, count));
    };
    const Dim copied = groups ? dim_g : dim_k;
    const int each = groups ? 1 : p.p;
    place(copied, Place::y, each * copies.x, copies.y);
    place(dim_c, Place::y, p.q, p.r);
    place(dim_p, Place::y, sets.cols, sets.folds);
    place(dim_r, Place::y, 1, std::min(sets.taps, extent[dim_r]));
    place(copied, Place::x, each, copies.x);
    place(dim_p, Place::x, 1, sets.cols);
    loop(rf, dim_s, 1, extent[dim_s]);
    loop(rf, dim_c, 1, std::min(p.q, extent[dim_c]));
    if (!groups) loop(rf, dim_k, 1, std::min(p.p, extent[dim_k]));
    Mapping m{"rs", {dram, glb, array, rf}, p};
    return m;
}

std::vector<RowStationary> row_stationary_choices(const LayerShape& shape, const std::string& name,
                                                  const HardwareConfig& hw, std::size_t most)
{
    Choices choices(shape, hw);
    std::vector<RowStationary> list = choices.best(most);
    if (list.empty())
        throw UserError("layer \"" + name + "\": no row-stationary mapping fits " + hw.name + ": " +
                        choices.obstacle());
    return list;
}

} // namespace heddle
