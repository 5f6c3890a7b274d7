// Operands of the PE array: delivery, shifting, loads.
#include "hw/pe_array.hpp"

#include <algorithm>

namespace heddle {

/// Vectors where a word serves a whole row or column, matrices else. Idle PEs must see a zero on one side. Columns are
/// summed with one vector at most.
void PeArray::choose_forms(const LaneSet& set)
{
    const bool rectangle = set.active_macs == set.grid_rows * set.grid_cols;
    const auto streamed_whole = [](const Operand& o) { return !o.kept && o.delivery != Delivery::shift; };
    const auto row_like = [&](const Operand& o) {
        const TensorLanes& l = set.tensor[static_cast<int>(o.tensor)];
        return streamed_whole(o) && (l.by_row || l.single);
    };
    const auto col_like = [&](const Operand& o) {
        const TensorLanes& l = set.tensor[static_cast<int>(o.tensor)];
        return streamed_whole(o) && (l.by_col || l.single);
    };
    for (int i = 0; i < 2; ++i) {
        Operand &a = operands_[i], &b = operands_[1 - i];
        a.form = b.form = Form::matrix;
        if (rectangle && plan_->plan().keep_psums && row_like(a) && col_like(b)) {
            a.form = Form::row;
            b.form = Form::col;
            break;
        }
        if (row_like(a)) {
            a.form = Form::row;
            break;
        }
    }
    for (Operand& o : operands_) {
        o.set = &set;
        if (o.kept) continue;
        std::fill(o.row.begin(), o.row.end(), 0);
        std::fill(o.col.begin(), o.col.end(), 0);
        std::fill(o.matrix.data.begin(), o.matrix.data.end(), 0);
    }
}

/// The first beat for a step has come. Where PEs join in and drop out within a pass, the other operand may stay as it
/// is: both are matrices, and each is cleared by itself. A MAC that drops out does so along an axis that moves one of
/// them.
void PeArray::begin_event(Operand& o)
{
    o.begun = true;
    if (!step_.lanes_vary()) {
        if (operands_[0].set != set_ || operands_[1].set != set_) choose_forms(*set_);
        return;
    }
    for (Operand& each : operands_) {
        if (each.form == Form::matrix) continue;
        each.form = Form::matrix;
        each.set = nullptr;
    }
    if (o.set == set_) return;
    o.set = set_;
    std::fill(o.matrix.data.begin(), o.matrix.data.end(), 0);
}

/// Is what the step uses of the operand there? A kept one may still be on its way, when it is loaded word by word.
bool PeArray::has(const Operand& o, Cycle now) const
{
    return o.complete && (!o.kept || o.loader.has(o.entry, array_time(now)));
}

/// True when the operand of the current step is there; takes at most one beat.
bool PeArray::receive(Operand& o, Cycle now)
{
    if (o.complete) return has(o, now);
    if (!o.in->can_pop(now)) return false;
    if (!o.begun) begin_event(o);
    const OperandBeat& beat = o.in->front();
    stats_.first_operand = std::min(stats_.first_operand, now - layer_start_);
    if (!timing_only_) latch(o, beat);
    count_delivery(o, *set_, beat, 0, beat.count);
    o.complete = beat.last;
    const bool shifts = o.delivery == Delivery::shift;
    o.in->pop(now);
    if (o.complete && shifts) take_shifted(o);
    return o.complete;
}

void PeArray::latch(Operand& o, const OperandBeat& beat)
{
    const TensorLanes& lanes = set_->tensor[static_cast<int>(o.tensor)];
    const int n = beat.count;
    if (n == 0) return;
    const bool row = o.form == Form::row;
    if (o.form == Form::matrix && lanes.one_pe_each && beat.dense) {
        const int* cell = lanes.cells.data() + beat.first;
        for (int i = 0; i < n; ++i)
            o.matrix.data[static_cast<std::size_t>(cell[i])] = beat.word[static_cast<std::size_t>(i)];
    } else if (o.form == Form::matrix && lanes.one_pe_each) {
        const int* cell = lanes.cells.data();
        const int* lane = beat.lane.data();
        for (int i = 0; i < n; ++i)
            o.matrix.data[static_cast<std::size_t>(cell[lane[i]])] = beat.word[static_cast<std::size_t>(i)];
    } else if (o.form == Form::matrix) {
        for (int i = 0; i < n; ++i) scatter(o.matrix, lanes, beat.lane_at(i), beat.word[static_cast<std::size_t>(i)]);
    } else if (lanes.single) {
        if (row)
            std::fill_n(o.row.begin(), set_->grid_rows, beat.word[0]);
        else
            std::fill_n(o.col.begin(), set_->grid_cols, beat.word[0]);
    } else if (beat.dense && (row ? lanes.lane_is_row : lanes.lane_is_col)) {
        std::copy_n(beat.word.begin(), n, (row ? o.row : o.col).begin() + beat.first);
    } else {
        const std::vector<int>& place = row ? lanes.row_of_lane : lanes.col_of_lane;
        for (int i = 0; i < n; ++i)
            (row ? o.row : o.col)[static_cast<std::size_t>(place[static_cast<std::size_t>(beat.lane_at(i))])] =
                beat.word[static_cast<std::size_t>(i)];
    }
}

/// Writes a word into every PE of its lane.
void PeArray::scatter(PeMatrix& m, const TensorLanes& lanes, int lane, std::int32_t word)
{
    const std::size_t l = static_cast<std::size_t>(lane);
    for (int p = lanes.cells_begin[l]; p < lanes.cells_begin[l + 1]; ++p)
        m.data[static_cast<std::size_t>(lanes.cells[static_cast<std::size_t>(p)])] = word;
}

/// PEs that no word was read for take the one their neighbour held; then the whole step is remembered for later ones.
void PeArray::take_shifted(Operand& o)
{
    const ShiftPattern& pattern = shift_.pattern(step_, *set_);
    const std::size_t past = past_inputs_.size();
    for (const ShiftPattern::Move& m : pattern.moves) {
        const std::size_t slot = past_ >= static_cast<std::size_t>(m.age)
                                     ? past_ - static_cast<std::size_t>(m.age)
                                     : past_ + past - static_cast<std::size_t>(m.age);
        o.matrix.data[static_cast<std::size_t>(m.cell)] =
            past_inputs_[slot].data[static_cast<std::size_t>(m.neighbour_cell)];
    }
    stats_.shifted_words += static_cast<std::int64_t>(pattern.moves.size());
    stats_.hops[1] += static_cast<std::int64_t>(pattern.moves.size());
    past_inputs_[past_].data = o.matrix.data;
    past_ = (past_ + 1) % past_inputs_.size();
}

/// Links that words [from, to) of a beat drive, all for one set of lanes: along a row or column up to the last PE used,
/// down the load chain to the row, else one per receiver.
void PeArray::count_delivery(const Operand& o, const LaneSet& set, const OperandBeat& beat, int from, int to)
{
    const TensorLanes& lanes = set.tensor[static_cast<int>(o.tensor)];
    std::int64_t& hops = stats_.hops[static_cast<int>(o.tensor)];
    if (o.delivery == Delivery::systolic_x)
        hops += std::int64_t{to - from} * set.used_cols;
    else if (o.delivery == Delivery::systolic_y)
        hops += std::int64_t{to - from} * set.used_rows;
    else if (lanes.one_pe_each && o.delivery != Delivery::load_chain_y)
        hops += to - from;
    else if (o.delivery == Delivery::load_chain_y)
        for (int i = from; i < to; ++i)
            hops += lanes.row_of_lane[static_cast<std::size_t>(beat.lane_at(i))] / hw_.array.vector + 1;
    else
        for (int i = from; i < to; ++i) hops += lanes.pes_of_lane[static_cast<std::size_t>(beat.lane_at(i))];
}

// ---- Psums that come back through the array

/// The step adds to psums in the buffer unless it is the first of its outputs.
void PeArray::expect_psums()
{
    place_in_reduction();
    psums_arrived_ = false;
    psums_expected_ = !plan_->plan().keep_psums && plan_->accumulates_through_array() && !place_.first;
}

bool PeArray::receive_psums(Cycle now)
{
    if (!psums_expected_) return true;
    if (!psums_in_.can_pop(now)) return false;
    const PsumBeat& b = psums_in_.front();
    std::copy_n(b.value.begin(), b.count, arrived_.begin() + psum_lanes_);
    psum_lanes_ += b.count;
    stats_.hops[2] += b.count;
    psums_in_.pop(now);
    if (psum_lanes_ < out_.count()) return false;
    psum_lanes_ = 0;
    psums_expected_ = false;
    psums_arrived_ = true;
    return true;
}

void PeArray::add_arrived_psums()
{
    const TensorLanes& lanes = out_.lanes();
    for (int l = 0; l < lanes.count; ++l) {
        std::int32_t& sum = column_[static_cast<std::size_t>(lanes.col_of_lane[static_cast<std::size_t>(l)])];
        sum = static_cast<std::int32_t>(static_cast<std::uint32_t>(sum) +
                                        static_cast<std::uint32_t>(arrived_[static_cast<std::size_t>(l)]));
    }
}

// ---- Kept operands

bool PeArray::receive_load(Operand& o, Cycle now)
{
    if (!o.loader.wants() || frozen_ || !o.in->can_pop(now)) return false;
    const OperandBeat& beat = o.in->front();
    if (!o.loader.accepts(beat, pass_.pass().index, steps_done_)) return false;
    for (int i = 0; i < beat.count; ++i) // before the beat enters: behind its last one the loader is at the next load
        count_delivery(o, o.loader.set(beat.entry_at(i)), beat, i, i + 1);
    if (o.loader.take(beat, array_time(now), timing_only_))
        stats_.first_operand = std::min(stats_.first_operand, now - layer_start_);
    o.in->pop(now);
    return true;
}

void PeArray::begin_loaded(Operand& o)
{
    stats_.loads += 1;
    stats_.registers[static_cast<int>(o.tensor)].fills += o.loader.commit();
}

/// The entries that the current step uses.
void PeArray::pick_entries()
{
    for (Operand& o : operands_) {
        if (!o.kept) continue;
        o.entry = o.loader.entry(step_.index(), pass_.pass());
        o.now = &o.loader.file().slot(o.entry).words;
    }
}

} // namespace heddle
