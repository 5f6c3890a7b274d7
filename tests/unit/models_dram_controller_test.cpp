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
        CHECK(charged.ref == 0);
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

TEST_CASE("refreshes of a layer are due after half an interval, then every interval, and counted from then on")
{
    DramTiming timing = small_timing();
    timing.trefi = GENERATE(200, 201);
    timing.ranks = GENERATE(1, 2);
    const auto half = static_cast<Clock>(timing.trefi / 2), whole = static_cast<Clock>(timing.trefi);
    DramController dram(timing);
    // Whatever ran before: the last layer starts in the middle of a refresh of the one before it, and has none of it.
    Clock ended = 0;
    for (const Clock begin : {Clock{0}, Clock{1007}, 1007 + half + 3 * whole + 10}) {
        run(dram, {}, ended, begin, false);
        dram.reset_to_canonical(begin);
        ended = begin + half + 2 * whole + 2;
        const std::uint64_t before = dram.counts(begin).ref;
        const auto refreshes = [&](Clock clocks) { // the controller is not told to do anything meanwhile
            CHECK(timing.refreshes_in(static_cast<std::int64_t>(clocks)) * timing.ranks ==
                  static_cast<std::int64_t>(dram.counts(begin + clocks).ref - before));
            return (dram.counts(begin + clocks).ref - before) / static_cast<std::uint64_t>(timing.ranks);
        };
        CHECK(refreshes(half - 1) == 0);
        CHECK(refreshes(half) == 1);
        CHECK(refreshes(half + whole - 1) == 1);
        CHECK(refreshes(half + whole) == 2);
        CHECK(refreshes(half + 7 * whole) == 8);
        // And by the commands: two ranks share the command bus, the second one refreshes a clock later.
        const Trace trace = run(dram, {}, begin, ended, false);
        REQUIRE(trace.commands.size() == 3u * timing.ranks);
        for (std::size_t i = 0; i < trace.commands.size(); ++i) {
            CHECK(trace.commands[i].kind == Kind::ref);
            CHECK(trace.commands[i].clock == begin + half + whole * (i / timing.ranks) + i % timing.ranks);
        }
        CHECK(trace.counts.ref - before == 3u * timing.ranks);
    }
}

TEST_CASE("a refresh that is due is counted though its rank cannot close yet, and once")
{
    DramTiming timing = small_timing();
    timing.trefi = 200;
    DramController dram(timing);
    dram.reset_to_canonical(0);
    // ACT 85, WR 91, data 95 to 98, so PREA at 99 + tWR 5 = 104 and REF at 111, though due at 100.
    const std::vector<Arrival> write = {{84, {0, true, 0}}};
    CHECK(run(dram, write, 0, 110, false).counts.ref == 1);
    CHECK(spell(run(dram, {}, 111, 200, false).commands) == "111REF ");
    CHECK(dram.counts(200).ref == 1);
    dram.reset_to_canonical(200);
    CHECK(dram.counts(200 + 100).ref == 2);
    dram.reset_to_canonical(200 + 100); // due and not begun: the layer that ends here has it
    CHECK(dram.counts(200 + 100).ref == 2);
    CHECK(dram.counts(200 + 199).ref == 2);
}

namespace {

/// What the controller waits for, clock by clock, as "from word …"; asked at every clock.
std::string waits(DramController& dram, const std::vector<Arrival>& arrivals, Clock end)
{
    static const char* const names[] = {"-", "refresh", "bandwidth", "latency"};
    std::string text;
    std::size_t next = 0;
    for (Clock now = 0; now < end; ++now) {
        dram.tick(now);
        while (next < arrivals.size() && arrivals[next].clock <= now) dram.enqueue(arrivals[next++].burst, now);
        const std::string word = names[int(dram.state(now).wait)];
        if (text.size() < word.size() + 1 || text.compare(text.size() - word.size() - 1, word.size(), word) != 0)
            text += std::to_string(now) + " " + word + " ";
    }
    return text;
}

} // namespace

TEST_CASE("a lone burst waits for latency until its beats move")
{
    DramController dram(small_timing());
    // Seen at 11: ACT; RD at 17, data in 22 to 25.
    CHECK(waits(dram, {{10, {row_of_bank(2, 1), false, 7}}}, 100) == "0 - 10 latency 22 bandwidth 26 - ");
}

TEST_CASE("a row that closes and another that opens are latency")
{
    DramController dram(small_timing());
    // 1 ACT, 7 RD, data 12 to 15; 16 PRE (tRAS), 23 ACT, 29 RD, data 34 to 37.
    CHECK(waits(dram, {{0, {row_of_bank(0, 0), false, 0}}, {0, {row_of_bank(1, 0), false, 1}}}, 100) ==
          "0 latency 12 bandwidth 16 latency 34 bandwidth 38 - ");
}

