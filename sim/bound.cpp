#include "sim/bound.hpp"

#include "dnn/base/rational.hpp"

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
    const int rows = plan.psum_path != PsumPath::local ? 1 : full ? hw.array.rows : p.last_rows;
    const int cols = full ? hw.grid_cols() : (p.last_cols - 1) * hw.array.lanes + p.last_lanes;
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
    const int rows = hw.passes.edges_full ? hw.array.rows : pass.last_rows;
    const int cols = hw.passes.edges_full ? hw.array.cols : pass.last_cols;
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
    std::int64_t count = 0;
    Phase phase;
};

/// How far apart the first steps of passes are: what each pass does, then what the next one waits for (PassConfig).
class PassTimes {
public:
    PassTimes(const LayerPlan& plan, const HardwareConfig& hw, const Traffic& t) : plan_(plan), hw_(hw), t_(t)
    {
        loads_[0].count = t.weight_loads;
        loads_[1].count = t.input_loads;
        for (const PassClass& p : t.passes) {
            phases_.push_back(pass_phases(plan, hw, p));
            loads_[0].phase.add(phases_.back().weight_load, p.count);
            loads_[1].phase.add(phases_.back().input_load, p.count);
            least_drain_ = std::min(least_drain_, phases_.back().drain);
            passes_ += p.count;
        }
        find_floors();
    }

    std::int64_t cycles() const
    {
        std::int64_t cycles = 0, longest = 0, behind_last = INT64_MIN, no_drain_before_first = 0;
        for (std::size_t i = 0; i < phases_.size(); ++i) {
            const PassClass& p = t_.passes[i];
            const std::int64_t apart = this->apart(i, floor_);
            cycles += p.count * apart;
            longest = std::max(longest, apart);
            // Nothing starts after the last pass; it streams, and its results come out.
            behind_last = std::max(behind_last, apart - p.steps - phases_[i].drain - phases_[i].wavefront);
            no_drain_before_first = std::max(no_drain_before_first, apart - this->apart(i, first_floor_));
        }
        cycles -= behind_last;
        if (passes_ > 1) cycles -= no_drain_before_first;
        return cycles + exposed_loads(longest);
    }

private:
    bool chain(int operand) const
    {
        return (operand == 0 ? plan_.weight_delivery : plan_.input_delivery) == Delivery::load_chain_y;
    }

    /// A hidden phase belongs to the neighbour, whose class is not known here: the least over the classes is certain.
    void find_floors()
    {
        first_floor_ = hw_.passes.min_cycles;
        for (int o = 0; o < 2; ++o) {
            const Load& l = loads_[o];
            if (hw_.passes.load != Overlap::hidden || l.count != passes_) continue;
            // A chain shifts while the pass lasts; other wires bring words during its exposed phases, too.
            std::int64_t& floor = chain(o) ? first_floor_ : arrival_;
            floor = std::max(floor, l.phase.least);
        }
        floor_ = first_floor_; // no drain runs behind the first pass
        if (hw_.passes.drain == Overlap::hidden) floor_ = std::max(floor_, least_drain_);
    }

    std::int64_t apart(std::size_t i, std::int64_t floor) const
    {
        const PassPhases& p = phases_[i];
        const bool drain_waits = plan_.keep_psums && hw_.passes.drain == Overlap::exposed;
        std::int64_t cycles = std::max(t_.passes[i].steps + p.additions, floor) + hw_.passes.gap_cycles;
        if (drain_waits) cycles += p.drain;
        // A drain that the next pass waits for starts when the wavefront has passed.
        if (!hw_.passes.wavefront_chained || drain_waits) cycles += p.wavefront;
        return std::max(cycles, arrival_);
    }

    /// The operands are loaded side by side.
    std::int64_t exposed_loads(std::int64_t longest) const
    {
        std::int64_t exposed = 0;
        for (const Load& l : loads_) {
            if (l.count == 0) continue;
            std::int64_t least = hw_.passes.load == Overlap::word ? 0 : l.phase.least;
            if (hw_.passes.load == Overlap::exposed)
                least = l.count == passes_ ? l.phase.total : l.count * l.phase.least;
            // Passes before a load last as long as it; which ones they are is not known here.
            else if (hw_.passes.load == Overlap::hidden && l.count != passes_ && l.count > 1)
                least += (l.count - 1) * std::max<std::int64_t>(0, l.phase.least - longest);
            exposed = std::max(exposed, least);
        }
        return exposed;
    }

    const LayerPlan& plan_;
    const HardwareConfig& hw_;
    const Traffic& t_;
    std::vector<PassPhases> phases_; ///< of t_.passes
    Load loads_[2];                  ///< weights, inputs
    std::int64_t passes_ = 0, least_drain_ = INT64_MAX;
    std::int64_t first_floor_ = 0, floor_ = 0; ///< what a pass takes at least, before its exposed phases
    std::int64_t arrival_ = 0;                 ///< from a pass's first step until the next one's words are there
};

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

/// From the cycle in which the Dma issues a request to the one in which the answer's last words make room for another,
/// less the time that its data take.
std::int64_t request_cycles(const HardwareConfig& hw, bool write)
{
    const DramConfig& d = hw.dram;
    if (d.kind == DramKind::fixed) return d.latency_cycles + 1; // a channel there, data from latency on, a channel back
    // The column command comes a memory clock after the request, at the earliest.
    const std::int64_t clocks = write ? d.timing.write_data_end() : d.timing.read_data_end();
    const Rational ratio = hw.memory_clocks_per_cycle();
    return 2 + 2 * d.sync_cycles + scaled_floor(clocks, ratio.denominator(), ratio.numerator());
}

