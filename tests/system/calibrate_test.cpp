// heddle calibrate from end to end: does it find parameters that were hidden, and say what it cannot know?
#include "calibrate_lab.hpp"
#include "dnn/base/error.hpp"

using Catch::Contains;
using namespace heddle;
using heddle::test_calibrate::Lab;
namespace fs = std::filesystem;

namespace {

const std::string data = std::string(HEDDLE_SOURCE_DIR) + "/tests/data/calibration/";

std::vector<Measurement> gemms()
{
    const int sizes[][3] = {{16, 16, 16}, {64, 16, 16}, {16, 64, 32}, {20, 40, 24},
                            {64, 64, 64}, {33, 17, 65}, {5, 96, 48},  {100, 16, 80}};
    std::vector<Measurement> rows;
    for (const auto& s : sizes)
        for (const char* latency : {"20", "90"}) {
            Measurement m;
            m.workload = "gemm:" + std::to_string(s[0]) + "x" + std::to_string(s[1]) + "x" + std::to_string(s[2]);
            m.name = m.workload.substr(5) + "_" + latency;
            m.keys["dram.latency_cycles"] = latency;
            m.measured["cycles"] = 1 << 30;
            rows.push_back(m);
        }
    Measurement conv = rows.front();
    conv.workload = "conv:8x16x10x10x3x3x1x1";
    conv.name = "conv3x3";
    rows.push_back(conv);
    return rows;
}

const KeyValues secrets = {{"array.mac_latency_cycles", "4"},
                           {"global_buffer.latency_cycles", "7"},
                           {"dma.startup_cycles", "37"},
                           {"dram.cycles_per_beat", "3"}};
const char* secret_keys =
    "array.mac_latency_cycles,global_buffer.latency_cycles,dma.startup_cycles,dram.cycles_per_beat=1..8";

} // namespace

TEST_CASE("hidden latencies and a hidden bandwidth are found exactly", "[calibrate]")
{
    const Lab lab;
    const std::string out = lab.calibrate(lab.measure(gemms(), secrets, {}), secret_keys);
    INFO(out);
    const std::string overlay = read_file(lab.file("o.yaml"));
    for (const auto& [key, value] : secrets) CHECK_THAT(overlay, Contains("\n" + key + ": " + value + "\n"));
    CHECK_THAT(out, Contains("identified  every parameter, alone and together"));
    CHECK_THAT(out, Contains("no row is off by more than 0.00 %"));
    CHECK_THAT(out, Contains("held-out rows"));
    CHECK_THAT(read_file(lab.file("o.svg")), Contains("conv3x3: measured"));
    const HardwareConfig hw = load_overlaid_hardware(lab.file("hw.yaml"), lab.file("o.yaml")).config;
    CHECK(hw.dma.startup_cycles == 37);
    CHECK(hw.dram.cycles_per_beat == 3);
}

TEST_CASE("the same measurements give the same calibration", "[calibrate]")
{
    const Lab lab;
    const std::string csv = lab.measure(gemms(), secrets, {});
    const std::string keys = "dma.startup_cycles,dram.cycles_per_beat=1..8"; // two of four: no exact fit
    const std::string first = lab.calibrate(csv, keys, {"--seed", "3"});
    CHECK(first == lab.calibrate(csv, keys, {"--seed", "3"}, "1"));
    CHECK_THAT(first, Contains("not fitted and could take away"));
}

TEST_CASE("a difference that no parameter mends is named with its layers", "[calibrate]")
{
    const Lab lab;
    const auto partial = [](const RowOutcome& o) {
        return static_cast<std::int64_t>(150 * o.shape.at("passes on part of the array (partial edges)"));
    };
    const std::string out = lab.calibrate(lab.measure(gemms(), {}, partial), "array.mac_latency_cycles");
    INFO(out);
    CHECK_THAT(out, Contains("warning     these parameters leave up to"));
    CHECK_THAT(out, Contains("the rest goes with \"passes on part of the array (partial edges)\""));
    CHECK_THAT(out, Contains("33x17x65_20 (line"));
}

