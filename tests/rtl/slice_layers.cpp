#include "tests/rtl/slice_layers.hpp"

#include "tests/module/bench.hpp"
#include "tests/unit/sim_networks.hpp"

#include <algorithm>
#include <stdexcept>

namespace heddle::rtl {

namespace {

int random_step(Random& random, int most)
{
    return random.below(3) == 0 ? static_cast<int>(random.range(1, most)) : most;
}

template <typename T> void shuffle(Random& random, std::vector<T>& v)
{
    for (std::size_t i = v.size(); i > 1; --i) std::swap(v[i - 1], v[random.below(i)]);
}

} // namespace

SliceLayer random_slice_layer(Random& random, const SliceParameters& p)
{
    using namespace bench;
    SliceLayer l;
    Window w;
    const bool gemm = random.below(3) == 0;
    const auto draw = [&](int from, int to) { return static_cast<int>(random.range(from, to)); };
    w.filter_rows = gemm ? 1 : draw(1, 3);
    w.filter_cols = gemm ? 1 : draw(1, 3);
    w.stride_rows = gemm ? 1 : draw(1, 2);
    w.stride_cols = gemm ? 1 : draw(1, 2);
    w.dilation_rows = gemm ? 1 : draw(1, 2);
    w.dilation_cols = gemm ? 1 : draw(1, 2);
    w.pad_top = draw(0, w.filter_rows - 1);
    w.pad_bottom = draw(0, w.filter_rows - 1);
    w.pad_left = draw(0, w.filter_cols - 1);
    w.pad_right = draw(0, w.filter_cols - 1);
    const int channels = draw(1, gemm ? 30 : 8), k = draw(1, 3 * p.cols);
    l.net = test_networks::input_of(1, channels, gemm ? draw(1, 20) : draw(5, 9), gemm ? 1 : draw(5, 9));
    test_networks::add_conv(l.net, 0, k, w);
    const int rows_out = l.net.layers[1].out_shape[2], cols_out = l.net.layers[1].out_shape[3];
    const int all_pixels = rows_out * cols_out, all_depth = channels * w.filter_rows * w.filter_cols;

    const bool ws = random.below(2) == 0;
    std::vector<MapLoop> tiles, folds;
    int tile_k = k, tile_c = channels, tile_p = rows_out;
    if (random.below(2) == 0) tiles.push_back(loop({dim_k}, tile_k = draw(1, k)));
    if (random.below(2) == 0) tiles.push_back(loop({dim_c}, tile_c = draw(1, channels)));
    // Windows of neighbouring tiles must not overlap.
    if (w.filter_rows == 1 && w.pad_bottom == 0 && random.below(2) == 0)
        tiles.push_back(loop({dim_p}, tile_p = draw(1, rows_out)));
    shuffle(random, tiles);
    const int tile_depth = all_depth / channels * tile_c, tile_pixels = all_pixels / rows_out * tile_p;
    folds.push_back(loop(filters, random_step(random, std::min(tile_k, p.cols))));
    folds.push_back(loop(ws ? depth : pixels, random_step(random, std::min(ws ? tile_depth : tile_pixels, p.rows))));
    const int streamed = ws ? tile_pixels : tile_depth;
    if (random.below(2) == 0) folds.push_back(loop(ws ? pixels : depth, draw(std::max(1, streamed / 4), streamed)));
    shuffle(random, folds);

    l.mapping = ws ? weight_stationary(p.rows, p.cols) : output_stationary(p.rows, p.cols);
    l.mapping.levels[0].temporal = folds;
    for (MapLoop& s : l.mapping.levels[1].spatial)
        for (const MapLoop& f : folds)
            if (f.dims == s.dims) s.count = f.step;
    if (!tiles.empty()) l.mapping.levels.insert(l.mapping.levels.begin(), MapLevel{"dram", tiles, {}, {}});
    return l;
}

namespace {

/// Which RTL axis a dimension of the plan lies on.
int axis_of(Dim d, bool stationary)
{
    if (d == dim_k) return axis_x;
    const bool pixel = d == dim_p || d == dim_q;
    return pixel == stationary ? axis_s : axis_y;
}

Spot step_of(Tensors t, Dim d, const CompiledPlan& plan)
{
    const auto& weight = plan.weights().stride;
    const auto& input = plan.inputs().stride;
    const Window& w = plan.plan().window;
    const auto spot = [](std::int64_t word, int row, int col) { return Spot{static_cast<int>(word), row, col}; };
    if (t == Tensors::weights)
        return spot(d == dim_k ? weight[1] : d == dim_r ? weight[2] : d == dim_s ? weight[3] : weight[4], 0, 0);
    const int rows = d == dim_p ? w.stride_rows : d == dim_r ? w.dilation_rows : 0;
    const int cols = d == dim_q ? w.stride_cols : d == dim_s ? w.dilation_cols : 0;
    return spot(d == dim_c ? input[4] : rows * input[1] + cols * input[2], rows, cols);
}

/// Dimensions of an axis, outermost first.
std::vector<Dim> dims_of(int axis, bool stationary)
{
    if (axis == axis_x) return {dim_k};
    if ((axis == axis_s) == stationary) return {dim_p, dim_q};
    return {dim_c, dim_r, dim_s};
}

void set_radix(Digit (&radix)[rtl_digits], Tensors t, int axis, const CompiledPlan& plan, bool stationary)
{
    std::vector<Dim> dims = dims_of(axis, stationary);
    std::reverse(dims.begin(), dims.end());
    for (std::size_t d = 0; d < dims.size(); ++d) radix[d] = {plan.plan().extent[dims[d]], step_of(t, dims[d], plan)};
}

DramConfig random_fixed_memory(Random& random)
{
    const auto draw = [&](int from, int to) { return static_cast<int>(random.range(from, to)); };
    DramConfig d;
    d.kind = DramKind::fixed;
    d.latency_cycles = draw(1, 60);
    d.beat_bytes = 1 << draw(0, 5);
    d.cycles_per_beat = draw(1, 3);
    d.burst_bytes = 16;
    d.separate_queues = random.below(2) == 0;
    d.queue_depth = draw(1, 8);
    return d;
}

} // namespace

LayerDescriptor layer_descriptor(const CompiledPlan& plan, const SliceParameters& p)
{
    const LayerPlan& l = plan.plan();
    const Extents& e = l.extent;
    const auto need = [](bool good, const char* what) {
        if (!good) throw std::invalid_argument(what);
    };
    need(e[dim_n] == 1 && e[dim_g] == 1 && l.keep_weights != l.keep_psums && !l.keep_inputs, "no WS or OS layer");
    LayerDescriptor d;
    const bool ws = d.array.stationary = l.keep_weights;
    d.accumulates = plan.accumulates();
    for (int a = 0; a < 3; ++a) {
        d.array.extent[a] = 1;
        for (Dim dim : dims_of(a, ws)) d.array.extent[a] *= e[dim];
    }
    d.array.stride[axis_x] = static_cast<int>(plan.outputs().stride[4]);
    d.array.stride[ws ? axis_s : axis_y] = static_cast<int>(plan.outputs().stride[2]);
    // Loops: what a step of a dimension's tile is in indices of its axis.
    std::size_t loops = 0;
    const auto add_loop = [&](int axis, int step) {
        need(loops < rtl_loops, "too many loops");
        d.array.loops[loops++] = {axis, step};
    };
    bool cuts_rows = false;
    for (const TileLoop& t : l.tile_loops) {
        need(t.dim == dim_k || t.dim == dim_c || t.dim == dim_p, "tiles cut another dimension");
        cuts_rows = cuts_rows || t.dim == dim_p;
        add_loop(axis_of(t.dim, ws), t.tile * (t.dim == dim_c ? e[dim_r] * e[dim_s] : t.dim == dim_p ? e[dim_q] : 1));
    }
    d.tiles = static_cast<int>(loops);
    for (const AxisLoop& g : l.glb_loops)
        add_loop(axis_of(l.axes[static_cast<std::size_t>(g.axis)].dims[0], ws), g.step);

    const Tile& tile = plan.tiles()[0];
    d.x.origin = {static_cast<int>(tile.origin.in_base + tile.origin.in_row * plan.inputs().stride[1] +
                                   tile.origin.in_col * plan.inputs().stride[2]),
                  tile.origin.in_row, tile.origin.in_col};
    d.x.rows = l.in_rows;
    d.x.cols = l.in_cols;
    set_radix(d.x.lane, Tensors::inputs, axis_y, plan, ws);
    set_radix(d.x.outer, Tensors::inputs, axis_s, plan, ws);
    const int depth_unit = e[dim_r] * e[dim_s], pixel_unit = cuts_rows ? e[dim_q] : e[dim_p] * e[dim_q];
    d.x.lane_unit = ws ? depth_unit : pixel_unit;
    d.x.outer_unit = ws ? pixel_unit : depth_unit;
    d.x.unit_words = static_cast<int>(tile.inputs.words()) / tile.size[dim_c] / (cuts_rows ? tile.size[dim_p] : 1);
    set_radix(d.k.lane, Tensors::weights, axis_x, plan, ws);
    set_radix(d.k.outer, Tensors::weights, ws ? axis_y : axis_s, plan, ws);

    for (const Tile& t : plan.tiles()) {
        need(t.weight_fill_words == 0 || t.weight_fill_words == t.weights.words(), "overlapping weight tiles");
        need(t.input_fill_words == 0 || t.input_fill_words == t.inputs.words(), "overlapping input tiles");
    }
    for (Tensors t : {Tensors::weights, Tensors::inputs})
        need(fetch_numbers(plan, t).back() < p.tiles, "too many tiles");
    need(std::max({plan.weights().words, plan.inputs().words, plan.outputs().words}) <= p.words, "too many words");
    return d;
}

std::vector<int> fetch_numbers(const CompiledPlan& plan, Tensors tensor)
{
    std::vector<int> numbers;
    int n = -1;
    for (const Tile& t : plan.tiles()) {
        n += (tensor == Tensors::weights ? t.weight_fill_words : t.input_fill_words) > 0 ? 1 : 0;
        numbers.push_back(n);
    }
    return numbers;
}

HardwareConfig random_machine(Random& random, const SliceParameters& p, const PassOptions& options)
{
    HardwareConfig hw = bench::systolic(p.rows, p.cols);
    const auto draw = [&](int from, int to) { return static_cast<int>(random.range(from, to)); };
    configure(hw, p, options, ArrayLayer{});
    hw.precision.weight_bits = hw.precision.input_bits = 8;
    hw.weight_network.words_per_beat = p.k_words;
    hw.input_network.words_per_beat = p.x_words;
    hw.weight_network.latency_cycles = p.k_latency;
    hw.input_network.latency_cycles = p.x_latency;
    hw.psum_network.latency_cycles = p.out_latency;
    GlobalBufferConfig& g = hw.global_buffer;
    g.latency_cycles = p.read_latency;
    g.update_latency_cycles = p.update_latency;
    g.fill_granularity = random.below(3) == 0 ? FillGranularity::tile : FillGranularity::word;
    for (PartitionConfig* c : {&g.weights, &g.inputs, &g.psums}) {
        c->line_words = 1 << draw(0, 4);
        c->read_port = {draw(1, 2 * p.cols), random.below(2) == 0};
        c->write_port = {draw(1, 2 * p.cols), random.below(2) == 0};
        c->shared_port = random.below(3) == 0;
        c->banks = 1;
    }
    g.weights.bytes = draw(100, 2500);
    g.inputs.bytes = draw(100, 2500);
    hw.post.words_per_cycle = draw(1, p.cols);
    hw.post.latency_cycles = draw(1, 4);
    hw.dram = random.below(3) == 0 ? load_hardware("tpu_like").dram : random_fixed_memory(random);
    hw.dma.max_burst_bytes = 16 << draw(0, 2);
    hw.dma.requests_in_flight = draw(1, 16);
    hw.dma.startup_cycles = draw(0, 9);
    hw.dma.read_bytes_per_cycle = draw(1, p.fill_words);
    hw.dma.write_bytes_per_cycle = draw(1, 32);
    return hw;
}

SliceMachine slice_machine(const HardwareConfig& hw, const PassOptions& options)
{
    const auto ports = [](const PartitionConfig& c) {
        RtlPorts p;
        p.read = {c.read_port.words, c.read_port.gather};
        p.write = {c.write_port.words, c.write_port.gather};
        p.shared = c.shared_port;
        while (1 << p.line_bits < c.line_words) ++p.line_bits;
        return p;
    };
    const GlobalBufferConfig& g = hw.global_buffer;
    SliceMachine m;
    m.passes = options;
    m.x = ports(g.inputs);
    m.k = ports(g.weights);
    m.psum = ports(g.psums);
    m.psum_capacity = static_cast<int>(g.psums.bytes * 8 / hw.precision.psum_bits);
    m.whole_tiles = g.fill_granularity == FillGranularity::tile;
    return m;
}

} // namespace heddle::rtl
