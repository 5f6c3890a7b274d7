#include "hw/psum_reader.hpp"

#include <algorithm>

namespace heddle {

void PsumReader::start(const CompiledPlan& plan, Partition<std::int32_t>& psums)
{
    words_read = 0;
    settles_ = never;
    done_ = !plan.accumulates_through_array();
    if (done_) return;
    plan_ = &plan;
    psums_ = &psums;
    const std::size_t words = static_cast<std::size_t>(plan.outputs().words);
    updates_.assign(words, 0);
    reads_.assign(words, 0);
    ready_.assign(words, 0);
    kept_ = plan.plan().keep_psums;
    if (kept_) order_ = DrainOrder(plan);
    pass_ = PassWalk(plan);
    step_ = StepWalk(plan);
    out_ = LaneCursor(plan, Tensors::outputs);
    enter_pass();
    seek();
}

void PsumReader::enter_pass()
{
    beat_ = 0;
    if (kept_) {
        if (!pass_.pass().first_reduction) order_.start(pass_.pass());
        return;
    }
    step_.start(pass_.pass());
    out_.start(pass_.pass(), step_);
}

/// Moves on to the next step (or pass) that continues a reduction.
void PsumReader::seek()
{
    while (!done_) {
        place_ = reduction_place(*plan_, pass_.pass(), step_);
        if (!place_.first) return;
        next_step();
    }
}

void PsumReader::next_step()
{
    next_lane_ = 0;
    if (kept_) {
        next_pass();
        return;
    }
    step_.next();
    if (step_.done())
        next_pass();
    else
        out_.follow(pass_.pass(), step_);
}

void PsumReader::next_pass()
{
    pass_.next();
    done_ = pass_.done();
    if (!done_) enter_pass();
}

/// Lanes of the next beat: as many as the port reads, and no more than what leaves the array together.
int PsumReader::beat_words() const
{
    const PortConfig& port = psums_->ports.read_port();
    const int end = std::min(kept_ ? order_.beats()[beat_ + 1] : lanes(), next_lane_ + port.words);
    if (port.gather) return end - next_lane_;
    const int line = psums_->ports.line_words();
    int next = next_lane_ + 1; // words of one line
    while (next < end && word(next) / line == word(next_lane_) / line) ++next;
    return next - next_lane_;
}

void PsumReader::updated(std::int32_t word, Cycle ready)
{
    ++updates_[static_cast<std::size_t>(word)];
    ready_[static_cast<std::size_t>(word)] = ready;
}

bool PsumReader::tick(Cycle now, Channel<PsumBeat>& out)
{
    settles_ = never;
    if (done_ || !out.can_push(now) || !psums_->ports.can_read(now)) return false;
    const int count = beat_words();
    Cycle ready = 0;
    for (int i = 0; i < count; ++i) {
        const std::size_t w = static_cast<std::size_t>(word(next_lane_ + i));
        if (updates_[w] <= reads_[w]) return false;
        ready = std::max(ready, ready_[w]);
    }
    if (ready > now) {
        settles_ = ready;
        return false;
    }
    PsumBeat& b = out.push(now);
    b.count = count;
    b.first = false;
    b.last = place_.last;
    for (int i = 0; i < count; ++i) {
        const std::int32_t w = word(next_lane_ + i);
        b.out_word[static_cast<std::size_t>(i)] = w;
        b.value[static_cast<std::size_t>(i)] = psums_->get(w);
        ++reads_[static_cast<std::size_t>(w)];
    }
    psums_->ports.read(now);
    if (place_.last) psums_->release(count);
    words_read += count;
    next_lane_ += count;
    if (kept_ && next_lane_ == order_.beats()[beat_ + 1]) ++beat_;
    if (next_lane_ == lanes()) {
        next_step();
        seek();
    }
    return true;
}

} // namespace heddle
