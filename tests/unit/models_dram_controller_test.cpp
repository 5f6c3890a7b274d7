// Does the controller schedule legally, exactly as often as its clock says, and at the speed of the data bus?
#include "dnn/base/random.hpp"
#include "models/dram_controller.hpp"
#include "models_dram_trace.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <stdexcept>

using namespace heddle;
using namespace heddle::dram_test;

namespace {

DramTiming variant(int index)
{
    DramTiming timing = load_dram_timing(index % 2 ? "lpddr4_3200_x32" : "ddr4_2400_x64");
    if (index >= 2) timing.ranks = 2;
    if (index >= 4) timing.queue_depth = 3, timing.max_bypass = 2;
    if (index >= 6) timing.address_order = "column:row:bank:rank:channel:bankgroup", timing.trtrs = 5, timing.trc += 11;
    return timing;
}

/// One rank of `banks` banks in one group, fast enough to write traces down by hand.
DramTiming small_timing()
{
    DramTiming t;
    t.name = "small";
    t.clock_khz = 1000;
    t.banks_per_group = 4;
    t.rows = 16;
    t.row_bytes = 64;
    t.bus_bits = 8;
    t.burst_length = 8; // 8 bytes, 4 clocks, 8 columns
    t.address_order = "row:rank:bank:bankgroup:column:channel";
    t.tcl = 5, t.tcwl = 4, t.trcd = 6, t.trp = t.trp_all = 7, t.tras = 15, t.trc = 22;
    t.trrd_s = t.trrd_l = 3, t.tfaw = 12, t.tccd_s = t.tccd_l = 4, t.twr = 5, t.twtr_s = t.twtr_l = 3, t.trtp = 4;
    t.turnaround = 1;
    t.trfc = 40;
    return t;
}

constexpr std::uint64_t row_of_bank(int row, int bank)
{
    return (row * 4 + bank) * 64;
}

std::string spell(const std::vector<DramCommand>& commands)
{
    static const char* const names[] = {"ACT", "PRE", "PREA", "RD", "WR", "REF"};
    std::string text;
    for (const DramCommand& c : commands) text += std::to_string(c.clock) + names[int(c.kind)] + " ";
    return text;
}

} // namespace

TEST_CASE("random traffic: every command is legal, sleeping changes nothing, every burst completes once")
{
    const int index = GENERATE(range(0, 8));
    const std::uint64_t seed = GENERATE(1, 2, 3);
    CAPTURE(index, seed);
    const DramTiming timing = variant(index);
    const auto arrivals = random_traffic(timing, seed, 3000);
    const Clock end = 400000;
    DramController busy(timing), sleepy(timing);
    busy.never_sleep();
    const Trace every = run(busy, arrivals, 0, end, true);
    const Trace events = run(sleepy, arrivals, 0, end, false);

    REQUIRE(every.commands.size() == events.commands.size());
    for (std::size_t i = 0; i < every.commands.size(); ++i) REQUIRE(same(every.commands[i], events.commands[i]));
    REQUIRE(every.completed.size() == events.completed.size());
    for (std::size_t i = 0; i < every.completed.size(); ++i) {
        REQUIRE(every.completed[i].first == events.completed[i].first);
        REQUIRE(every.completed[i].second.tag == events.completed[i].second.tag);
    }
    CHECK(events.ticks < every.ticks / 2);
    Checker(timing).check(every.commands);

    REQUIRE(busy.idle());
    REQUIRE(every.completed.size() == arrivals.size());
    std::vector<bool> seen(arrivals.size());
    // By address: the youngest write done, and the youngest burst done. Nothing overtakes a write, no write overtakes
    // anything.
    std::map<std::uint64_t, std::uint32_t> last_write, last;
    for (const auto& [clock, burst] : every.completed) {
        REQUIRE(!seen[burst.tag]);
        seen[burst.tag] = true;
        const auto& older = burst.write ? last : last_write;
        const auto found = older.find(burst.address_bytes);
        if (found != older.end()) REQUIRE(found->second < burst.tag);
        last[burst.address_bytes] = std::max(last[burst.address_bytes], burst.tag);
        if (burst.write) last_write[burst.address_bytes] = burst.tag;
    }
    const DramCounts& c = events.counts;
    CHECK(c.rd + c.wr == arrivals.size());
    CHECK(c.row_hits + c.row_misses == arrivals.size());
    CHECK(c.ref == end / timing.trefi * timing.ranks * timing.channels);
    CHECK(c.act >= c.row_misses);
    CHECK(c.act - c.pre <= static_cast<std::uint64_t>(timing.channels * timing.ranks * timing.banks_per_rank()));
    CHECK(c.data_bus_busy_clocks == arrivals.size() * timing.burst_clocks());
    CHECK(c.active_standby_clocks + c.precharge_standby_clocks == end * timing.ranks * timing.channels);
    CHECK(c.active_standby_clocks == every.counts.active_standby_clocks);
}

