// The DRAM block, seen from its channels. Request channel: a request pushed in t is accepted in t + 1. Response
// channel: what the block pushes when the last beat has passed is taken one cycle later.
#include "tests/module/memory.hpp"

#include <catch2/catch.hpp>

using namespace heddle;
using namespace heddle::bench;

namespace {

HardwareConfig fixed(int latency, int beat_bytes, int cycles_per_beat, bool separate)
{
    HardwareConfig hw;
    hw.clock_mhz = 1000;
    hw.dram.kind = DramKind::fixed;
    hw.dram.latency_cycles = latency;
    hw.dram.beat_bytes = beat_bytes;
    hw.dram.cycles_per_beat = cycles_per_beat;
    hw.dram.burst_bytes = 32;
    hw.dram.separate_queues = separate;
    return hw;
}

using Cycles = std::vector<Cycle>;

} // namespace

TEST_CASE("fixed memory: the first beat comes after exactly its latency, one more cycle for each beat behind it")
{
    // Pushed in 10, accepted in 11, beats of 8 bytes in 11 + latency, …, the last of 4 in 11 + latency + 3; taken one
    // later.
    MemoryBench a(fixed(20, 8, 1, true)), b(fixed(21, 8, 1, true)), c(fixed(20, 8, 3, true)), d(fixed(20, 32, 1, true));
    for (MemoryBench* m : {&a, &b, &c, &d}) {
        m->cpu.add(10, request(false, 64, 32));
        m->run();
        REQUIRE(m->sink.popped.size() == 1);
        const MemoryResponse& r = m->sink.popped[0].second;
        for (int i = 0; i < 32; ++i) CHECK(r.data[static_cast<std::size_t>(i)] == 64 + i);
        CHECK(m->dram.stats().read_bytes == 32);
    }
    CHECK(a.sink.cycles() == Cycles{11 + 20 + 3 + 1});
    CHECK(b.sink.cycles() == Cycles{11 + 21 + 3 + 1});
    CHECK(c.sink.cycles() == Cycles{11 + 20 + 4 * 3 - 1 + 1}); // each beat keeps the bus for 3 cycles
    CHECK(d.sink.cycles() == Cycles{11 + 20 + 0 + 1});
}

TEST_CASE("fixed memory: the bus is shared in order, latencies overlap")
{
    MemoryBench m(fixed(20, 8, 1, true));
    for (int i = 0; i < 4; ++i) m.cpu.add(10, request(false, 32 * i, 32));
    m.run();
    // Accepted in 11..14; the first is done in 34, each further one needs 4 beats.
    CHECK(m.sink.cycles() == Cycles{35, 39, 43, 47});
    for (int i = 0; i < 4; ++i) CHECK(m.sink.popped[static_cast<std::size_t>(i)].second.first_word == 32 * i);
    CHECK(m.dram.ledger().cycles(Dram::Cause::busy) == 47 - 11); // from the first accepted to the last answered
}

TEST_CASE("fixed memory: bytes are whole bursts, a request that straddles two pays for both")
{
    MemoryBench m(fixed(20, 8, 1, true));
    m.cpu.add(0, request(false, 30, 4)); // bytes 30..33 lie in two bursts of 32
    m.cpu.add(200, request(false, 5, 1));
    m.cpu.add(400, request(true, 7, 20, 50));
    m.run();
    // Pushed in 0, accepted in 1: 8 beats. Then 4 beats each.
    CHECK(m.sink.cycles() == Cycles{1 + 20 + 7 + 1, 201 + 20 + 3 + 1, 401 + 20 + 3 + 1});
    CHECK(m.dram.stats().read_bytes == 96);
    CHECK(m.dram.stats().write_bytes == 32);
    CHECK(m.dram.stats().requested_words[static_cast<int>(Region::weights)] == 5);
    CHECK(m.dram.stats().requested_words[static_cast<int>(Region::outputs)] == 20);
    CHECK(m.memory.outputs[6] == -1);
    for (int i = 0; i < 20; ++i) CHECK(m.memory.outputs[static_cast<std::size_t>(7 + i)] == 50 + i);
    CHECK(m.memory.outputs[27] == -1);
}

