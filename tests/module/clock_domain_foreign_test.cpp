// Foreign SystemC processes beside a clock domain: the fast driver returns to the kernel no later than their next
// event.
#define SC_INCLUDE_DYNAMIC_PROCESSES
#include "tests/module/toys.hpp"

#include <catch2/catch.hpp>

using namespace heddle;
using namespace heddle::toys;

namespace {

/// Looks at the domain on its own timed events: a method every 7.5 periods, a thread at uneven times.
struct Foreign : sc_core::sc_module {
    Foreign(const sc_core::sc_module_name& name, const ClockDomain& clock) : sc_core::sc_module(name), clock_(clock)
    {
        SC_HAS_PROCESS(Foreign);
        SC_METHOD(sample);
        SC_THREAD(walk);
    }
    void sample()
    {
        sampled.emplace_back(sc_core::sc_time_stamp(), clock_.now());
        if (sampled.size() < 400) next_trigger(sc_core::sc_time(7500, sc_core::SC_PS));
    }
    void walk()
    {
        for (int i = 1; i < 40; ++i) {
            wait(sc_core::sc_time(1000.0 * i + 333, sc_core::SC_PS));
            walked.emplace_back(sc_core::sc_time_stamp(), clock_.now());
        }
    }
    const ClockDomain& clock_;
    std::vector<std::pair<sc_core::sc_time, Cycle>> sampled, walked;
};

/// Runs every cycle.
struct Busy : Block {
    explicit Busy(bool sleeps) : Block(unique("busy").c_str()), sleeps_(sleeps) {}
    Cycle tick(Cycle now) override
    {
        last = now;
        return now + (sleeps_ ? 250 : 1);
    }
    std::string status() const override { return "busy"; }
    bool sleeps_;
    Cycle last = -1;
};

/// At time t the domain, one cycle a nanosecond from 0 on, has done all cycles before t and none after.
void check_in_step(const std::vector<std::pair<sc_core::sc_time, Cycle>>& seen, bool jumps)
{
    Cycle before = 0;
    for (const auto& [time, cycle] : seen) {
        CAPTURE(time, cycle);
        CHECK(cycle >= before); // monotonic
        before = cycle;
        const double periods = time / sc_core::sc_time(1000, sc_core::SC_PS);
        CHECK(static_cast<double>(cycle) <= periods + 1); // has not run ahead of the kernel
        if (!jumps) CHECK(static_cast<double>(cycle) >= periods - 1);
    }
}

} // namespace

TEST_CASE("the fast driver does not run past what foreign processes have pending")
{
    ClockDomain clock("clock", 1000, {});
    Foreign foreign("foreign", clock);
    Busy busy(false);
    Stop stop(4000);
    clock.add(busy);
    clock.add(stop);
    CHECK(clock.run(stop.done()) == 4001);
    REQUIRE(foreign.sampled.size() == 400);
    REQUIRE(foreign.walked.size() == 39);
    check_in_step(foreign.sampled, false);
    check_in_step(foreign.walked, false);
}

TEST_CASE("nor when its own blocks sleep much longer than the foreign processes")
{
    ClockDomain clock("clock", 1000, {});
    Foreign foreign("foreign", clock);
    Busy busy(true);
    Stop stop(4000);
    clock.add(busy);
    clock.add(stop);
    CHECK(clock.run(stop.done()) == 4001);
    REQUIRE(foreign.sampled.size() == 400);
    check_in_step(foreign.sampled, true);
    check_in_step(foreign.walked, true);
}

TEST_CASE("the reference driver and foreign processes share the kernel's time")
{
    ClockDomain clock("clock", 1000, {DriverKind::reference, false, 0});
    Foreign foreign("foreign", clock);
    Busy busy(false);
    Stop stop(4000);
    clock.add(busy);
    clock.add(stop);
    CHECK(clock.run(stop.done()) == 4001);
    REQUIRE(foreign.sampled.size() == 400);
    check_in_step(foreign.sampled, false);
    check_in_step(foreign.walked, false);
}

TEST_CASE("an exception of a block in the reference driver reaches the caller")
{
    struct Thrower : Block {
        Thrower() : Block(unique("thrower").c_str()) {}
        Cycle tick(Cycle now) override
        {
            if (now == 5) throw std::runtime_error("in cycle 5");
            return now + 1;
        }
        std::string status() const override { return "about to throw"; }
    };
    ClockDomain reference("reference", 1000, {DriverKind::reference, false, 0}), fast("fast", 1000, {});
    Thrower a, b;
    reference.add(a);
    fast.add(b);
    const bool never_done = false;
    CHECK_THROWS_WITH(fast.run(never_done), "in cycle 5");
    CHECK_THROWS_WITH(reference.run(never_done), "in cycle 5");
}
