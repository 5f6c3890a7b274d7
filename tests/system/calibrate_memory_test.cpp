// heddle calibrate as the owner of a whole accelerator uses it: systolic array with DMA, scratchpad and accumulator;
// GEMMs and convs over memory latencies and bandwidths. Are the hidden latencies found?
#include "calibrate_lab.hpp"

using Catch::Contains;
using namespace heddle;
using heddle::test_calibrate::Lab;

namespace {

/// Tiles smaller than the layers: the memory is at work behind the array.
std::vector<Measurement> layers()
{
    struct Shape {
        const char* workload;
        std::array<std::int64_t, 3> tile;
    };
    const Shape shapes[] = {{"gemm:64x64x64", {32, 32, 64}},          {"gemm:32x96x48", {32, 32, 48}},
                            {"gemm:8x64x160", {8, 32, 80}},           {"conv:8x16x12x12x3x3x1x1", {72, 16, 72}},
                            {"conv:16x32x8x8x1x1x1x0", {64, 16, 16}}, {"conv:4x24x16x16x3x3x2x1", {32, 24, 36}}};
    std::vector<Measurement> rows;
    for (const Shape& s : shapes)
        for (const char* latency : {"20", "120"})
            for (const char* per_beat : {"1", "4"}) {
                Measurement m;
                m.workload = s.workload;
                m.name = m.workload.substr(0, m.workload.find(':')) + std::to_string(rows.size());
                m.tile = s.tile;
                m.keys = {{"dram.latency_cycles", latency}, {"dram.cycles_per_beat", per_beat}};
                m.measured["cycles"] = 1 << 30; // to be measured
                rows.push_back(m);
            }
    return rows;
}

const KeyValues secrets = {{"array.mac_latency_cycles", "3"},
                           {"passes.gap_cycles", "2"},
                           {"global_buffer.latency_cycles", "5"},
                           {"dma.startup_cycles", "41"},
                           {"dma.requests_in_flight", "6"}};

std::string names(const KeyValues& values)
{
    std::string list;
    for (const auto& [key, value] : values) list += (list.empty() ? "" : ",") + key;
    return list;
}

} // namespace

TEST_CASE("hidden latencies of a whole accelerator are found over memory latencies and bandwidths", "[calibrate]")
{
    const Lab lab;
    const std::string out = lab.calibrate(lab.measure(layers(), secrets), names(secrets), {"--dataflow", "ws"});
    INFO(out);
    const std::string overlay = read_file(lab.file("o.yaml"));
    for (const auto& [key, value] : secrets) CHECK_THAT(overlay, Contains("\n" + key + ": " + value + "\n"));
    CHECK_THAT(out, Contains("17 to fit, 7 held out"));
    CHECK_THAT(out, Contains("identified  every parameter, alone and together"));
    CHECK_THAT(out, Contains("no row is off by more than 0.00 %"));
    CHECK_THAT(out, Contains("end to end (cycles)                     7      0.00 %"));
    CHECK_THAT(out, Contains("stall (cycles - array_cycles)           7      0.00 %"));
}

TEST_CASE("latencies on one way out are found as their sum, and said to be known only so", "[calibrate]")
{
    const Lab lab;
    const KeyValues hidden = {
        {"post.latency_cycles", "9"}, {"networks.psums.latency_cycles", "3"}, {"dma.startup_cycles", "41"}};
    const std::string out = lab.calibrate(lab.measure(layers(), hidden), names(hidden), {"--dataflow", "ws"});
    INFO(out);
    CHECK_THAT(out, Contains("identified  not all of it"));
    CHECK_THAT(out, Contains(": changes no training row, so only what they make together is known"));
    CHECK_THAT(read_file(lab.file("o.yaml")), Contains("# Not identified: "));
    const std::string fitted = load_overlaid_hardware(lab.file("hw.yaml"), lab.file("o.yaml")).yaml;
    CHECK(yaml_value(fitted, "dma.startup_cycles") == "41");
    CHECK(std::stoi(yaml_value(fitted, "post.latency_cycles")) +
              std::stoi(yaml_value(fitted, "networks.psums.latency_cycles")) ==
          12);
    CHECK_THAT(out, Contains("no row is off by more than 0.00 %"));
}

TEST_CASE("what only the held-out rows tell is asked for, and no other structure suspected", "[calibrate]")
{
    const Lab lab;
    KeyValues hidden = secrets;
    std::string known;
    for (const auto& [key, value] : secrets) known += key + ": " + value + "\n";
    lab.write("known.yaml", known);
    hidden["dma.issue_interval_cycles"] = "3";
    const std::string out = lab.calibrate(lab.measure(layers(), hidden), "dma.issue_interval_cycles",
                                          {"--dataflow", "ws", "--overlay", lab.file("known.yaml")});
    INFO(out);
    CHECK_THAT(out, Contains("dma.issue_interval_cycles: 1..4 fit equally well"));
    CHECK_THAT(out, Contains("warning     these parameters leave up to"));
    CHECK_THAT(out, Contains("only held-out rows are off"));
    CHECK_THAT(out, !Contains("built differently"));
}