TEST_CASE("fixed memory: at a rate of bytes per cycle no request is rounded up")
{
    HardwareConfig beats = fixed(20, 24, 10, false), rate = beats, wide = fixed(20, 100, 1, false);
    rate.dram.whole_beats = wide.dram.whole_beats = false; // 2.4 bytes a cycle, 100 bytes a cycle
    beats.dram.burst_bytes = rate.dram.burst_bytes = 8;
    MemoryBench whole(beats), exact(rate), several(wide);
    for (MemoryBench* m : {&whole, &exact, &several}) {
        for (int i = 0; i < 4; ++i) m->cpu.add(10, request(false, 32 * i, 8));
        m->cpu.add(100, request(false, 0, 8));
        m->run();
    }
    // Accepted in 11 to 14. 8 bytes are one beat of 10 cycles, and the next one waits for its end.
    CHECK(whole.sink.cycles() == Cycles{41, 51, 61, 71, 131});
    // Or 3 1/3 cycles: 31 to 34 1/3, 37 2/3, 41 and 44 1/3, each taken a cycle after the one that carries its last
    // byte. Later the bus is free.
    CHECK(exact.sink.cycles() == Cycles{35, 38, 41, 45, 125});
    // 32 bytes of 100 a cycle: three and a part of the fourth fit into the cycle in which the first may begin.
    CHECK(several.sink.cycles() == Cycles{32, 33, 34, 35, 122});
}

TEST_CASE("fixed memory: reads and writes share one bus or have one each")
{
    MemoryBench shared(fixed(20, 8, 1, false)), separate(fixed(20, 8, 1, true));
    for (MemoryBench* m : {&shared, &separate}) {
        m->cpu.add(10, request(false, 0, 32));
        m->cpu.add(11, request(true, 0, 32));
        m->cpu.add(12, request(false, 32, 32));
        m->run();
    }
    // Accepted in 11, 12, 13. One bus: done in 34, 38, 42. Two: reads in 34 and 38, the write in 12 + 20 + 3 = 35.
    CHECK(shared.sink.cycles() == Cycles{35, 39, 43});
    CHECK(separate.sink.cycles() == Cycles{35, 36, 39});
    CHECK_FALSE(shared.sink.popped[0].second.write);
    CHECK(shared.sink.popped[1].second.write);
    CHECK(separate.sink.popped[1].second.write);
}

TEST_CASE("fixed memory: its queue bounds what is accepted")
{
    HardwareConfig hw = fixed(20, 32, 1, true);
    hw.dram.queue_depth = 2;
    MemoryBench m(hw);
    for (int i = 0; i < 6; ++i) m.cpu.add(0, request(false, 32 * i, 32));
    m.run();
    // Accepted in 1 and 2, done in 21 and 22, answered in those cycles; a slot freed in t takes the next in t + 1:
    // 22, 23.
    CHECK(m.sink.cycles() == Cycles{22, 23, 43, 44, 64, 65});
}

TEST_CASE("fixed memory: a response that nobody takes holds its slot")
{
    HardwareConfig hw = fixed(20, 32, 1, true);
    MemoryBench m(hw);
    for (int i = 0; i < 3; ++i) m.cpu.add(0, request(false, 32 * i, 32));
    m.cpu.add(100, request(true, 0, 32, 7));
    m.run();
    CHECK(m.sink.cycles() == Cycles{22, 23, 24, 122});
    CHECK(m.dram.ledger().cycles(Dram::Cause::idle) + m.dram.ledger().cycles(Dram::Cause::busy) +
              m.dram.ledger().cycles(Dram::Cause::response_blocked) ==
          5001);
}

namespace {

using Reasons = std::vector<std::pair<Cycle, Reason>>;

Reasons reasons_of(MemoryBench& m)
{
    toys::ReasonLog said(m.responses);
    m.clock.add(said);
    m.run();
    return said.changes;
}

constexpr Reason idle = Reason::idle, refresh = Reason::dram_refresh, bandwidth = Reason::dram_bandwidth,
                 window = Reason::dram_window, latency = Reason::dram_latency;

} // namespace

