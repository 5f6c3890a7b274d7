// The driver, the order of blocks and processes, and sleep change nothing: not a cycle, count, ledger entry or value.
#include "sim/results.hpp"
#include "tests/system/bench.hpp"
#include "tests/system/subjects.hpp"

#include <catch2/catch.hpp>

using namespace heddle;
using namespace heddle::test_system;

namespace {

struct Mode {
    const char* name;
    AcceleratorOptions options;
};

AcceleratorOptions mode(DriverKind kind, bool never_sleep, std::uint64_t shuffle_seed, bool reversed)
{
    AcceleratorOptions o;
    o.driver.kind = kind;
    o.driver.never_sleep = never_sleep;
    o.driver.shuffle_seed = shuffle_seed;
    o.reverse_construction = reversed;
    return o;
}

std::vector<Mode> modes()
{
    constexpr DriverKind fast = DriverKind::fast, reference = DriverKind::reference;
    return {{"reference", mode(reference, false, 0, false)},
            {"reference, reversed construction", mode(reference, false, 0, true)},
            {"never sleeping", mode(fast, true, 0, false)},
            {"reversed construction", mode(fast, false, 0, true)},
            {"shuffled 1", mode(fast, false, 1, false)},
            {"shuffled 2", mode(fast, false, 2, false)},
            {"shuffled 3, reversed construction", mode(fast, false, 3, true)}};
}

void check_modes(const Subject& s, std::uint64_t stall_seed)
{
    const auto run = [&](AcceleratorOptions options) {
        options.stall_seed = stall_seed;
        return simulate(s.options, s.layer, {options, {}});
    };
    const Outcome fast = run({});
    INFO(s.what << ", " << fast.result.cycles << " cycles, stall seed " << stall_seed);
    CHECK(fast.result.cycles > 100);
    CHECK(differences(fast.output, expected_output(s.options, s.layer)).empty());
    for (const Mode& m : modes()) {
        INFO(m.name);
        const Outcome other = run(m.options);
        CHECK(first_difference(fast.result, other.result) == "");
        CHECK(other.output.data == fast.output.data);
    }
}

} // namespace

TEST_CASE("every driver and order of ticks and construction gives the same layer")
{
    for (const Subject& s : subjects()) check_modes(s, 0);
}

TEST_CASE("every driver and order of ticks and construction gives the same layer under random stalls")
{
    for (const Subject& s : subjects()) check_modes(s, 77);
}

TEST_CASE("values switched off leave cycles and counts as they are under every driver")
{
    for (const Subject& s : subjects()) {
        INFO(s.what);
        const LayerResult full = timing_of(simulate(s.options, s.layer).result);
        for (DriverKind kind : {DriverKind::fast, DriverKind::reference}) {
            AcceleratorOptions options = mode(kind, false, 0, false);
            options.timing_only = true;
            const Outcome blind = simulate(s.options, s.layer, {options, {}});
            CHECK(first_difference(full, timing_of(blind.result)) == "");
        }
    }
}
