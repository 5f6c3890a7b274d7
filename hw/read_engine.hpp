// The read side of one operand partition: walks the layer's passes and steps and turns each delivery event into beats,
// as wide as the port allows, waiting for the words of a tile that is still being filled.
#pragma once

#include "hw/beats.hpp"
#include "hw/channel.hpp"
#include "hw/partition.hpp"
#include "hw/register_tile.hpp"
#include "hw/shift.hpp"
#include "hw/walk.hpp"

namespace heddle {

class ReadEngine {
public:
    ReadEngine() = default;
    /// `beat_words`: lanes that fit a beat of the channel.
    ReadEngine(Tensors tensor, Partition<std::int16_t>& partition, int beat_words)
        : tensor_(tensor), partition_(&partition), beat_words_(beat_words)
    {
    }

    void start(const CompiledPlan& plan, FillGranularity granularity, bool resident);
    /// Pushes at most one beat. True when it did.
    bool tick(Cycle now, Channel<OperandBeat>& out);
    bool done() const { return done_; }
    /// Words freed by leaving a tile since last asked.
    std::int64_t take_freed();
    /// The last tick pushed nothing because words are missing (rather than the port or the channel).
    bool starved() const { return starved_; }
    std::int64_t pass() const { return pass_.pass().index; }

    std::int64_t words_read = 0;
    std::int64_t padding_words = 0;

private:
    bool kept() const;
    int row_of(int lane) const;
    int look() const;
    int lane_at(int i) const { return shifts_ ? (*read_lane_)[static_cast<std::size_t>(i)] : i; }
    /// A word of a load of several entries.
    struct Item {
        std::int32_t word, lane, entry;
        int order;   ///< of the entry among those that are loaded
        int set;     ///< of PEs
        bool breaks; ///< a beat starts here
    };
    bool load_pass();
    void list_load();
    void order_load(const std::vector<std::size_t>& entry_begin);
    void fill(OperandBeat& beat, int lanes);
    void fill_listed(OperandBeat& beat, int lanes);
    void fill_adjacent(OperandBeat& beat, int lanes);
    std::int32_t word_at(int lane) const
    {
        if (listed_) return load_[static_cast<std::size_t>(lane)].word;
        if (!adjacent_) return event_word_[static_cast<std::size_t>(lane)];
        return first_word_ < 0 ? -1 : first_word_ + lane;
    }
    void open_event();
    void enter_pass();
    void next_event();
    void next_pass();
    void leave_tile(const Tile& tile);
    bool available(std::int32_t word) const;
    void describe_window(OperandBeat& beat) const;

    Tensors tensor_ = Tensors::weights;
    Partition<std::int16_t>* partition_ = nullptr;
    const CompiledPlan* plan_ = nullptr;
    FillGranularity granularity_ = FillGranularity::word;
    PassWalk pass_;
    StepWalk step_;
    LaneCursor cursor_, result_;
    ShiftRule shift_;
    bool shifts_ = false;
    bool row_per_beat_ = false; ///< a load chain moves one row of the array at a time
    bool one_set_ = false;      ///< a beat's words go to one set of PEs
    RegisterTile tile_;         ///< kept tensors
    Pass loaded_;               ///< the last one that was loaded
    bool any_loaded_ = false;
    RegisterTile::List loads_;
    std::vector<Item> load_;
    bool listed_ = false; ///< the event is in load_
    int beat_words_ = 0;
    std::vector<std::int32_t> event_word_;                 ///< [lane]; -1 on padding
    const std::vector<std::int32_t>* read_lane_ = nullptr; ///< shift: the lanes to be read
    bool adjacent_ = false;                                ///< lane l reads first_word_ + l (or all lie on padding)
    std::int32_t first_word_ = 0;
    int event_lanes_ = 0, next_ = 0; ///< to be delivered, of which this many are
    std::int64_t needed_ = 0;        ///< words fetched for the current tile
    bool resident_ = false;
    bool tile_complete_ = false;
    bool done_ = true, starved_ = false;
    std::int64_t freed_ = 0;
};

} // namespace heddle
