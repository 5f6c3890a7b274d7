#include "tests/rtl/layers.hpp"

#include <algorithm>

namespace heddle::rtl {

namespace {

std::int32_t value(std::uint64_t seed, int a, int b)
{
    const std::uint64_t draw = derive_seed(seed, (static_cast<std::uint64_t>(a) << 32) + static_cast<std::uint64_t>(b));
    return draw % 8 == 0 ? 0 : static_cast<std::int16_t>(draw >> 20) >> static_cast<int>(draw / 8 % 10);
}

struct Range {
    int lo[3], hi[3];
};

/// Passes in order, by recursion over the loops.
void walk(const std::vector<RtlLoop>& loops, std::size_t at, const Range& range, std::vector<Range>& passes)
{
    if (at == loops.size()) {
        passes.push_back(range);
        return;
    }
    const RtlLoop& l = loops[at];
    for (int lo = range.lo[l.axis]; lo < range.hi[l.axis]; lo += l.step) {
        Range inside = range;
        inside.lo[l.axis] = lo;
        inside.hi[l.axis] = std::min(range.hi[l.axis], lo + l.step);
        walk(loops, at + 1, inside, passes);
    }
}

std::vector<RtlLoop> all_loops(const ArrayLayer& layer)
{
    std::vector<RtlLoop> loops = layer.tiles;
    for (int a : layer.order) loops.push_back({a, layer.fold[a]});
    return loops;
}

/// Cuts the words of one row, or of one step, into beats.
void cut(const std::vector<std::int32_t>& words, int width, bool last, Random* ragged, std::vector<Beat>& beats)
{
    for (std::size_t from = 0; from < words.size();) {
        std::size_t n = std::min(words.size() - from, static_cast<std::size_t>(width));
        if (ragged) n = 1 + ragged->below(n);
        const auto begin = words.begin() + static_cast<std::ptrdiff_t>(from);
        beats.push_back({last && from + n == words.size(), {begin, begin + static_cast<std::ptrdiff_t>(n)}});
        from += n;
    }
}

std::int64_t rounded(std::int64_t product, int shift)
{
    return shift == 0 ? product : (product + (std::int64_t{1} << (shift - 1))) >> shift;
}

} // namespace

std::int32_t ArrayLayer::x_value(int y, int s) const
{
    return value(seed, y, s);
}

std::int32_t ArrayLayer::k_value(int y, int x, int s) const
{
    return value(seed + 1, stationary() ? y : s, x);
}

/// Results lie filter by filter within a pixel.
int ArrayLayer::address_stride(int axis) const
{
    if (flow == Flow::ws) return axis == axis_x ? 1 : axis == axis_s ? extent[axis_x] : 0;
    if (flow == Flow::is) return axis == axis_s ? 1 : axis == axis_x ? extent[axis_s] : 0;
    return axis == axis_x ? 1 : axis == axis_y ? extent[axis_x] : 0;
}

std::string ArrayLayer::describe() const
{
    std::string s = flow == Flow::ws ? "ws" : flow == Flow::is ? "is" : "os";
    for (int a = 0; a < 3; ++a)
        s += std::string(" ") + "yxs"[a] + ":" + std::to_string(extent[a]) + "/" + std::to_string(fold[a]);
    for (const RtlLoop& l : tiles) s += std::string(" tile ") + "yxs"[l.axis] + std::to_string(l.step);
    s += " order ";
    for (int a : order) s += "yxs"[a];
    return s + (ragged ? " ragged" : "");
}

namespace {

ArrayLayer draw_layer(Random& random, const Parameters& p, bool os_only)
{
    ArrayLayer l;
    l.flow = os_only ? Flow::os : static_cast<Flow>(random.below(3));
    l.seed = random.next();
    l.ragged = random.below(3) == 0;
    const int side[3] = {p.rows, p.cols, 12};
    for (int a = 0; a < 3; ++a) {
        l.extent[a] = static_cast<int>(random.range(1, 3 * side[a]));
        const int most = std::min(l.extent[a], a == axis_s ? l.extent[a] : side[a]);
        const bool whole = random.below(3) != 0;
        l.fold[a] = whole ? most : static_cast<int>(random.range(1, most));
    }
    l.order = {0, 1, 2};
    for (std::size_t i = 3; i > 1; --i) std::swap(l.order[i - 1], l.order[random.below(i)]);
    for (int a : {2, 0, 1})
        if (random.below(4) == 0)
            l.tiles.push_back({a, static_cast<int>(random.range(std::min(l.fold[a], l.extent[a]), l.extent[a]))});
    return l;
}

} // namespace

ArrayLayer random_layer(Random& random, const Parameters& p, bool os_only)
{
    for (;;) {
        ArrayLayer l = draw_layer(random, p, os_only);
        int passes = 1;
        for (int a = 0; a < 3; ++a) passes *= (l.extent[a] + l.fold[a] - 1) / l.fold[a];
        if (passes <= 60) return l;
    }
}

Descriptor descriptor(const ArrayLayer& layer)
{
    Descriptor d;
    d.stationary = layer.stationary();
    for (int a = 0; a < 3; ++a) {
        d.extent[a] = layer.extent[a];
        d.stride[a] = layer.address_stride(a);
    }
    const std::vector<RtlLoop> loops = all_loops(layer);
    std::copy(loops.begin(), loops.end(), d.loops);
    return d;
}

LayerPlan plan(const ArrayLayer& layer, const Parameters& p)
{
    // By RtlAxis: which dimension of the layer.
    const Dim dims[3] = {layer.stationary() ? dim_c : dim_p, layer.flow == Flow::is ? dim_p : dim_k,
                         layer.flow == Flow::ws   ? dim_p
                         : layer.flow == Flow::is ? dim_k
                                                  : dim_c};
    LayerPlan plan;
    plan.name = layer.describe();
    plan.extent.fill(1);
    for (int a = 0; a < 3; ++a) {
        plan.extent[dims[a]] = layer.extent[a];
        plan.axes.push_back({{dims[a]}});
    }
    for (Dim d : {dim_n, dim_g, dim_q, dim_r, dim_s}) plan.axes.push_back({{d}});
    plan.in_rows = plan.extent[dim_p];
    plan.in_cols = 1;
    for (const RtlLoop& l : layer.tiles) plan.tile_loops.push_back({dims[l.axis], l.step});
    for (int a : layer.order) plan.glb_loops.push_back({a, layer.fold[a], plan.dim_tile(dims[a])});
    plan.pass_loops.push_back({axis_s, 1, layer.fold[axis_s]});
    plan.spatial.push_back({axis_y, Place::y, 1, layer.fold[axis_y]});
    plan.spatial.push_back({axis_x, Place::x, 1, layer.fold[axis_x]});
    plan.keep_weights = layer.flow == Flow::ws;
    plan.keep_inputs = layer.flow == Flow::is;
    plan.keep_psums = layer.flow == Flow::os;
    const Delivery along_x = p.hop_x == 0 ? Delivery::row_bus : Delivery::systolic_x;
    const Delivery along_y = p.hop_y == 0 ? Delivery::column_bus : Delivery::systolic_y;
    plan.weight_delivery = layer.flow == Flow::ws ? Delivery::load_chain_y : layer.flow == Flow::is ? along_x : along_y;
    plan.input_delivery = layer.flow == Flow::is ? Delivery::load_chain_y : along_x;
    plan.psum_path = layer.stationary() ? PsumPath::chain_y : PsumPath::local;
    return plan;
}

PassOptions random_options(Random& random, const Parameters& p)
{
    PassOptions o;
    o.load_hidden = random.below(2) != 0;
    o.drain_hidden = random.below(2) != 0;
    o.wavefront_chained = random.below(2) != 0;
    o.edges_full = !p.taps || random.below(2) != 0;
    if (random.below(3) == 0) o.min_cycles = static_cast<int>(random.range(1, 40));
    if (random.below(3) == 0) o.gap_cycles = static_cast<int>(random.range(1, 9));
    return o;
}

std::string describe(const PassOptions& o)
{
    return std::string(o.load_hidden ? "load hidden" : "load exposed") +
           (o.drain_hidden ? ", drain hidden" : ", drain exposed") + (o.wavefront_chained ? ", chained" : "") +
           (o.edges_full ? ", edges full" : ", edges used") + ", min " + std::to_string(o.min_cycles) + ", gap " +
           std::to_string(o.gap_cycles);
}

void configure(HardwareConfig& hw, const Parameters& p, const PassOptions& options, const ArrayLayer& layer)
{
    hw.precision.weight_bits = hw.precision.input_bits = 16;
    hw.precision.psum_bits = p.psum_bits;
    hw.precision.product_shift = p.product_shift;
    hw.array.rows = p.rows;
    hw.array.cols = p.cols;
    hw.array.mac_latency_cycles = p.mac_latency;
    hw.psum_network.words_per_beat = p.out_words;
    hw.psum_network.hop_cycles = std::max(1, p.hop_y);
    hw.weight_network.hop_cycles = std::max(1, layer.flow == Flow::is ? p.hop_x : p.hop_y);
    hw.input_network.hop_cycles = std::max(1, p.hop_x);
    hw.passes.load = options.load_hidden ? Overlap::hidden : Overlap::exposed;
    hw.passes.drain = options.drain_hidden ? Overlap::hidden : Overlap::exposed;
    hw.passes.wavefront_chained = options.wavefront_chained;
    hw.passes.edges_full = options.edges_full;
    hw.passes.min_cycles = options.min_cycles;
    hw.passes.gap_cycles = options.gap_cycles;
}

Operands operands(const ArrayLayer& layer, const Parameters& p)
{
    Operands out;
    Range all{{0, 0, 0}, {layer.extent[0], layer.extent[1], layer.extent[2]}};
    std::vector<Range> passes;
    walk(all_loops(layer), 0, all, passes);
    Random random(layer.seed);
    Random* ragged = layer.ragged ? &random : nullptr;
    const Range* before = nullptr;
    std::vector<std::int32_t> words;
    for (const Range& r : passes) {
        bool moved = !before;
        for (int a : {axis_y, axis_x}) moved = moved || before->lo[a] != r.lo[a] || before->hi[a] != r.hi[a];
        before = &r;
        ++out.passes;
        if (layer.stationary() && moved) {
            ++out.loads;
            for (int y = r.lo[axis_y]; y < r.hi[axis_y]; ++y) {
                words.clear();
                for (int x = r.lo[axis_x]; x < r.hi[axis_x]; ++x) words.push_back(layer.k_value(y, x, 0));
                cut(words, p.k_words, y + 1 == r.hi[axis_y], ragged, out.k);
            }
        }
        for (int s = r.lo[axis_s]; s < r.hi[axis_s]; ++s) {
            ++out.steps;
            words.clear();
            for (int y = r.lo[axis_y]; y < r.hi[axis_y]; ++y) words.push_back(layer.x_value(y, s));
            cut(words, p.x_words, true, ragged, out.x);
            if (layer.stationary()) continue;
            words.clear();
            for (int x = r.lo[axis_x]; x < r.hi[axis_x]; ++x) words.push_back(layer.k_value(0, x, s));
            cut(words, p.k_words, true, ragged, out.k);
        }
    }
    for (int y = 0; y < layer.extent[axis_y]; ++y)
        for (int x = 0; x < layer.extent[axis_x]; ++x)
            for (int s = 0; s < layer.extent[axis_s]; ++s)
                out.expected[y * layer.address_stride(axis_y) + x * layer.address_stride(axis_x) +
                             s * layer.address_stride(axis_s)] +=
                    rounded(std::int64_t{layer.x_value(y, s)} * layer.k_value(y, x, s), p.product_shift);
    return out;
}

} // namespace heddle::rtl