TEST_CASE("fixed memory: what is missing is latency until a beat is on the bus, then bandwidth")
{
    MemoryBench m(fixed(20, 8, 3, false));
    m.cpu.add(10, request(false, 0, 32));
    m.cpu.add(12, request(false, 32, 32));
    m.cpu.add(300, request(true, 0, 32));
    // Accepted in 11 and 13. Beats of 3 cycles: 31 to 42, and without a gap to 54. The write's in 321 to 332.
    CHECK(
        reasons_of(m) ==
        Reasons{{-1, idle}, {11, latency}, {31, bandwidth}, {55, idle}, {301, latency}, {321, bandwidth}, {333, idle}});
}

TEST_CASE("fixed memory: beats of a write on a bus of its own are no reason for a read to be missing")
{
    MemoryBench m(fixed(20, 8, 3, true));
    m.cpu.add(10, request(true, 0, 32));
    m.cpu.add(11, request(false, 0, 32));
    // Accepted in 11 and 12, beats in 31 to 42 and 32 to 43.
    CHECK(reasons_of(m) == Reasons{{-1, idle}, {11, latency}, {32, bandwidth}, {44, idle}});
}

TEST_CASE("fixed memory: a request that its queue keeps out waits for the window")
{
    HardwareConfig hw = fixed(20, 32, 1, true);
    hw.dram.queue_depth = 2;
    MemoryBench m(hw);
    for (int i = 0; i < 6; ++i) m.cpu.add(0, request(false, 32 * i, 32));
    // Accepted in 1 and 2; from 3 on the third is here. Beats in 21 and 22, each makes room for one more a cycle later:
    // 22 and 23; the fifth is seen waiting from 24 on. The last two come in 43 and 44, and nobody waits behind them.
    CHECK(reasons_of(m) == Reasons{{-1, idle},
                                   {1, latency},
                                   {3, window},
                                   {21, bandwidth},
                                   {23, latency},
                                   {24, window},
                                   {42, bandwidth},
                                   {44, latency},
                                   {63, bandwidth},
                                   {65, idle}});
}

namespace {

/// One bank, no refresh, so that a read's latency is tRCD + read latency + burst.
HardwareConfig device(const Rational& accelerator_mhz, std::int64_t memory_khz, int sync)
{
    HardwareConfig hw;
    hw.clock_mhz = accelerator_mhz;
    hw.dram.kind = DramKind::dram;
    hw.dram.sync_cycles = sync;
    DramTiming& t = hw.dram.timing;
    t.name = "small";
    t.clock_khz = memory_khz;
    t.rows = 4096;
    t.row_bytes = 1024;
    t.bus_bits = 32;
    t.burst_length = 8; // 32 bytes in 4 clocks
    t.address_order = "row:rank:bank:bankgroup:column:channel";
    t.tcl = 5, t.tcwl = 4, t.trcd = 6, t.trp = t.trp_all = 7, t.tras = 15, t.trc = 22;
    t.trrd_s = t.trrd_l = 3, t.tfaw = 12, t.tccd_s = t.tccd_l = 4, t.twr = 5, t.twtr_s = t.twtr_l = 3, t.trtp = 4;
    t.turnaround = 1;
    t.trefi = 0;
    return hw;
}

constexpr Cycle late = 1000; // long after the canonical start

/// Taken in cycle `late` + the result, for a single read pushed in `late`.
Cycle latency_of(MemoryBench& m)
{
    m.cpu.add(late, request(false, 0, 32));
    m.run();
    REQUIRE(m.sink.popped.size() == 1);
    CHECK(m.sink.popped[0].second.data[31] == 31);
    CHECK(m.dram.stats().commands.act == 1);
    CHECK(m.dram.stats().commands.rd == 1);
    return m.sink.popped[0].first - late;
}

} // namespace

