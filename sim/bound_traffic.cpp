// Words that a plan moves, from its tiles and passes.
#include "sim/bound_detail.hpp"
#include "sim/layer_shape.hpp"

#include <algorithm>

namespace heddle {

namespace {

/// Ranges of one dimension that the passes cover, in order, over all tiles.
std::int64_t distinct_inputs(const LayerPlan& plan, Dim d, const WindowAxis& window)
{
    int step = plan.dim_tile(d);
    for (const AxisLoop& loop : plan.glb_loops) {
        const Axis& axis = plan.axes[static_cast<std::size_t>(loop.axis)];
        if (axis.dims.size() == 1 && axis.dims[0] == d) step = std::min(step, loop.step);
    }
    std::int64_t words = 0;
    for (int tile = 0; tile < plan.extent[d]; tile += plan.dim_tile(d))
        for (int at = tile; at < std::min(plan.extent[d], tile + plan.dim_tile(d)); at += step)
            words += window.distinct(at, std::min({plan.extent[d], tile + plan.dim_tile(d), at + step}));
    return words;
}

bool cuts(const LayerPlan& plan, Dim d)
{
    bool cut = plan.dim_tile(d) < plan.extent[d];
    for (const AxisLoop& loop : plan.glb_loops) {
        const Axis& axis = plan.axes[static_cast<std::size_t>(loop.axis)];
        cut = cut || (loop.step < loop.span && std::find(axis.dims.begin(), axis.dims.end(), d) != axis.dims.end());
    }
    return cut;
}

/// Input words that leave the buffer. `delivered` counts one word per lane and step, padding included.
std::int64_t input_reads(const LayerPlan& plan, std::int64_t delivered)
{
    const WindowAxis rows = window_rows(plan.window, plan.extent, plan.in_rows);
    const WindowAxis cols = window_cols(plan.window, plan.extent, plan.in_cols);
    const Extents& e = plan.extent;
    const std::int64_t pairs = std::int64_t{e[dim_p]} * e[dim_r] * e[dim_q] * e[dim_s];
    if (plan.input_delivery == Delivery::shift) {
        // A pass reads every word under its windows once; only that much is certain when it holds whole filters.
        if (cuts(plan, dim_r) || cuts(plan, dim_s)) return 0;
        const std::int64_t visits = delivered / (pairs * e[dim_n] * e[dim_g] * e[dim_c]); // loops over K
        return visits * e[dim_n] * e[dim_g] * e[dim_c] * distinct_inputs(plan, dim_p, rows) *
               distinct_inputs(plan, dim_q, cols);
    }
    return static_cast<std::int64_t>(static_cast<__int128>(delivered) * rows.valid_pairs() * cols.valid_pairs() /
                                     pairs);
}

/// Words that a layer of the PostProcessor reads: windows without their padding.
std::int64_t window_words(const LayerPlan& plan)
{
    const std::int64_t rows = window_rows(plan.window, plan.extent, plan.in_rows).valid_pairs();
    const std::int64_t cols = window_cols(plan.window, plan.extent, plan.in_cols).valid_pairs();
    return rows * cols * plan.extent[dim_n] * plan.extent[dim_g];
}

std::int64_t ceil_div(std::int64_t a, std::int64_t b)
{
    return (a + b - 1) / b;
}

/// Total over the passes, or, when some passes find their operand in place, what is certain: the smallest load.
struct Loads {
    std::int64_t passes = 0, total = 0, least = INT64_MAX;

