// The drivers of a clock domain: identical traces, whoever sleeps and in whatever order blocks run.
#include "dnn/base/error.hpp"
#include "tests/module/toys.hpp"

#include <catch2/catch.hpp>

#include <memory>

using namespace heddle;
using namespace heddle::toys;

namespace {

/// Feeder -> worker -> worker -> taker, with slow ends and long silences.
struct Line {
    explicit Line(const DriverOptions& options, bool reversed = false)
        : clock(unique("clock").c_str(), 1000, options), a("a", 2, 1), b("b", 1, 3), c("c", 3, 2), feeder(a),
          first(a, b), second(b, c), taker(c, 40, 3), stop(20000)
    {
        Random random(5);
        Cycle t = 0;
        for (int i = 0; i < 120; ++i) {
            t += random.below(10) == 0 ? random.range(50, 400) : random.range(0, 4);
            feeder.add(t, static_cast<int>(random.below(1000)));
        }
        std::vector<Block*> blocks = {&feeder, &first, &second, &taker, &stop};
        if (reversed) std::reverse(blocks.begin(), blocks.end());
        for (Block* block : blocks) clock.add(*block);
        for (ChannelBase* channel :
             {static_cast<ChannelBase*>(&a), static_cast<ChannelBase*>(&b), static_cast<ChannelBase*>(&c)})
            clock.watch(*channel);
    }
    void run()
    {
        end = clock.run(stop.done());
        first.ledger().settle(end);
        second.ledger().settle(end);
    }

    ClockDomain clock;
    Channel<int> a, b, c;
    Feeder<int> feeder;
    Worker first, second;
    Taker<int> taker;
    Stop stop;
    Cycle end = 0;
};

} // namespace

TEST_CASE("both drivers, sleepless, shuffled and reversed, leave the same trace and ledgers")
{
    std::vector<std::unique_ptr<Line>> lines;
    lines.push_back(std::make_unique<Line>(DriverOptions{}));
    lines.push_back(std::make_unique<Line>(DriverOptions{DriverKind::reference, false, 0}));
    lines.push_back(std::make_unique<Line>(DriverOptions{DriverKind::fast, true, 0}));
    for (std::uint64_t seed : {1, 2, 3})
        lines.push_back(std::make_unique<Line>(DriverOptions{DriverKind::fast, false, seed}));
    lines.push_back(std::make_unique<Line>(DriverOptions{}, true));
    lines.push_back(std::make_unique<Line>(DriverOptions{DriverKind::reference, false, 0}, true));
    for (const auto& line : lines) line->run();
    Line& expected = *lines.front();
    REQUIRE(expected.taker.popped.size() == 120);
    CHECK(expected.end == 20001); // the cycle after the one in which `done` became true
    for (const auto& line : lines) {
        CAPTURE(&line - &lines.front());
        CHECK(line->end == expected.end);
        CHECK(line->feeder.pushed == expected.feeder.pushed);
        CHECK(line->taker.popped == expected.taker.popped);
        CHECK(line->first.ledger().all() == expected.first.ledger().all());
        CHECK(line->second.ledger().all() == expected.second.ledger().all());
    }
    // Spans cover every cycle; and most cycles were never executed by the driver that sleeps.
    std::int64_t sum = 0;
    for (std::int64_t n : expected.first.ledger().all()) sum += n;
    CHECK(sum == expected.end);
    CHECK(expected.clock.cycles_executed() < 2000);
    CHECK(lines[1]->clock.cycles_executed() == expected.end);
    CHECK(lines[2]->clock.cycles_executed() == expected.end);
}

namespace {

/// Goes to sleep in every tick; notes when it runs.
struct Sleeper : Block {
    Sleeper() : Block(unique("sleeper").c_str()) {}
    Cycle tick(Cycle now) override
    {
        ran.push_back(now);
        return never;
    }
    std::string status() const override { return "asleep"; }
    std::vector<Cycle> ran;
};

/// Wakes another block for the next cycle whenever it runs, every `step` cycles.
struct Waker : Block {
    Waker(Block& target, Cycle step) : Block(unique("waker").c_str()), target_(target), step_(step) {}
    Cycle tick(Cycle now) override
    {
        target_.wake_slot().wake(now + 1);
        return now + step_;
    }
    std::string status() const override { return "waking"; }
    Block& target_;
    Cycle step_;
};

struct Wrong : Block {
    Wrong() : Block(unique("wrong").c_str()) {}
    Cycle tick(Cycle now) override { return now; }
    std::string status() const override { return "impatient"; }
};

} // namespace

