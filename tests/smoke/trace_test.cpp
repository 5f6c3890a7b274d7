// heddle trace and heddle wave-diff from the shell: files, messages and exit codes.
#include "tests/smoke/workplace.hpp"

#include <cstdlib>
#include <utility>
#include <vector>

using namespace heddle::test_smoke;
using Catch::Contains;
namespace fs = std::filesystem;

namespace {

std::string read(const Workplace& place, const std::string& name)
{
    std::ostringstream text;
    text << std::ifstream(place.path() / name).rdbuf();
    return text.str();
}

const std::string traced = "trace gemm:20x24x40 --hw tpu_like --layer gemm ";

bool installed(const char* program)
{
    return std::system(("command -v " + std::string(program) + " >/dev/null").c_str()) == 0;
}

} // namespace

TEST_CASE("trace writes a waveform and a save file for GTKWave, and says what it will cost before")
{
    const Workplace place;
    const Answer o = place.heddle(traced + "--vcd w.vcd --timeline t.json --from 100 --to 200");
    INFO(o.text);
    CHECK(o.code == 0);
    CHECK_THAT(o.text, Catch::StartsWith("about ") && Contains("every value equal") && Contains("cycles 100..200"));
    const std::string save = read(place, "w.gtkw");
    CHECK_THAT(save, Contains("SystemC.array.pe_15_15.psum[31:0]") && Contains("-global_buffer") &&
                         Contains("SystemC.array.cause[4:0]"));
    // Every signal that the save file names is declared, and every filter it names is there.
    const std::string vcd = read(place, "w.vcd");
    std::istringstream lines(save);
    int filters = 0;
    for (std::string line; std::getline(lines, line);)
        if (line[0] == '^') filters += fs::exists(line.substr(line.find(' ') + 1)) ? 1 : 0;
    CHECK(filters > 10);
    CHECK_THAT(read(place, "w.names/1.txt"), Contains("0 "));
    CHECK_THAT(vcd, Contains("#125000 ") && Contains("names array.cause 0=compute"));
    CHECK_THAT(read(place, "t.json"), Contains("\"traceEvents\""));
}

TEST_CASE("trace stops at its limit with a word, and takes tiles, passes and scopes")
{
    const Workplace place;
    const Answer cut = place.heddle(traced + "--vcd w.vcd --max-mib 1");
    INFO(cut.text);
    CHECK(cut.code == 0);
    CHECK_THAT(cut.text, Contains("stopped: the limit of 1.00 MiB (--max-mib) is reached"));
    CHECK(fs::file_size(place.path() / "w.vcd") <= 1u << 20);
    const Answer pass = place.heddle(traced + "--vcd p.vcd --pass 1..2 --scope 'array.pe_2_*,array.pass'");
    CHECK_THAT(pass.text, Contains("81 signals"));
    CHECK_THAT(read(place, "p.vcd"), Contains("pe_2_15") && !Contains("pe_3_0"));
    CHECK(place.heddle(traced + "--vcd q.vcd --tile 0 --scope dma").code == 0);
}

TEST_CASE("trace writes FST where the converter is, and names its package where it is not")
{
    const Workplace place;
    const Answer o = place.heddle(traced + "--fst w.fst --scope dma", "PATH=/nowhere");
    CHECK(o.code == 2);
    CHECK_THAT(o.text, Contains("apt-get install gtkwave"));
    if (!installed("vcd2fst")) return;
    CHECK(place.heddle(traced + "--fst w.fst --scope dma").code == 0);
    CHECK(fs::exists(place.path() / "w.fst"));
    CHECK(fs::exists(place.path() / "w.gtkw"));
    CHECK_FALSE(fs::exists(place.path() / "w.fst.tmp.vcd"));
}

TEST_CASE("mistakes in trace and wave-diff are refused with one line and exit code 2")
{
    const Workplace place;
    for (const auto& [arguments, word] : std::vector<std::pair<std::string, std::string>>{
             {"trace gemm:4x4x4 --hw tpu_like --vcd w.vcd", "--layer is missing"},
             {"trace gemm:4x4x4 --hw tpu_like --layer 9 --vcd w.vcd", "no layer of"},
             {traced, "nothing to write"},
             {traced + "--vcd w.txt", "ending in .vcd"},
             {traced + "--vcd nowhere/w.vcd", "no such folder"},
             {traced + "--vcd w.vcd --from 9 --to 5", "--to"},
             {traced + "--vcd w.vcd --from 9 --pass 1", "exclude each other"},
             {traced + "--vcd w.vcd --pass 99", "has passes 0.."},
             {traced + "--vcd w.vcd --tile x", "FIRST..LAST"},
             {traced + "--vcd w.vcd --from 999999", "ends with cycle"},
             {traced + "--vcd w.vcd --scope dma,dmx", "\"dmx\""},
             {"wave-diff a.vcd b.vcd", "cannot be read"}}) {
        INFO(arguments);
        const Answer o = place.heddle(arguments);
        CHECK(o.code == 2);
        const std::string last =
            o.text.substr(o.text.rfind('\n', o.text.size() - 2) + 1); // behind the estimate, if any
        CHECK_THAT(last, Catch::StartsWith("heddle: ") && Contains(word));
        CHECK(fs::is_empty(place.path()));
    }
}

TEST_CASE("wave-diff tells equal waveforms from different ones by its exit code")
{
    const Workplace place;
    for (const std::string seed : {"1", "2"})
        REQUIRE(place.heddle(traced + "--scope dma,array.array_psums --vcd s" + seed + ".vcd --seed " + seed).code ==
                0);
    const Answer same = place.heddle("wave-diff s1.vcd s1.vcd");
    CHECK(same.code == 0);
    CHECK_THAT(same.text, Contains("no difference in "));
    const Answer other = place.heddle("wave-diff s1.vcd s2.vcd --align array.array_psums.valid");
    CHECK(other.code == 1); // other weights: equal cycles, other data
    CHECK_THAT(other.text, Contains("first difference: cycle 0") && Contains("transfer 0"));
}
