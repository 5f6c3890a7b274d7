#include "hw/pe_array.hpp"

#include <algorithm>
#include <stdexcept>

namespace heddle {

PeArray::PeArray(const sc_core::sc_module_name& name, const HardwareConfig& hardware, Channel<Command>& command_in,
                 Channel<OperandBeat>& weights_in, Channel<OperandBeat>& inputs_in, Channel<PsumBeat>& psums_in,
                 Channel<PsumBeat>& psums_out)
    : Block(name), hw_(hardware), command_in_(command_in), psums_in_(psums_in), psums_out_(psums_out),
      psums_(1, PeMatrix(hw_.grid_rows(), hw_.grid_cols())), psums_now_(&psums_.front())
{
    operands_[0].tensor = Tensors::weights;
    operands_[0].in = &weights_in;
    operands_[1].tensor = Tensors::inputs;
    operands_[1].in = &inputs_in;
    for (Operand& o : operands_) {
        o.in->bind_reader(*this);
        o.loader.bind(hw_, o.tensor);
        o.matrix = PeMatrix(hw_.grid_rows(), hw_.grid_cols());
        o.now = &o.matrix;
        o.row.resize(static_cast<std::size_t>(hw_.grid_rows()));
        o.col.resize(static_cast<std::size_t>(o.matrix.stride));
    }
    column_.resize(static_cast<std::size_t>(operands_[0].matrix.stride));
    lane_word_.resize(static_cast<std::size_t>(hw_.macs()));
    command_in_.bind_reader(*this);
    psums_in_.bind_reader(*this);
    psums_out_.bind_writer(*this);
    arrived_.resize(static_cast<std::size_t>(std::max(operands_[0].matrix.stride, hw_.macs())));
    size_pipeline();
}

/// Room for the results between the MACs and the collector, a wavefront and a drain of one entry; grows with entries.
void PeArray::size_pipeline()
{
    const int per_row = (hw_.grid_cols() + hw_.psum_network.words_per_beat - 1) / hw_.psum_network.words_per_beat;
    const int hops =
        std::max({hw_.weight_network.hop_cycles, hw_.input_network.hop_cycles, hw_.psum_network.hop_cycles});
    const int depth = (hw_.array.rows + hw_.array.cols) * hops + hw_.array.mac_latency_cycles +
                      2 * hw_.grid_rows() * per_row + per_row + 4;
    Emission blank;
    blank.beat = PsumBeat(hw_.psum_network.words_per_beat);
    emissions_.assign(static_cast<std::size_t>(depth), blank);
}

void PeArray::begin_layer(Cycle now)
{
    layer_start_ = now;
    stats_ = {};
    reuse_ = {};
    ledger_.restart(now, hw_.macs());
}

void PeArray::end_layer(Cycle now)
{
    ledger_.settle(now);
    for (const Tensors t : {Tensors::weights, Tensors::inputs, Tensors::outputs})
        stats_.reuse[static_cast<int>(t)] = reuse_.counts(t);
}

void PeArray::configure(Operand& o, Delivery delivery, bool kept)
{
    o.delivery = delivery;
    o.kept = kept;
    o.complete = kept;
    o.begun = false;
    o.set = nullptr;
    o.now = &o.matrix;
    std::fill(o.matrix.data.begin(), o.matrix.data.end(), 0);
    o.loader.start(*plan_);
}

void PeArray::prepare_psums()
{
    summed_ = 1;
    if (!plan_->plan().keep_psums) return;
    summed_ = plan_->summed_per_pe();
    psum_tile_ = RegisterTile(*plan_, Tensors::outputs);
    const std::size_t entries = static_cast<std::size_t>(psum_tile_.numbers());
    if (psums_.front().rows != plan_->psum_rows()) psums_.clear();
    psums_.resize(entries, PeMatrix(plan_->psum_rows(), hw_.grid_cols()));
    psum_pass_.assign(entries, -1);
    psums_now_ = &psums_.front();
    drain_order_ = DrainOrder(*plan_);
}

void PeArray::start(const CompiledPlan& plan, Cycle now)
{
    plan_ = &plan;
    const LayerPlan& p = plan.plan();
    if (p.kind == PlanKind::post) return;
    configure(operands_[0], p.weight_delivery, p.keep_weights);
    configure(operands_[1], p.input_delivery, p.keep_inputs);
    prepare_psums();
    shift_ = ShiftRule(plan);
    past_inputs_.clear();
    if (p.input_delivery == Delivery::shift && !p.keep_inputs)
        past_inputs_.assign(static_cast<std::size_t>(shift_.depth()) + 1, PeMatrix(hw_.grid_rows(), hw_.grid_cols()));
    pass_ = PassWalk(plan);
    step_ = StepWalk(plan);
    out_ = LaneCursor(plan, Tensors::outputs);
    reuse_ = ReuseMeter(plan);
    frozen_ = false;
    pass_may_start_ = step_may_start_ = array_time(now);
    last_drain_ = 0;
    drained_before_ = drained_last_ = emitted_;
    step_decides_reduction_ = false;
    for (const AxisLoop& l : p.pass_loops)
        step_decides_reduction_ = step_decides_reduction_ || (!p.keep_psums && plan.axis_reduces(l.axis));
    enter_pass();
}

// ---- Passes

void PeArray::enter_pass()
{
    first_step_ = -1;
    step_.start(pass_.pass());
    use_lanes(plan_->lanes(step_.remaining()));
    phase_ = Phase::waiting;
}

void PeArray::use_lanes(const LaneSet& set)
{
    set_ = &set;
    wave_ = wavefront_cycles(set);
}

/// The kept operands of this pass are what the last load brought, or still what they were.
void PeArray::try_begin_pass(Cycle now)
{
    if (phase_ == Phase::streaming || phase_ == Phase::idle || array_time(now) < pass_may_start_ || frozen_) return;
    if (!psum_registers_free()) return;
    bool complete = true;
    for (Operand& o : operands_) {
        if (!o.loader.changes(pass_.pass())) continue;
        if (hw_.passes.load == Overlap::exposed && phase_ == Phase::waiting) o.loader.expose();
        complete = complete && o.loader.may_begin(array_time(now));
    }
    if (phase_ == Phase::waiting) phase_ = Phase::loading;
    if (!complete) return;
    for (Operand& o : operands_)
        if (o.loader.changes(pass_.pass())) begin_loaded(o);
    begin_stream(now);
}

/// Psums that wait for those of the buffer still occupy the registers they accumulated in.
bool PeArray::psum_registers_free() const
{
    if (!plan_->plan().keep_psums || !plan_->accumulates_through_array()) return true;
    return emitted_ >= (hw_.passes.drain == Overlap::hidden ? drained_before_ : drained_last_);
}

void PeArray::begin_stream(Cycle)
{
    phase_ = Phase::streaming;
    steps_done_ = 0;
    for (Operand& o : operands_) {
        o.complete = o.kept;
        o.begun = false;
    }
    pick_entries();
    reuse_.begin_pass(pass_.pass(), step_);
    if (plan_->plan().keep_psums) {
        for (PeMatrix& m : psums_) std::fill(m.data.begin(), m.data.end(), 0);
        psums_now_ = &psums_[static_cast<std::size_t>(psum_tile_.entry(step_.index(), pass_.pass().base))];
    } else {
        out_.start(pass_.pass(), step_);
    }
    lanes_adjacent_ = !plan_->plan().keep_psums && out_.adjacent();
    place_known_ = false;
    expect_psums();
    ++stats_.passes;
}

/// Exposed phases follow each other; hidden ones only keep the passes apart.
void PeArray::finish_pass(Cycle now)
{
    const PassConfig& c = hw_.passes;
    const bool keep = plan_->plan().keep_psums;
    const int wave = wave_;
    if (keep) drain_order_.start(pass_.pass());
    const int drain = keep ? std::max(drain_cycles(*set_), drain_order_.beat_count()) : 0;
    Cycle end = std::max(array_time(now), first_step_ + c.min_cycles - 1);
    if (keep && hw_.array.chain_add == ChainAdd::datapath &&
        (drain_order_.chained() || (plan_->accumulates_through_array() && !pass_.pass().first_reduction)))
        end += drain_order_.entries();
    if (c.drain == Overlap::hidden) end = std::max({end, first_step_ + last_drain_ - 1, last_sent_});
    if (c.load == Overlap::hidden)
        for (const Operand& o : operands_)
            if (o.loader.active()) end = std::max(end, first_step_ + o.loader.floor_cycles(pass_.pass()) - 1);
    const bool wait_for_drain = keep && c.drain == Overlap::exposed;
    pass_may_start_ = end + 1 + c.gap_cycles + (wait_for_drain ? drain : 0);
    if (!c.wavefront_chained || wait_for_drain) pass_may_start_ += wave;
    last_drain_ = drain;
    if (keep) {
        drain_psums(now);
        last_sent_ = last_emission_ - wave;
        drained_before_ = drained_last_;
        drained_last_ = emitted_ + static_cast<std::int64_t>(emission_count_);
    }
    pass_.next();
    if (pass_.done())
        phase_ = Phase::idle;
    else
        enter_pass();
}

int PeArray::wavefront_cycles(const LaneSet& set) const
{
    const int rows = hw_.passes.edges_full ? hw_.array.rows : set.used_rows;
    const int cols = hw_.passes.edges_full ? hw_.array.cols : set.used_cols;
    int along_x = 0, along_y = 0;
    for (const Operand& o : operands_) {
        if (o.kept) continue;
        const int hop = (o.tensor == Tensors::weights ? hw_.weight_network : hw_.input_network).hop_cycles;
        if (o.delivery == Delivery::systolic_x) along_x = std::max(along_x, (cols - 1) * hop);
        if (o.delivery == Delivery::systolic_y) along_y = std::max(along_y, (rows - 1) * hop);
    }
    if (plan_->plan().psum_path == PsumPath::chain_y)
        along_y = std::max(along_y, (rows - 1) * hw_.psum_network.hop_cycles);
    if (plan_->plan().psum_path == PsumPath::tree_y)
        for (int n = 1; n < rows; n *= 2) along_y += hw_.psum_network.hop_cycles; // one hop per level of the tree
    return along_x + along_y + hw_.array.mac_latency_cycles - 1;
}

int PeArray::drain_cycles(const LaneSet& set) const
{
    const int words = hw_.psum_network.words_per_beat;
    if (hw_.psum_network.one_set) return drain_order_.beat_count();
    if (words >= hw_.macs()) return drain_order_.entries();
    const int rows = plan_->psum_chained() ? 1 : (hw_.passes.edges_full ? hw_.grid_rows() : set.grid_rows) / summed_;
    const int cols = hw_.passes.edges_full ? hw_.grid_cols() : set.grid_cols;
    return drain_order_.entries() * std::max(1, rows) * ((cols + words - 1) / words);
}

// ---- The cycle

Cycle PeArray::tick(Cycle now)
{
    // (1) A new layer. (2) A result whose wavefront has crossed leaves, or everything stands still. (3) A pass begins.
    // (4) Operands arrive and, when all are there, one step is computed. (5) The next load goes on.
    if (phase_ == Phase::idle && emission_count_ == 0 && command_in_.can_pop(now)) {
        start(*command_in_.front().plan, now);
        command_in_.pop(now);
    }
    const bool pushed = push_result(now);
    try_begin_pass(now);
    bool computed = false;
    const LaneSet* mapped = set_;
    receive_drain_psums(now);
    if (phase_ == Phase::streaming && !frozen_ && array_time(now) >= step_may_start_ && !emission_backlog(now)) {
        const bool w = receive(operands_[0], now), i = receive(operands_[1], now);
        const bool p = receive_psums(now);
        computed = w && i && p;
        if (computed) {
            compute_step(now);
            if (!pushed) push_result(now); // when the way through the array takes no cycle
        }
    }
    const bool w = receive_load(operands_[0], now), i = receive_load(operands_[1], now);
    const bool loaded = w || i;
    if (computed) { // look again in the next cycle, which then books itself
        ledger_.mark(now, ArrayCause::compute, mapped->active_macs, ArrayCause::compute, mapped->active_macs);
        return now + 1;
    }
    const bool none = phase_ == Phase::idle && emission_count_ == 0;
    const ArrayCause then = waiting_cause(now);
    const int pes = none ? hw_.macs() : set_->active_macs;
    ledger_.mark(now, loaded && then != ArrayCause::output_blocked ? ArrayCause::load : then, pes, then, pes);
    return next_wake(now);
}

ArrayCause PeArray::waiting_cause(Cycle now) const
{
    if (phase_ == Phase::idle)
        return emission_count_ == 0 ? ArrayCause::nothing_to_do
               : frozen_            ? ArrayCause::output_blocked
                                    : ArrayCause::wavefront_or_drain;
    if (frozen_) return ArrayCause::output_blocked;
    if (phase_ == Phase::streaming) {
        if (emission_backlog(now)) return ArrayCause::output_blocked;
        if (array_time(now) < step_may_start_) return ArrayCause::register_port;
        if (has(operands_[0], now) && has(operands_[1], now)) return ArrayCause::psums_missing;
        if (!has(operands_[0], now))
            return missing(ArrayCause::weights_missing_network, missing_reason(operands_[0], now));
        return missing(ArrayCause::inputs_missing_network, missing_reason(operands_[1], now));
    }
    if (array_time(now) < pass_may_start_) return ArrayCause::wavefront_or_drain;
    if (!psum_registers_free()) return ArrayCause::psums_missing;
    for (const Operand& o : operands_)
        if (o.loader.changes(pass_.pass()) && !o.loader.arrived())
            return missing(o.tensor == Tensors::weights ? ArrayCause::weights_missing_network
                                                        : ArrayCause::inputs_missing_network,
                           missing_reason(o, now));
    return ArrayCause::load;
}

Cycle PeArray::next_wake(Cycle now) const
{
    Cycle next = never;
    const auto at = [&](Cycle c) { next = std::min(next, std::max(c, now + 1)); };
    if (frozen_) return psums_out_.can_push(now + 1) ? now + 1 : never;
    if (emission_count_ > 0 && !emissions_[emission_head_].adds)
        at(now + emissions_[emission_head_].ready - array_time(now));
    if (adds_ahead_ < emission_count_ && psums_in_.front_ready() <= now + 1) at(now + 1);
    if (phase_ == Phase::streaming) {
        bool ready = true;
        for (const Operand& o : operands_) {
            if (o.kept && !has(o, now) && o.loader.usable(o.entry) != never)
                at(now + o.loader.usable(o.entry) - array_time(now));
            ready = ready && (o.kept ? has(o, now) : o.complete || o.in->front_ready() <= now + 1);
        }
        ready = ready || (psums_expected_ && psums_in_.front_ready() <= now + 1);
        if (array_time(now) < step_may_start_)
            at(now + step_may_start_ - array_time(now));
        else if (ready || emission_backlog(now))
            at(now + 1);
    } else if (phase_ != Phase::idle) {
        if (array_time(now) < pass_may_start_) at(now + pass_may_start_ - array_time(now));
        for (const Operand& o : operands_)
            if (o.loader.changes(pass_.pass()) && o.loader.arrived() && array_time(now) >= pass_may_start_)
                at(now + o.loader.ready() - array_time(now));
    }
    for (const Operand& o : operands_)
        if (o.loader.wants() && o.in->front_ready() <= now + 1 &&
            o.loader.accepts(o.in->front(), pass_.pass().index, steps_done_))
            at(now + 1);
    return next;
}

const std::vector<const char*>& PeArray::phase_names()
{
    static const std::vector<const char*> names{"idle", "loading", "waiting", "streaming"};
    return names;
}

std::int32_t PeArray::operand(Tensors tensor, int row, int col) const
{
    const Operand& o = operands_[static_cast<int>(tensor)];
    if (o.form == Form::row) return o.row[static_cast<std::size_t>(row)];
    return o.form == Form::col ? o.col[static_cast<std::size_t>(col)] : o.now->row(row)[col];
}

std::string PeArray::status() const
{
    std::string s =
        std::string(phase_names()[static_cast<std::size_t>(phase_)]) + ", pass " + std::to_string(pass_.pass().index);
    for (const Operand& o : operands_)
        if (!o.complete && phase_ == Phase::streaming)
            s += o.tensor == Tensors::weights ? ", weights missing" : ", inputs missing";
    return s + ", " + std::to_string(emission_count_) + " results in flight" + (frozen_ ? ", frozen" : "");
}

void PeArray::flip_register(Tensors tensor, int mac, int bit)
{
    const std::int32_t mask = std::int32_t{1} << bit;
    if (tensor == Tensors::outputs) {
        psums_now_->at(mac / hw_.grid_cols() / summed_ * hw_.grid_cols() + mac % hw_.grid_cols()) ^= mask;
        return;
    }
    Operand& o = operands_[static_cast<int>(tensor)];
    (o.kept ? o.loader.file().flip(o.entry) : o.matrix).at(mac) ^= mask;
}

} // namespace heddle