    void add(std::int64_t count, std::int64_t each)
    {
        passes += count;
        total += count * each;
        least = std::min(least, each);
    }
    std::int64_t of(std::int64_t loads) const { return loads == passes ? total : loads * least; }
};

std::int64_t beats_of(std::int64_t words, std::int64_t lanes, int width, bool lanes_vary)
{
    if (lanes_vary) return ceil_div(words, width);
    return words / lanes * ceil_div(lanes, width);
}

/// Do PEs share streamed inputs that several outputs use with several taps? Then only a tile's words are certain.
bool shares_by_value(const LayerPlan& plan, const HardwareConfig& hw)
{
    if (hw.input_network.sharing != Sharing::by_value) return false;
    const auto spread = [&](Dim d) {
        return std::any_of(plan.spatial.begin(), plan.spatial.end(), [&](const SpatialLoop& s) {
            return s.count > 1 && plan.axes[static_cast<std::size_t>(s.axis)].dims == std::vector<Dim>{d};
        });
    };
    return (spread(dim_p) && spread(dim_r)) || (spread(dim_q) && spread(dim_s));
}

/// Words and beats from the buffer to the array.
void add_reads(const LayerPlan& plan, const HardwareConfig& hw, std::int64_t delivered, Traffic& t)
{
    const int weight_width = hw.global_buffer.weights.read_port.words;
    const int input_width = hw.global_buffer.inputs.read_port.words;
    const bool chain = plan.keep_weights && plan.weight_delivery == Delivery::load_chain_y;
    Loads weights, weight_beats, inputs, input_beats;
    for (const PassClass& p : t.passes) {
        weights.add(p.count, p.weight_words);
        weight_beats.add(p.count, std::max(beats_of(p.weight_words, p.weight_lanes, weight_width, p.lanes_vary),
                                           chain ? std::int64_t{p.used_rows} * p.weight_entries : 1));
        inputs.add(p.count, p.input_words);
        input_beats.add(p.count, beats_of(p.input_words, p.input_lanes, input_width, p.lanes_vary));
    }
    const std::int64_t weight_loads = plan.keep_weights ? t.weight_loads : weights.passes;
    t.weight_reads = weights.of(weight_loads);
    t.weight_beats = weight_beats.of(weight_loads);
    if (plan.keep_inputs) {
        // Windows that slide read only what the pass before did not hold: at least each tile's words once.
        const bool slides = hw.passes.load == Overlap::word;
        t.input_reads = slides ? std::min(t.input_fills, inputs.of(t.input_loads)) : inputs.of(t.input_loads);
        t.input_beats = ceil_div(t.input_reads, input_width);
        return;
    }
    t.input_reads = input_reads(plan, delivered);
    if (shares_by_value(plan, hw)) t.input_reads = std::min(t.input_reads, t.input_fills);
    t.input_beats = ceil_div(t.input_reads, input_width);
    // Padding and words from neighbours take no room in a beat; without them beats are known.
    if (t.input_reads == delivered) t.input_beats = input_beats.total;
}

} // namespace

Traffic compute_traffic(const LayerPlan& plan, const HardwareConfig& hw)
{
    const bound_detail::TileFetches fetches = bound_detail::walk_tiles(plan);
    const Extents& e = plan.extent;
    Traffic t;
    t.tiles = fetches.tiles;
    t.weight_fills = fetches.weights;
    t.input_fills = fetches.inputs;
    t.outputs = std::int64_t{e[dim_n]} * e[dim_g] * e[dim_k] * e[dim_p] * e[dim_q];
    t.operand2_fills = plan.add_layer < 0 ? 0 : t.outputs;
    t.results = plan.pool_layer < 0 ? t.outputs
                                    : std::int64_t{e[dim_n]} * e[dim_g] * e[dim_k] * plan.pool_rows * plan.pool_cols;
    std::int64_t delivered = 0, single_weights = 0, single_inputs = 0;
    for (const bound_detail::SizeClass& c : fetches.sizes) {
        const bound_detail::TilePasses tile = bound_detail::passes_of_tile(plan, hw, c.size);
        t.weight_loads += c.tiles * tile.weight_loads;
        t.input_loads += c.tiles * tile.input_loads;
        if (tile.weight_loads == 1) single_weights += c.tiles;
        if (tile.input_loads == 1) single_inputs += c.tiles;
        for (PassClass p : tile.classes) {
            p.count *= c.tiles;
            delivered += p.count * p.input_words;
            t.psums += p.count * p.psum_words;
            t.passes.push_back(p);
        }
    }
    if (plan.kind == PlanKind::post) {
        t.psums = 0;
        t.input_reads = window_words(plan);
        t.input_beats = ceil_div(t.input_reads, hw.global_buffer.inputs.read_port.words);
        return t;
    }
    // A tile with one stationary operand may find it in place.
    t.weight_loads -= std::min(fetches.same_weights, single_weights);
    t.input_loads -= std::min(fetches.same_inputs, single_inputs);
    t.loads = t.weight_loads + t.input_loads;
    add_reads(plan, hw, delivered, t);
    t.psum_accumulations = t.psums - t.outputs;
    return t;
}

} // namespace heddle
