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
    const bool keep = plan_->plan().keep_psums;
    last_step_ = now;
    if (first_step_ < 0) {
        first_step_ = array_time(now);
        for (Operand& o : operands_) o.loader.first_step();
    }
    const LaneSet& set = *set_;
    const bool first_touch = keep && pick_psums();
    if (!timing_only_) {
        multiply(set);
        if (psums_arrived_) add_arrived_psums();
    }
    step_may_start_ = array_time(now) + 1;
    count_step(set, first_touch, now);
    if (!keep) emit_step(now);
    const bool vary = step_.lanes_vary();
    step_.next();
    ++steps_done_;
    if (step_.done()) {
        finish_pass(now);
        return;
    }
    for (Operand& o : operands_) {
        o.complete = o.kept || !step_.changed(o.tensor);
        o.begun = o.complete;
    }
    pick_entries();
    if (vary) use_lanes(plan_->lanes(step_.remaining()));
    if (keep) return;
    if (vary || step_.changed(Tensors::outputs)) out_.follow(pass_.pass(), step_);
    if (vary) lanes_adjacent_ = out_.adjacent();
    expect_psums();
}

/// The entry that the step adds to; true when it is the first of the pass to do so.
bool PeArray::pick_psums()
{
    const std::size_t e = static_cast<std::size_t>(psum_tile_.entry(step_.index(), pass_.pass().base));
    psums_now_ = &psums_[e];
    if (psum_pass_[e] == pass_.pass().index) return false;
    psum_pass_[e] = pass_.pass().index;
    return true;
}

void PeArray::multiply(const LaneSet& set)
{
    const int shift = hw_.precision.product_shift;
    Operand &w = operands_[0], &i = operands_[1];
    const bool sums = !plan_->plan().keep_psums;
    // A column vector without a row vector beside it has no kernel of its own.
    Operand* row = w.form == Form::row ? &w : i.form == Form::row ? &i : nullptr;
    Operand& other = row == &w ? i : w;
    if (row && other.form == Form::col && !sums)
        outer_product(*psums_now_, row->row.data(), other.col.data(), shift, summed_);
    else if (row && other.form == Form::matrix && sums)
        column_sums(*other.now, row->row.data(), shift, column_.data());
    else if (row && other.form == Form::matrix)
        scaled_rows(*psums_now_, *other.now, row->row.data(), shift, summed_);
    else if (!row && sums)
        column_sums(*w.now, *i.now, shift, column_.data());
    else if (!row)
        elementwise(*psums_now_, *w.now, *i.now, shift, summed_);
    else
        throw std::logic_error("array: columns are summed with one vector at most");
    stats_.macs_effectual += effectual(set);
}

std::int64_t PeArray::effectual(const LaneSet& set)
{
    Operand &w = operands_[0], &i = operands_[1];
    Operand* row = w.form == Form::row ? &w : i.form == Form::row ? &i : nullptr;
    if (!row) // idle MACs may still hold what they use in another step, or did in another pass
        return set.full ? both_nonzero(*w.now, *i.now) : both_nonzero(*w.now, *i.now, set.active);
    Operand& other = row == &w ? i : w;
    std::int64_t n = 0;
    if (other.form == Form::col) {
        const auto nonzero = [](const std::vector<std::int32_t>& v, int count) {
            return count - std::count(v.begin(), v.begin() + count, 0);
        };
        return nonzero(row->row, set.grid_rows) * nonzero(other.col, set.grid_cols);
    }
    if (other.kept && set.full)
        return masked_sum(row->row.data(), other.loader.file().nonzero_in_row(other.entry), set.grid_rows);
    for (int y = 0; y < set.grid_rows; ++y) {
        if (row->row[static_cast<std::size_t>(y)] == 0) continue;
        const std::int32_t* words = other.now->row(y);
        if (set.full) {
            n += set.grid_cols - std::count(words, words + set.grid_cols, 0);
            continue;
        }
        for (int x = 0; x < set.grid_cols; ++x) n += words[x] != 0 && set.active.row(y)[x] != 0;
    }
    return n;
}

/// Register files: without collectors, every MAC reads what it uses in every step.
void PeArray::count_step(const LaneSet& set, bool first_touch, Cycle now)
{
    stats_.macs += set.active_macs;
    reuse_.count(step_, set.active_pes);
    const TensorLanes& outputs = set.tensor[static_cast<int>(Tensors::outputs)];
    if (!plan_->plan().keep_psums && plan_->plan().psum_path == PsumPath::chain_y)
        stats_.hops[2] += outputs.words_in_pes;
    if (hw_.array.collectors) {
        count_collectors(set, first_touch, now);
        return;
    }
    for (const Operand& o : operands_)
        if (o.kept)
            stats_.registers[static_cast<int>(o.tensor)].reads += set.tensor[static_cast<int>(o.tensor)].words_in_pes;
    if (!plan_->plan().keep_psums) return;
    RegisterCounts& r = stats_.registers[static_cast<int>(Tensors::outputs)];
    r.updates += static_cast<std::int64_t>(outputs.psum_cells.size());
    if (!first_touch) r.reads += static_cast<std::int64_t>(outputs.psum_cells.size()); // the first update needs none
}

