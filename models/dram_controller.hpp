// A DRAM controller and its devices, cycle-accurate in memory clocks; plain C++, used by hw/dram.
#pragma once

#include "models/dram_address.hpp"
#include "models/dram_device.hpp"
#include "models/dram_timing.hpp"

#include <cstdint>
#include <functional>
#include <vector>

namespace heddle {

/// One burst of burst_bytes(), aligned to it.
struct DramBurst {
    std::uint64_t address_bytes = 0;
    bool write = false;
    std::uint32_t tag = 0; ///< the caller's, returned unchanged
};

struct DramCommand {
    std::uint64_t clock = 0;
    DramCommandKind kind = DramCommandKind::act;
    DramPlace place;       ///< of the burst; only channel and rank for pre_all and ref
    std::uint32_t tag = 0; ///< of the burst served (rd, wr) or asking (act, pre)
};

/// Since construction; layers take differences. Clocks are summed over channels (data bus) or over ranks and channels
/// (standby), so active + precharge standby = clocks x ranks x channels.
struct DramCounts {
    std::uint64_t act = 0;
    std::uint64_t pre = 0; ///< banks closed: one precharge of all banks counts each open one
    std::uint64_t rd = 0, wr = 0;
    std::uint64_t ref = 0;                      ///< from the clock at which they are due
    std::uint64_t row_hits = 0, row_misses = 0; ///< bursts that found their row open, or needed an ACT of their own
    std::uint64_t active_standby_clocks = 0;    ///< some row of the rank open
    std::uint64_t precharge_standby_clocks = 0; ///< no row open; contains tRFC
    std::uint64_t data_bus_busy_clocks = 0;
};

/// What the bursts in a controller wait for. First match wins, over all channels.
enum class DramWait : std::uint8_t {
    nothing,   ///< there are none
    refresh,   ///< a channel's next burst lies in a rank whose refresh is due or runs
    bandwidth, ///< a data bus carries a beat, or stands only for the spacing of transfers (tCCD, turnarounds, tRRD,
               ///< tFAW)
    latency,   ///< all else: rows that open and close, the way from a command to its data
};

/// What was counted between two readings.
DramCounts operator-(const DramCounts& later, const DramCounts& earlier);

/// Per channel a bounded queue of bursts and an independent command bus. The rules, first match wins, at each clock at
/// which the command bus is free:
///  1. A rank whose refresh is due (every tREFI) takes nothing new: precharge all as soon as legal, then REF.
///     Lower ranks first.
///  2. The oldest burst whose row is open and whose RD or WR is legal now (first ready). Bursts to one address keep
///  their order
///     unless both read.
///  3. The oldest burst that can be helped now: ACT if its bank is closed; PRE if another row is open that no queued
///  burst wants.
/// When `max_bypass` bursts have overtaken the oldest one, only the oldest is served until it leaves. Pages stay open.
/// A burst enqueued at clock n is seen from n + 1 on, whether tick(n) ran before or after the call.
class DramController {
public:
    using Clock = std::uint64_t;
    static constexpr Clock never = ~Clock{0};

    /// UserError if the timing breaks a rule.
    explicit DramController(const DramTiming& timing);

    const DramTiming& timing() const { return timing_; }
    int burst_bytes() const { return timing_.burst_bytes(); }
    const DramAddressMap& address_map() const { return map_; }

    /// Whether the queue of the address's channel has room.
    bool can_accept(std::uint64_t address_bytes) const;
    /// Whether every channel has room.
    bool can_accept() const;
    /// The channel must have room, the address lie in the capacity and be aligned (std::logic_error).
    void enqueue(const DramBurst& burst, Clock now);

    /// Issues at most one command per channel and collects the bursts whose data have been transferred by clock `now`:
    /// the data occupy the clocks from RD/WR + latency up to but not including `now`. `now` may not skip a
    /// next_event().
    void tick(Clock now);
    /// By channel; valid until the next tick.
    const std::vector<DramBurst>& completed() const { return completed_; }

