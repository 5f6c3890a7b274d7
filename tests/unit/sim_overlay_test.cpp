#include "dnn/base/error.hpp"
#include "sim/overlay.hpp"

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