/// With collectors, when one is filled; over a narrow port, that takes more than this cycle.
void PeArray::count_collectors(const LaneSet& set, bool first_touch, Cycle now)
{
    const int pes = std::max(1, set.active_pes);
    for (const Tensors t : {Tensors::weights, Tensors::inputs, Tensors::outputs}) {
        if (!plan_->plan().keeps(t)) continue;
        const TensorLanes& lanes = set.tensor[static_cast<int>(t)];
        const bool psums = t == Tensors::outputs;
        int words = psums ? static_cast<int>(lanes.psum_cells.size()) : lanes.words_in_pes;
        if (!reuse_.filled(t)) { // PEs that join in while the collectors hold the same take it now
            const int held = psums || plan_->plan().collector_loops > 0 ? words : collector_words_[static_cast<int>(t)];
            if (words <= held) continue;
            collector_words_[static_cast<int>(t)] = words;
            words -= held;
        } else if (!psums) {
            collector_words_[static_cast<int>(t)] = words;
        }
        RegisterCounts& r = stats_.registers[static_cast<int>(t)];
        if (psums) r.updates += words;
        if (!psums || !first_touch) r.reads += words;
        const int port = hw_.register_file(t).port_words, per_pe = (words + pes - 1) / pes;
        if (port > 0) step_may_start_ = std::max(step_may_start_, array_time(now) + (per_pe + port - 1) / port);
    }
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
    if (emission_count_ == emissions_.size()) {
        if (!plan_->plan().keep_psums) throw std::logic_error("array: more results in flight than its pipeline holds");
        std::rotate(emissions_.begin(), emissions_.begin() + static_cast<std::ptrdiff_t>(emission_head_),
                    emissions_.end());
        emission_head_ = 0;
        emissions_.resize(2 * emissions_.size(), emissions_.front());
    }
    Emission& e = emissions_[(emission_head_ + emission_count_) % emissions_.size()];
    ++emission_count_;
    e.ready = std::max(ready, last_emission_ + 1);
    last_emission_ = e.ready;
    e.adds = false;
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

/// Kept psums leave in the order of drain_order_; in a whole-array drain the unused rows above go ahead as empty beats.
void PeArray::drain_psums(Cycle now)
{
    const std::vector<int>& beats = drain_order_.beats();
    const int length = last_drain_;
    place_in_reduction();
    const bool adds = plan_->accumulates_through_array() && !place_.first;
    // The first row is sent when those of the drain before have left the drain registers, and arrives a wavefront
    // later.
    const Cycle sent = array_time(now) + 1 + std::max(0, length - drain_order_.beat_count());
    Cycle ready = std::max(sent, last_sent_ + 1) + wave_;
    for (std::size_t b = 0; b + 1 < beats.size(); ++b) {
        Emission& e = new_emission(ready++, beats[b + 1] - beats[b]);
        e.adds = adds;
        label(e.beat);
        fill_drain_beat(e.beat, beats[b], beats[b + 1]);
    }
    std::int64_t words = 0;
    for (const DrainOrder::Item& i : drain_order_.items())
        words += i.lanes->psum_cells_begin[static_cast<std::size_t>(i.lane) + 1] -
                 i.lanes->psum_cells_begin[static_cast<std::size_t>(i.lane)];
    stats_.registers[static_cast<int>(Tensors::outputs)].drains += words;
    stats_.hops[2] += words;
}

/// An output is the sum of the psums of the PEs that share it.
void PeArray::fill_drain_beat(PsumBeat& b, int from, int to) const
{
    const bool operand2 = plan_->has_operand2();
    b.adjacent = false;
    for (int at = from; at < to; ++at) {
        const DrainOrder::Item& item = drain_order_.items()[static_cast<std::size_t>(at)];
        const std::vector<std::int32_t>& psums = psums_[static_cast<std::size_t>(item.entry)].data;
        const std::size_t i = static_cast<std::size_t>(at - from), lane = static_cast<std::size_t>(item.lane);
        std::uint32_t sum = 0;
        for (int p = item.lanes->psum_cells_begin[lane]; p < item.lanes->psum_cells_begin[lane + 1]; ++p)
            sum += static_cast<std::uint32_t>(
                psums[static_cast<std::size_t>(item.lanes->psum_cells[static_cast<std::size_t>(p)])]);
        b.value[i] = wrap(static_cast<std::int32_t>(sum), hw_.precision.psum_bits);
        b.out_word[i] = item.out_word;
        if (operand2) b.operand2_word[i] = item.operand2_word;
    }
}

/// Psums of the buffer enter the chain a wavefront before their sums leave it.
bool PeArray::receive_drain_psums(Cycle now)
{
    while (adds_ahead_ < emission_count_ && !emissions_[(emission_head_ + adds_ahead_) % emissions_.size()].adds)
        ++adds_ahead_;
    if (adds_ahead_ == emission_count_ || frozen_ || !psums_in_.can_pop(now)) return false;
    Emission& e = emissions_[(emission_head_ + adds_ahead_) % emissions_.size()];
    const PsumBeat& in = psums_in_.front();
    for (int i = 0; i < in.count; ++i) {
        std::int32_t& sum = e.beat.value[static_cast<std::size_t>(psum_lanes_ + i)];
        sum = wrap(static_cast<std::int32_t>(static_cast<std::uint32_t>(sum) +
                                             static_cast<std::uint32_t>(in.value[static_cast<std::size_t>(i)])),
                   hw_.precision.psum_bits);
    }
    psum_lanes_ += in.count;
    stats_.hops[2] += in.count;
    psums_in_.pop(now);
    if (psum_lanes_ < e.beat.count) return true;
    psum_lanes_ = 0;
    e.adds = false;
    e.ready = std::max(e.ready, array_time(now) + wave_);
    return true;
}

/// The result at the head leaves when its wavefront has crossed; when it cannot, the array stands still.
bool PeArray::push_result(Cycle now)
{
    if (emission_count_ == 0 || emissions_[emission_head_].adds ||
        (!frozen_ && emissions_[emission_head_].ready > array_time(now)))
        return false;
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
    ++emitted_;
    if (adds_ahead_ > 0) --adds_ahead_;
    stats_.last_result = now - layer_start_;
    return true;
}

} // namespace heddle
