#include "sim/bound.hpp"

#include <algorithm>
#include <functional>

namespace heddle {

namespace {

std::int64_t ceil_div(std::int64_t a, std::int64_t b)
{
    return (a + b - 1) / b;
}

std::int64_t load_cycles(Tensors t, const LayerPlan& plan, const HardwareConfig& hw, const PassClass& p)
{
    if (!plan.keeps(t)) return 0;
    const bool weights = t == Tensors::weights;
    if ((weights ? plan.weight_delivery : plan.input_delivery) == Delivery::load_chain_y)
        return std::int64_t{hw.passes.edges_full ? hw.array.rows : p.used_rows} *
               (weights ? p.weight_entries : p.input_entries);
    return ceil_div(weights ? p.weight_words : p.input_words, hw.operand_network(t).words_per_beat);
}

/// As PeArray::drain_cycles: one beat an entry when it takes all MACs, beats of one set, else each row in beats of its
/// own.
std::int64_t drain_cycles(const LayerPlan& plan, const HardwareConfig& hw, const PassClass& p)
{
    const int words = hw.psum_network.words_per_beat;
    if (hw.psum_network.one_set) return ceil_div(p.psum_words, words);
    if (words >= hw.macs()) return p.psum_entries;
    const bool full = hw.passes.edges_full;
    const int rows = plan.psum_path != PsumPath::local ? 1 : full ? hw.array.rows : p.used_rows;
    const int cols = full ? hw.grid_cols() : (p.used_cols - 1) * hw.array.lanes + p.used_lanes;
    return p.psum_entries * rows * ceil_div(cols, words);
}

/// Levels of a binary tree over the rows.
int tree_levels(int rows)
{
    int levels = 0;
    for (int n = 1; n < rows; n *= 2) ++levels;
    return levels;
}

} // namespace

PassPhases pass_phases(const LayerPlan& plan, const HardwareConfig& hw, const PassClass& pass)
{
    const int rows = hw.passes.edges_full ? hw.array.rows : pass.used_rows;
    const int cols = hw.passes.edges_full ? hw.array.cols : pass.used_cols;
    PassPhases p;
    p.weight_load = load_cycles(Tensors::weights, plan, hw, pass);
    p.input_load = load_cycles(Tensors::inputs, plan, hw, pass);
    p.load = std::max(p.weight_load, p.input_load);
    if (plan.keep_psums) p.drain = drain_cycles(plan, hw, pass);
    if (plan.keep_psums && pass.summed_rows > 1 && hw.array.chain_add == ChainAdd::datapath)
        p.additions = pass.psum_entries;
    std::int64_t skew_x = 0, skew_y = 0;
    const auto skew = [&](bool kept, Delivery mode, const NetworkConfig& network) {
        if (kept) return;
        if (mode == Delivery::systolic_x) skew_x = std::max<std::int64_t>(skew_x, (cols - 1) * network.hop_cycles);
        if (mode == Delivery::systolic_y) skew_y = std::max<std::int64_t>(skew_y, (rows - 1) * network.hop_cycles);
    };
    skew(plan.keep_weights, plan.weight_delivery, hw.weight_network);
    skew(plan.keep_inputs, plan.input_delivery, hw.input_network);
    if (plan.psum_path == PsumPath::chain_y)
        skew_y = std::max<std::int64_t>(skew_y, (rows - 1) * hw.psum_network.hop_cycles);
    if (plan.psum_path == PsumPath::tree_y) skew_y += tree_levels(rows) * hw.psum_network.hop_cycles;
    p.wavefront = skew_x + skew_y + hw.array.mac_latency_cycles - 1;
    return p;
}

namespace {

/// Least and total of one phase over all passes.
struct Phase {
    std::int64_t least = INT64_MAX, total = 0;

