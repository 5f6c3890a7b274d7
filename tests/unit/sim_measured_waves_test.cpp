// Measurements from a waveform: windows, transfers, phases, and everything that is refused.
#include "dnn/base/error.hpp"
#include "sim/signal_map.hpp"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <string>
#include <unistd.h>

using Catch::Contains;
using namespace heddle;
namespace fs = std::filesystem;

namespace {

struct Folder {
    Folder()
    {
        std::string name = (fs::temp_directory_path() / "heddle-waves-XXXXXX").string();
        path = ::mkdtemp(name.data());
    }
    ~Folder() { fs::remove_all(path); }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    std::string write(const std::string& name, const std::string& content) const
    {
        std::ofstream(path / name) << content;
        return (path / name).string();
    }
    fs::path path;
};

/// One character per cycle and signal.
struct Wave {
    std::string busy, valid, ready, count;
};

std::string dump(const Wave& w)
{
    std::string s = "$timescale 1ns $end\n$scope module top $end\n$var wire 1 ! clk $end\n$var wire 1 b busy $end\n"
                    "$scope module x $end\n$var wire 1 v valid $end\n$var wire 1 r ready $end\n"
                    "$var wire 4 n count [3:0] $end\n$upscope $end\n$upscope $end\n$enddefinitions $end\n";
    for (std::size_t i = 0; i < w.busy.size(); ++i) {
        s += "#" + std::to_string(10 * i) + "\n1!\n";
        s += "#" + std::to_string(10 * i + 1) + "\n" + w.busy[i] + "b\n" + w.valid[i] + "v\n" + w.ready[i] + "r\nb";
        for (int bit = 3; bit >= 0; --bit) s += (w.count[i] - '0') >> bit & 1 ? '1' : '0';
        s += " n\n#" + std::to_string(10 * i + 5) + "\n0!\n";
    }
    return s;
}

const Wave two_windows = {
    "0011111100111100", // busy
    "1000110100010110", // valid
    "1111011111111011", // ready: the second word waits one cycle
    "3111234444445670",
};
const std::string head =
    "clock: clk\nstart: {signal: busy, edge: rise}\nstop: {signal: busy, edge: fall, offset: -1}\n";
const std::string layers = "layers:\n  - {name: a, workload: gemm:2x2x2, tile: {M: 2, N: 2, K: 2}}\n"
                           "  - {name: b, workload: gemm:4x2x2, dataflow: ws, hardware: {dram.latency_cycles: 20}}\n";

std::vector<Measurement> measure(const Folder& f, const std::string& map, const Wave& wave = two_windows)
{
    return measure_waves({f.write("d.vcd", dump(wave))}, read_signal_map(f.write("s.yaml", map)));
}

} // namespace

TEST_CASE("windows of a waveform become rows", "[waves]")
{
    const Folder f;
    const std::string channel = "channels:\n  - {name: x, valid: x.valid, ready: x.ready, data: x.count, sum: "
                                "counts.macs, transfers: counts.dram.reads, first: first_operand, last: last_result}\n";
    const std::vector<Measurement> rows = measure(f, head + channel + layers);
    REQUIRE(rows.size() == 2);
    CHECK(rows[0].name == "a");
    CHECK(rows[0].line == 7);
    CHECK(rows[0].tile == std::array<std::int64_t, 3>{2, 2, 2});
    // Busy in cycles 2 to 7; words move in 5 and 7 (in 4 valid waits for ready).
    CHECK(rows[0].measured == std::map<std::string, std::int64_t>{
                                  {"cycles", 6}, {"first_operand", 3}, {"last_result", 5}, {"array_cycles", 3}});
    CHECK(rows[0].compared == std::map<std::string, double>{{"counts.macs", 3 + 4}, {"counts.dram.reads", 2}});
    // Busy in cycles 10 to 13; a word moves in 11 (in 13 valid waits); that of cycle 14 is outside.
    CHECK(rows[1].measured.at("cycles") == 4);
    CHECK(rows[1].measured.at("first_operand") == 1);
    CHECK(rows[1].keys.at("dram.latency_cycles") == "20");
    CHECK(rows[1].dataflow == "ws");
}

TEST_CASE("windows by value, by handshake only, and skipped", "[waves]")
{
    const Folder f;
    const std::string by_value =
        "clock: top.clk\nstart: {signal: x.count, value: 3}\nstop: {signal: x.count, value: 4}\n"
        "window: array_cycles\nlayers:\n  - {skip: true}\n  - {workload: gemm:2x2x2}\n";
    const std::vector<Measurement> rows = measure(f, by_value, {"00000000", "00000000", "00000000", "03340340"});
    REQUIRE(rows.size() == 1);
    CHECK(rows[0].measured == std::map<std::string, std::int64_t>{{"array_cycles", 2}});
    CHECK(rows[0].name == "row 7");

    const std::string none = "window: none\nchannels: [{name: x, valid: x.valid, first: first_operand, last: "
                             "last_result}]\n";
    const std::vector<Measurement> window = measure(f, head + none + layers);
    CHECK(window[0].measured == std::map<std::string, std::int64_t>{{"array_cycles", 4}}); // valid in 4, 5, 7
}

