// heddle calibrate on cycles of a machine that is built differently: is it said, with its layers, and only then?
#include "calibrate_lab.hpp"

using Catch::Contains;
using namespace heddle;
using heddle::test_calibrate::Lab;

namespace {

/// GEMMs and convs that lie in the buffer as a whole, at two memory latencies.
std::vector<Measurement> layers()
{
    struct Shape {
        const char* workload;
        std::array<std::int64_t, 3> tile;
    };
    const Shape shapes[] = {{"gemm:64x64x64", {64, 64, 64}},
                            {"gemm:16x64x128", {16, 64, 128}},
                            {"gemm:128x16x32", {128, 16, 32}},
                            {"gemm:33x20x70", {33, 20, 70}},
                            {"gemm:200x24x16", {200, 24, 16}},
                            {"gemm:8x32x200", {8, 32, 200}},
                            {"conv:8x16x12x12x3x3x1x1", {144, 16, 72}},
                            {"conv:16x32x9x9x1x1x1x0", {81, 32, 16}}};
    std::vector<Measurement> rows;
    for (const Shape& s : shapes)
        for (const char* latency : {"20", "90"}) {
            Measurement m;
            m.workload = s.workload;
            m.name = m.workload.substr(5) + "@" + latency;
            m.tile = s.tile;
            m.keys["dram.latency_cycles"] = latency;
            m.measured["cycles"] = 1 << 30; // to be measured
            rows.push_back(m);
        }
    return rows;
}

const char* keys = "array.mac_latency_cycles,passes.gap_cycles";
const std::vector<std::string> short_search = {"--dataflow", "ws", "--starts", "1"};

/// The warning stands, says that no parameter helps, and names this layer of the rows that are left over.
void check_warned(const std::string& out, const std::string& layer)
{
    INFO(out);
    const std::size_t from = out.find("warning     these parameters leave up to");
    REQUIRE(from != std::string::npos);
    CHECK_THAT(out.substr(from, out.find('\n', from) - from), Contains(layer + " (line "));
    CHECK_THAT(out, Contains("the measured machine may be built differently there"));
    CHECK_THAT(out, !Contains("structure   no row is off"));
}

} // namespace

TEST_CASE("cycles of another dataflow leave a rest that is warned of, with its layers", "[calibrate]")
{
    const Lab lab;
    check_warned(lab.calibrate(lab.measure(layers(), {}, {}, "os"), keys, short_search), "64x64x64@90");
}

TEST_CASE("cycles of an array that waits for its weights leave a rest that is warned of, with its layers",
          "[calibrate]")
{
    const Lab lab;
    const std::string csv = lab.measure(layers(), {{"passes.load", "exposed"}});
    check_warned(lab.calibrate(csv, keys, short_search), "8x32x200@20"); // most loads for its steps
}

TEST_CASE("cycles of the same structure with other parameters leave nothing, and no warning", "[calibrate]")
{
    const Lab lab;
    const std::string csv = lab.measure(layers(), {{"array.mac_latency_cycles", "5"}, {"passes.gap_cycles", "3"}});
    const std::string out = lab.calibrate(csv, keys, short_search);
    INFO(out);
    CHECK_THAT(out, !Contains("warning"));
    CHECK_THAT(out, Contains("structure   no row is off by more than 0.00 %"));
}

TEST_CASE("a parameter that was left out is named, and no other structure suspected", "[calibrate]")
{
    const Lab lab;
    const std::string csv = lab.measure(layers(), {{"dma.startup_cycles", "60"}});
    const std::string out = lab.calibrate(csv, keys, short_search);
    INFO(out);
    CHECK_THAT(out, Contains("warning     these parameters leave up to"));
    CHECK_THAT(out, Contains("dma.startup_cycles is not fitted and could take away"));
    CHECK_THAT(out, !Contains("built differently"));
}
