// Where the MAC-cycles of the array went (PE-cycles, where a PE has one MAC). Every one is in one cause, so the causes
// sum to cycles x MACs.
#pragma once

#include "hw/channel.hpp"

#include <array>

namespace heddle {

enum class ArrayCause {
    compute,
    idle_by_mapping,
    output_blocked,
    weights_missing_network, ///< the six refinements follow Reason's order from `network` on
    weights_missing_buffer_port,
    weights_missing_dram_refresh,
    weights_missing_dram_bandwidth,
    weights_missing_dram_window,
    weights_missing_dram_latency,
    inputs_missing_network,
    inputs_missing_buffer_port,
    inputs_missing_dram_refresh,
    inputs_missing_dram_bandwidth,
    inputs_missing_dram_window,
    inputs_missing_dram_latency,
    psums_missing,
    register_port, ///< a collector is filled over a port narrower than it
    wavefront_or_drain,
    imbalance,
    load,
    nothing_to_do,
    count
};
const char* array_cause_name(ArrayCause c);

inline ArrayCause missing(ArrayCause first, Reason r)
{
    const int refined = r == Reason::idle ? 0 : static_cast<int>(r) - static_cast<int>(Reason::network);
    return static_cast<ArrayCause>(static_cast<int>(first) + refined);
}

class ArrayLedger {
public:
    void restart(Cycle now, int macs)
    {
        cycles_.fill(0);
        macs_ = macs;
        since_ = now;
        after_ = ArrayCause::nothing_to_do;
        after_macs_ = macs;
    }
    /// Cycle `now`: `mapped` MACs in `cause`, the others idle by mapping; what follows likewise.
    void mark(Cycle now, ArrayCause cause, int mapped, ArrayCause after, int after_mapped)
    {
        settle(now);
        book(cause, mapped, 1);
        since_ = now + 1;
        after_ = after;
        after_macs_ = after_mapped;
    }
    void settle(Cycle now)
    {
        if (now > since_) book(after_, after_macs_, now - since_);
        since_ = std::max(since_, now);
    }
    std::int64_t mac_cycles(ArrayCause c) const { return cycles_[static_cast<std::size_t>(c)]; }

private:
    void book(ArrayCause cause, int mapped, std::int64_t cycles)
    {
        cycles_[static_cast<std::size_t>(cause)] += cycles * mapped;
        cycles_[static_cast<std::size_t>(ArrayCause::idle_by_mapping)] += cycles * (macs_ - mapped);
    }

    std::array<std::int64_t, static_cast<std::size_t>(ArrayCause::count)> cycles_{};
    int macs_ = 0;
    Cycle since_ = 0;
    ArrayCause after_ = ArrayCause::nothing_to_do;
    int after_macs_ = 0;
};

} // namespace heddle