TEST_CASE("a device on the same clock answers a closed row after tRCD, read latency and burst, and its crossings")
{
    MemoryBench s0(device(1000, 1000000, 0)), s1(device(1000, 1000000, 1)), s5(device(1000, 1000000, 5));
    // Pushed in t, accepted in t + 1, seen by the controller a clock after it was queued: ACT in t + 2, RD 6 later,
    // data for 5 + 4 clocks more, complete at clock t + 17, pushed then, taken a cycle later.
    CHECK(latency_of(s0) == 1 + 1 + 6 + 5 + 4 + 1);
    CHECK(latency_of(s1) == 18 + 2); // a cycle each way
    CHECK(latency_of(s5) == 18 + 10);
}

TEST_CASE("a device on another clock: edges are placed by integer arithmetic on the ratio")
{
    MemoryBench fast(device(1000, 2000000, 0)), slow(device(1000, 500000, 0)), ratio(device(1000, 1500000, 0)),
        less(device(1250, 1000000, 0)), thirds(device(Rational(2800, 3), 1000000, 0));
    // Memory at twice the speed: accepted in cycle 1001 = clock 2002, ACT 2003, RD 2009, complete at 2018 = cycle 1009.
    CHECK(latency_of(fast) == 1009 + 1 - late);
    // At half: cycle 1001 lies in clock 500, ACT 501, RD 507, complete at 516 = cycle 1032.
    CHECK(latency_of(slow) == 1032 + 1 - late);
    // At 3/2: cycle 1001 lies in clock floor(1501.5), ACT 1502, RD 1508, complete at 1517 = cycle ceil(1011.33).
    CHECK(latency_of(ratio) == 1012 + 1 - late);
    // At 4/5: clock floor(800.8), ACT 801, RD 807, complete at 816 = cycle 1020.
    CHECK(latency_of(less) == 1020 + 1 - late);
    // 1 GHz at 2800/3 MHz is 15/14: clock floor(1072.5), ACT 1073, RD 1079, complete at 1088 = cycle ceil(1015.47).
    CHECK(latency_of(thirds) == 1016 + 1 - late);
}

TEST_CASE("a device streams an open row at the rate of its data bus")
{
    MemoryBench m(device(1000, 1000000, 0));
    for (int i = 0; i < 16; ++i) m.cpu.add(late, request(false, 32 * i, 32));
    m.run();
    REQUIRE(m.sink.popped.size() == 16);
    const Cycle first = late + 18;
    for (int i = 0; i < 16; ++i) CHECK(m.sink.popped[static_cast<std::size_t>(i)].first == first + 4 * i); // tCCD
    CHECK(m.dram.stats().commands.act == 1);
    CHECK(m.dram.stats().commands.rd == 16);
    CHECK(m.dram.stats().commands.row_hits == 15);
    CHECK(m.dram.stats().read_bytes == 16 * 32);
}

TEST_CASE("a request over several bursts is answered when the last has arrived, with the words of all")
{
    MemoryBench m(device(1000, 1000000, 0));
    m.cpu.add(late, request(false, 16, 64)); // touches bursts 0, 1 and 2
    m.cpu.add(late, request(true, 100, 10, 77));
    m.run();
    REQUIRE(m.sink.popped.size() == 2);
    CHECK(m.sink.popped[0].first == late + 18 + 2 * 4);
    CHECK(m.sink.popped[0].second.data[63] == 79);
    CHECK(m.dram.stats().commands.rd == 3);
    CHECK(m.dram.stats().commands.wr == 1);
    CHECK(m.dram.stats().read_bytes == 96);
    CHECK(m.memory.outputs[109] == 86);
}

