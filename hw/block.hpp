// A block of the accelerator: an sc_module whose whole behaviour is tick(now).
//
// Contract (design.md §8.1): tick runs at most once per cycle, touches only the block's own state and the ends of its
// channels, and returns the next cycle at which it wants to run (> now, or `never`; a channel wakes it earlier).
// Ticking a block when nothing changed has no effect, so sleeping is an optimisation that changes no count.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <systemc>
#include <vector>

namespace heddle {

using Cycle = std::int64_t;
inline constexpr Cycle never = std::numeric_limits<Cycle>::max();

/// Where others ask a block to run. Requests made in cycle t are for t + 1 or later.
struct WakeSlot {
    Cycle request = never;
    void wake(Cycle at)
    {
        if (at < request) request = at;
    }
};

class ChannelBase;

class Block : public sc_core::sc_module {
public:
    explicit Block(const sc_core::sc_module_name& name) : sc_core::sc_module(name) {}

    virtual Cycle tick(Cycle now) = 0;
    /// One phrase on what it is doing, for deadlock reports.
    virtual std::string status() const = 0;

    WakeSlot& wake_slot() { return wake_slot_; }
    /// Channels that this block reads; bind_reader fills it. An entry still on its way wakes the block even if it ran,
    /// for another reason, after the push.
    std::vector<const ChannelBase*>& inputs() { return inputs_; }

private:
    WakeSlot wake_slot_;
    std::vector<const ChannelBase*> inputs_;
};

} // namespace heddle
