#include "dnn/base/error.hpp"
#include "dnn/base/files.hpp"
#include "sim/overlay.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <string>

using Catch::Contains;
using Catch::Equals;
using namespace heddle;

namespace {

std::string applied(const std::string& hardware, const std::string& overlay)
{
    return apply_overlay(hardware, "hw.yaml", parse_overlay(overlay, "o.yaml"), "o.yaml");
}

} // namespace

TEST_CASE("an overlay changes the values it names and nothing else", "[overlay]")
{
    const std::string hardware = "# ümlaut\nname: a # kept\ndram: {kind: fixed, latency_cycles: 100} # µ\n"
                                 "array:\n  rows: 16\n  mac:\n    latency: '1'\nflows: [ws, os]\n";
    const std::string after =
        applied(hardware, "dram.latency_cycles: 40\narray: {rows: 8, mac.latency: 3}\nflows: [is]\n");
    CHECK(after == "# ümlaut\nname: a # kept\ndram: {kind: fixed, latency_cycles: 40} # µ\n"
                   "array:\n  rows: 8\n  mac:\n    latency: 3\nflows: [is]\n");
    CHECK(applied(hardware, "") == hardware);
    CHECK(yaml_value(after, "array.mac.latency") == "3");
    CHECK(yaml_value(after, "array.mac.nothing").empty());
}

TEST_CASE("an overlay adds keys that the description leaves to their default", "[overlay]")
{
    CHECK(applied("a: {x: 1}\nb:\n  y: 2\n", "a.z: 3\nb.w: 4\n") == "a: {z: 3, x: 1}\nb:\n  w: 4\n  y: 2\n");
    CHECK(applied("a: {}\n", "a.z: 3") == "a: {z: 3}\n");
}

TEST_CASE("mistakes in an overlay are named where they stand", "[overlay]")
{
    CHECK_THROWS_WITH(parse_overlay("a.b: 1\na: {b: 2}\n", "o.yaml"), Equals("o.yaml:2:5: a.b: duplicate key"));
    CHECK_THROWS_WITH(parse_overlay("- 1\n", "o.yaml"), Contains("o.yaml:1:1: expected keys such as"));
    CHECK_THROWS_WITH(parse_overlay("a:\n", "o.yaml"), Contains("o.yaml:1:1: a: expected a value, got nothing"));
    CHECK_THROWS_WITH(parse_overlay("a: [1\n", "o.yaml"), Contains("o.yaml:"));
    CHECK_THROWS_WITH(applied("a: 1\n", "\nc.x: 2\n"),
                      Equals("o.yaml:2:1: c.x: the hardware hw.yaml has no mapping \"c\""));
    CHECK_THROWS_WITH(applied("a: {b: 1}\n", "a: 3\n"),
                      Equals("o.yaml:1:1: a: the hardware hw.yaml has no single value there to replace"));
}

TEST_CASE("what a value breaks is told at the overlay's line", "[overlay]")
{
    const DescribedHardware plain = load_overlaid_hardware("tpu_like", "");
    const std::string& file = plain.config.source_file;
    const auto with = [&](const std::string& overlay) {
        return overlaid_hardware(plain.yaml, file, parse_overlay(overlay, "o.yaml"), "o.yaml").config;
    };
    CHECK(with("array.mac_latency_cycles: 7\n").array.mac_latency_cycles == 7);
    CHECK(with("passes.gap_cycles: 2\n").passes.gap_cycles == 2);
    CHECK(with("passes.gap_cycles: 2\n").content_hash != plain.config.content_hash);
    CHECK_THROWS_WITH(with("dma.startup_cycles: 4\narray.mac_latency_cycles: 0\n"),
                      Contains("o.yaml:2:1: array.mac_latency_cycles: expected integer from 1 to 1000, got \"0\""));
    CHECK_THROWS_WITH(with("dma.start_cycles: 4\n"), Contains("o.yaml:1:1: dma.start_cycles: unknown key"));
    CHECK_THROWS_AS(load_overlaid_hardware("tpu_like", "/nowhere/o.yaml"), UserError);
}

