// Psums that accumulate on their way through the array: same values as at the buffer, a read for every continued
// update, and a wait where a word is still on its way back.
#include "dnn/network.hpp"
#include "tests/system/bench.hpp"

#include <catch2/catch.hpp>

using namespace heddle;
using namespace heddle::test_system;

namespace {

RunResult run(const std::string& network, const std::string& dataflow, Accumulation accumulation,
              int update_latency = 2)
{
    HardwareConfig hw = load_hardware("tpu_like");
    hw.global_buffer.accumulation = accumulation;
    hw.global_buffer.update_latency_cycles = update_latency;
    return run_apart(workload(load_network(network), hw, dataflow));
}

} // namespace

TEST_CASE("psums through the array give the values and the work of psums at the buffer")
{
    for (const char* dataflow : {"ws", "is"}) {
        INFO(dataflow);
        const RunResult at = run("tiny", dataflow, Accumulation::at_buffer);
        const RunResult through = run("tiny", dataflow, Accumulation::through_array);
        REQUIRE(at.layers.size() == through.layers.size());
        CHECK(at.output == through.output);
        for (std::size_t i = 0; i < at.layers.size(); ++i) {
            const LayerResult &a = at.layers[i], &t = through.layers[i];
            INFO(a.name);
            CHECK(a.verified == t.verified);
            CHECK(a.macs == t.macs);
            CHECK(a.dram.read_bytes == t.dram.read_bytes);
            if (a.accesses.count("global_buffer") == 0 || a.accesses.at("global_buffer").count("psums") == 0) continue;
            const AccessCounts &pa = a.accesses.at("global_buffer").at("psums"),
                               &pt = t.accesses.at("global_buffer").at("psums");
            // Each continued update reads once either way; the last sums leave from the array instead of coming back.
            CHECK(pt.reads == pa.reads);
            CHECK(pt.updates == pt.reads);
            CHECK(t.hops.at("psums") == a.hops.at("psums") + pt.reads);
        }
    }
}

TEST_CASE("a psum is not read before its last update has settled")
{
    // One output block of 16 x 16 over 4 folds of K: fold n + 1 streams its 16 rows right behind fold n, and row m
    // needs what fold n wrote for row m: wavefront and update latency lie in between, so a longer update latency shows
    // fully in every fold but the first.
    const auto cycles = [](int latency) {
        const RunResult r = run("gemm:16x16x64", "ws", Accumulation::through_array, latency);
        CHECK(r.layers.back().verified);
        return r.layers.back().array_cycles;
    };
    const std::int64_t two = cycles(2), twelve = cycles(12);
    CHECK(twelve - two == 3 * 10);
}
