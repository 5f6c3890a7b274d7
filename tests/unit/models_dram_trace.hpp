// For tests of the DRAM controller: traffic, a driver that records commands, and a brute-force check of the trace.
#pragma once

#include "dnn/base/random.hpp"
#include "models/dram_controller.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>
#include <vector>

namespace heddle::dram_test {

using Clock = DramController::Clock;
using Kind = DramCommandKind;

struct Arrival {
    Clock clock;
    DramBurst burst;
};

struct Trace {
    std::vector<DramCommand> commands;
    std::vector<std::pair<Clock, DramBurst>> completed;
    DramCounts counts;
    std::uint64_t ticks = 0;
};

inline bool same(const DramCommand& a, const DramCommand& b)
{
    const auto key = [](const DramCommand& c) {
        return std::make_tuple(c.clock, c.kind, c.place.channel, c.place.rank, c.place.group, c.place.bank, c.place.row,
                               c.place.column, c.tag);
    };
    return key(a) == key(b);
}

/// Offers each burst from its clock on, in order, until `end`; ticks at every clock, or only when something can happen.
inline Trace run(DramController& dram, const std::vector<Arrival>& arrivals, Clock begin, Clock end, bool every_clock)
{
    Trace trace;
    dram.log_commands([&trace](const DramCommand& command) { trace.commands.push_back(command); });
    std::size_t next = 0;
    for (Clock now = begin; now < end;) {
        dram.tick(now);
        ++trace.ticks;
        for (const DramBurst& burst : dram.completed()) trace.completed.emplace_back(now, burst);
        while (next < arrivals.size() && arrivals[next].clock <= now &&
               dram.can_accept(arrivals[next].burst.address_bytes)) {
            dram.enqueue(arrivals[next++].burst, now);
        }
        Clock wake = dram.next_event(now);
        if (next < arrivals.size() && arrivals[next].clock > now) wake = std::min(wake, arrivals[next].clock);
        now = every_clock ? now + 1 : wake;
    }
    dram.log_commands(nullptr);
    trace.counts = dram.counts(end);
    return trace;
}

/// Streams, hot rows, conflicts and single accesses, in crowds with pauses.
inline std::vector<Arrival> random_traffic(const DramTiming& timing, std::uint64_t seed, int bursts)
{
    Random random(seed);
    const DramAddressMap map(timing);
    std::vector<Arrival> arrivals;
    Clock clock = 0;
    DramPlace place;
    std::uint64_t stream = 0;
    const std::uint64_t blocks = timing.capacity_bytes() / timing.burst_bytes();
    for (int i = 0; i < bursts; ++i) {
        if (random.below(40) == 0) clock += random.below(random.below(8) == 0 ? 12000 : 300);
        if (random.below(3) == 0) clock += random.below(8);
        const auto kind = random.below(4);
        DramBurst burst;
        if (kind < 2) {
            if (random.below(30) == 0) stream = random.below(blocks);
            burst.address_bytes = (stream++ % blocks) * timing.burst_bytes();
        } else if (kind == 2) {
            place.channel = random.below(timing.channels), place.rank = random.below(timing.ranks);
            place.group = random.below(timing.bank_groups), place.bank = random.below(timing.banks_per_group);
            place.row = random.below(3), place.column = random.below(4);
            burst.address_bytes = map.address(place);
        } else {
            burst.address_bytes = random.below(blocks) * timing.burst_bytes();
        }
        burst.write = random.below(3) == 0;
        burst.tag = i;
        arrivals.push_back({clock, burst});
    }
    return arrivals;
}

/// Brute force, written from the standard's list of minimum distances and sharing nothing with DramDevice.
class Checker {
public:
    explicit Checker(const DramTiming& timing) : t_(timing) {}

    void check(const std::vector<DramCommand>& commands)
    {
        for (std::size_t j = 0; j < commands.size(); ++j) {
            follow_rows(commands[j]);
            std::map<int, int> acts_in_window; // by rank
            for (std::size_t i = j; i-- > 0;) {
                const DramCommand &a = commands[i], &b = commands[j];
                if (b.clock - a.clock > 2000) break;
                if (a.place.channel != b.place.channel) continue;
                const std::int64_t needed = distance(a, b);
                if (static_cast<std::int64_t>(b.clock - a.clock) < needed) {
                    FAIL("kind " << int(a.kind) << " at " << a.clock << " then " << int(b.kind) << " at " << b.clock
                                 << ": needs " << needed);
                }
                if (a.kind == Kind::act && b.kind == Kind::act && a.place.rank == b.place.rank &&
                    ++acts_in_window[0] == 4) {
                    REQUIRE(b.clock - a.clock >= static_cast<Clock>(t_.tfaw));
                }
            }
        }
    }

private:
    int bus_clocks(Kind kind) const
    {
        if (kind == Kind::act) return t_.act_command_clocks;
        if (kind == Kind::rd || kind == Kind::wr) return t_.column_command_clocks;
        return kind == Kind::ref ? t_.ref_command_clocks : t_.pre_command_clocks;
    }