TEST_CASE("a whole hardware description is no overlay", "[overlay]")
{
    const DescribedHardware plain = load_overlaid_hardware("tpu_like", "");
    for (const std::string& name : shipped_names("hw/presets")) {
        const std::string file = data_root() + "/hw/presets/" + name + ".yaml";
        CHECK_THROWS_WITH(load_overlaid_hardware("tpu_like", file),
                          Contains(file + ":") && Contains(": name: this is a whole hardware description") &&
                              Contains("only the keys that change") && Contains("--hw"));
    }
    // A name and a change in some parts is still an overlay.
    const std::string few = "name: mine\narray: {rows: 8}\ndma: {startup_cycles: 1}\npasses: {gap_cycles: 1}\n";
    const auto overlay = parse_overlay(few, "o.yaml");
    CHECK(overlaid_hardware(plain.yaml, plain.config.source_file, overlay, "o.yaml").config.name == "mine");
}

TEST_CASE("dataflows that do not exist are refused where they stand", "[overlay]")
{
    const DescribedHardware plain = load_overlaid_hardware("tpu_like", "");
    const std::string& file = plain.config.source_file;
    const auto with = [&](const std::string& overlay) {
        return overlaid_hardware(plain.yaml, file, parse_overlay(overlay, "o.yaml"), "o.yaml").config.dataflows;
    };
    CHECK(with("dataflows: [os, ws]\n") == std::vector<std::string>{"os", "ws"});
    CHECK_THROWS_WITH(with("\ndataflows: [ws, xx]\n"),
                      Contains("o.yaml:2:1: dataflows: expected one of ws, os, is, ws_los, os_lws, rs, got \"xx\""));
    CHECK_THROWS_WITH(with("dataflows: [ws_lso]\n"), Contains("(did you mean \"ws_los\"?)"));
    CHECK_THROWS_WITH(with("dataflows: [ws, os, ws]\n"), Contains("expected each dataflow once, got \"ws\" again"));
    // In the description itself, at the name's own column.
    std::string own = plain.yaml;
    const std::size_t at = own.find("dataflows: [");
    REQUIRE(at != std::string::npos);
    own.replace(at, own.find(']', at) - at + 1, "dataflows: [ws, xx]");
    const auto line = std::count(own.begin(), own.begin() + static_cast<std::ptrdiff_t>(at), '\n') + 1;
    CHECK_THROWS_WITH(overlaid_hardware(own, "hw.yaml", {}, ""),
                      Contains("hw.yaml:" + std::to_string(line) + ":17: dataflows[1]: expected one of"));
}

TEST_CASE("a clock is any decimal or fraction, and its overlay is blamed for a wrong one", "[overlay]")
{
    const DescribedHardware plain = load_overlaid_hardware("tpu_like", "");
    const auto with = [&](const std::string& clock) {
        return overlaid_hardware(plain.yaml, plain.config.source_file, parse_overlay("clock_mhz: " + clock, "o.yaml"),
                                 "o.yaml")
            .config;
    };
    CHECK(with("700").clock_mhz == Rational(700));
    CHECK(with("933.3").clock_mhz == Rational(9333, 10));
    CHECK(with("2800/3").clock_mhz == Rational(2800, 3));
    // Nearest picosecond: 1428.57, 1071.47, 1071.43, 666.67, 952.38.
    CHECK(with("700").clock_period_ps() == 1429);
    CHECK(with("933.3").clock_period_ps() == 1071);
    CHECK(with("2800/3").clock_period_ps() == 1071);
    CHECK(with("1500").clock_period_ps() == 667);
    CHECK(with("1050").clock_period_ps() == 952);
    for (const char* wrong : {"0", "-5", "1e3", "fast", "200000", "0.0001", "1/0", "[1]"}) {
        CAPTURE(wrong);
        CHECK_THROWS_WITH(with(wrong), Contains("o.yaml:1:1: clock_mhz: expected a number from 0.001 to 100000"));
    }
}
