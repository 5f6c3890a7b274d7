// Does heddle calibrate find hidden latencies in waveforms of heddle trace, as the guide's map says?
#include "workplace.hpp"

using Catch::Contains;
using namespace heddle::test_smoke;

namespace {

const char* const map_head = "clock: clk\n"
                             "start: {signal: cycle, value: 0}\n"
                             "stop: {dump_end: true}\n"
                             "channels:\n"
                             "  - {name: inputs, valid: distributor.array_inputs.valid, ready: "
                             "distributor.array_inputs.ready, first: first_operand}\n"
                             "  - {name: weights, valid: distributor.array_weights.valid, ready: "
                             "distributor.array_weights.ready, first: first_operand}\n"
                             "  - {name: results, valid: array.array_psums.push, last: last_result}\n"
                             "layers:\n";

/// tpu_like with a memory of fixed latency.
std::string description()
{
    std::ostringstream preset;
    preset << std::ifstream(HEDDLE_SOURCE_DIR "/hw/presets/tpu_like.yaml").rdbuf();
    std::string text = preset.str();
    const std::size_t from = text.find("\ndram: {") + 1;
    return text.replace(from, text.find('\n', from) - from,
                        "dram: {kind: fixed, latency_cycles: 60, beat_bytes: 16, cycles_per_beat: 1}");
}

} // namespace

TEST_CASE("hidden latencies are found in the waveforms of heddle trace", "[calibrate]")
{
    const Workplace place;
    const auto write = [&](const std::string& name, const std::string& text) {
        std::ofstream(place.path() / name) << text;
    };
    write("mine.yaml", description());
    write("hidden.yaml", "array.mac_latency_cycles: 3\npasses.gap_cycles: 2\ndma.startup_cycles: 41\n");
    std::string map = map_head, dumps;
    for (const std::string gemm : {"64x64x64", "32x48x16", "8x64x80", "40x16x33", "16x16x16", "24x40x50"}) {
        const std::string layer = " gemm:" + gemm + " --hw mine.yaml --dataflow ws";
        REQUIRE(place.heddle("map" + layer + " --no-mapping-cache -o " + gemm + ".map.yaml").code == 0);
        const Answer traced =
            place.heddle("trace" + layer + " --layer 1 --overlay hidden.yaml --mapping " + gemm + ".map.yaml --vcd " +
                         gemm + ".vcd --scope array.array_psums,distributor.array_inputs,distributor.array_weights");
        INFO(traced.text);
        REQUIRE(traced.code == 0);
        dumps += (dumps.empty() ? "" : ",") + gemm + ".vcd";
        map += "  - {name: " + gemm + ", dataflow: ws, workload: gemm:" + gemm + ", mapping: " + gemm + ".map.yaml}\n";
    }
    write("signals.yaml", map);
    const Answer fit = place.heddle("calibrate --hw mine.yaml --vcd " + dumps +
                                    " --map signals.yaml --fit array.mac_latency_cycles,passes.gap_cycles,"
                                    "dma.startup_cycles -o fitted.yaml");
    INFO(fit.text);
    REQUIRE(fit.code == 0);
    std::ostringstream overlay;
    overlay << std::ifstream(place.path() / "fitted.yaml").rdbuf();
    CHECK_THAT(overlay.str(), Contains("array.mac_latency_cycles: 3\npasses.gap_cycles: 2\ndma.startup_cycles: 41\n"));
    CHECK_THAT(fit.text, Contains("4 to fit, 2 held out") && Contains("no row is off by more than 0.00 %"));
}