TEST_CASE("a lone read costs ACT, tRCD, CL and its burst")
{
    DramController dram(small_timing());
    const Trace trace = run(dram, {{10, {row_of_bank(2, 1), false, 7}}}, 0, 200, false);
    // seen at 11; RD at 11 + tRCD 6; data in the clocks 22 to 25, so complete at 26
    CHECK(spell(trace.commands) == "11ACT 17RD ");
    REQUIRE(trace.completed.size() == 1);
    CHECK(trace.completed[0].first == 26);
    CHECK(trace.completed[0].second.tag == 7);
    CHECK(dram.next_event(200) == DramController::never); // no refresh in this timing
}

TEST_CASE("the data bus is busy exactly while beats move")
{
    DramController dram(small_timing());
    dram.tick(0);
    dram.enqueue({0, true, 0}, 0);
    for (Clock now = 1; now < 30; ++now) {
        dram.tick(now);
        // ACT at 1, WR at 7, data from 7 + CWL 4 = 11 to 14
        CHECK(dram.data_bus_busy(now) == (now >= 11 && now < 15));
        CHECK(dram.completed().size() == (now == 15 ? 1 : 0));
    }
}

TEST_CASE("row hits go first, then the conflicting row is closed")
{
    DramController dram(small_timing());
    const Trace trace = run(dram,
                            {{0, {row_of_bank(0, 0), false, 0}},
                             {0, {row_of_bank(1, 0), false, 1}},
                             {0, {row_of_bank(0, 0) + 8, false, 2}}},
                            0, 200, false);
    // hits at 7 and 11 (tCCD 4); PRE at max(ACT 1 + tRAS 15, 11 + tRTP 4); ACT at max(16 + tRP 7, 1 + tRC 22)
    CHECK(spell(trace.commands) == "1ACT 7RD 11RD 16PRE 23ACT 29RD ");
    CHECK(trace.completed[1].second.tag == 2);
    CHECK(trace.counts.row_hits == 1);
    CHECK(trace.counts.row_misses == 2);
}

TEST_CASE("a stream of row hits delays a row miss by at most max_bypass bursts")
{
    DramTiming timing = small_timing();
    timing.queue_depth = 4;
    timing.max_bypass = GENERATE(0, 3, 8);
    std::vector<Arrival> arrivals = {{0, {row_of_bank(0, 0), false, 0}}, {0, {row_of_bank(1, 0), false, 1}}};
    for (std::uint32_t i = 2; i < 60; ++i) arrivals.push_back({0, {row_of_bank(0, 0) + i % 8 * 8, false, i}});
    DramController dram(timing);
    const Trace trace = run(dram, arrivals, 0, 2000, false);
    REQUIRE(trace.completed.size() == 60);
    CHECK(trace.completed[1 + timing.max_bypass].second.tag == 1);
}

TEST_CASE("a refresh closes the rank, waits tRP and keeps it closed for tRFC")
{
    DramTiming timing = small_timing();
    timing.trefi = 200;
    DramController dram(timing);
    const Trace trace = run(dram, {{190, {0, true, 0}}, {201, {8, false, 1}}}, 0, 450, false);
    // ACT 191, WR 197, data until 205, PREA at 205 + tWR 5, REF at 210 + tRP 7, ACT at 217 + tRFC 40; next due at 400,
    // not 417
    CHECK(spell(trace.commands) == "191ACT 197WR 210PREA 217REF 257ACT 263RD 400PREA 407REF ");
    CHECK(trace.counts.pre == 2);
    CHECK(trace.counts.active_standby_clocks == (210 - 191) + (400 - 257));
}

TEST_CASE("sequential bursts fill the data bus but for refresh")
{
    const std::string name = GENERATE("ddr4_2400_x64", "lpddr4_3200_x32");
    const bool write = GENERATE(false, true);
    CAPTURE(name, write);
    const DramTiming timing = load_dram_timing(name);
    std::vector<Arrival> arrivals;
    for (std::uint32_t i = 0; i < 100000; ++i)
        arrivals.push_back({0, {std::uint64_t(i) * timing.burst_bytes(), write, i}});
    DramController dram(timing);
    const Trace trace = run(dram, arrivals, 0, 1000000, false);
    REQUIRE(trace.completed.size() == arrivals.size());
    const double bus = 100000.0 * timing.burst_clocks() / timing.channels;
    const double refresh = 1.0 * timing.trfc / timing.trefi;
    CHECK(bus / trace.completed.back().first > 0.99 - 1.25 * refresh);
    CHECK(trace.counts.row_hits > 0.98 * 100000 * (1 - 8.0 * timing.burst_bytes() / timing.row_bytes));
}