    void add(std::int64_t cycles, std::int64_t count)
    {
        least = std::min(least, cycles);
        total += cycles * count;
    }
};

/// New tiles of one kept operand.
struct Load {
    std::int64_t count;
    Phase phase;
};

/// Pass starts are max(stream, min_cycles, hidden phases) + exposed phases + gap apart. A hidden phase belongs to the
/// neighbour, whose class is not known here: the least over the classes is certain.
std::int64_t compute_cycles(const LayerPlan& plan, const HardwareConfig& hw, const Traffic& t)
{
    const PassConfig& config = hw.passes;
    Phase drain, wavefront;
    Load loads[2] = {{t.weight_loads, {}}, {t.input_loads, {}}};
    std::int64_t passes = 0, least_steps = INT64_MAX;
    for (const PassClass& p : t.passes) {
        const PassPhases phases = pass_phases(plan, hw, p);
        loads[0].phase.add(phases.weight_load, p.count);
        loads[1].phase.add(phases.input_load, p.count);
        drain.add(phases.drain, p.count);
        wavefront.add(phases.wavefront, p.count);
        passes += p.count;
        least_steps = std::min(least_steps, p.steps);
    }
    const bool hidden = config.load == Overlap::hidden;
    std::int64_t floor = config.min_cycles; // of the time between two starts
    for (const Load& l : loads)
        if (hidden && l.count == passes) floor = std::max(floor, l.phase.least);
    const std::int64_t first_floor = floor; // no drain runs behind the first pass
    if (config.drain == Overlap::hidden) floor = std::max(floor, drain.least);

    std::int64_t cycles = (passes - 1) * config.gap_cycles, longest = floor, after_stream = 0;
    for (const PassClass& p : t.passes) {
        const std::int64_t apart = std::max(p.steps + pass_phases(plan, hw, p).additions, floor);
        cycles += p.count * apart;
        longest = std::max(longest, apart);
        after_stream = std::max(after_stream, apart - p.steps);
    }
    // Nothing starts after the last pass: it only streams. The first load and the last drain have no pass to hide
    // behind.
    cycles -= after_stream;
    if (passes > 1) cycles -= std::max<std::int64_t>(0, floor - std::max(first_floor, least_steps));
    std::int64_t exposed = 0; // the operands are loaded side by side
    for (const Load& l : loads) {
        if (l.count == 0) continue;
        std::int64_t least = config.load == Overlap::word ? 0 : l.phase.least;
        if (config.load == Overlap::exposed) least = l.count == passes ? l.phase.total : l.count * l.phase.least;
        // Passes before a load last as long as it; which ones they are is not known here.
        else if (hidden && l.count != passes && l.count > 1)
            least += (l.count - 1) * std::max<std::int64_t>(0, l.phase.least - longest);
        exposed = std::max(exposed, least);
    }
    cycles += exposed;
    if (config.drain == Overlap::exposed)
        cycles += drain.total;
    else
        cycles += drain.least;
    // A drain that the next pass waits for starts when the wavefront has passed.
    const bool chained = config.wavefront_chained && !(plan.keep_psums && config.drain == Overlap::exposed);
    cycles += chained ? wavefront.least : wavefront.total;
    return cycles;
}

/// Collects the parts; a part of zero cycles is left out.
class Parts {
public:
    explicit Parts(Bound& bound) : bound_(bound) {}