TEST_CASE("the published RTL cycles of an output-stationary mesh are fitted exactly", "[calibrate]")
{
    const Lab lab;
    const auto fit = [&](const std::string& keys, const std::string& overlay) {
        lab.write("wrong.yaml", overlay);
        std::ostringstream out;
        calibrate_command({"--hw", "stonne_tpu", "--overlay", lab.file("wrong.yaml"), "--measured",
                           data + "stonne_rtl_tpu.csv", "--columns", "array_cycles=rtl_cycles,name=layer", "--ignore",
                           "design,stonne_cycles,error_pct_published", "--holdout", "25%", "--fit", keys, "-o",
                           lab.file("s.yaml")},
                          out);
        return out.str();
    };
    const std::string out = fit("array.mac_latency_cycles,passes.gap_cycles", read_file(data + "stonne_wrong.yaml"));
    INFO(out);
    CHECK_THAT(out, Contains("no row is off by more than 0.00 %"));
    CHECK_THAT(out, Contains("identified  every parameter"));
    CHECK_THAT(read_file(lab.file("s.yaml")), Contains("array.mac_latency_cycles: 4\npasses.gap_cycles: 0\n"));

    // Nothing of the buffer is seen in the array's window.
    const std::string both =
        fit("array.mac_latency_cycles,global_buffer.latency_cycles", "array.mac_latency_cycles: 9\n");
    INFO(both);
    CHECK_THAT(both, Contains("no row is off by more than 0.00 %"));
    CHECK_THAT(both, Contains("global_buffer.latency_cycles: no training row depends on it, so it stays as it was"));
}

TEST_CASE("what cannot be calibrated is refused with line and reason", "[calibrate]")
{
    const Lab lab;
    const std::string head = "M,N,K,cycles,dram.latency_cycles\n";
    const auto refused = [&](const std::string& csv, const std::string& fit, const std::string& message) {
        INFO(csv);
        CHECK_THROWS_WITH(lab.calibrate(csv, fit), Contains(message));
        CHECK_THROWS_AS(lab.calibrate(csv, fit), UserError);
    };
    const std::string key = "array.mac_latency_cycles";
    refused(head + "64,64,64,1023,20\n", key, "rtl.csv:2: cycles: 1023 cycles are below the 1024 that 262144 MACs");
    refused(head + "16,1024,1024,20000,20\n", key, "rtl.csv:2: cycles: 20000 cycles are below the");
    refused(head + "64,64,64,4000,20\n64,64,32,4000,20\n", key, "rtl.csv:3: too few rows: 1 to fit");
    refused(head + "64,64,64,4000,x\n", key, "rtl.csv:2:1: dram.latency_cycles: expected integer");
    refused(head + "64,64,64,4000,20\n", "dram.latency_cycles", "every row of");
    refused(head + "64,64,64,4000,20\n", "array.rocket", "--fit: \"array.rocket\": expected an integer key");
    refused(head + "64,64,64,4000,20\n", key + "=9..2", "--fit: array.mac_latency_cycles: expected bounds");
    refused("M,N,K,cycles,dram.colour\n64,64,64,4000,1\n", key, "rtl.csv:2:1: dram.colour: unknown key");
    CHECK(!fs::exists(lab.file("o.yaml")));
}

TEST_CASE("a given tiling is what is simulated", "[calibrate]")
{
    const Lab lab;
    std::vector<Measurement> rows(3, gemms().front());
    for (Measurement& m : rows) m.workload = "gemm:64x64x64";
    rows[1].tile = {32, 64, 64};
    rows[2].tile = {64, 32, 16};
    MeasuredSet set = lab.rows_on(rows);
    prepare(set, true);
    RowSimulator simulator(set, 1);
    simulator.run({{}}, {0, 1, 2});
    CHECK(simulator.outcome({}, 1).shape.at("tiles") == 2);
    CHECK(simulator.outcome({}, 2).shape.at("tiles") == 8);
    const Network conv = workload_network("conv:8x16x10x10x3x3x1x1");
    set.rows[0].workload = "conv:8x16x10x10x3x3x1x1";
    set.rows[0].tile = {50, 16, 36}; // 5 rows of 10 pixels, 4 channels of 9 taps
    const MapChoice choice = choose_mapping(set, 0, conv, set.hardware(set.rows[0], {}));
    CHECK(choice.plan.dim_tile(dim_p) == 5);
    CHECK(choice.plan.dim_tile(dim_c) == 4);
    set.rows[0].tile = {15, 16, 72};
    CHECK_THROWS_WITH(choose_mapping(set, 0, conv, set.hardware(set.rows[0], {})), Contains("tile.M: expected"));
}