TEST_CASE("what transfers must keep between them is bandwidth: tRRD, tFAW, tCCD, turnarounds")
{
    // Four banks, each alone would have its data at 1 + tRCD 6 + tCL 5 = 12.
    std::vector<Arrival> banks;
    for (std::uint32_t i = 0; i < 4; ++i) banks.push_back({0, {row_of_bank(0, int(i)), false, i}});
    DramTiming spread = small_timing();
    spread.trrd_s = spread.trrd_l = 10, spread.tfaw = 40; // ACT 1, 11, 21, 31: data 12, 22, 32 and 42 to 45
    DramController acts(spread);
    CHECK(waits(acts, banks, 100) == "0 latency 12 bandwidth 46 - ");
    spread.trrd_s = spread.trrd_l = 3, spread.tfaw = 30; // a fifth ACT at 31 in place of 13: its data in 42 to 45
    spread.banks_per_group = 8;
    DramController window(spread);
    std::vector<Arrival> five;
    for (std::uint32_t i = 0; i < 5; ++i) five.push_back({0, {i * 64, false, i}});
    CHECK(waits(window, five, 100) == "0 latency 12 bandwidth 46 - ");
    // One row, RD every 9 clocks: data 12 to 15, 21 to 24.
    DramTiming slow = small_timing();
    slow.tccd_s = slow.tccd_l = 9;
    DramController ccd(slow);
    CHECK(waits(ccd, {{0, {0, false, 0}}, {0, {8, false, 1}}}, 100) == "0 latency 12 bandwidth 25 - ");
    // WR at 7, data 11 to 14; RD at 15 + tWTR 3, data 23 to 26; alone it had been read at 12.
    DramController turn(small_timing());
    CHECK(waits(turn, {{0, {0, true, 0}}, {0, {8, false, 1}}}, 100) == "0 latency 11 bandwidth 27 - ");
}

TEST_CASE("a burst whose rank closes and refreshes waits for the refresh, then for its row")
{
    DramTiming timing = small_timing();
    timing.trefi = 200;
    DramController idle(timing), open(timing);
    idle.reset_to_canonical(0);
    open.reset_to_canonical(0);
    // Due at 100 with all banks closed: REF 100 to 139, ACT 140, RD 146, data 151 to 154.
    CHECK(waits(idle, {{100, {0, false, 0}}}, 180) == "0 - 100 refresh 140 latency 151 bandwidth 155 - ");
    // ACT 89, RD 95, data 100 to 103. A read of another row, seen at 97, would have that one closed at 104; due at 100,
    // but tRAS keeps the row open until 104: PREA 104, REF 111 to 150, ACT 151, RD 157, data 162 to 165.
    CHECK(waits(open, {{88, {0, false, 0}}, {96, {row_of_bank(1, 0), false, 1}}}, 180) ==
          "0 - 88 latency 100 bandwidth 104 refresh 151 latency 162 bandwidth 166 - ");
}

TEST_CASE("what a controller waits for changes at no clock but those it names")
{
    const int index = GENERATE(range(0, 8));
    CAPTURE(index);
    DramTiming timing = variant(index);
    timing.trefi /= 4;
    const auto arrivals = random_traffic(timing, 17, 600);
    DramController dram(timing);
    dram.reset_to_canonical(0);
    std::size_t next = 0;
    int changes[4] = {};
    for (Clock now = 0; now < 60000;) {
        dram.tick(now);
        while (next < arrivals.size() && arrivals[next].clock <= now &&
               dram.can_accept(arrivals[next].burst.address_bytes))
            dram.enqueue(arrivals[next++].burst, now);
        const DramController::State state = dram.state(now);
        ++changes[int(state.wait)];
        if (dram.data_bus_busy(now)) CHECK(state.wait <= DramWait::bandwidth);
        CHECK((state.wait == DramWait::nothing) == dram.idle());
        Clock wake = std::min(dram.next_event(now), state.until);
        if (next < arrivals.size() && arrivals[next].clock > now) wake = std::min(wake, arrivals[next].clock);
        REQUIRE(wake > now);
        for (Clock between = now + 1; between < wake && between < now + 40; ++between) {
            REQUIRE(dram.state(between).wait == state.wait);
            REQUIRE(dram.state(between).refreshing == state.refreshing);
        }
        now = wake;
    }
    for (const int n : changes) CHECK(n > 0);
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