TEST_CASE("after a canonical reset the past is forgotten")
{
    const DramTiming timing = variant(GENERATE(0, 1, 2, 3));
    const auto work = random_traffic(timing, 99, 500);
    const auto relative = [&](std::uint64_t seed, int bursts) {
        DramController dram(timing);
        run(dram, random_traffic(timing, seed, bursts), 0, 77777 + seed, false);
        const Clock begin = 77777 + seed;
        const DramCounts before = dram.counts(begin);
        dram.reset_to_canonical(begin);
        const DramCounts charged = dram.counts(begin) - before;
        CHECK(charged.pre == before.act - before.pre); // every row still open
        CHECK(charged.ref == static_cast<std::uint64_t>(timing.ranks * timing.channels));
        CHECK(charged.act + charged.rd + charged.data_bus_busy_clocks + charged.active_standby_clocks == 0);
        std::vector<Arrival> shifted = work;
        for (Arrival& arrival : shifted) arrival.clock += begin;
        Trace trace = run(dram, shifted, begin, begin + 100000, false);
        for (DramCommand& command : trace.commands) command.clock -= begin;
        return trace;
    };
    const Trace reference = relative(1, 0);
    CHECK(reference.commands.front().clock == static_cast<Clock>(DramController(timing).reset_clocks()));
    for (const std::uint64_t seed : {2, 3, 4}) {
        const Trace trace = relative(seed, 700);
        REQUIRE(trace.commands.size() == reference.commands.size());
        for (std::size_t i = 0; i < trace.commands.size(); ++i) REQUIRE(same(trace.commands[i], reference.commands[i]));
    }
}

TEST_CASE("enqueue before or after tick of the same clock is the same")
{
    const auto first_command = [](bool before) {
        DramController dram(small_timing());
        Clock clock = 0;
        dram.log_commands([&clock](const DramCommand& command) { clock = clock ? clock : command.clock; });
        if (before) dram.enqueue({0, false, 0}, 5);
        dram.tick(5);
        if (!before) dram.enqueue({0, false, 0}, 5);
        CHECK(dram.next_event(5) == 6);
        for (Clock now = 6; now < 20; ++now) dram.tick(now);
        return clock;
    };
    CHECK(first_command(true) == 6);
    CHECK(first_command(false) == 6);
}

TEST_CASE("misuse of the controller is caught")
{
    DramTiming timing = small_timing();
    timing.queue_depth = 1;
    DramController dram(timing);
    CHECK_THROWS_AS(dram.enqueue({4, false, 0}, 0), std::logic_error);
    CHECK_THROWS_AS(dram.enqueue({timing.capacity_bytes(), false, 0}, 0), std::logic_error);
    dram.enqueue({0, false, 0}, 0);
    CHECK_FALSE(dram.can_accept());
    CHECK_FALSE(dram.can_accept(64));
    CHECK_THROWS_AS(dram.enqueue({8, false, 0}, 0), std::logic_error);
    CHECK_THROWS_AS(dram.reset_to_canonical(1), std::logic_error);
    timing.tras = 2;
    CHECK_THROWS_WITH(DramController(timing), "DRAM small: tras_clocks: expected at least trcd_clocks (6), got 2");
}

TEST_CASE("cost of a busy memory clock", "[.bench]")
{
    for (const bool every_clock : {false, true}) {
        for (const bool streaming : {true, false}) {
            const DramTiming timing = load_dram_timing("ddr4_2400_x64");
            DramController dram(timing);
            Random random(5);
            std::uint64_t next = 0, done = 0;
            Clock now = 0;
            const auto begin = std::chrono::steady_clock::now();
            while (now < 4000000) {
                dram.tick(now);
                done += dram.completed().size();
                while (dram.can_accept()) {
                    dram.enqueue({(streaming ? next++ : random.below(1 << 26)) * 64, false, 0}, now);
                }
                now = every_clock ? now + 1 : dram.next_event(now);
            }
            const std::chrono::duration<double, std::nano> time = std::chrono::steady_clock::now() - begin;
            WARN((streaming ? "stream" : "random") << (every_clock ? ", every clock: " : ", events: ")
                                                   << time.count() / now << " ns per clock, bus " << 4.0 * done / now);
        }
    }
}
