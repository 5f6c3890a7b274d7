#include "sim/mapper_score.hpp"

#include "hw/compressed_map.hpp"

#include <algorithm>
#include <cmath>
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

/// Of all three; `c` is mostly a power of two.
std::int64_t common_divisor(std::int64_t a, std::int64_t b, std::int64_t c)
{
    if ((c & (c - 1)) != 0) return std::gcd(std::gcd(a, b), c);
    const std::int64_t either = a | b;
    return std::min(either & -either, c);
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
    start_cycles_ = s.hw.dma.startup_cycles + latency_of(s.hw);
    burst_bytes_ = dram_burst_bytes(s.hw);
    // A lattice that one-tap windows with a stride read is addressed as a map of its own.
    const auto map = [](int rows, int cols, std::int64_t own, int stored) {
        return MapInMemory{rows, cols, stored > 0 ? stored : own};
    };
    const std::int64_t outputs = std::int64_t{extent_[dim_g]} * extent_[dim_k];
    in_ = map(rows_.size, cols_.size, std::int64_t{extent_[dim_g]} * extent_[dim_c], s.places.inputs);
    out_ = map(extent_[dim_p], extent_[dim_q], outputs, s.places.outputs);
    operand2_ = map(extent_[dim_p], extent_[dim_q], outputs, s.places.operand2);
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
    const GlobalBufferConfig& g = s_.hw.global_buffer;
    if (pool_banks(g, words(c.tile, Tensors::inputs) * s_.hw.precision.input_bits, 0) > g.pool_banks)
        return Reject::inputs;
    if (outputs > capacity_.outputs) return Reject::outputs;
    if (s_.operand2 && outputs > capacity_.operand2) return Reject::operand2;
    if (!s_.spread) return cuts_reduction(c.tile) ? Reject::psums : Reject::none; // post keeps no partial windows
    if (!choose_chunk(c)) return Reject::psums;
    c.chunk = static_cast<int>(ceil_div(c.chunk, c.parts));
    return Reject::none;
}

bool TileScorer::cuts_reduction(const Extents& tile) const
{
    return tile[dim_c] < extent_[dim_c] || tile[dim_r] < extent_[dim_r] || tile[dim_s] < extent_[dim_s];
}

/// The longest passes whose psums fit, in what the inputs leave where they share a pool.
bool TileScorer::choose_chunk(TileChoice& c) const
{
    const Spread& s = *s_.spread;
    c.chunk = s.cut < 0 ? 1 : static_cast<int>(index_extent(s.glb[static_cast<std::size_t>(s.cut)], c.tile));
    const std::int64_t capacity = psum_capacity(c.tile), live = live_psums(c);
    if (live <= capacity) return true;
    const std::int64_t length = c.chunk;
    c.chunk = 1;
    const std::int64_t each = live_psums(c); // of one index along the cut, where that lies outside the reduction
    if (each == live || each > capacity) return false;
    c.chunk = static_cast<int>(ceil_div(length, ceil_div(length, capacity / each)));
    return true;
}

std::int64_t TileScorer::psum_capacity(const Extents& tile) const
{
    const GlobalBufferConfig& g = s_.hw.global_buffer;
    if (g.pool_banks == 0) return capacity_.psums;
    const std::int64_t inputs = words(tile, Tensors::inputs) * s_.hw.precision.input_bits;
    const std::int64_t left = g.pool_banks - pool_banks(g, inputs, 0);
    return std::min(capacity_.psums, left * g.pool_bank_bytes * 8 / s_.hw.precision.psum_bits);
}

/// Banks of a pool that the psums leave are the inputs'.
std::int64_t TileScorer::input_capacity(const TileChoice& c) const
{
    const GlobalBufferConfig& g = s_.hw.global_buffer;
    if (g.pool_banks == 0 || !s_.spread) return capacity_.inputs;
    const std::int64_t left = g.pool_banks - pool_banks(g, 0, live_psums(c) * s_.hw.precision.psum_bits);
    return std::min(capacity_.inputs, left * g.pool_bank_bytes * 8 / s_.hw.precision.input_bits);
}