TEST_CASE("a device says what is awaited: its row, its beats, room in its queue, a refresh")
{
    HardwareConfig hw = device(1000, 1000000, 1);
    hw.dram.timing.trefi = 2200, hw.dram.timing.trfc = 50;
    hw.dram.timing.queue_depth = 2;
    MemoryBench m(hw);
    m.cpu.add(late, request(false, 0, 32));
    m.cpu.add(late + 95, request(false, 32, 32));                                     // of the row that is open
    for (int i = 0; i < 4; ++i) m.cpu.add(late + 1000, request(false, 1024 * i, 32)); // rows 0 to 3 of the one bank
    // 1001 accepted, 1002 in the queue, ACT 1003, RD 1009, data 1014 to 1017, a cycle back: answered in 1019.
    // The second is queued in 1097, RD 1098, data 1103 to 1106, answered in 1108.
    // Rows 0 to 3: accepted in 2001 to 2004 and queued in 2002 and 2003; from 2004 on the third waits for room. ACT
    // 2003, RD 2009, which lets the third in and not the fourth; data 2014 to 2017. PRE 2018 (tRAS), ACT 2025, RD 2031,
    // which lets the fourth in; data 2036 to 2039, and those of the others 22 clocks (tRC) after each other.
    CHECK(reasons_of(m) == Reasons{{-1, idle},        {1001, latency}, {1014, bandwidth}, {1018, latency},
                                   {1019, idle},      {1096, latency}, {1103, bandwidth}, {1107, latency},
                                   {1108, idle},      {2001, latency}, {2004, window},    {2014, bandwidth},
                                   {2018, window},    {2031, latency}, {2036, bandwidth}, {2040, latency},
                                   {2058, bandwidth}, {2062, latency}, {2080, bandwidth}, {2084, latency},
                                   {2085, idle}});
    // Due in 1100: PREA 1102 (tRTP), REF 1109 to 1158, while nothing is in flight from 1109 on. Due in 3300: PREA, REF
    // 3307 to 3356.
    CHECK(m.dram.stats().commands.ref == 2);
    CHECK(m.dram.ledger().cycles(Dram::Cause::refresh) == (1159 - 1109) + (3357 - 3300));
}

TEST_CASE("reads that come while their rank refreshes wait for the refresh, then for their row")
{
    HardwareConfig hw = device(1000, 1000000, 0);
    hw.dram.timing.trefi = 2000, hw.dram.timing.trfc = 50;
    MemoryBench m(hw);
    m.cpu.add(1010, request(false, 0, 32));
    // Due in 1000, all banks closed: REF 1000 to 1049. Accepted and queued in 1011; ACT 1050, RD 1056, data 1061 to
    // 1064.
    CHECK(reasons_of(m) == Reasons{{-1, idle}, {1011, refresh}, {1050, latency}, {1061, bandwidth}, {1065, idle}});
    // In 1000 to 1049, whoever waits; in 3000 to 3056, since a row is to be closed first; and in 5000, the last cycle.
    CHECK(m.dram.ledger().cycles(Dram::Cause::refresh) == 50 + 57 + 1);
    CHECK(m.dram.ledger().cycles(Dram::Cause::busy) == 1066 - 1050);
}

TEST_CASE("a layer has the refreshes that are due in its time, and ends in the middle of one", "[refresh]")
{
    // Clocks of 4/3 cycles; due half an interval after the start: at clock 150, which is cycle 200.
    HardwareConfig hw = device(1000, 750000, 0);
    hw.dram.timing.trefi = 300, hw.dram.timing.trfc = 50;
    struct Case {
        std::int64_t refreshes, cycles; ///< cycles in which one is due or runs
        MemoryBench bench;
    };
    std::vector<std::unique_ptr<Case>> cases;
    for (const bool never_sleep : {false, true})
        for (const std::uint64_t shuffle : {0, 5}) {
            const DriverOptions driver{DriverKind::fast, never_sleep, shuffle};
            const auto add = [&](Cycle cycles, std::int64_t refreshes, std::int64_t refreshing) {
                cases.push_back(
                    std::unique_ptr<Case>(new Case{refreshes, refreshing, MemoryBench(hw, cycles - 1, driver)}));
            };
            add(199, 0, 0);
            add(200, 1, 0); // due as the layer ends
            add(210, 1, 10);
            add(599, 1, 67); // clocks 150 to 199: cycles 200 to 266
            add(600, 2, 67); // and clock 450
        }
    for (const auto& c : cases) {
        c->bench.run();
        CHECK(c->bench.dram.stats().commands.ref == static_cast<std::uint64_t>(c->refreshes));
        CHECK(c->bench.dram.ledger().cycles(Dram::Cause::refresh) == c->cycles);
        CHECK(c->bench.dram.ledger().cycles(Dram::Cause::idle) == c->bench.clock.now() - c->cycles);
    }
}
