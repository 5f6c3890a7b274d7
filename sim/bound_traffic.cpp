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

/// Words and beats from the buffer to the array. When some passes find their stationary operand in place, it is not
/// known here which: the smallest load is certain.
void add_reads(const LayerPlan& plan, const HardwareConfig& hw, std::int64_t delivered, Traffic& t)
{
    const int weight_width = hw.global_buffer.weights.read_port.words;
    const int input_width = hw.global_buffer.inputs.read_port.words;
    std::int64_t passes = 0, weights = 0, least = INT64_MAX, weight_beats = 0, least_beats = INT64_MAX, input_beats = 0;
    for (const PassClass& p : t.passes) {
        const std::int64_t beats =
            p.weight_words / p.weight_lanes *
            std::max<std::int64_t>(ceil_div(p.weight_lanes, weight_width),
                                   plan.keep_weights && plan.weight_delivery == Delivery::load_chain_y ? p.used_rows
                                                                                                       : 1);
        passes += p.count;
        weights += p.count * p.weight_words;
        weight_beats += p.count * beats;
        least = std::min(least, p.weight_words);
        least_beats = std::min(least_beats, beats);
        input_beats += p.count * (p.input_words / p.input_lanes) * ceil_div(p.input_lanes, input_width);
    }
    const bool known = !plan.keep_weights || t.loads == passes;
    t.weight_reads = known ? weights : t.loads * least;
    t.weight_beats = known ? weight_beats : t.loads * least_beats;
    t.input_reads = plan.keep_inputs && t.loads < passes ? 0 : input_reads(plan, delivered);
    t.input_beats = ceil_div(t.input_reads, input_width);
    // Padding and words from neighbours take no room in a beat; without them beats are known.
    if (!plan.keep_inputs && t.input_reads == delivered) t.input_beats = input_beats;
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
    t.operand2_fills = fetches.operand2;
    t.outputs = std::int64_t{e[dim_n]} * e[dim_g] * e[dim_k] * e[dim_p] * e[dim_q];
    t.results = plan.pool_layer < 0 ? t.outputs
                                    : std::int64_t{e[dim_n]} * e[dim_g] * e[dim_k] * plan.pool_rows * plan.pool_cols;
    std::int64_t delivered = 0, single_loads = 0;
    for (const bound_detail::SizeClass& c : fetches.sizes) {
        const bound_detail::TilePasses tile = bound_detail::passes_of_tile(plan, c.size);
        t.loads += c.tiles * tile.loads;
        if (tile.loads == 1) single_loads += c.tiles;
        for (PassClass p : tile.classes) {
            p.count *= c.tiles;
            delivered += p.count * p.input_words;
            t.psums += p.count * p.psum_words;
            t.passes.push_back(p);
        }
    }
    if (plan.kind == PlanKind::post) {
        t.loads = t.psums = 0;
        t.input_reads = window_words(plan);
        t.input_beats = ceil_div(t.input_reads, hw.global_buffer.inputs.read_port.words);
        return t;
    }
    // A tile with one stationary operand may find it in place.
    t.loads -= std::min(fetches.same_stationary, single_loads);
    add_reads(plan, hw, delivered, t);
    t.psum_accumulations = t.psums - t.outputs;
    return t;
}

} // namespace heddle