    /// Earliest clock > now at which tick can do anything if nothing is enqueued; never if nothing at all is pending,
    /// which with refresh is not the case. Ticks in between change nothing.
    Clock next_event(Clock now) const;

    struct State {
        DramWait wait = DramWait::nothing;
        bool refreshing = false; ///< some rank's refresh is due or runs
        Clock until = never;     ///< earliest clock > now at which this can change if no tick does anything before
    };
    /// After tick(now). A bus stands for spacing while a burst that waits would have begun to be transferred by now,
    /// were there no others: it has been seen, and its own bank would have been ready for it.
    State state(Clock now) const;

    bool data_bus_busy(Clock now) const; ///< of any channel
    bool idle() const;                   ///< no burst queued or in flight

    /// The canonical start of a layer; needs idle() (std::logic_error). As if at `now` every rank
    /// waited for the longest write recovery and precharged all banks, whatever its state: rows close and can open
    /// again from now + reset_clocks() on. The next refresh is due half of tREFI after `now`; one that is due or runs
    /// ends here, counted.
    void reset_to_canonical(Clock now);
    int reset_clocks() const;

    DramCounts counts(Clock now) const;
    /// For tests: looks for a command at every tick instead of trusting the computed wake-up clocks. Changes nothing
    /// else.
    void never_sleep() { sleeps_ = false; }
    /// Called for every command issued by tick, in order of clock and channel.
    void log_commands(std::function<void(const DramCommand&)> log) { log_ = std::move(log); }

private:
    /// Kept small: the scheduler walks and closes up the queue at almost every command.
    struct Entry {
        DramBurst burst;
        Clock eligible = 0; ///< first clock at which it is seen
        std::int32_t row = 0;
        std::uint8_t bank = 0; ///< as numbered by DramDevice
        std::uint8_t rank = 0;
        bool activated = false;
        std::uint8_t blockers = 0; ///< older queued bursts to the same address that must go first
    };
    struct Transfer {
        DramBurst burst;
        Clock start = 0, end = 0; ///< of the data, end exclusive
        Clock alone = 0;          ///< when the data would have started without others
    };
    struct Channel {
        explicit Channel(const DramTiming& timing) : device(timing) {}
        DramDevice device;
        std::vector<Entry> queue; ///< oldest first
        std::vector<int> hits;    ///< by bank: queued bursts that want its open row
        std::vector<Clock> alone; ///< by bank: when a RD or WR of its open row became legal, had no other bank opened
        std::vector<Clock> refresh_due;  ///< by rank
        std::vector<Transfer> transfers; ///< in order of their data
        int queued_writes = 0;
        int blocked = 0;  ///< sum of the queue's blockers
        int bypassed = 0; ///< bursts that overtook the oldest
        Clock command_bus_free = 0;
        Clock wake = 0; ///< no command can be issued before
    };

    State state(const Channel& channel, Clock now) const;
    bool refreshing(const Channel& channel, int rank, Clock now) const;
    Clock alone(const Channel& channel, const Entry& entry) const;
    std::uint64_t refreshes_due(const Channel& channel, int rank, Clock now) const;
    std::size_t candidates(const Channel& channel) const;
    void complete(Channel& channel, Clock now);
    void schedule(int index, Clock now);
    bool schedule_refresh(int index, Clock now, Clock& wake);
    void issue_column(int index, std::size_t position, Clock now);
    void issue_row(int index, Entry& entry, Clock now);
    void log_burst(DramCommandKind kind, const DramBurst& burst, Clock now) const;
    void log_rank(DramCommandKind kind, int channel, int rank, Clock now) const;

    const DramTiming timing_;
    const DramAddressMap map_;
    std::vector<Channel> channels_;
    std::vector<DramBurst> completed_;
    DramCounts counts_; ///< all but the standby spans
    std::function<void(const DramCommand&)> log_;
    bool sleeps_ = true;
};

} // namespace heddle