    void add(const std::string& name, std::int64_t cycles)
    {
        if (cycles <= 0) return;
        bound_.parts.emplace_back(name, cycles);
        if (cycles <= bound_.cycles) return;
        bound_.cycles = cycles;
        bound_.by = name;
    }
    /// `beats`: of the read port, where more are certain than its width tells.
    void port(const std::string& tensor, const PartitionConfig& p, std::int64_t reads, std::int64_t writes,
              std::int64_t beats = 0)
    {
        const std::int64_t r = std::max(beats, ceil_div(reads, p.read_port.words));
        const std::int64_t w = ceil_div(writes, p.write_port.words);
        add(tensor + " port", p.shared_port ? r + w : std::max(r, w));
        bound_.buffer_words += reads + writes;
    }

private:
    Bound& bound_;
};

void add_networks(const LayerPlan& plan, const HardwareConfig& hw, const Traffic& t, Parts& parts)
{
    const auto beats = [&](const char* name, bool kept, Delivery mode, const NetworkConfig& n, std::int64_t words) {
        // A chain moves an array row per beat whatever its width: its cycles are part of compute.
        if (!kept || mode != Delivery::load_chain_y) parts.add(name, ceil_div(words, n.words_per_beat));
    };
    beats("weights network", plan.keep_weights, plan.weight_delivery, hw.weight_network, t.weight_reads);
    beats("inputs network", plan.keep_inputs, plan.input_delivery, hw.input_network, t.input_reads);
    parts.add("psums network", ceil_div(t.psums, hw.psum_network.words_per_beat));
}

void add_ports(const HardwareConfig& hw, const Traffic& t, Parts& parts)
{
    const GlobalBufferConfig& glb = hw.global_buffer;
    const bool off_chip = hw.dram.kind != DramKind::resident;
    parts.port("weights", glb.weights, t.weight_reads, off_chip ? t.weight_fills : 0, t.weight_beats);
    parts.port("inputs", glb.inputs, t.input_reads, off_chip ? t.input_fills : 0, t.input_beats);
    parts.port("psums", glb.psums, t.psum_accumulations, t.psum_accumulations);
    parts.port("outputs", glb.outputs, off_chip ? t.results : 0, t.results);
    const std::int64_t operand2 = t.operand2_fills > 0 ? t.outputs : 0;
    if (operand2 > 0) parts.port("operand2", glb.operand2, operand2, off_chip ? t.operand2_fills : 0);
}

void add_dram(const LayerPlan& plan, const HardwareConfig& hw, const Traffic& t, Bound& bound, Parts& parts)
{
    if (hw.dram.kind == DramKind::resident) return;
    const Precision& bits = hw.precision;
    std::int64_t read_bits = t.weight_fills * bits.weight_bits + (t.input_fills + t.operand2_fills) * bits.input_bits;
    if (plan.kind == PlanKind::array)
        read_bits += std::int64_t{8} * hw.post.parameter_bytes_per_channel * plan.extent[dim_g] * plan.extent[dim_k];
    bound.dram_read_bytes = ceil_div(read_bits, 8);
    bound.dram_write_bytes = ceil_div(t.results * bits.input_bits, 8);
    parts.add("dram", dram_cycles(hw, bound.dram_read_bytes, bound.dram_write_bytes));
    parts.add("dma", std::max(ceil_div(bound.dram_read_bytes, hw.dma.read_bytes_per_cycle),
                              ceil_div(bound.dram_write_bytes, hw.dma.write_bytes_per_cycle)));
}

} // namespace

std::int64_t dram_cycles(const HardwareConfig& hw, std::int64_t read_bytes, std::int64_t write_bytes)
{
    const DramConfig& d = hw.dram;
    if (d.kind == DramKind::resident) return 0;
    if (d.kind == DramKind::fixed) {
        const auto cycles = [&](std::int64_t bytes) { return ceil_div(bytes, d.beat_bytes) * d.cycles_per_beat; };
        return d.separate_queues ? std::max(cycles(read_bytes), cycles(write_bytes)) : cycles(read_bytes + write_bytes);
    }
    // Both edges of the memory clock, against the accelerator's clock.
    const std::int64_t bytes_per_ms =
        std::int64_t{2} * d.timing.channels * (d.timing.bus_bits / 8) * d.timing.clock_khz;
    const std::int64_t cycles_per_ms = std::int64_t{1000} * hw.clock_mhz;
    return static_cast<std::int64_t>(
        (static_cast<__int128>(read_bytes + write_bytes) * cycles_per_ms + bytes_per_ms - 1) / bytes_per_ms);
}

Bound compute_bound(const LayerPlan& plan, const HardwareConfig& hw)
{
    const Traffic t = compute_traffic(plan, hw);
    Bound bound;
    Parts parts(bound);
    if (plan.kind == PlanKind::array) {
        parts.add("compute", compute_cycles(plan, hw, t));
        add_networks(plan, hw, t, parts);
    }
    add_ports(hw, t, parts);
    add_dram(plan, hw, t, bound, parts);
    std::int64_t post = ceil_div(t.outputs, hw.post.words_per_cycle);
    if (plan.kind == PlanKind::post) { // a cycle for every step of every window, padding included
        post = 0;
        for (const PassClass& p : t.passes) post += p.count * p.steps;
    }
    parts.add("post", post);
    return bound;
}

std::int64_t Bound::part(const std::string& name) const
{
    for (const auto& p : parts)
        if (p.first == name) return p.second;
    return 0;
}

} // namespace heddle
