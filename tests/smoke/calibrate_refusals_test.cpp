// Does the executable refuse bad measurements with one line that says file, line and reason, and write nothing?
#include "workplace.hpp"

#include <algorithm>

using Catch::Contains;
using Catch::StartsWith;
namespace fs = std::filesystem;
using namespace heddle::test_smoke;

namespace {

const std::string good = "name,M,N,K,post.latency_cycles,cycles,array_cycles\n"
                         "a,64,64,64,20,6000,3000\n"
                         "b,32,64,64,20,5000,2000\n"
                         "c,64,32,16,20,4000,1500\n"
                         "d,48,48,48,20,5000,2500\n";

class Bench {
public:
    /// `csv` is refused with "heddle: rtl.csv:LINE: ... WORD ..." and nothing beside it.
    void refused(const std::string& csv, int line, const std::string& word,
                 const std::string& fit = "array.mac_latency_cycles", const std::string& hw = "stonne_tpu") const
    {
        INFO(csv);
        const Answer answer = calibrate(csv, fit, hw);
        INFO(answer.text);
        CHECK(answer.code == 2);
        CHECK(std::count(answer.text.begin(), answer.text.end(), '\n') == 1);
        CHECK_THAT(answer.text, StartsWith("heddle: rtl.csv:" + std::to_string(line) + ":") && Contains(word));
        CHECK(files() == std::vector<std::string>{"rtl.csv"});
    }

    Answer calibrate(const std::string& csv, const std::string& fit, const std::string& hw = "stonne_tpu") const
    {
        std::ofstream(place_.path() / "rtl.csv") << csv;
        return place_.heddle("calibrate --hw " + hw + " --measured rtl.csv -o fitted.yaml --fit " + fit);
    }

    std::vector<std::string> files() const
    {
        std::vector<std::string> names;
        for (const auto& entry : fs::recursive_directory_iterator(place_.path()))
            names.push_back(fs::relative(entry.path(), place_.path()).string());
        std::sort(names.begin(), names.end());
        return names;
    }

private:
    Workplace place_;
};

/// `good` with a line (from 1) in another's place, or behind the last.
std::string with_line(std::size_t line, const std::string& text)
{
    std::istringstream in(good);
    std::string all;
    std::size_t at = 1;
    for (std::string l; std::getline(in, l); ++at) all += (at == line ? text : l) + "\n";
    return at <= line ? all + text + "\n" : all;
}

} // namespace

TEST_CASE("good measurements are calibrated: what the refusals below leave out is what they refuse", "[calibrate]")
{
    const Bench bench;
    const Answer answer = bench.calibrate(good, "array.mac_latency_cycles=1..8");
    INFO(answer.text);
    CHECK(answer.code == 0);
    CHECK(bench.files() == std::vector<std::string>{"fitted.svg", "fitted.yaml", "rtl.csv"});
}

TEST_CASE("missing columns are refused", "[calibrate]")
{
    const Bench bench;
    bench.refused("name,M,N,cycles\na,64,64,6000\n", 1, "missing column: expected workload");
    bench.refused("name,C,H,W,K,R,cycles\na,8,8,8,8,3,6000\n", 1, "a conv lacks S");
    bench.refused("name,M,N,K\na,64,64,64\n", 1, "missing column: expected cycles, array_cycles or both");
    bench.refused("M,N,K,cycles,tile.M\n64,64,64,6000,64\n", 1, "missing column: expected all of tile.M");
    bench.refused("M,N,K,cycles,weather\n64,64,64,6000,1\n", 1, "unknown column \"weather\"");
    bench.refused("M,N,K,cycles,Cycles\n64,64,64,6000,6000\n", 1, "\"cycles\" and \"Cycles\" both mean cycles");
    bench.refused(with_line(3, "b,32,64,64,20,5000"), 3, "expected 7 cells");
    bench.refused("", 1, "expected a line with the names of the columns");
}

TEST_CASE("cells that are no number are refused", "[calibrate]")
{
    const Bench bench;
    for (const std::string cell :
         {"nan", "NaN", "-nan", "inf", "1e4", "5000.5", "-5000", "0", "x", "99999999999999999999"})
        bench.refused(with_line(3, "b,32,64,64,20," + cell + ",2000"), 3, "cycles: expected integer");
    bench.refused(with_line(4, "c,64,32,nan,20,4000,1500"), 4, "K: expected integer");
    bench.refused(with_line(4, "c,64,32,16,nan,4000,1500"), 4, "post.latency_cycles: expected integer");
    bench.refused(with_line(4, "c,64,32,16,20,4000,nan"), 4, "array_cycles: expected integer");
    bench.refused(with_line(4, "c,64,32,16,20,,"), 4, "expected cycles, array_cycles or both");
}

TEST_CASE("cycles that no such machine can reach are refused", "[calibrate]")
{
    const Bench bench; // 16 x 16 MACs
    bench.refused(with_line(2, "a,64,64,64,20,1023,1023"), 2, "1023 cycles are below the 1024 that 262144 MACs take");
    bench.refused(with_line(2, "a,64,64,64,20,6000,1023"), 2, "array_cycles: 1023 cycles are below the 1024");
    bench.refused(with_line(4, "c,64,32,16,20,4000,4001"), 4, "array_cycles: expected at most cycles (4000)");
    bench.refused("C,H,W,K,R,S,padding,cycles\n16,16,16,16,3,3,1,2303\n", 2, "below the 2304 that 589824 MACs take");
}

TEST_CASE("cycles below what the memory needs are refused, unless its bandwidth is fitted", "[calibrate]")
{
    const Bench bench; // 65,536 weights over at most 32 bytes per cycle
    const std::string rows = "M,N,K,cycles\n4,256,256,1000\n4,512,256,20000\n", hw = "squeezelerator_like";
    bench.refused(rows, 2, "that the memory takes to move each word once", "dma.startup_cycles", hw);
    bench.refused(rows, 3, "too few rows: 1 to fit", "dram.cycles_per_beat=1..4", hw);
}

TEST_CASE("duplicated rows are refused", "[calibrate]")
{
    const Bench bench;
    bench.refused(with_line(6, "again,64,64,64,20,6100,3000"), 6,
                  "duplicated row: the same workload and setting as line 2");
    bench.refused("workload,M,N,K,C,H,W,R,S,cycles\n,,,8,4,9,9,3,3,900\nconv:4x8x9x9x3x3x1x0,,,,,,,,,900\n", 3,
                  "duplicated row: the same workload and setting as line 2");
}

TEST_CASE("too few rows for the parameters are refused", "[calibrate]")
{
    const Bench bench; // 30 % held out: three of four rows are fitted
    bench.refused(good, 5, "too few rows: 3 to fit (1 are held out) for 3 parameters",
                  "array.mac_latency_cycles,passes.gap_cycles,global_buffer.latency_cycles");
    bench.refused("M,N,K,cycles\n64,64,64,6000\n", 2, "too few rows: 1 to fit (0 are held out) for 1 parameters");
    bench.refused("M,N,K,cycles\n", 1, "expected rows");
}