/// Every request takes one of the Dma's places, and of a fixed memory's, from its issue to its answer.
std::int64_t window_cycles(const HardwareConfig& hw, const DramMoves& m)
{
    const std::int64_t requests = m.read.requests + m.written.requests;
    if (hw.dram.kind == DramKind::dram)
        return ceil_div(m.read.requests * request_cycles(hw, false) + m.written.requests * request_cycles(hw, true),
                        hw.dma.requests_in_flight);
    const std::int64_t data = dram_cycles(hw, m.read_bytes(), 0) + dram_cycles(hw, 0, m.write_bytes());
    return std::max(ceil_div(requests * request_cycles(hw, false) + data, hw.dma.requests_in_flight),
                    ceil_div(requests * hw.dram.latency_cycles + data, hw.dram.queue_depth));
}

/// One request an interval; within a move one a cycle, and every move starts anew.
std::int64_t issue_cycles(const HardwareConfig& hw, const DramMoves& m)
{
    const DmaConfig& dma = hw.dma;
    const auto side = [&](const DramMoves::Side& s) { return s.moves * dma.startup_cycles + s.requests; };
    return std::max(
        {(m.read.requests + m.written.requests) * dma.issue_interval_cycles, side(m.read), side(m.written)});
}

void add_dram(const LayerPlan& plan, const HardwareConfig& hw, const Traffic& t, const EncodedMaps& maps, Bound& bound,
              Parts& parts)
{
    if (hw.dram.kind == DramKind::resident) return;
    const Precision& bits = hw.precision;
    std::int64_t read_bits = t.weight_fills * bits.weight_bits + (t.input_fills + t.operand2_fills) * bits.input_bits;
    if (plan.kind == PlanKind::array)
        read_bits += std::int64_t{8} * hw.post.parameter_bytes_per_channel * plan.extent[dim_g] * plan.extent[dim_k];
    bound.dram_read_bytes = ceil_div(read_bits, 8);
    bound.dram_write_bytes = ceil_div(t.results * bits.input_bits, 8);
    bound.dram = count_dram_moves(plan, hw, maps);
    parts.add("dram", dram_cycles(hw, bound.dram.read_bytes(), bound.dram.write_bytes()));
    parts.add("request window", window_cycles(hw, bound.dram));
    // The Dma's rates are those of plain words, its codec's too.
    parts.add("dma",
              std::max({ceil_div(bound.dram_read_bytes, hw.dma.read_bytes_per_cycle),
                        ceil_div(bound.dram_write_bytes, hw.dma.write_bytes_per_cycle), issue_cycles(hw, bound.dram)}));
}

Bound bound_of(const LayerPlan& plan, const HardwareConfig& hw, const EncodedMaps& maps)
{
    const Traffic t = compute_traffic(plan, hw);
    Bound bound;
    Parts parts(bound);
    if (plan.kind == PlanKind::array) {
        parts.add("compute", PassTimes(plan, hw, t).cycles());
        add_networks(plan, hw, t, parts);
    }
    add_ports(hw, t, parts);
    add_dram(plan, hw, t, maps, bound, parts);
    std::int64_t post = ceil_div(t.outputs, hw.post.words_per_cycle);
    if (plan.kind == PlanKind::post) { // a cycle for every step of every window, padding included
        post = 0;
        for (const PassClass& p : t.passes) post += p.count * p.steps;
    }
    parts.add("post", post);
    return bound;
}

} // namespace

std::int64_t dram_cycles(const HardwareConfig& hw, std::int64_t read_bytes, std::int64_t write_bytes)
{
    const DramConfig& d = hw.dram;
    if (d.kind == DramKind::resident) return 0;
    if (d.kind == DramKind::fixed) {
        const auto cycles = [&](std::int64_t bytes) {
            return scaled_ceil(d.bus_bytes(bytes), d.cycles_per_beat, d.beat_bytes);
        };
        return d.separate_queues ? std::max(cycles(read_bytes), cycles(write_bytes)) : cycles(read_bytes + write_bytes);
    }
    // Both edges of the memory clock, against the accelerator's clock.
    const std::int64_t bytes_per_ms =
        std::int64_t{2} * d.timing.channels * (d.timing.bus_bits / 8) * d.timing.clock_khz;
    return scaled_ceil(read_bytes + write_bytes, 1000 * hw.clock_mhz.numerator(),
                       bytes_per_ms * hw.clock_mhz.denominator());
}

Bound compute_bound(const LayerPlan& plan, const HardwareConfig& hw)
{
    return bound_of(plan, hw, {});
}

Bound compute_bound_actual(const LayerPlan& plan, const HardwareConfig& hw, const EncodedMaps& maps)
{
    return bound_of(plan, hw, maps);
}

std::int64_t memory_cycles(const HardwareConfig& hw, const DramMoves& moves)
{
    if (hw.dram.kind == DramKind::resident) return 0;
    return std::max(
        {dram_cycles(hw, moves.read_bytes(), moves.write_bytes()), window_cycles(hw, moves), issue_cycles(hw, moves)});
}

std::int64_t Bound::part(const std::string& name) const
{
    for (const auto& p : parts)
        if (p.first == name) return p.second;
    return 0;
}

} // namespace heddle
