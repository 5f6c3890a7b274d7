// The channel's registered ends (design.md §5.1), driven by hand: the test plays both blocks.
#include "tests/module/toys.hpp"

#include <catch2/catch.hpp>

#include <memory>

using namespace heddle;
using namespace heddle::toys;

TEST_CASE("an entry pushed in cycle t can be popped from t + latency on, not before")
{
    for (int latency = 1; latency <= 5; ++latency) {
        CAPTURE(latency);
        Channel<int> c("c", 2, latency);
        c.push(10) = 7;
        CHECK_FALSE(c.can_pop(10 + latency - 1));
        CHECK(c.front_ready() == 10 + latency);
        REQUIRE(c.can_pop(10 + latency));
        CHECK(c.front() == 7);
    }
}

TEST_CASE("a slot freed in t can be refilled in t + 1, not in t")
{
    Channel<int> c("c", 2, 1);
    c.push(0) = 1;
    c.push(1) = 2;
    CHECK_FALSE(c.can_push(2));
    c.pop(2);
    CHECK_FALSE(c.can_push(2)); // the writer sees the state of the cycle before
    CHECK(c.can_push(3));
    CHECK_FALSE(c.can_pop(2)); // one pop a cycle, though another entry lies ready
    CHECK(c.can_pop(3));
}

TEST_CASE("depth one alternates: the freed slot is the only one")
{
    Channel<int> c("c", 1, 1);
    c.push(0) = 1;
    CHECK_FALSE(c.can_push(0));
    c.pop(1);
    CHECK_FALSE(c.can_push(1));
    CHECK(c.can_push(2));
}

TEST_CASE("moves that the other end did not allow are refused")
{
    Channel<int> c("c", 2, 1);
    CHECK_THROWS_AS(c.pop(0), std::logic_error); // empty
    c.push(0) = 1;
    CHECK_THROWS_AS(c.push(0), std::logic_error); // second push of the cycle, though a slot is free
    CHECK_THROWS_AS(c.pop(0), std::logic_error);  // still on its way
    c.push(1) = 2;
    CHECK_THROWS_AS(c.push(2), std::logic_error); // full
    c.pop(2);
    CHECK_THROWS_AS(c.pop(2), std::logic_error);  // second pop of the cycle
    CHECK_THROWS_AS(c.push(2), std::logic_error); // freed in this very cycle
    CHECK_NOTHROW(c.push(3));
    CHECK_THROWS_AS(Channel<int>("c", 0, 1), std::logic_error);
    CHECK_THROWS_AS(Channel<int>("c", 1, 0), std::logic_error);
}

TEST_CASE("entries are reused in place and start as the prototype")
{
    Channel<std::vector<int>> c("c", 2, 1, std::vector<int>(3, 5));
    for (Cycle t = 0; t < 6; ++t) {
        const std::vector<int>& slot = c.push(t);
        CHECK(slot.size() == 3);
        c.pop(t + 1);
    }
    CHECK(c.transfers() == 6);
}

TEST_CASE("the rate is min(1, depth / (latency + 1)) whoever runs first")
{
    for (int depth = 1; depth <= 6; ++depth)
        for (int latency = 1; latency <= 6; ++latency)
            for (bool reader_first : {false, true}) {
                CAPTURE(depth, latency, reader_first);
                Channel<int> c("c", depth, latency);
                const Cycle cycles = 60 * (latency + 1);
                std::vector<int> got;
                std::vector<Cycle> when;
                int sent = 0;
                for (Cycle t = 0; t < cycles; ++t) {
                    const auto read = [&] {
                        if (!c.can_pop(t)) return;
                        got.push_back(c.front());
                        when.push_back(t);
                        c.pop(t);
                    };
                    if (reader_first) read();
                    if (c.can_push(t)) c.push(t) = sent++;
                    if (!reader_first) read();
                }
                // In every latency + 1 cycles `depth` slots go round once: pushed, seen, freed, seen free.
                const int per_round = std::min(depth, latency + 1);
                std::vector<Cycle> expected;
                for (Cycle round = latency; round < cycles; round += latency + 1)
                    for (int i = 0; i < per_round; ++i)
                        if (round + i < cycles) expected.push_back(round + i);
                CHECK(when == expected);
                for (std::size_t i = 0; i < got.size(); ++i) REQUIRE(got[i] == static_cast<int>(i));
            }
}

TEST_CASE("a reason is seen one cycle after it is given, and the last one of a cycle counts")
{
    Channel<int> c("c", 2, 1);
    CHECK(c.reason(5) == Reason::idle);
    c.set_reason(5, Reason::network);
    CHECK(c.reason(5) == Reason::idle);
    CHECK(c.reason(6) == Reason::network);
    c.set_reason(8, Reason::buffer_port);
    c.set_reason(8, Reason::dram_latency);
    CHECK(c.reason(8) == Reason::network);
    CHECK(c.reason(9) == Reason::dram_latency);
    // Given and taken back within a cycle: nobody saw it.
    c.set_reason(12, Reason::network);
    c.set_reason(12, Reason::dram_latency);
    CHECK(c.reason(12) == Reason::dram_latency);
    CHECK(c.reason(13) == Reason::dram_latency);
}

TEST_CASE("random stalls move arrivals later, never order or values, and repeat with their seed")
{
    const auto run = [](std::uint64_t seed, std::vector<int>& values) {
        Channel<int> c("c", 3, 2);
        if (seed) c.set_stalls(seed);
        std::vector<Cycle> when;
        int sent = 0;
        for (Cycle t = 0; values.size() < 200; ++t) {
            if (sent < 200 && c.can_push(t)) c.push(t) = sent++ * 17;
            if (!c.can_pop(t)) continue;
            values.push_back(c.front());
            when.push_back(t);
            c.pop(t);
        }
        return when;
    };
    std::vector<int> plain, stalled, again, other;
    const std::vector<Cycle> t0 = run(0, plain), t1 = run(9, stalled), t2 = run(9, again), t3 = run(11, other);
    CHECK(stalled == plain);
    CHECK(other == plain);
    CHECK(t2 == t1);
    CHECK(t3 != t1);
    CHECK(t1.back() > t0.back());
    for (std::size_t i = 0; i < t0.size(); ++i) REQUIRE(t1[i] >= t0[i]);
}

TEST_CASE("stalls start anew with set_stalls, whatever went through before")
{
    const auto arrivals = [](int before) {
        Channel<int> c("c", 2, 1);
        Cycle t = 0;
        for (; before > 0; --before, t += 2) {
            c.push(t) = 0;
            c.pop(t + 1);
        }
        c.set_stalls(5);
        std::vector<Cycle> late;
        for (int i = 0; i < 50; ++i) {
            c.push(t) = i;
            late.push_back(c.front_ready() - t);
            t = c.front_ready();
            c.pop(t++);
        }
        return late;
    };
    CHECK(arrivals(0) == arrivals(13));
}

TEST_CASE("a push wakes the reader when the entry arrives, a pop the writer a cycle later")
{
    Channel<int> c("c", 2, 4);
    Feeder<int> writer(c);
    Taker<int> reader(c);
    c.push(3) = 1;
    CHECK(reader.wake_slot().request == 7);
    c.push(5) = 2;
    reader.wake_slot().request = never;
    c.pop(7);
    CHECK(writer.wake_slot().request == 8);
    CHECK(reader.wake_slot().request == 9); // what lies behind the entry just taken
    reader.wake_slot().request = never;
    c.set_reason(20, Reason::network);
    CHECK(reader.wake_slot().request == 21);
}
