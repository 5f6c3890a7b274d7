// Sends psums back to the head of the array's chain, in the order of its steps, when they accumulate through the array.
//
// A word is read only when the update that the step before it in the reduction produced has been written and has
// settled: the reader counts its own reads of every word against the updates that have arrived.
#pragma once

#include "hw/beats.hpp"
#include "hw/channel.hpp"
#include "hw/partition.hpp"
#include "hw/walk.hpp"

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

    const CompiledPlan* plan_ = nullptr;
    Partition<std::int32_t>* psums_ = nullptr;
    PassWalk pass_;
    StepWalk step_;
    LaneCursor out_;
    ReductionPlace place_;
    int next_lane_ = 0;
    bool done_ = true;
    Cycle settles_ = never;
    std::vector<std::uint16_t> updates_, reads_; ///< by word
    std::vector<Cycle> ready_;                   ///< by word
};

} // namespace heddle
