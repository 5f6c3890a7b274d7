// The reader of value change dumps, and wave-diff on dumps written by hand.
#include "dnn/base/error.hpp"
#include "sim/vcd.hpp"
#include "sim/wave_diff.hpp"

#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <unistd.h>

using namespace heddle;
using Catch::Contains;
namespace fs = std::filesystem;

namespace {

struct File {
    explicit File(const std::string& text)
    {
        std::string name = (fs::temp_directory_path() / "heddle-vcd-XXXXXX").string();
        ::close(::mkstemp(name.data()));
        path = name;
        std::ofstream(path) << text;
    }
    ~File() { fs::remove(path); }
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    std::string path;
};

const std::string head = "$date today $end $timescale 1 ns $end\n"
                         "$scope module top $end\n$var wire 1 ! clk $end\n"
                         "$scope module dut $end\n$var reg 8 \" data [7:0] $end\n"
                         "$var wire 1 # valid $end $var wire 1 $ ready $end\n"
                         "$upscope $end $upscope $end\n$enddefinitions $end\n";

/// A clock of period 10 from 5 on; `changes[c]` after the edge that begins cycle c.
std::string dump(const std::vector<std::string>& changes)
{
    std::string text = head + "#0\n$dumpvars\n0!\nbx \"\n0#\n0$\n$end\n";
    for (std::size_t c = 0; c < changes.size(); ++c) {
        text += "#" + std::to_string(10 * c + 5) + "\n1!\n" + changes[c];
        text += "#" + std::to_string(10 * c + 10) + "\n0!\n";
    }
    return text;
}

void check_refused(const std::string& text, const std::string& word)
{
    const File file(text);
    const auto read = [&] {
        VcdReader r(file.path);
        while (r.next()) {
        }
    };
    CHECK_THROWS_WITH(read(), Contains(word) && Contains(file.path));
}

} // namespace

TEST_CASE("a dump is read by time stamps, with the values before and after each")
{
    const File file(head + "#3\n0!\nb00001010 \"\n1#\n$comment #99 1# $end\n#7\n1!\n0#\n#9\n");
    VcdReader r(file.path);
    REQUIRE(r.signals().size() == 4);
    CHECK(r.signals()[1].path == "dut.data");
    CHECK(r.signals()[1].width == 8);
    CHECK(r.find("top.dut.data") == r.find("dut.data"));
    CHECK(r.find("data") == -1);
    const int data = r.require("dut.data"), valid = r.require("dut.valid");
    REQUIRE(r.next());
    CHECK(r.time() == 3);
    CHECK(r.before(data) == "x");
    CHECK(r.after(data) == "1010");
    REQUIRE(r.next());
    CHECK(r.time() == 7);
    CHECK(r.before(valid) == "1");
    CHECK(r.after(valid) == "0");
    REQUIRE(r.next());
    CHECK(r.time() == 9);
    CHECK_FALSE(r.next());
    CHECK(r.before(valid) == "0");
}

TEST_CASE("values before the first time stamp are a step of their own")
{
    const File file(head + "$dumpvars\n1!\nb1 \"\n$end\n#5\n0!\n#10\n1!\nb11 \"\n#15\n0!\n");
    VcdCycles w(file.path, "clk");
    const int data = w.file().require("dut.data");
    REQUIRE(w.next());
    CHECK(w.number(data) == 1);
    REQUIRE(w.next());
    CHECK(w.number(data) == 3);
    CHECK_FALSE(w.next());
}

TEST_CASE("what is no dump is refused with file and line")
{
    check_refused("", "no $enddefinitions");
    check_refused("{\"json\": 1}", ":1: expected a declaration");
    check_refused("$scope module a $end\n$var wire x ! n $end\n", ":2: $var");
    check_refused("$upscope $end", "$upscope");
    check_refused(head + "#0\n1?\n", ":10: value of an undeclared identifier");
    check_refused(head + "#0\nb12 \"\n", "expected bits");
    check_refused(head + "#abc\n", "expected a time");
    check_refused(head + "#0\nhello\n", "expected a value change");
    CHECK_THROWS_WITH(VcdReader("/nowhere/x.vcd"), Contains("cannot be read"));
    const File file(dump({""}));
    CHECK_THROWS_WITH(VcdCycles(file.path, "clock"), Contains("has no signal \"clock\""));
}

TEST_CASE("wave-diff aligns on an event, finds the first difference and measures drift")
{
    // B is one cycle late and loses one more cycle before its third transfer, whose data differ.
    const File a(dump({"", "1#\n1$\nb1 \"\n", "b10 \"\n", "b11 \"\n", "0#\n", "", ""}));
    const File b(dump({"", "", "1#\n1$\nb1 \"\n", "b10 \"\n", "0#\n", "1#\nb100 \"\n", "0#\n", ""}));
    WaveMap map = common_signals(a.path, b.path);
    REQUIRE(map.signals.size() == 3);
    REQUIRE(map.channels.size() == 1);
    map.align = {"dut.valid", "dut.valid"};
    const WaveDiff d = compare_waves(a.path, b.path, map);
    CHECK(d.event_a == 1);
    CHECK(d.event_b == 2);
    CHECK(d.cycles == 6);
    REQUIRE(d.differences.size() == 2);
    CHECK(d.differences[0].first_cycle == 2);
    CHECK(d.differences[0].cycles >= 1);
    const WaveDiff::Drift& c = d.channels[0];
    CHECK(c.transfers_a == 3);
    CHECK(c.transfers_b == 3);
    CHECK(c.first == 0);
    CHECK(c.last == 1);
    CHECK(c.first_drift == 2);
    CHECK(c.data_differ == 2);
    CHECK_FALSE(d.same());
    CHECK(compare_waves(a.path, a.path, map).same());
}

TEST_CASE("a map names the pairs; a wrong one is refused with its place")
{
    const File a(dump({"", "1#\n1$\nb1 \"\n", "0#\n"}));
    const File map("clock: {a: clk, b: clk}\nalign: {a: dut.valid, b: dut.ready}\n"
                   "signals:\n  - {a: dut.valid, b: dut.ready}\n"
                   "channels:\n  - name: out\n    a: {valid: dut.valid, ready: dut.ready, data: dut.data}\n"
                   "    b: {valid: dut.ready, ready: dut.valid, data: dut.data}\n");
    const WaveDiff d = compare_waves(a.path, a.path, read_wave_map(map.path));
    REQUIRE(d.differences.size() == 1); // ready stays 1
    CHECK(d.differences[0].name == "dut.valid / dut.ready");
    CHECK(d.differences[0].first_cycle == 1);
    CHECK(d.channels[0].transfers_a == 1);
    const File empty("clock: {a: clk, b: clk}\n"), unknown("signals: [{a: x, b: y, c: z}]\n");
    CHECK_THROWS_WITH(read_wave_map(empty.path), Contains("signals or channels"));
    CHECK_THROWS_WITH(read_wave_map(unknown.path), Contains(":1:") && Contains("c"));
    WaveMap never;
    never.signals = {{"dut.valid", "dut.valid"}};
    never.align = {"dut.nothing", "dut.nothing"};
    CHECK_THROWS_WITH(compare_waves(a.path, a.path, never), Contains("dut.nothing"));
}