TEST_CASE("a block woken in the cycle in which it goes to sleep runs in the next, before or behind its waker")
{
    ClockDomain early("early", 1000, {}), late("late", 1000, {});
    Sleeper s1, s2;
    Waker w1(s1, 1), w2(s2, 1);
    Stop stop1(5), stop2(5);
    for (Block* b : {static_cast<Block*>(&s1), static_cast<Block*>(&w1), static_cast<Block*>(&stop1)}) early.add(*b);
    for (Block* b : {static_cast<Block*>(&w2), static_cast<Block*>(&s2), static_cast<Block*>(&stop2)}) late.add(*b);
    early.run(stop1.done());
    late.run(stop2.done());
    const std::vector<Cycle> every = {0, 1, 2, 3, 4, 5};
    CHECK(s1.ran == every);
    CHECK(s2.ran == every);
}

TEST_CASE("cycles in which all sleep are jumped over, not executed")
{
    ClockDomain clock("clock", 1000, {});
    Sleeper sleeper;
    Waker waker(sleeper, 1000);
    Stop stop(1000000);
    clock.add(sleeper);
    clock.add(waker);
    clock.add(stop);
    CHECK(clock.run(stop.done()) == 1000001);
    REQUIRE(sleeper.ran.size() == 1001); // 0, then one after each wake but the last
    CHECK(sleeper.ran[1] == 1);
    CHECK(sleeper.ran[2] == 1001);
    CHECK(clock.cycles_executed() == 1001 + 1000);
}

TEST_CASE("a run continues where the last one ended")
{
    Line line({});
    line.stop.reset(300);
    CHECK(line.clock.run(line.stop.done()) == 301);
    const std::size_t so_far = line.taker.popped.size();
    CHECK(so_far > 0);
    line.stop.reset(20000);
    CHECK(line.clock.run(line.stop.done()) == 20001);
    CHECK(line.taker.popped.size() == 120);
    CHECK(line.clock.now() == 20001);
}

TEST_CASE("actions run before the blocks of their cycle, in either driver")
{
    std::vector<std::unique_ptr<Line>> lines;
    lines.push_back(std::make_unique<Line>(DriverOptions{}));
    lines.push_back(std::make_unique<Line>(DriverOptions{DriverKind::reference, false, 0}));
    for (auto& line : lines) {
        std::vector<std::pair<Cycle, std::size_t>> seen;
        // The feeder's first push is in cycle 0..4; the action of that cycle comes before it, the next one after.
        Cycle first = 0;
        for (Cycle at = 0; at < 6; ++at)
            line->clock.at(at, [&, at] { seen.emplace_back(line->clock.now(), line->feeder.pushed.size()); });
        line->clock.at(9999, [&] { seen.emplace_back(line->clock.now(), 999); });
        line->run();
        first = line->feeder.pushed.front();
        REQUIRE(seen.size() == 7);
        for (Cycle at = 0; at < 6; ++at) {
            CHECK(seen[static_cast<std::size_t>(at)].first == at);
            if (at <= first) CHECK(seen[static_cast<std::size_t>(at)].second == 0);
            if (at == first + 1) CHECK(seen[static_cast<std::size_t>(at)].second == 1);
        }
        CHECK(seen.back().first == 9999);
    }
}

TEST_CASE("nobody awake and no wake time is a deadlock that names blocks and channels")
{
    ClockDomain clock("clock", 1000, {});
    Channel<int> in("in", 2, 1), out("jammed", 2, 1);
    Feeder<int> feeder(in);
    Worker worker(in, out);
    for (int i = 0; i < 9; ++i) feeder.add(0, 7); // no reader behind `jammed`
    clock.add(feeder);
    clock.add(worker);
    clock.watch(in);
    clock.watch(out);
    const bool never_done = false;
    std::string message;
    try {
        clock.run(never_done);
    } catch (const CheckFailure& e) {
        message = e.what();
    }
    CAPTURE(message);
    CHECK(message.find("deadlock in cycle ") == 0);
    CHECK(message.find("feeder_0: 4 to push]") != std::string::npos); // 2 in each channel, one in the worker
    CHECK(message.find("worker_0: holds 7]") != std::string::npos);
    CHECK(message.find(" in=2/2") != std::string::npos);
    CHECK(message.find(" jammed=2/2") != std::string::npos);
}

TEST_CASE("a block that asks for a cycle in the past is an error that names it")
{
    ClockDomain clock("clock", 1000, {});
    Wrong wrong;
    clock.add(wrong);
    const bool never_done = false;
    CHECK_THROWS_WITH(clock.run(never_done), Catch::Contains("wrong") && Catch::Contains("woken in the past"));
}
