// Where the cycles of a block went: every cycle in exactly one cause, counted in spans, never per sleeping cycle.
#pragma once

#include "hw/block.hpp"

#include <array>
#include <cstdint>

namespace heddle {

/// `Causes` is an enum whose last enumerator is `count`. A weight other than 1 counts PE-cycles.
template <typename Causes> class LedgerOf {
public:
    static constexpr std::size_t size = static_cast<std::size_t>(Causes::count);

    /// Cycles since the last call were spent as announced then; `now` is spent on `cause`, what follows on `after`.
    void mark(Cycle now, Causes cause, Causes after)
    {
        settle(now);
        cycles_[static_cast<std::size_t>(cause)] += 1;
        since_ = now + 1;
        after_ = after;
    }
    void mark(Cycle now, Causes cause) { mark(now, cause, cause); }
    /// Books everything before `now`.
    void settle(Cycle now)
    {
        if (now > since_) {
            cycles_[static_cast<std::size_t>(after_)] += now - since_;
            since_ = now;
        }
    }
    /// Starts counting at `now`, in `after`.
    void restart(Cycle now, Causes after)
    {
        cycles_.fill(0);
        since_ = now;
        after_ = after;
    }
    std::int64_t cycles(Causes c) const { return cycles_[static_cast<std::size_t>(c)]; }
    const std::array<std::int64_t, size>& all() const { return cycles_; }

private:
    std::array<std::int64_t, size> cycles_{};
    Cycle since_ = 0;
    Causes after_{};
};

} // namespace heddle
