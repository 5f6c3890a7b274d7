// The save file for GTKWave: short whatever the array, opened at a cycle, states in colour.
#include "sim/gtkw.hpp"

#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <unistd.h>

using namespace heddle;
using Catch::Contains;
namespace fs = std::filesystem;

namespace {

struct Folder {
    Folder()
    {
        std::string name = (fs::temp_directory_path() / "heddle-gtkw-XXXXXX").string();
        path = ::mkdtemp(name.data());
    }
    ~Folder() { fs::remove_all(path); }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    fs::path path;
};

using Facts = std::vector<TraceOutcome::SignalFact>;

Facts array_of(int rows, int cols, const std::vector<std::string>& names)
{
    Facts signals{{"array.cause", 3, SignalForm::name, {"compute", "nothing_to_do", "weights_missing_network"}},
                  {"dma.cause", 3, SignalForm::name, {"moving", "no_credit", "idle"}},
                  {"dma.in_flight", 5, SignalForm::decimal, {}}};
    for (int y = 0; y < rows; ++y)
        for (int x = 0; x < cols; ++x)
            for (const std::string& name : names)
                signals.push_back({"array.pe_" + std::to_string(y) + "_" + std::to_string(x) + "." + name,
                                   8,
                                   SignalForm::signed_decimal,
                                   {}});
    return signals;
}

std::string content(const fs::path& path)
{
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
}

} // namespace

TEST_CASE("the save file has at most 20,000 lines and still shows every block", "[gtkw]")
{
    const Folder folder;
    struct Case {
        int rows, cols;
        std::vector<std::string> names;
    };
    const std::vector<std::string> five{"active", "weight", "input", "product", "psum"};
    for (const Case& c : {Case{256, 256, five}, Case{1024, 1024, {"psum"}}, Case{1, 1024, five}, Case{40, 36, five},
                          Case{16, 16, five}}) {
        CAPTURE(c.rows, c.cols);
        const std::string save = content(
            write_gtkw((folder.path / "w.vcd").string(), array_of(c.rows, c.cols, c.names), "title", 5000, 1000));
        const auto lines = std::count(save.begin(), save.end(), '\n');
        CHECK(lines <= 20000);
        const std::int64_t all = std::int64_t{c.rows} * c.cols;
        // A PE has two lines for each signal and four for its group.
        const bool fits = all * static_cast<std::int64_t>(2 * c.names.size() + 4) <= 19000;
        CHECK(fits == (save.find(" PEs: every ") == std::string::npos));
        if (!fits) CHECK(lines > 1500); // some of the array is worth a look
        CHECK_THAT(save, Contains("SystemC.array.cause[2:0]") && Contains("SystemC.dma.in_flight") &&
                             Contains("array.pe_0_0.psum"));
    }
}

TEST_CASE("the save file begins where it is told, and names of states have colours", "[gtkw]")
{
    const Folder folder;
    const fs::path save = write_gtkw((folder.path / "w.vcd").string(), array_of(1, 1, {"psum"}), "title", 5714, 1429);
    CHECK_THAT(content(save), Contains("[timestart] 5714\n") && Contains(" 5714 -1\n"));
    std::string filters;
    for (const fs::directory_entry& file : fs::directory_iterator(folder.path / "w.names"))
        filters += content(file.path());
    CHECK_THAT(filters, Contains("0 ?forestgreen?compute\n") && Contains("1 ?grey40?nothing_to_do\n") &&
                            Contains("2 ?orange?weights_missing_network\n") && Contains("1 ?red?no_credit\n"));
}
