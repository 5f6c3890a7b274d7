// The one connection between blocks: a ready/valid channel with registered ends (design.md §5.1).
//
// An entry pushed in cycle t can be popped from t + latency on (latency >= 1); a slot freed in t can be refilled in t
// + 1. Both ends see only what happened before the current cycle, so the order in which blocks run changes nothing.
// Throughput is min(1, depth / (latency + 1)): depth 2 sustains one entry a cycle at latency 1.
// One producer, one consumer, at most one push and one pop a cycle. Entries are written in place.
//
// With a stall seed every entry is held back by a random number of extra cycles, in order: that changes cycles and
// never values.
#pragma once

#include "dnn/base/random.hpp"
#include "hw/block.hpp"

#include <stdexcept>
#include <string>
#include <vector>

namespace heddle {

/// Why a channel is empty; registered like data. What comes from off chip waits, first match wins, for
///  refresh: the rank that is awaited refreshes;
///  bandwidth: the memory's bus carries a beat, or stands for the spacing that its transfers must keep;
///  window: a request is held back by requests_in_flight or queue_depth;
///  latency: all else, start-up and issue interval included.
/// Who knows says so, others pass a reason on.
enum class Reason : std::uint8_t {
    idle,
    network,
    buffer_port,
    dram_refresh,
    dram_bandwidth,
    dram_window,
    dram_latency
};
inline bool is_off_chip(Reason r)
{
    return r >= Reason::dram_refresh;
}

class ChannelBase {
public:
    ChannelBase(std::string name, int depth, int latency) : name_(std::move(name)), depth_(depth), latency_(latency)
    {
        if (depth < 1 || latency < 1) throw std::logic_error("channel " + name_ + ": depth and latency must be >= 1");
        ready_.resize(static_cast<std::size_t>(depth));
    }

    void bind_writer(Block& b) { writer_ = &b.wake_slot(); }
    void bind_reader(Block& b)
    {
        reader_ = &b.wake_slot();
        b.inputs().push_back(this);
    }
    /// From here on; equal seeds give equal stalls, whatever went through the channel before.
    /// Can an entry arrive later than the cycle after its push?
    bool arrives_late() const { return latency_ > 1 || stalls_ != 0; }
    void set_stalls(std::uint64_t seed)
    {
        stalls_ = seed;
        stalls_from_ = transfers_;
    }

    /// Every layer starts with the same reasons, whatever ran before.
    void begin_layer() { reason_ = reason_before_ = Reason::idle; }

    bool can_push(Cycle now) const { return used_ + (last_pop_ == now ? 1 : 0) < depth_; }
    bool can_pop(Cycle now) const { return used_ > 0 && ready_[head_] <= now && last_pop_ != now; }
    /// When the front entry becomes ready; `never` when there is none.
    Cycle front_ready() const { return used_ > 0 ? ready_[head_] : never; }
    bool empty() const { return used_ == 0; }
    int fill() const { return used_; }
    int depth() const { return depth_; }
    const std::string& name() const { return name_; }
    std::int64_t transfers() const { return transfers_; }
    // What happened in cycle `c`, and whether there was room as it began; for observers, at its end.
    bool pushed_in(Cycle c) const { return last_push_ == c; }
    bool popped_in(Cycle c) const { return last_pop_ == c; }
    bool had_room_in(Cycle c) const { return used_ - (last_push_ == c) + (last_pop_ == c) < depth_; }

    /// The writer says why it has nothing; the reader sees it one cycle later.
    void set_reason(Cycle now, Reason r)
    {
        if (r == reason_) return;
        if (reason_since_ != now) reason_before_ = reason_;
        reason_ = r;
        reason_since_ = now;
        if (reader_) reader_->wake(now + 1);
    }
    Reason reason(Cycle now) const { return reason_since_ < now ? reason_ : reason_before_; }

protected:
    std::size_t begin_push(Cycle now)
    {
        if (!can_push(now) || last_push_ == now) throw std::logic_error("channel " + name_ + ": push refused");
        last_push_ = now;
        std::size_t slot = head_ + static_cast<std::size_t>(used_);
        if (slot >= ready_.size()) slot -= ready_.size();
        Cycle at = now + latency_;
        if (stalls_ != 0) at = stalled(at);
        ready_[slot] = at;
        ++used_;
        ++transfers_;
        if (reader_) reader_->wake(at);
        return slot;
    }
    void end_pop(Cycle now)
    {
        if (!can_pop(now)) throw std::logic_error("channel " + name_ + ": pop refused");
        last_pop_ = now;
        if (++head_ == ready_.size()) head_ = 0;
        --used_;
        if (writer_) writer_->wake(now + 1);
        if (reader_ && used_ > 0) reader_->wake(std::max(now + 1, ready_[head_]));
    }
    std::size_t head() const { return head_; }
    std::size_t slot(int from_head) const
    {
        return (head_ + static_cast<std::size_t>(depth_ + from_head)) % static_cast<std::size_t>(depth_);
    }

private:
    Cycle stalled(Cycle at)
    {
        const std::uint64_t draw = derive_seed(stalls_, static_cast<std::uint64_t>(transfers_ - stalls_from_));
        if (draw % 4 == 0) at += static_cast<Cycle>(draw / 4 % 8);
        last_ready_ = std::max(last_ready_, at);
        return last_ready_;
    }

    std::string name_;
    int depth_, latency_;
    int used_ = 0;
    std::size_t head_ = 0;
    Cycle last_push_ = -1, last_pop_ = -1;
    std::vector<Cycle> ready_;
    WakeSlot* writer_ = nullptr;
    WakeSlot* reader_ = nullptr;
    std::int64_t transfers_ = 0;
    std::uint64_t stalls_ = 0;
    std::int64_t stalls_from_ = 0;
    Cycle last_ready_ = 0;
    Reason reason_ = Reason::idle, reason_before_ = Reason::idle;
    Cycle reason_since_ = -1;
};

template <typename T> class Channel : public ChannelBase {
public:
    /// Every slot starts as a copy of `prototype`, which brings the payload's buffers to their full size once.
    Channel(std::string name, int depth, int latency, const T& prototype = T())
        : ChannelBase(std::move(name), depth, latency), slots_(static_cast<std::size_t>(depth), prototype)
    {
    }

    /// Slot to write the entry into, in this cycle. Throws when full: ask can_push first.
    T& push(Cycle now) { return slots_[begin_push(now)]; }
    T& front() { return slots_[head()]; }
    const T& front() const { return slots_[head()]; }
    /// For observers, at the end of a cycle: the entry pushed in it, the entry popped in it.
    const T& pushed() const { return slots_[slot(fill() - 1)]; }
    const T& popped() const { return slots_[slot(-1)]; }
    /// Frees the front entry; its contents stay readable until the end of this tick.
    void pop(Cycle now) { end_pop(now); }

private:
    std::vector<T> slots_;
};

} // namespace heddle