    std::int64_t distance(const DramCommand& a, const DramCommand& b) const
    {
        std::int64_t d = bus_clocks(a.kind);
        const auto at_least = [&d](bool applies, std::int64_t clocks) { d = applies && clocks > d ? clocks : d; };
        const bool rank = a.place.rank == b.place.rank;
        const bool group = rank && a.place.group == b.place.group;
        const bool whole = b.kind == Kind::pre_all || b.kind == Kind::ref; // commands to every bank of the rank
        const bool bank = (group && a.place.bank == b.place.bank) || (rank && whole);
        const int half = t_.burst_length / 2, wl = t_.tcwl + t_.tdqss, rl = t_.tcl + t_.tdqsck;
        const bool b_pre = b.kind == Kind::pre || b.kind == Kind::pre_all;
        const bool b_open = b.kind == Kind::act || b.kind == Kind::ref;
        switch (a.kind) {
        case Kind::act:
            at_least(bank && (b.kind == Kind::rd || b.kind == Kind::wr), t_.trcd);
            at_least(bank && b_pre, t_.tras);
            at_least(bank && b_open, t_.trc);
            at_least(b.kind == Kind::act && rank, t_.trrd_s);
            at_least(b.kind == Kind::act && group, t_.trrd_l);
            break;
        case Kind::pre:
            at_least(bank && b_open, t_.trp);
            break;
        case Kind::pre_all:
            at_least(rank && b_open, t_.trp_all);
            break;
        case Kind::ref:
            at_least(rank && b_open, t_.trfc);
            break;
        case Kind::rd:
            at_least(b.kind == Kind::rd && rank, t_.tccd_s);
            at_least(b.kind == Kind::rd && group, t_.tccd_l);
            at_least(b.kind == Kind::rd && !rank, half + t_.trtrs);
            at_least(b.kind == Kind::wr, rl + half + t_.turnaround - t_.tcwl);
            at_least(b.kind == Kind::wr && !rank, rl + half + t_.trtrs - t_.tcwl);
            at_least(bank && b_pre, t_.trtp);
            break;
        case Kind::wr:
            at_least(b.kind == Kind::wr && rank, t_.tccd_s);
            at_least(b.kind == Kind::wr && group, t_.tccd_l);
            at_least(b.kind == Kind::wr && !rank, half + t_.trtrs);
            at_least(b.kind == Kind::rd && rank, wl + half + t_.twtr_s);
            at_least(b.kind == Kind::rd && group, wl + half + t_.twtr_l);
            at_least(b.kind == Kind::rd && !rank, wl + half + t_.trtrs - rl);
            at_least(bank && b_pre, wl + half + t_.twr);
            break;
        }
        return d;
    }

    void follow_rows(const DramCommand& c)
    {
        const auto bank = std::make_tuple(c.place.channel, c.place.rank, c.place.group, c.place.bank);
        switch (c.kind) {
        case Kind::act:
            REQUIRE(open_.count(bank) == 0);
            open_[bank] = c.place.row;
            break;
        case Kind::pre:
            REQUIRE(open_.erase(bank) == 1);
            break;
        case Kind::rd:
        case Kind::wr:
            REQUIRE(open_.count(bank) == 1);
            REQUIRE(open_[bank] == c.place.row);
            break;
        case Kind::pre_all:
        case Kind::ref:
            for (auto it = open_.begin(); it != open_.end();) {
                const bool mine = std::get<0>(it->first) == c.place.channel && std::get<1>(it->first) == c.place.rank;
                if (mine) REQUIRE(c.kind == Kind::pre_all);
                it = mine ? open_.erase(it) : std::next(it);
            }
            break;
        }
    }

    const DramTiming t_;
    std::map<std::tuple<int, int, int, int>, std::int64_t> open_;
};

} // namespace heddle::dram_test
