// heddle calibrate on the RTL twin: are the latencies of hw/rtl found again from cycles alone, and from its waveform?
#include "dnn/base/files.hpp"
#include "sim/commands/commands.hpp"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <string>
#include <unistd.h>

using Catch::Contains;
using namespace heddle;
namespace fs = std::filesystem;

namespace {

const std::string data = HEDDLE_SOURCE_DIR "/tests/data/calibration/";
const std::string hidden_keys =
    "array.mac_latency_cycles,networks.inputs.hop_cycles,networks.weights.latency_cycles,passes.gap_cycles";
// MAC_LATENCY, HOP_X and K_LATENCY of systolic_8x8 in CMakeLists.txt, the gap of measure.cpp.
const std::string hidden_values = "array.mac_latency_cycles: 4\nnetworks.inputs.hop_cycles: 2\n"
                                  "networks.weights.latency_cycles: 4\npasses.gap_cycles: 3\n";

/// A folder in which heddle_rtl_measure has written array_rtl.csv and array_rtl.vcd.
struct Bench {
    Bench()
    {
        std::string name = (fs::temp_directory_path() / "heddle-rtl-XXXXXX").string();
        path = ::mkdtemp(name.data());
        REQUIRE(std::system(("'" HEDDLE_RTL_MEASURE "' '" + path.string() + "'").c_str()) == 0);
    }
    ~Bench() { fs::remove_all(path); }
    Bench(const Bench&) = delete;
    Bench& operator=(const Bench&) = delete;
    std::string file(const std::string& name) const { return (path / name).string(); }

    std::string calibrate(const std::vector<std::string>& source, const std::string& keys) const
    {
        std::vector<std::string> arguments{"--hw", data + "array_8x8.yaml", "--fit", keys, "-o", file("o.yaml")};
        arguments.insert(arguments.end(), source.begin(), source.end());
        std::ostringstream out;
        CHECK(calibrate_command(arguments, out) == 0);
        return out.str();
    }
    fs::path path;
};

} // namespace

TEST_CASE("hidden latencies of the twin are found exactly from its cycles", "[calibrate]")
{
    const Bench bench;
    const std::string out = bench.calibrate({"--measured", bench.file("array_rtl.csv")}, hidden_keys);
    INFO(out);
    CHECK_THAT(read_file(bench.file("o.yaml")), Contains(hidden_values));
    CHECK_THAT(out, Contains("27 to fit, 12 held out"));
    CHECK_THAT(out, Contains("identified  every parameter, alone and together"));
    CHECK_THAT(out, Contains("no row is off by more than 0.00 %"));
}

TEST_CASE("hidden latencies of the twin are found exactly from its waveform", "[calibrate]")
{
    const Bench bench;
    const std::string out =
        bench.calibrate({"--vcd", bench.file("array_rtl.vcd"), "--map", data + "array_8x8_signals.yaml"}, hidden_keys);
    INFO(out);
    CHECK_THAT(read_file(bench.file("o.yaml")), Contains(hidden_values));
    CHECK_THAT(out, Contains("8 to fit, 4 held out"));
    CHECK_THAT(out, Contains("no row is off by more than 0.00 %"));
}

TEST_CASE("latencies that the twin's window does not show are said to be unknown", "[calibrate]")
{
    const Bench bench;
    const std::string out =
        bench.calibrate({"--vcd", bench.file("array_rtl.vcd"), "--map", data + "array_8x8_signals.yaml"},
                        hidden_keys.substr(0, hidden_keys.rfind(',')) + "=1..6,networks.inputs.latency_cycles=1..6,"
                                                                        "networks.psums.latency_cycles=1..6");
    INFO(out);
    CHECK_THAT(out, Contains("networks.psums.latency_cycles: no training row depends on it, so it stays as it was"));
    CHECK_THAT(out, Contains("changes no training row, so only what they make together is known"));
}
