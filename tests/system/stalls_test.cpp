// Random stalls in every channel: cycles change, values and counts do not, and a seed decides all of it.
#include "sim/results.hpp"
#include "tests/system/bench.hpp"
#include "tests/system/subjects.hpp"

#include <catch2/catch.hpp>

#include <set>

using namespace heddle;
using namespace heddle::test_system;

namespace {

/// What only time decides is taken over, so that all else is compared.
LayerResult with_times_of(const LayerResult& times, LayerResult counts)
{
    counts.cycles = times.cycles;
    counts.array_cycles = times.array_cycles;
    counts.utilization = times.utilization;
    counts.ledger = times.ledger;
    counts.phases = times.phases;
    const std::int64_t read = counts.dram.read_bytes, written = counts.dram.write_bytes;
    counts.dram = times.dram; // commands follow from the order and moment of requests
    counts.dram.read_bytes = read;
    counts.dram.write_bytes = written;
    return counts;
}

} // namespace

TEST_CASE("random stalls change cycles and neither values nor counts")
{
    for (const Subject& s : subjects()) {
        INFO(s.what);
        const Outcome calm = simulate(s.options, s.layer);
        std::set<std::int64_t> cycles = {calm.result.cycles};
        for (std::uint64_t seed : {1, 2, 3}) {
            INFO("stall seed " << seed);
            AcceleratorOptions options;
            options.stall_seed = seed;
            const Outcome stalled = simulate(s.options, s.layer, {options, {}});
            CHECK(stalled.result.cycles != calm.result.cycles);
            CHECK(stalled.output.data == calm.output.data);
            CHECK(first_difference(calm.result, with_times_of(calm.result, stalled.result)) == "");
            const Outcome again = simulate(s.options, s.layer, {options, {}});
            CHECK(first_difference(stalled.result, again.result) == "");
            cycles.insert(stalled.result.cycles);
        }
        CHECK(cycles.size() >= 3);
    }
}

TEST_CASE("random layers are verified under random stalls")
{
    for (int n = 0; n < 2 * kind_count; ++n) {
        const std::uint64_t seed = 501 + static_cast<std::uint64_t>(n);
        Random random(seed);
        const Network net = random_network(random, n % kind_count);
        for (const char* dataflow : {"ws", "os", "is"}) {
            RunOptions o = workload(net, small_buffers("tpu_like", 700), dataflow, seed);
            o.stall_seed = seed;
            INFO("seed " << seed << " " << kinds[n % kind_count] << " " << dataflow);
            REQUIRE_NOTHROW(run_apart(o));
        }
    }
}
