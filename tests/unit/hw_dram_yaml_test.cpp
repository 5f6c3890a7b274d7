// The bus of a fixed memory: beats, or an exact rate in their place.
#include "dnn/base/error.hpp"
#include "sim/bound.hpp"
#include "sim/overlay.hpp"

#include <catch2/catch.hpp>

using Catch::Contains;
using namespace heddle;

namespace {

/// A fixed memory that has `bus`.
HardwareConfig with_bus(const std::string& bus)
{
    const DescribedHardware plain = load_overlaid_hardware("tpu_like", "");
    std::string text = plain.yaml;
    const std::size_t from = text.find("dram: {");
    text.replace(from, text.find('}', from) - from, "dram: {kind: fixed, latency_cycles: 10, " + bus);
    return parse_hardware(text, "hw.yaml");
}

} // namespace

TEST_CASE("a fixed memory's rate is an exact decimal or fraction, in place of beats")
{
    for (const char* text : {"24/10", "2.4", "12/5", "'2.40'"}) {
        const DramConfig d = with_bus(std::string("bytes_per_cycle: ") + text).dram;
        CHECK_FALSE(d.whole_beats);
        CHECK(d.beat_bytes == 12);
        CHECK(d.cycles_per_beat == 5);
    }
    CHECK(with_bus("bytes_per_cycle: 16").dram.beat_bytes == 16);
    CHECK(with_bus("bytes_per_cycle: 1/3").dram.cycles_per_beat == 3);
    CHECK(with_bus("beat_bytes: 24, cycles_per_beat: 10").dram.whole_beats);
    CHECK_THROWS_WITH(with_bus("bytes_per_cycle: 2.4, cycles_per_beat: 10"),
                      Contains("dram.cycles_per_beat: expected either this or bytes_per_cycle, got both"));
    CHECK_THROWS_WITH(with_bus("beat_bytes: 24, bytes_per_cycle: 2.4"),
                      Contains("dram.beat_bytes: expected either this or bytes_per_cycle, got both"));
    CHECK_THROWS_WITH(with_bus("bytes_per_cycle: 0"), Contains("dram.bytes_per_cycle: expected a number from"));
    CHECK_THROWS_WITH(with_bus("bytes_per_cycle: fast"), Contains("dram.bytes_per_cycle: expected a number from"));
    CHECK_THROWS_WITH(with_bus("bytes_per_cycle: 1048575.999999"),
                      Contains("dram.bytes_per_cycle: expected a fraction of numbers up to 1000000000"));
    CHECK_THROWS_WITH(with_bus("queue_depth: 4"), Contains("dram.beat_bytes: missing key"));
}

TEST_CASE("the bound's DRAM cycles follow a rate to the byte, beats to the beat")
{
    const HardwareConfig rate = with_bus("bytes_per_cycle: 24/10"),
                         beats = with_bus("beat_bytes: 24, cycles_per_beat: 10");
    CHECK(dram_cycles(rate, 24000, 0) == 10000);
    CHECK(dram_cycles(beats, 24000, 0) == 10000);
    CHECK(dram_cycles(rate, 24001, 0) == 10001); // 10000 5/12
    CHECK(dram_cycles(beats, 24001, 0) == 10010);
    CHECK(dram_cycles(rate, 10000, 14000) == 10000); // one bus
    const std::int64_t many = std::int64_t{1} << 40;
    CHECK(dram_cycles(with_bus("bytes_per_cycle: 999.999937"), many, 0) == 1099511698);
}
