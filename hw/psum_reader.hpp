// Sends psums back to the head of the array's chain, when they accumulate through the array: in the order of its steps,
// or, when it keeps psums during a pass, of the pass's drain, in the same beats.
//
// A word is read only when the update that the step before it in the reduction produced has been written and has
// settled: the reader counts its own reads of every word against the updates that have arrived.
#pragma once

#include "hw/beats.hpp"
#include "hw/channel.hpp"
#include "hw/drain_order.hpp"
#include "hw/partition.hpp"

namespace heddle {

class PsumReader {
public:
    void start(const CompiledPlan& plan, Partition<std::int32_t>& psums);
    bool active() const { return !done_; }
    /// An update of `word` has been written and can be read from cycle `ready` on.
    void updated(std::int32_t word, Cycle ready);
    /// Pushes at most one beat; true when it did.
    bool tick(Cycle now, Channel<PsumBeat>& out);
    /// When the next beat's words settle, if that is all it waits for; else `never` (an update wakes the buffer).
    Cycle settles() const { return settles_; }

    std::int64_t words_read = 0;

private:
    void enter_pass();
    void seek();
    void next_step();
    void next_pass();
    int lanes() const { return kept_ ? static_cast<int>(order_.items().size()) : out_.count(); }
    std::int32_t word(int lane) const
    {
        return kept_ ? order_.items()[static_cast<std::size_t>(lane)].out_word : out_.word(lane);
    }
    int beat_words() const;

    const CompiledPlan* plan_ = nullptr;
    Partition<std::int32_t>* psums_ = nullptr;
    PassWalk pass_;
    StepWalk step_;
    LaneCursor out_;
    bool kept_ = false;
    DrainOrder order_;
    std::size_t beat_ = 0; ///< of order_, that next_lane_ lies in
    ReductionPlace place_;
    int next_lane_ = 0;
    bool done_ = true;
    Cycle settles_ = never;
    std::vector<std::uint32_t> updates_, reads_; ///< by word
    std::vector<Cycle> ready_;                   ///< by word
};

} // namespace heddle
