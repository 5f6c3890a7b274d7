#include "hw/pe_array.hpp"

#include <algorithm>
#include <stdexcept>

namespace heddle {

PeArray::PeArray(const sc_core::sc_module_name& name, const HardwareConfig& hardware, Channel<Command>& command_in,
                 Channel<OperandBeat>& weights_in, Channel<OperandBeat>& inputs_in, Channel<PsumBeat>& psums_in,
                 Channel<PsumBeat>& psums_out)
    : Block(name), hw_(hardware), command_in_(command_in), psums_in_(psums_in), psums_out_(psums_out),
      psums_(hw_.array.rows, hw_.array.cols), loading_(hw_.array.rows, hw_.array.cols)
{
    operands_[0].tensor = Tensors::weights;
    operands_[0].in = &weights_in;
    operands_[1].tensor = Tensors::inputs;
    operands_[1].in = &inputs_in;
    for (Operand& o : operands_) {
        o.in->bind_reader(*this);
        o.matrix = PeMatrix(hw_.array.rows, hw_.array.cols);
        o.row.resize(static_cast<std::size_t>(hw_.array.rows));
        o.col.resize(static_cast<std::size_t>(o.matrix.stride));
        o.nonzero_in_row.resize(static_cast<std::size_t>(hw_.array.rows));
    }
    column_.resize(static_cast<std::size_t>(psums_.stride));
    lane_word_.resize(static_cast<std::size_t>(hw_.pes()));
    command_in_.bind_reader(*this);
    psums_in_.bind_reader(*this);
    psums_out_.bind_writer(*this);
    arrived_.resize(static_cast<std::size_t>(psums_.stride));
    size_pipeline();
}

/// Room for every result that can be between the MACs and the collector: a wavefront and a drain.
void PeArray::size_pipeline()
{
    const int per_row = (hw_.array.cols + hw_.psum_network.words_per_beat - 1) / hw_.psum_network.words_per_beat;
    const int hops =
        std::max({hw_.weight_network.hop_cycles, hw_.input_network.hop_cycles, hw_.psum_network.hop_cycles});
    const int depth = (hw_.array.rows + hw_.array.cols) * hops + hw_.array.mac_latency_cycles +
                      2 * hw_.array.rows * per_row + per_row + 4;
    Emission blank;
    blank.beat = PsumBeat(hw_.psum_network.words_per_beat);
    emissions_.assign(static_cast<std::size_t>(depth), blank);
}

void PeArray::begin_layer(Cycle now)
{
    layer_start_ = now;
    stats_ = {};
    ledger_.restart(now, hw_.pes());
}

void PeArray::configure(Operand& o, Delivery delivery, bool kept)
{
    o.delivery = delivery;
    o.kept = kept;
    o.complete = kept;
    o.set = nullptr;
    std::fill(o.matrix.data.begin(), o.matrix.data.end(), 0);
}

void PeArray::start(const CompiledPlan& plan, Cycle now)
{
    plan_ = &plan;
    const LayerPlan& p = plan.plan();
    if (p.kind == PlanKind::post) return;
    configure(operands_[0], p.weight_delivery, p.keep_weights);
    configure(operands_[1], p.input_delivery, p.keep_inputs);
    if (p.keep_weights && p.keep_inputs) throw std::logic_error("plan " + p.name + ": only one operand can be kept");
    kept_ = p.keep_weights ? &operands_[0] : p.keep_inputs ? &operands_[1] : nullptr;
    shift_ = ShiftRule(plan);
    past_inputs_.clear();
    if (p.input_delivery == Delivery::shift && !p.keep_inputs)
        past_inputs_.assign(static_cast<std::size_t>(shift_.depth()) + 1, PeMatrix(hw_.array.rows, hw_.array.cols));
    pass_ = PassWalk(plan);
    step_ = StepWalk(plan);
    out_ = LaneCursor(plan, Tensors::outputs);
    frozen_ = false;
    pass_may_start_ = array_time(now);
    last_drain_ = 0;
    load_expected_ = load_begun_ = load_complete_ = false;
    load_allowed_ = true;
    step_decides_reduction_ = false;
    for (const AxisLoop& l : p.pass_loops)
        step_decides_reduction_ = step_decides_reduction_ || (!p.keep_psums && plan.axis_reduces(l.axis));
    load_pass_ = PassWalk(plan);
    expect_load();
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

/// The kept operand of this pass is what the last load brought, or still what it was.
void PeArray::try_begin_pass(Cycle now)
{
    if (phase_ == Phase::streaming || phase_ == Phase::idle || array_time(now) < pass_may_start_ || frozen_) return;
    const bool loads =
        kept_ && (kept_->tensor == Tensors::weights ? pass_.pass().new_weights : pass_.pass().new_inputs);
    if (!loads) {
        begin_stream(now);
        return;
    }
    if (hw_.passes.load == Overlap::exposed && phase_ == Phase::waiting) {
        phase_ = Phase::loading;
        load_allowed_ = true;
    }
    if (!load_complete_ || array_time(now) < load_ready_) return;
    std::swap(kept_->matrix, loading_);
    for (int y = 0; y < hw_.array.rows; ++y)
        kept_->nonzero_in_row[static_cast<std::size_t>(y)] = static_cast<int>(
            hw_.array.cols - std::count(kept_->matrix.row(y), kept_->matrix.row(y) + hw_.array.cols, 0));
    stats_.loads += 1;
    stats_.registers[static_cast<int>(kept_->tensor)].fills += load_set_->active_pes;
    load_complete_ = load_begun_ = false;
    load_allowed_ = false; // until the first step of this pass
    load_pass_.next();
    expect_load();
    begin_stream(now);
}

void PeArray::begin_stream(Cycle)
{
    phase_ = Phase::streaming;
    for (Operand& o : operands_) o.complete = o.kept;
    if (plan_->plan().keep_psums) std::fill(psums_.data.begin(), psums_.data.end(), 0);
    out_.start(pass_.pass(), step_);
    lanes_adjacent_ = out_.adjacent();
    place_known_ = false;
    expect_psums();
    ++stats_.passes;
}

/// Exposed phases follow each other; hidden ones only keep the passes apart.
void PeArray::finish_pass(Cycle now)
{
    const PassConfig& c = hw_.passes;
    const bool keep = plan_->plan().keep_psums;
    const int wave = wave_, drain = keep ? drain_cycles(*set_) : 0;
    Cycle end = std::max(array_time(now), first_step_ + c.min_cycles - 1);
    if (c.drain == Overlap::hidden) end = std::max({end, first_step_ + last_drain_ - 1, last_sent_});
    if (c.load == Overlap::hidden && load_expected_ && load_pass_.pass().index == pass_.pass().index + 1)
        end = std::max(end, first_step_ + load_cycles(*load_set_) - 1);
    const bool wait_for_drain = keep && c.drain == Overlap::exposed;
    pass_may_start_ = end + 1 + c.gap_cycles + (wait_for_drain ? drain : 0);
    if (!c.wavefront_chained || wait_for_drain) pass_may_start_ += wave;
    last_drain_ = drain;
    if (keep) {
        drain_psums(now);
        last_sent_ = last_emission_ - wave;
    }
    pass_.next();
    if (pass_.done())
        phase_ = Phase::idle;
    else
        enter_pass();
}

int PeArray::load_cycles(const LaneSet& set) const
{
    if (kept_->delivery != Delivery::load_chain_y) return 1;
    return hw_.passes.edges_full ? hw_.array.rows : set.used_rows;
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
    if (words >= hw_.pes()) return 1;
    const int rows = hw_.passes.edges_full ? hw_.array.rows : set.used_rows;
    const int cols = hw_.passes.edges_full ? hw_.array.cols : set.used_cols;
    return rows * ((cols + words - 1) / words);
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
    push_result(now);
    try_begin_pass(now);
    bool computed = false;
    const LaneSet* mapped = set_;
    if (phase_ == Phase::streaming && !frozen_ && !emission_backlog(now)) {
        const bool w = receive(operands_[0], now), i = receive(operands_[1], now);
        const bool p = receive_psums(now);
        computed = w && i && p;
        if (computed) {
            compute_step(now);
            push_result(now); // when the way through the array takes no cycle
        }
    }
    const bool loaded = receive_load(now);
    if (computed) { // look again in the next cycle, which then books itself
        ledger_.mark(now, ArrayCause::compute, mapped->active_pes, ArrayCause::compute, mapped->active_pes);
        return now + 1;
    }
    const bool none = phase_ == Phase::idle && emission_count_ == 0;
    const ArrayCause then = waiting_cause(now);
    const int pes = none ? hw_.pes() : set_->active_pes;
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
        if (operands_[0].complete && operands_[1].complete) return ArrayCause::psums_missing;
        if (!operands_[0].complete)
            return missing(ArrayCause::weights_missing_network, missing_reason(operands_[0], now));
        return missing(ArrayCause::inputs_missing_network, missing_reason(operands_[1], now));
    }
    if (array_time(now) < pass_may_start_) return ArrayCause::wavefront_or_drain;
    if (load_complete_) return ArrayCause::load;
    const bool weights = kept_->tensor == Tensors::weights;
    return missing(weights ? ArrayCause::weights_missing_network : ArrayCause::inputs_missing_network,
                   missing_reason(*kept_, now));
}

Cycle PeArray::next_wake(Cycle now) const
{
    Cycle next = never;
    const auto at = [&](Cycle c) { next = std::min(next, std::max(c, now + 1)); };
    if (frozen_) return psums_out_.can_push(now + 1) ? now + 1 : never;
    if (emission_count_ > 0) at(now + emissions_[emission_head_].ready - array_time(now));
    if (phase_ == Phase::streaming) {
        bool ready = true;
        for (const Operand& o : operands_) ready = ready && (o.complete || o.in->front_ready() <= now + 1);
        ready = ready || (psums_expected_ && psums_in_.front_ready() <= now + 1);
        if (ready || emission_backlog(now)) at(now + 1);
    } else if (phase_ != Phase::idle) {
        if (array_time(now) < pass_may_start_)
            at(now + pass_may_start_ - array_time(now));
        else if (load_complete_)
            at(now + load_ready_ - array_time(now));
        else if (kept_ && load_allowed_ && kept_->in->front_ready() <= now + 1)
            at(now + 1);
    }
    if (load_expected_ && load_allowed_ && !load_complete_ && kept_->in->front_ready() <= now + 1) at(now + 1);
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
    return o.form == Form::col ? o.col[static_cast<std::size_t>(col)] : o.matrix.row(row)[col];
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

void PeArray::flip_register(Tensors tensor, int pe, int bit)
{
    PeMatrix& m = tensor == Tensors::outputs ? psums_ : operands_[static_cast<int>(tensor)].matrix;
    m.at(pe) ^= std::int32_t{1} << bit;
}

} // namespace heddle
