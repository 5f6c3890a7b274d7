// Brings one kept operand into the PEs' register files, tile by tile, ahead of the passes that use it.
//
// How far ahead is PassConfig::load. exposed: while the array waits for it. hidden: into a second set of registers,
// from the first step of the pass that uses the set before. word: word by word as far as the register file has room; an
// entry makes room after its last use, in the last pass that uses its tile, unless the window slides and the next tile
// has it. All times are array time.
#pragma once

#include "hw/beats.hpp"
#include "hw/block.hpp"
#include "hw/register_file.hpp"

namespace heddle {

class Loader {
public:
    void bind(const HardwareConfig& hw, Tensors tensor)
    {
        hw_ = &hw;
        tensor_ = tensor;
    }
    /// Nothing is loaded unless the plan keeps the tensor.
    void start(const CompiledPlan& plan);
    bool active() const { return active_; }
    /// Does the pass hold something other than the pass before it?
    bool changes(const Pass& pass) const { return active_ && (weights() ? pass.new_weights : pass.new_inputs); }

    /// The array waits for the load.
    void expose() { allowed_ = true; }
    /// The first step of a pass: what held its operands can take the next ones, if there is a second set.
    void first_step() { allowed_ = allowed_ || hw_->passes.load == Overlap::hidden; }
    /// May the beat enter, in a pass that has done so many steps?
    bool accepts(const OperandBeat& beat, std::int64_t pass, int steps_done) const;
    /// The beat enters. True for the first one of a load.
    bool take(const OperandBeat& beat, Cycle now, bool timing_only);
    /// May the pass that is loaded begin: is its tile there, or, word by word, what its first step uses?
    bool may_begin(Cycle now) const;
    /// Is the entry of the pass in use there?
    bool has(int entry, Cycle now) const { return !by_word() || usable_[static_cast<std::size_t>(entry)] <= now; }
    Cycle usable(int entry) const { return by_word() ? usable_[static_cast<std::size_t>(entry)] : 0; }
    bool arrived() const { return by_word() ? first_usable() != never : complete_; }
    Cycle ready() const { return by_word() ? first_usable() : ready_; }
    /// Something is still to come, and may.
    bool wants() const { return expected_ && allowed_ && !complete_; }
    /// The pass that was loaded for begins; word by word, the rest of its tile may still come. Returns the words that
    /// were written into register files.
    std::int64_t commit();

    /// Cycles that the load of the pass after `pass` needs at least, once begun; 0 when that one loads nothing.
    int floor_cycles(const Pass& pass) const { return expected_ && next() == pass.index + 1 ? load_cycles_ : 0; }
    /// Lanes of an entry of the load (or of all its entries).
    const LaneSet& set(int entry) const { return *(sets_.empty() ? set_ : sets_[static_cast<std::size_t>(entry)]); }

    int entry(const AxisIndex& index, const Pass& pass) const { return tile_.entry(index, pass.base); }
    RegisterFile& file() { return file_; }
    const RegisterFile& file() const { return file_; }

private:
    bool by_word() const { return hw_->passes.load == Overlap::word; }
    Cycle first_usable() const;
    void note_arrival(int entry, Cycle now);
    void next_load();
    bool weights() const { return tensor_ == Tensors::weights; }
    std::int64_t next() const { return walk_.pass().index; }
    void expect();
    void list_sets();
    void list_releases();
    int released(std::int64_t pass, int steps_done) const;

    const HardwareConfig* hw_ = nullptr;
    Tensors tensor_ = Tensors::weights;
    const CompiledPlan* plan_ = nullptr;
    bool active_ = false;
    RegisterTile tile_;
    RegisterFile file_;
    PassWalk walk_; ///< stands at the pass that is loaded next
    StepWalk step_;
    RegisterTile::List loads_;
    const LaneSet* set_ = nullptr;     ///< of all entries that arrive
    std::vector<const LaneSet*> sets_; ///< or by entry, when they differ
    Pass held_;                        ///< the pass whose tile is in use
    bool holds_ = false;
    bool expected_ = false, begun_ = false, complete_ = false, allowed_ = false;
    bool finishing_ = false;              ///< the pass in use has begun before all of its words had come
    std::vector<int> lanes_left_;         ///< word by word, of each entry that arrives
    std::vector<Cycle> arrived_, usable_; ///< when each entry can be used: that arrives, of the pass in use
    Cycle ready_ = 0;
    int load_cycles_ = 0;
    int capacity_ = 0;          ///< entries of a register file
    int in_use_ = 0;            ///< entries of the tile in use
    std::vector<int> releases_; ///< after how many steps of its last pass each of them makes room, ascending
};

} // namespace heddle
