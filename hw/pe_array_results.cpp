// Steps and results of the PE array: multiply, accumulate, emit, drain.
#include "hw/pe_array.hpp"

#include <algorithm>
#include <stdexcept>

namespace heddle {

namespace {

std::int32_t wrap(std::int32_t value, int bits)
{
    const int unused = 32 - bits;
    return static_cast<std::int32_t>(static_cast<std::uint32_t>(value) << unused) >> unused;
}

} // namespace

void PeArray::compute_step(Cycle now)
{
    const bool first_of_pass = first_step_ < 0;
    last_step_ = now;
    if (first_of_pass) {
        first_step_ = array_time(now);
        load_allowed_ = load_allowed_ || hw_.passes.load == Overlap::hidden;
    }
    const LaneSet& set = *set_;
    if (!timing_only_) {
        multiply(set);
        if (psums_arrived_) add_arrived_psums();
    }
    count_step(set, first_of_pass);
    if (!plan_->plan().keep_psums) emit_step(now);
    const bool vary = step_.lanes_vary();
    step_.next();
    if (step_.done()) {
        finish_pass(now);
        return;
    }
    for (Operand& o : operands_) o.complete = o.kept || !step_.changed(o.tensor);
    if (vary) use_lanes(plan_->lanes(step_.remaining()));
    if (vary || step_.changed(Tensors::outputs)) out_.follow(pass_.pass(), step_);
    if (vary) lanes_adjacent_ = out_.adjacent();
    expect_psums();
}

void PeArray::multiply(const LaneSet& set)
{
    const int shift = hw_.precision.product_shift;
    Operand &w = operands_[0], &i = operands_[1];
    const bool sums = plan_->plan().psum_path != PsumPath::local;
    // A column vector without a row vector beside it has no kernel of its own.
    Operand* row = w.form == Form::row ? &w : i.form == Form::row ? &i : nullptr;
    Operand& other = row == &w ? i : w;
    if (row && other.form == Form::col && !sums)
        outer_product(psums_, row->row.data(), other.col.data(), shift);
    else if (row && other.form == Form::matrix && sums)
        column_sums(other.matrix, row->row.data(), shift, column_.data());
    else if (row && other.form == Form::matrix)
        scaled_rows(psums_, other.matrix, row->row.data(), shift);
    else if (!row && sums)
        column_sums(w.matrix, i.matrix, shift, column_.data());
    else if (!row)
        elementwise(psums_, w.matrix, i.matrix, shift);
    else
        throw std::logic_error("array: a spatial reduction of two streamed vectors");
    stats_.macs_effectual += effectual(set);
}

std::int64_t PeArray::effectual(const LaneSet& set) const
{
    const Operand &w = operands_[0], &i = operands_[1];
    const Operand* row = w.form == Form::row ? &w : i.form == Form::row ? &i : nullptr;
    if (!row) return both_nonzero(w.matrix, i.matrix);
    const Operand& other = row == &w ? i : w;
    std::int64_t n = 0;
    if (other.form == Form::col) {
        const auto nonzero = [](const std::vector<std::int32_t>& v, int count) {
            return count - std::count(v.begin(), v.begin() + count, 0);
        };
        return nonzero(row->row, set.used_rows) * nonzero(other.col, set.used_cols);
    }
    if (other.kept) return masked_sum(row->row.data(), other.nonzero_in_row.data(), set.used_rows);
    for (int y = 0; y < set.used_rows; ++y)
        if (row->row[static_cast<std::size_t>(y)] != 0)
            n += set.used_cols - std::count(other.matrix.row(y), other.matrix.row(y) + set.used_cols, 0);
    return n;
}

void PeArray::count_step(const LaneSet& set, bool first_of_pass)
{
    stats_.macs += set.active_pes;
    if (kept_) stats_.registers[static_cast<int>(kept_->tensor)].reads += set.active_pes;
    if (!plan_->plan().keep_psums) {
        if (plan_->plan().psum_path == PsumPath::chain_y) stats_.hops[2] += set.active_pes;
        return;
    }
    RegisterCounts& r = stats_.registers[static_cast<int>(Tensors::outputs)];
    r.updates += set.active_pes;
    if (!first_of_pass) r.reads += set.active_pes; // the first update needs no read
}

void PeArray::place_in_reduction()
{
    if (!place_known_ || step_decides_reduction_) place_ = reduction_place(*plan_, pass_.pass(), step_);
    place_known_ = true;
}

/// Sums that come through the array are complete as they leave.
void PeArray::label(PsumBeat& b) const
{
    b.first = place_.first;
    b.last = place_.last;
    b.complete = place_.last && (place_.first || plan_->accumulates_through_array());
}

PeArray::Emission& PeArray::new_emission(Cycle ready, int words)
{
    if (emission_count_ == emissions_.size())
        throw std::logic_error("array: more results in flight than its pipeline holds");
    Emission& e = emissions_[(emission_head_ + emission_count_) % emissions_.size()];
    ++emission_count_;
    e.ready = std::max(ready, last_emission_ + 1);
    last_emission_ = e.ready;
    e.beat.count = words;
    return e;
}

/// Results of the steps before that still occupy the way out when this step's would be ready; with no wavefront to
/// cross, a full channel does so too.
bool PeArray::emission_backlog(Cycle now) const
{
    if (plan_->plan().keep_psums) return false;
    return last_emission_ >= array_time(now) + wave_ || (wave_ == 0 && !psums_out_.can_push(now));
}

void PeArray::emit_step(Cycle now)
{
    const TensorLanes& lanes = out_.lanes();
    const int width = hw_.psum_network.words_per_beat, bits = hw_.precision.psum_bits;
    const Cycle ready = array_time(now) + wave_;
    out_.words(lane_word_.data());
    for (int from = 0; from < lanes.count; from += width) {
        const int count = std::min(width, lanes.count - from);
        PsumBeat& b = new_emission(ready, count).beat;
        label(b);
        b.adjacent = lanes_adjacent_;
        const auto begin = lane_word_.begin() + from;
        std::copy_n(begin, count, b.out_word.begin());
        if (lanes.lane_is_col && bits == 32) {
            std::copy_n(column_.begin() + from, count, b.value.begin());
        } else {
            for (int i = 0; i < count; ++i)
                b.value[static_cast<std::size_t>(i)] = wrap(
                    column_[static_cast<std::size_t>(lanes.col_of_lane[static_cast<std::size_t>(from + i)])], bits);
        }
        if (plan_->has_operand2())
            for (int i = 0; i < count; ++i) b.operand2_word[static_cast<std::size_t>(i)] = out_.operand2_word(from + i);
    }
}

/// Kept psums leave row by row; in a whole-array drain the unused rows above go ahead as empty beats.
void PeArray::drain_psums(Cycle now)
{
    const TensorLanes& lanes = out_.lanes();
    const int width = hw_.psum_network.words_per_beat, bits = hw_.precision.psum_bits;
    const int length = drain_cycles(*set_);
    const bool one_beat = width >= hw_.pes();
    std::vector<std::pair<int, int>> beats; // lanes [from, to)
    for (int from = 0; from < lanes.count;) {
        int to = from + 1;
        while (to < lanes.count && to - from < width && (one_beat || lanes.row_of_lane[to] == lanes.row_of_lane[from]))
            ++to;
        beats.emplace_back(from, to);
        from = to;
    }
    // The first row is sent when those of the drain before have left the drain registers, and arrives a wavefront
    // later.
    const Cycle sent = array_time(now) + 1 + std::max(0, length - static_cast<int>(beats.size()));
    Cycle ready = std::max(sent, last_sent_ + 1) + wave_;
    for (const auto& [from, to] : beats) {
        PsumBeat& b = new_emission(ready++, to - from).beat;
        label(b);
        b.adjacent = false;
        for (int lane = from; lane < to; ++lane) {
            const std::size_t i = static_cast<std::size_t>(lane - from);
            b.value[i] = wrap(psums_.at(lanes.pe_of_lane[static_cast<std::size_t>(lane)]), bits);
            b.out_word[i] = out_.word(lane);
            b.operand2_word[i] = out_.operand2_word(lane);
        }
    }
    RegisterCounts& r = stats_.registers[static_cast<int>(Tensors::outputs)];
    r.drains += lanes.count;
    stats_.hops[2] += lanes.count;
}

/// The result at the head leaves when its wavefront has crossed; when it cannot, the array stands still.
bool PeArray::push_result(Cycle now)
{
    if (emission_count_ == 0 || (!frozen_ && emissions_[emission_head_].ready > array_time(now))) return false;
    if (!psums_out_.can_push(now)) {
        if (!frozen_) {
            frozen_ = true;
            frozen_since_ = now;
        }
        return false;
    }
    if (frozen_) {
        frozen_cycles_ += now - frozen_since_;
        frozen_ = false;
    }
    Emission& e = emissions_[emission_head_];
    PsumBeat& out = psums_out_.push(now);
    out.count = e.beat.count;
    out.first = e.beat.first;
    out.last = e.beat.last;
    out.complete = e.beat.complete;
    out.adjacent = e.beat.adjacent;
    copy_words(out.value, e.beat.value, e.beat.count);
    copy_words(out.out_word, e.beat.out_word, e.beat.count);
    if (plan_->has_operand2()) copy_words(out.operand2_word, e.beat.operand2_word, e.beat.count);
    emission_head_ = (emission_head_ + 1) % emissions_.size();
    --emission_count_;
    stats_.last_result = now - layer_start_;
    return true;
}

} // namespace heddle
