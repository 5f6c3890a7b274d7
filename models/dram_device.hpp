// The DRAM chips of one channel: which rows are open, and from which clock on each command is legal.
#pragma once

#include "models/dram_timing.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

namespace heddle {

enum class DramCommandKind : std::uint8_t { act, pre, pre_all, rd, wr, ref };

/// Every constraint is kept as "not before clock n" at the level it applies to (bank, bank group, rank), updated when a
/// command is issued; asking costs three maxima. Banks and groups are numbered through the channel:
/// group = rank x bank_groups + group, bank = group x banks_per_group + bank.
class DramDevice {
public:
    using Clock = std::uint64_t;
    static constexpr std::int64_t closed = -1;

    explicit DramDevice(const DramTiming& timing);

    std::int64_t open_row(int bank) const { return banks_[bank].row; }
    int open_banks(int rank) const { return ranks_[rank].open_banks; }

    Clock earliest_act(int bank) const
    {
        return std::max({banks_[bank].act, groups_[group_of(bank)].act, ranks_[rank_of(bank)].act});
    }
    Clock earliest_act_alone(int bank) const { return banks_[bank].act; } ///< if no other bank had been opened
    Clock earliest_pre(int bank) const { return banks_[bank].pre; }
    Clock earliest_column(int bank, bool write) const
    {
        return std::max(
            {banks_[bank].column, groups_[group_of(bank)].column[write], ranks_[rank_of(bank)].column[write]});
    }
    Clock earliest_pre_all(int rank) const; ///< every open bank may close
    Clock earliest_ref(int rank) const;     ///< every bank is closed and has been for tRP

    // The caller has checked the clock; returns how long the command bus is taken.
    int activate(int bank, std::int64_t row, Clock now);
    int precharge(int bank, Clock now);
    int precharge_all(int rank, Clock now); ///< also of closed banks
    int column(int bank, bool write, Clock now);
    int refresh(int rank, Clock now);

    Clock refreshed(int rank) const { return ranks_[rank].refreshed; } ///< end of its last refresh

    /// All banks closed, no constraint older than `ready`: nothing before it is remembered.
    void restart(Clock now, Clock ready);

    /// Clocks up to `now` in which a rank had an open row, summed over ranks.
    Clock active_clocks(Clock now) const;

    int rank_of(int bank) const { return rank_of_[bank]; }
    int group_of(int bank) const { return group_of_[bank]; }

private:
    struct Bank {
        std::int64_t row = closed;
        Clock act = 0, pre = 0, column = 0;
    };
    struct Group {
        Clock act = 0;
        Clock column[2] = {0, 0}; ///< [write]
    };
    struct Rank {
        Clock act = 0;
        Clock column[2] = {0, 0};
        std::array<Clock, 4> last_acts{}; ///< ring, for tFAW
        unsigned acts = 0;
        Clock refreshed = 0;
        int open_banks = 0;
        Clock active_since = 0, active = 0;
    };

    void open(Rank& rank, Clock now);
    void close(Rank& rank, int banks, Clock now);

    const DramTiming timing_;
    std::vector<Bank> banks_;
    std::vector<Group> groups_;
    std::vector<Rank> ranks_;
    std::vector<int> rank_of_, group_of_;
};

} // namespace heddle