TEST_CASE("several dumps give windows one after the other", "[waves]")
{
    const Folder f;
    const std::string a = f.write("a.vcd", dump({"0110", "0000", "0000", "0000"}));
    const std::string b = f.write("b.vcd", dump({"0111100", "0000000", "0000000", "0000000"}));
    const auto rows = measure_waves({a, b}, read_signal_map(f.write("s.yaml", head + layers)));
    CHECK(rows[0].measured.at("cycles") == 2);
    CHECK(rows[1].measured.at("cycles") == 4);
}

TEST_CASE("a window may last to the dump's end", "[waves]")
{
    const Folder f;
    const std::string to_the_end = "clock: clk\nstart: {signal: busy, edge: rise}\nstop: {dump_end: true";
    const Wave wave = {"00110100", "00000000", "00000000", "00000000"};
    const std::string one = "layers: [{workload: gemm:2x2x2}]\n";
    CHECK(measure(f, to_the_end + "}\n" + one, wave)[0].measured.at("cycles") == 6);
    CHECK(measure(f, to_the_end + ", offset: -2}\n" + one, wave)[0].measured.at("cycles") == 4);
    CHECK_THROWS_WITH(measure(f, "clock: clk\nstart: {dump_end: true}\nstop: {dump_end: true}\n" + one, wave),
                      Contains("s.yaml:2:8: start.signal: missing key"));
    CHECK_THROWS_WITH(measure(f, to_the_end + ", signal: busy}\n" + one, wave), Contains("s.yaml:3:7: stop: "));
    CHECK_THROWS_WITH(measure(f, to_the_end + ", edge: rise}\n" + one, wave), Contains("stop.edge: unknown key"));
}

TEST_CASE("maps and dumps that do not fit are refused with place and reason", "[waves]")
{
    const Folder f;
    const auto refused = [&](const std::string& map, const std::string& message, const Wave& wave = two_windows) {
        INFO(map);
        CHECK_THROWS_WITH(measure(f, map, wave), Contains(message));
        CHECK_THROWS_AS(measure(f, map, wave), UserError);
    };
    const std::string start = "start: {signal: busy, edge: rise}\n", stop = "stop: {signal: busy, edge: fall}\n";
    refused(start + stop + layers, "s.yaml:1:1: clock: ");
    refused(head, "s.yaml:1:1: layers: ");
    refused(head + layers + "colour: 1\n", "s.yaml:7:1: colour: unknown key");
    refused("clock: clock\n" + start + stop + layers, "s.yaml:1:8: clock: ");
    refused("clock: clock\n" + start + stop + layers, "d.vcd has no signal \"clock\"");
    refused("clock: clk\nstart: {signal: y.valid, edge: rise}\n" + stop + layers, "s.yaml:2:17: start.signal: ");
    refused("clock: clk\nstart: {signal: y.valid, edge: rise}\n" + stop + layers,
            "has no signal \"y.valid\"; it has x.valid");
    refused("clock: clk\nstart: {signal: busy}\n" + stop + layers, "s.yaml:2:8: start: expected either edge");
    refused("clock: clk\nstart: {signal: busy, edge: up}\n" + stop + layers, "s.yaml:2:29: start.edge: expected");
    refused(head + layers + "  - {name: c, workload: gemm:8x2x2}\n", "s.yaml:7:5: layers[2]: ");
    refused(head + layers + "  - {name: c, workload: gemm:8x2x2}\n", "2 windows from start to stop for 3 layers");
    refused(head + "layers: [{workload: gemm:2x2x2}]\n", "2 windows from start to stop, but this is the last of 1");
    refused(head + "layers: [{workload: gemm:2x2}]\n", "s.yaml:4:11: layers[0].workload: ");
    refused(head + layers, "window 2 starts in cycle 3 and does not stop before the dump's end, cycle 4",
            {"01011", "00000", "00000", "00000"});
    refused(head + "channels: [{name: x, valid: x.valid}]\n" + layers,
            "s.yaml:4:12: channels[0]: expected first, last");
    refused(head + "channels: [{name: x, valid: x.valid, first: lunch}]\n" + layers, "channels[0].first: expected");
    refused(head + "channels: [{name: x, valid: x.valid, transfers: cycles}]\n" + layers,
            "channels[0].transfers: expected ledger.BLOCK.CAUSE or counts.PATH");
    refused(head + "channels: [{name: x, valid: x.valid, first: first_operand}]\n" + layers,
            "no channel that gives first_operand moves a word in the window of layer \"a\" (cycles 1 to 2 of",
            {"01101100", "00000000", "00000000", "00000000"});
    refused(head + "window: none\n" + layers, "s.yaml:4:1: window: with none, channels must give first_operand");
    refused(head + "layers: [{workload: gemm:2x2x2}, {workload: gemm:2x2x2}]\n", "s.yaml:4: duplicated row");
    refused("clock: x.valid\n" + start + stop + layers, "the clock \"x.valid\" never rises",
            {"0110", "0000", "0000", "0000"});
}
