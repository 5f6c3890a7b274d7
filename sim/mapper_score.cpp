#include "sim/mapper_score.hpp"

#include <algorithm>
#include <numeric>

namespace heddle {

namespace {

std::int64_t ceil_div(std::int64_t a, std::int64_t b)
{
    return (a + b - 1) / b;
}

/// Accelerator cycles from a request to its first data, on an idle DRAM with a closed row.
std::int64_t latency_of(const HardwareConfig& hw)
{
    const DramConfig& d = hw.dram;
    if (d.kind == DramKind::resident) return 0;
    if (d.kind == DramKind::fixed) return d.latency_cycles;
    const std::int64_t clocks = d.timing.trcd + d.timing.read_data_end();
    const Rational ratio = hw.memory_clocks_per_cycle();
    return 2 * d.sync_cycles + scaled_ceil(clocks, ratio.denominator(), ratio.numerator());
}

std::int64_t words_of(const PartitionConfig& p, int bits)
{
    return p.bytes * 8 / bits;
}

} // namespace

TileScorer::TileScorer(const TileSearch& s)
    : s_(s), extent_(s.shape.extent), rows_(window_rows(s.shape.window, extent_, s.shape.in_rows)),
      cols_(window_cols(s.shape.window, extent_, s.shape.in_cols))
{
    const GlobalBufferConfig& g = s.hw.global_buffer;
    const Precision& b = s.hw.precision;
    capacity_ = {words_of(g.weights, b.weight_bits), words_of(g.inputs, b.input_bits),
                 words_of(g.outputs, b.input_bits), words_of(g.psums, b.psum_bits), words_of(g.operand2, b.input_bits)};
    latency_cycles_ = latency_of(s.hw);
    start_cycles_ = s.hw.dma.startup_cycles + latency_cycles_;
    burst_bytes_ = s.hw.dram.kind == DramKind::dram ? s.hw.dram.timing.burst_bytes() : s.hw.dram.burst_bytes;
}

std::int64_t TileScorer::words(const Extents& t, Tensors tensor) const
{
    const std::int64_t groups = t[dim_g];
    if (tensor == Tensors::weights) return s_.spread ? groups * t[dim_k] * t[dim_c] * t[dim_r] * t[dim_s] : 0;
    if (tensor == Tensors::outputs) return groups * t[dim_n] * t[dim_k] * t[dim_p] * t[dim_q];
    return groups * t[dim_n] * t[dim_c] * rows_.box(t[dim_p], t[dim_r]) * cols_.box(t[dim_q], t[dim_s]);
}

Extents TileScorer::counts(const Extents& tile) const
{
    Extents n{};
    for (int d = 0; d < dim_count; ++d) n[d] = (extent_[d] + tile[d] - 1) / tile[d];
    return n;
}

std::int64_t TileScorer::tiles(const Extents& tile) const
{
    std::int64_t n = 1;
    for (int c : counts(tile)) n *= c;
    return n;
}

Reject TileScorer::fits(TileChoice& c) const
{
    const std::int64_t outputs = words(c.tile, Tensors::outputs);
    if (!weights_fit(c.tile)) return Reject::weights;
    if (words(c.tile, Tensors::inputs) > capacity_.inputs) return Reject::inputs;
    if (outputs > capacity_.outputs) return Reject::outputs;
    if (s_.operand2 && outputs > capacity_.operand2) return Reject::operand2;
    if (!s_.spread) return cuts_reduction(c.tile) ? Reject::psums : Reject::none; // post keeps no partial windows
    if (!choose_chunk(c, outputs)) return Reject::psums;
    c.chunk = static_cast<int>(ceil_div(c.chunk, c.parts));
    return Reject::none;
}

bool TileScorer::cuts_reduction(const Extents& tile) const
{
    return tile[dim_c] < extent_[dim_c] || tile[dim_r] < extent_[dim_r] || tile[dim_s] < extent_[dim_s];
}

/// The longest passes whose psums fit.
bool TileScorer::choose_chunk(TileChoice& c, std::int64_t outputs) const
{
    const Spread& s = *s_.spread;
    const std::int64_t length = s.cut < 0 ? 1 : index_extent(s.glb[static_cast<std::size_t>(s.cut)], c.tile);
    c.chunk = static_cast<int>(length);
    if (cuts_reduction(c.tile)) return outputs <= capacity_.psums; // all outputs wait
    if (reduction_passes(c.tile) == 1) return true;
    const std::int64_t most = capacity_.psums / s.outputs_at_once();
    if (most < 1) return false;
    c.chunk = static_cast<int>(ceil_div(length, ceil_div(length, most)));
    return true;
}

std::int64_t TileScorer::reduction_passes(const Extents& tile) const
{
    std::int64_t n = 1;
    for (const auto& index : s_.spread->glb)
        if (reduces(index.front())) n *= ceil_div(index_extent(index, tile), s_.spread->quantum(index));
    return n;
}

/// Iterations along an index over all tiles: full and partial tiles of each of its dimensions.
std::int64_t TileScorer::visits(const std::vector<Dim>& index, const Extents& tile, int quantum, std::size_t at,
                                std::int64_t extent) const
{
    if (at == index.size()) return ceil_div(extent, quantum);
    const Dim d = index[at];
    const int full = extent_[d] / tile[d], rest = extent_[d] % tile[d];
    std::int64_t n = full * visits(index, tile, quantum, at + 1, extent * tile[d]);
    if (rest > 0) n += visits(index, tile, quantum, at + 1, extent * rest);
    return n;
}

std::int64_t TileScorer::compute(TileChoice& c, const Extents& count) const
{
    if (!s_.spread) {
        std::int64_t steps = ceil_div(extent_[dim_g], s_.hw.post.words_per_cycle);
        for (Dim d : {dim_n, dim_p, dim_q, dim_r, dim_s}) steps *= extent_[d];
        return steps;
    }
    const Spread& s = *s_.spread;
    std::int64_t passes = 1, steps = 1, reductions = 1;
    std::array<bool, dim_count> stepped{};
    for (std::size_t g = 0; g < s.glb.size(); ++g) {
        const bool cut = static_cast<int>(g) == s.cut;
        const std::int64_t n = visits(s.glb[g], c.tile, cut ? c.chunk : s.quantum(s.glb[g]));
        passes *= n;
        if (!cut) steps *= visits(s.glb[g], c.tile, s.positions(s.glb[g]));
        if (reduces(s.glb[g].front())) reductions *= n;
        for (Dim d : s.glb[g]) stepped[d] = true;
    }
    for (const PassLoop& loop : s.pass) {
        if (loop.count > 0) continue; // in the glb loops' visits
        const std::vector<Dim>& index = loop.dims;
        steps *= index_extent(index, extent_);
        for (Dim d : index) {
            if (stepped[d]) continue;
            passes *= count[d]; // streamed whole: only tiles cut it
            if (reduces(d)) reductions *= count[d];
        }
    }
    c.passes = passes;
    c.accumulations = (reductions - 1) * words(extent_, Tensors::outputs);
    return with_phases(steps, passes, c.accumulations);
}

std::int64_t TileScorer::with_phases(std::int64_t steps, std::int64_t passes, std::int64_t accumulations) const
{
    const PassConfig& p = s_.hw.passes;
    const PassPhases& phases = s_.phases;
    std::int64_t floor = p.min_cycles, exposed = p.gap_cycles;
    if (p.load == Overlap::hidden)
        floor = std::max(floor, phases.load);
    else
        exposed += phases.load;
    if (p.drain == Overlap::hidden)
        floor = std::max(floor, phases.drain);
    else
        exposed += phases.drain;
    const bool drain_waits = phases.drain > 0 && p.drain == Overlap::exposed;
    if (!p.wavefront_chained || drain_waits) exposed += phases.wavefront;
    const PartitionConfig& psums = s_.hw.global_buffer.psums;
    const std::int64_t beats = ceil_div(accumulations, psums.read_port.words) * (psums.shared_port ? 2 : 1);
    return std::max({steps, passes * floor, beats}) + passes * exposed;
}

/// Words that cannot be fetched before the tile in use leaves: its room is taken until it is done.
std::int64_t TileScorer::Fetch::waiting(std::int64_t tile, std::int64_t capacity) const
{
    if (changes <= 1) return 0;
    const std::int64_t later = std::max<std::int64_t>(0, words - tile) / (changes - 1);
    return std::max<std::int64_t>(0, later - (capacity - tile)) * (changes - 1);
}

/// A tensor is fetched anew whenever a loop outside its innermost own loop steps.
TileScorer::Fetch TileScorer::fetch(const TileChoice& c, const Extents& count, Tensors t) const
{
    Fetch f;
    std::int64_t all = 1, others = 1, again = 1;
    Dim innermost = dim_count;
    for (Dim d : c.order) {
        if (count[d] == 1) continue;
        all *= count[d];
        if (!indexes(t, d)) {
            others *= count[d];
            continue;
        }
        again = others;
        f.changes = all;
        innermost = d;
    }
    f.words = again * (t == Tensors::inputs ? input_words(c.tile, count, innermost) : words(extent_, t));
    return f;
}

/// All input tiles once. Along the innermost loop windows slide; elsewhere neighbours fetch their common rows twice.
std::int64_t TileScorer::input_words(const Extents& tile, const Extents& count, Dim innermost) const
{
    const auto along = [&](const WindowAxis& axis, Dim out, Dim filter) -> std::int64_t {
        if (count[filter] > 1 && innermost != filter)
            return std::int64_t{axis.box(tile[out], tile[filter])} * count[out] * count[filter];
        if (count[out] == 1 || innermost == out) return axis.box(extent_[out], extent_[filter]);
        return std::int64_t{axis.box(tile[out], extent_[filter])} * count[out];
    };
    return std::int64_t{extent_[dim_n]} * extent_[dim_g] * extent_[dim_c] * along(rows_, dim_p, dim_r) *
           along(cols_, dim_q, dim_s);
}

/// Runs start anywhere that their length allows, so that short ones touch a burst more than they fill.
void TileScorer::move(Moves& m, std::int64_t words, int bits, std::int64_t run_words) const
{
    const double bytes = static_cast<double>(words * bits) / 8.0;
    const std::int64_t run = std::max<std::int64_t>(1, run_words * bits / 8);
    const double runs = bytes / static_cast<double>(run);
    const auto pieces = [&](std::int64_t size) {
        return runs * (1.0 + static_cast<double>(run - std::gcd(run, size)) / static_cast<double>(size));
    };
    m.bytes += static_cast<std::int64_t>(pieces(burst_bytes_)) * burst_bytes_;
    m.requests += static_cast<std::int64_t>(pieces(s_.hw.dma.max_burst_bytes));
}

/// Bandwidth, and how many requests the Dma can have on their way.
std::int64_t TileScorer::memory_cycles(const Moves& read, const Moves& written) const
{
    if (s_.hw.dram.kind == DramKind::resident) return 0;
    const DmaConfig& dma = s_.hw.dma;
    const std::int64_t requests = read.requests + written.requests;
    return std::max({dram_cycles(s_.hw, read.bytes, written.bytes), requests * dma.issue_interval_cycles,
                     requests * latency_cycles_ / dma.requests_in_flight});
}

/// Weights lie as (G,K),R,S,C.
std::int64_t TileScorer::weight_run(const Extents& t) const
{
    if (t[dim_c] < extent_[dim_c]) return t[dim_c];
    if (t[dim_s] < extent_[dim_s]) return std::int64_t{t[dim_c]} * t[dim_s];
    return std::int64_t{t[dim_c]} * t[dim_s] * t[dim_r] * t[dim_k] * t[dim_g];
}

/// Maps lie with channels innermost; `channel` is their dimension within a group.
std::int64_t TileScorer::map_run(const Extents& t, Dim channel, int cols, bool whole_rows) const
{
    constexpr std::int64_t long_run = 1 << 16; // beyond this, rounding to bursts does not matter
    if (t[channel] < extent_[channel]) return t[channel];
    const std::int64_t channels = std::int64_t{t[channel]} * t[dim_g];
    if (t[dim_g] < extent_[dim_g]) return channels;
    return whole_rows ? long_run : channels * cols;
}

void TileScorer::score(TileChoice& c) const
{
    const Extents count = counts(c.tile), &t = c.tile;
    const int weight_bits = s_.hw.precision.weight_bits, bits = s_.hw.precision.input_bits;
    const Fetch w = fetch(c, count, Tensors::weights), i = fetch(c, count, Tensors::inputs);
    const bool whole_in = count[dim_q] == 1 && count[dim_s] == 1, whole_out = count[dim_q] == 1;
    Moves read, written;
    const std::int64_t output_words = words(extent_, Tensors::outputs), run = map_run(t, dim_k, t[dim_q], whole_out);
    move(written, output_words, bits, run);
    move(read, w.words, weight_bits, weight_run(t));
    move(read, i.words, bits, map_run(t, dim_c, cols_.box(t[dim_q], t[dim_s]), whole_in));
    if (s_.operand2) move(read, output_words, bits, run);
    c.dram_bytes = read.bytes + written.bytes;
    c.memory_cycles = memory_cycles(read, written);
    const auto cycles = [&](std::int64_t weights, std::int64_t inputs) {
        return dram_cycles(s_.hw, weights * weight_bits / 8 + inputs * bits / 8, 0);
    };
    const std::int64_t w_tile = words(t, Tensors::weights), i_tile = words(t, Tensors::inputs);
    c.first = cycles(w_tile, i_tile);
    c.waiting = cycles(w.waiting(w_tile, capacity_.weights), i.waiting(i_tile, capacity_.inputs));
    c.starts = (tiles(t) - 1) * start_cycles_;
    c.score = std::max(compute(c, count) + c.first, c.memory_cycles) + c.waiting + c.starts;
}

} // namespace heddle