/// As lowering counts them: the outputs inside the outermost loop over a reduction; 0 when every pass completes its
/// own.
std::int64_t TileScorer::live_psums(const TileChoice& c) const
{
    const Spread& s = *s_.spread;
    if (cuts_reduction(c.tile)) return words(c.tile, Tensors::outputs); // all outputs wait
    const auto step = [&](std::size_t g) { return static_cast<int>(g) == s.cut ? c.chunk : s.quantum(s.glb[g]); };
    std::size_t outside = 0;
    while (outside < s.glb.size() &&
           !(reduces(s.glb[outside].front()) && step(outside) < index_extent(s.glb[outside], c.tile)))
        ++outside;
    if (outside == s.glb.size()) {
        const bool kept = std::find(s.keep.begin(), s.keep.end(), Tensors::outputs) != s.keep.end();
        const bool sums_in_steps = std::any_of(s.pass.begin(), s.pass.end(), [&](const PassLoop& l) {
            return reduces(l.dims.front()) && index_extent(l.dims, c.tile) > l.step;
        });
        if (kept || !sums_in_steps) return 0;
    }
    std::int64_t live = words(c.tile, Tensors::outputs);
    for (std::size_t g = 0; g < outside; ++g) {
        const std::int64_t all = index_extent(s.glb[g], c.tile);
        if (!reduces(s.glb[g].front())) live = live / all * std::min<std::int64_t>(all, step(g));
    }
    return live;
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
    for (Dim d : c.order) {
        if (count[d] == 1) continue;
        all *= count[d];
        if (!indexes(t, d)) {
            others *= count[d];
            continue;
        }
        again = others;
        f.changes = all;
        f.innermost = d;
    }
    f.words = again * (t == Tensors::inputs ? input_words(c.tile, count, f.innermost) : words(extent_, t));
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

/// Runs start at multiples of what their lengths and strides have in common, any of which is as likely as another; each
/// takes the bursts, and is cut into the requests, that it touches.
void TileScorer::move(DramMoves::Side& m, std::int64_t words, int bits, const Runs& runs) const
{
    if (words == 0) return;
    const std::int64_t run_bits = runs.words * bits, rest_bits = runs.whole % runs.words * bits;
    const double wholes = static_cast<double>(words) / static_cast<double>(runs.whole);
    const auto pieces = [&](std::int64_t size_bits) {
        const std::int64_t step = common_divisor(run_bits, runs.stride * bits, size_bits);
        const auto touched = [&](std::int64_t length) {
            return length == 0 ? 0.0
                               : 1.0 + static_cast<double>((length - 1) / step * step) / static_cast<double>(size_bits);
        };
        return static_cast<double>(runs.whole / runs.words) * touched(run_bits) + touched(rest_bits);
    };
    m.bursts += static_cast<std::int64_t>(std::ceil(wholes * pieces(8 * burst_bytes_)));
    m.requests += static_cast<std::int64_t>(std::ceil(wholes * pieces(std::int64_t{8} * s_.hw.dma.max_burst_bytes)));
}

/// Weights lie as (G,K),R,S,C or, plane by plane, (G,K),C,R,S.
TileScorer::Runs TileScorer::weight_runs(const Extents& t) const
{
    const bool planes = s_.hw.dram.map_layout == MapLayout::planes;
    const Dim order[] = {planes ? dim_s : dim_c, planes ? dim_r : dim_s, planes ? dim_c : dim_r, dim_k, dim_g};
    Runs r;
    for (Dim d : order) {
        r.stride = r.whole = r.words * extent_[d];
        r.words *= t[d];
        if (t[d] < extent_[d]) return r;
    }
    return r;
}

/// `channel` is the map's dimension within a group; a tile takes that many rows and columns at once.
TileScorer::Runs TileScorer::map_runs(const Extents& t, Dim channel, std::int64_t rows, std::int64_t cols,
                                      const MapInMemory& m) const
{
    const std::int64_t own = std::int64_t{extent_[channel]} * extent_[dim_g], plane = m.rows * m.cols;
    const bool all_channels = t[channel] == extent_[channel];
    const std::int64_t channels = all_channels ? std::int64_t{t[channel]} * t[dim_g] : t[channel];
    if (s_.hw.dram.map_layout == MapLayout::planes) {
        if (cols < m.cols) return {cols, m.cols, m.cols};
        if (rows < m.rows) return {rows * m.cols, plane, plane};
        return {channels * plane, (all_channels ? own : extent_[channel]) * plane, m.channels * plane};
    }
    if (!all_channels) return {channels, extent_[channel], m.channels};
    if (channels < m.channels) return {channels, own, m.channels};
    if (cols < m.cols) return {channels * cols, channels * m.cols, channels * m.cols};
    if (rows < m.rows) return {channels * m.cols * rows, channels * plane, channels * plane};
    return {channels * plane, channels * plane, channels * plane};
}

/// How long the first tile's inputs, which come behind its weights, keep the array waiting. Word by word it works on
/// what has come, in the order of memory: the first pass over each part of the tile's positions (plane by plane: of its
/// groups) waits for that part, and the first sweep over all parts for the whole.
std::int64_t TileScorer::input_lead(const TileChoice& c, std::int64_t fetch, std::int64_t busy) const
{
    if (s_.hw.global_buffer.fill_granularity != FillGranularity::word) return fetch;
    const std::int64_t per_tile = busy / tiles(c.tile);
    if (!s_.spread) return std::max<std::int64_t>(0, fetch - per_tile);
    const bool planes = s_.hw.dram.map_layout == MapLayout::planes;
    std::int64_t parts = 1, sweeps = 1;
    bool inside = false;
    for (std::size_t g = 0; g < s_.spread->glb.size(); ++g) {
        const std::vector<Dim>& index = s_.spread->glb[g];
        const Dim d = index.front();
        const int step = static_cast<int>(g) == s_.spread->cut ? c.chunk : s_.spread->quantum(index);
        const std::int64_t n = ceil_div(index_extent(index, c.tile), step);
        const bool arrives = d == dim_n || (planes ? d == dim_g : d == dim_p || d == dim_q);
        if (arrives) parts *= n;
        inside = inside || arrives;
        if (!inside) sweeps *= n;
    }
    const std::int64_t per_pass = busy / std::max<std::int64_t>(1, c.passes);
    return std::max({std::int64_t{0}, fetch / parts - per_pass, fetch - per_tile / sweeps});
}

void TileScorer::score(TileChoice& c) const
{
    const Extents count = counts(c.tile), &t = c.tile;
    const int weight_bits = s_.hw.precision.weight_bits, bits = s_.hw.precision.input_bits;
    const Fetch w = fetch(c, count, Tensors::weights), i = fetch(c, count, Tensors::inputs);
    // Where windows slide along the innermost loop, a fill has the new rows or columns only.
    const auto fresh = [&](const WindowAxis& axis, Dim out, Dim filter) {
        const std::int64_t box = axis.box(t[out], t[filter]);
        return i.innermost == out ? std::min(box, std::int64_t{t[out]} * axis.stride) : box;
    };
    const std::int64_t output_words = words(extent_, Tensors::outputs);
    DramMoves m;
    m.burst_bytes = static_cast<int>(burst_bytes_);
    move(m.written, output_words, bits, map_runs(t, dim_k, t[dim_p], t[dim_q], out_));
    move(m.read, w.words, weight_bits, weight_runs(t));
    move(m.read, i.words, bits, map_runs(t, dim_c, fresh(rows_, dim_p, dim_r), fresh(cols_, dim_q, dim_s), in_));
    if (s_.operand2) move(m.read, output_words, bits, map_runs(t, dim_k, t[dim_p], t[dim_q], operand2_));
    c.dram_bytes = m.bytes();
    c.memory_cycles = memory_cycles(s_.hw, m);
    const auto cycles = [&](std::int64_t weights, std::int64_t inputs) {
        return dram_cycles(s_.hw, weights * weight_bits / 8 + inputs * bits / 8, 0);
    };
    const std::int64_t w_tile = words(t, Tensors::weights), i_tile = words(t, Tensors::inputs);
    const std::int64_t busy = compute(c, count);
    c.first = cycles(w_tile, 0) + input_lead(c, cycles(0, i_tile), busy);
    c.waiting = cycles(w.waiting(w_tile, capacity_.weights), i.waiting(i_tile, input_capacity(c)));
    c.starts = (tiles(t) - 1) * start_cycles_;
    c.score = std::max(busy + c.first, c.memory_cycles) + c.waiting + c.starts;
}

} // namespace heddle
