// Does the executable answer, refuse mistakes with exit code 2 and one line, and leave nothing half-written?
#include "dnn/npy.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

using Catch::Contains;
using heddle::npy_content;
using heddle::NpyArray;
using heddle::read_npy;
namespace fs = std::filesystem;

namespace {

/// A folder to run in, removed at the end.
struct Workplace {
    Workplace()
    {
        std::string name = (fs::temp_directory_path() / "heddle-cli-XXXXXX").string();
        path = ::mkdtemp(name.data());
    }
    ~Workplace() { fs::remove_all(path); }
    Workplace(const Workplace&) = delete;
    Workplace& operator=(const Workplace&) = delete;

    void write(const std::string& name, const std::string& content) const
    {
        std::ofstream(path / name, std::ios::binary) << content;
    }
    std::string read(const std::string& name) const
    {
        std::ostringstream text;
        text << std::ifstream(path / name).rdbuf();
        return text.str();
    }
    std::vector<std::string> files() const
    {
        std::vector<std::string> names;
        for (const auto& entry : fs::recursive_directory_iterator(path))
            names.push_back(fs::relative(entry.path(), path).string());
        std::sort(names.begin(), names.end());
        return names;
    }
    fs::path path;
};

struct Outcome {
    int code = -1;
    std::string out, err;
};

/// Runs `before; heddle ARGUMENTS` by the shell, inside the workplace.
Outcome ask(const Workplace& place, const std::string& arguments, const std::string& before = ":")
{
    const fs::path err = place.path.string() + ".err";
    const std::string command = "cd '" + place.path.string() + "' && " + before + " && '" HEDDLE_EXECUTABLE "' " +
                                arguments + " 2>'" + err.string() + "'";
    Outcome outcome;
    std::FILE* pipe = ::popen(command.c_str(), "r");
    REQUIRE(pipe != nullptr);
    std::array<char, 4096> chunk{};
    while (const std::size_t n = std::fread(chunk.data(), 1, chunk.size(), pipe)) outcome.out.append(chunk.data(), n);
    const int status = ::pclose(pipe);
    outcome.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    std::ostringstream text;
    text << std::ifstream(err).rdbuf();
    outcome.err = text.str();
    fs::remove(err);
    return outcome;
}

void check_refused(const Workplace& place, const std::string& arguments, const std::string& word)
{
    INFO("heddle " << arguments);
    const std::vector<std::string> before = place.files();
    const Outcome outcome = ask(place, arguments);
    CHECK(outcome.code == 2);
    CHECK(std::count(outcome.err.begin(), outcome.err.end(), '\n') == 1);
    CHECK_THAT(outcome.err, Catch::StartsWith("heddle: ") && Contains(word));
    CHECK(place.files() == before);
}

} // namespace

TEST_CASE("help and version go to standard output, without a banner")
{
    const Workplace place;
    for (const std::string command : {"", "run", "explain", "list", "show", "map", "calibrate", "energy", "diff",
                                      "decompose", "prune", "export", "accuracy", "infer", "trace", "wave-diff"}) {
        INFO(command);
        const Outcome outcome = ask(place, command + " --help");
        CHECK(outcome.code == 0);
        CHECK_THAT(outcome.out, Contains("heddle " + command));
        CHECK(outcome.err.empty());
        CHECK(ask(place, "help " + command).out == outcome.out);
        if (!command.empty()) CHECK_THAT(outcome.out, Contains("Examples:\n  heddle " + command + " "));
    }
    check_refused(place, "help rnu", "did you mean \"run\"?");
    check_refused(place, "help run list", "one command");
    CHECK_THAT(ask(place, "--version").out, Catch::StartsWith("heddle 0."));
}

TEST_CASE("everything shipped is listed")
{
    const Workplace place;
    CHECK_THAT(ask(place, "list networks").out, Contains("mobilenet_v1 ") && Contains("568,740,352"));
    CHECK_THAT(ask(place, "list hardware").out, Contains("tpu_like") && Contains("shidiannao_like"));
    CHECK_THAT(ask(place, "list energy").out, Contains("horowitz_45nm"));
    CHECK_THAT(ask(place, "list dataflows").out, Contains("ws") && Contains("os") && Contains("is"));
}

TEST_CASE("mistakes are refused with one line, exit code 2 and nothing left behind")
{
    const Workplace place;
    place.write("dup.yaml", "name: x\nname: y\n");
    place.write("cut.onnx", std::string("\x08\x07\x12\x04"
                                        "abcd\x3a\xff\xff\xff\x7f"));
    place.write("empty.onnx", "");
    place.write("file", "");
    check_refused(place, "", "command");
    check_refused(place, "frobnicate", "frobnicate");
    check_refused(place, "run no_such_net --hw tpu_like", "no_such_net");
    check_refused(place, "run tiny --hw no_such_hw", "no_such_hw");
    check_refused(place, "run tiny --hw dup.yaml", "dup.yaml:2:1: name");
    check_refused(place, "run cut.onnx --hw tpu_like", "cut.onnx");
    check_refused(place, "run empty.onnx --hw tpu_like", "empty.onnx");
    check_refused(place, "run tiny --hw tpu_like --dataflow zz", "zz");
    check_refused(place, "run tiny --hw tpu_like --objective speed", "--objective");
    check_refused(place, "map tiny --hw tpu_like --objective speed", "--objective");
    check_refused(place, "run tiny --hw tpu_like --mapper third", "--mapper");
    check_refused(place, "run tiny --hw tpu_like --simulate-best -1", "--simulate-best");
    check_refused(place, "map tiny --hw tpu_like --mapping-cache x --no-mapping-cache", "--no-mapping-cache");
    check_refused(place, "trace tiny --hw tpu_like --layer 1 --vcd w.vcd --dataflow best", "best");
    check_refused(place, "run tiny --hw tpu_like --layers nope", "nope");
    check_refused(place, "run tiny --hw tpu_like --batch -1", "--batch");
    check_refused(place, "run tiny --hw tpu_like --batch 1e9", "--batch");
    check_refused(place, "run tiny --hw tpu_like --out /proc/nope", "/proc/nope");
    check_refused(place, "run tiny --hw tpu_like --out file/sub", "file/sub");
    check_refused(place, "run tiny --hw tpu_like --energy nope", "nope");
    check_refused(place, "run tiny --hw tpu_like --mapping nope.yaml", "nope.yaml");
    check_refused(place, "run tiny --hw tpu_like --input nope.png", "nope.png");
    check_refused(place, "run gemm:0x1x1 --hw tpu_like", "gemm:0x1x1");
    check_refused(place, "run tiny", "--hw");
    check_refused(place, "list things", "things");
    check_refused(place, "diff nope nope", "nope");
    check_refused(place, "energy dup.yaml --table horowitz_45nm", "dup.yaml");
    check_refused(place, "map tiny --hw tpu_like --layers 99", "99");
    check_refused(place, "accuracy tiny", "weights");
    place.write("x.npy", npy_content({2, 3, 16, 16}, std::vector<float>(2 * 3 * 16 * 16, 0.5f)));
    check_refused(place, "run tiny --hw tpu_like --input-shape 3,16,x", "--input-shape: expected sizes such as");
    check_refused(place, "run tiny --hw tpu_like --input-shape 3,8,8", "got (N,3,8,8) (--input-shape 3,8,8)");
    check_refused(place, "infer tiny --input x.npy", "--output is missing");
    check_refused(place, "infer tiny --input nope.npy -o y.npy", "nope.npy");
    check_refused(place, "infer tiny --input file -o y.npy", "not a .npy file");
    check_refused(place, "infer resnet18 --input x.npy -o y.npy", "batch first, got (2,3,16,16) (input x.npy)");
    check_refused(place, "infer tiny --input x.npy -o nowhere/y.npy", "no such folder: nowhere");
    check_refused(place, "infer tiny --input x.npy -o /proc/y.npy", "/proc/y.npy");
}

TEST_CASE("what is given is used or refused: overlays, dataflows, clocks, mappings")
{
    const Workplace place;
    place.write("xx.yaml", "dataflows: [ws, xx]\n");
    place.write("clock.yaml", "\nclock_mhz: 0\n");
    place.write("moves_none.yaml", "mappings:\n  - {layer: join, levels: []}\n");
    place.write("none.yaml", "mappings:\n  - {layer: COV1, levels: []}\n");
    const std::string run = "run tiny --hw tpu_like ";
    check_refused(place, run + "--overlay xx.yaml", "xx.yaml:1:1: dataflows: expected one of ws, os");
    check_refused(place, run + "--overlay clock.yaml", "clock.yaml:2:1: clock_mhz: expected a number from 0.001");
    check_refused(place, run + "--overlay " HEDDLE_SOURCE_DIR "/hw/presets/eyeriss.yaml",
                  "this is a whole hardware description");
    check_refused(place, run + "--mapping none.yaml", "none.yaml:2: layer \"COV1\": is no layer of tiny");
    check_refused(place, run + "--mapping moves_none.yaml", "moves_none.yaml:2: layer \"join\": takes no mapping");
    check_refused(place, "trace tiny --hw tpu_like --layer conv1 --vcd w.vcd --mapping none.yaml",
                  "none.yaml:2: layer \"COV1\": is no layer of tiny");
}

TEST_CASE("infer writes the network's output for a batch, in floats and in integers scaled back")
{
    const Workplace place;
    place.write("x.npy", npy_content({2, 3, 16, 16}, std::vector<float>(2 * 3 * 16 * 16, 0.5f)));
    const auto answer = [&](const std::string& options) {
        const Outcome outcome = ask(place, "infer tiny --input x.npy -o y.npy " + options);
        INFO(outcome.err);
        REQUIRE(outcome.code == 0);
        CHECK(std::count(outcome.out.begin(), outcome.out.end(), '\n') == 1);
        CHECK_THAT(outcome.out, Contains("tiny: 2x3x16x16 -> 2x10x1x1 in y.npy") && Contains("synthetic weights"));
        return read_npy((place.path / "y.npy").string());
    };
    const NpyArray floats = answer("--float"), integers = answer("");
    CHECK(floats.shape == std::vector<std::int64_t>{2, 10, 1, 1});
    CHECK(integers.shape == floats.shape);
    CHECK(answer("--float").bytes == floats.bytes);
    CHECK(answer("--float --seed 2").bytes != floats.bytes);
    const std::vector<float> a = floats.floats(), b = integers.floats();
    float largest = 0, worst = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        CHECK(a[i] == a[i % 10]); // both pictures are the same
        largest = std::max(largest, std::abs(a[i]));
        worst = std::max(worst, std::abs(a[i] - b[i]));
    }
    CHECK(worst < 0.25f * largest);
    CHECK(worst > 0.0f);
}

TEST_CASE("a misspelt name is answered by the one that was meant")
{
    const Workplace place;
    check_refused(place, "rum tiny --hw tpu_like", "did you mean \"run\"?");
    check_refused(place, "run tiyn --hw tpu_like", "did you mean \"tiny\"?");
    check_refused(place, "run tiny --hw tpu_lke", "did you mean \"tpu_like\"?");
    check_refused(place, "run tiny --hw tpu_like --dataflow so", "did you mean \"os\"?");
    check_refused(place, "run tiny --hw tpu_like --energy horowitz_45", "did you mean \"horowitz_45nm\"?");
    check_refused(place, "run tiny --hw tpu_like --objective latncy", "did you mean \"latency\"?");
    check_refused(place, "run tiny --hw tpu_like --bacth 2", "unknown option \"--bacth\" (did you mean \"--batch\"?)");
    check_refused(place, "run tiny --hw tpu_like --timing-onyl", "did you mean \"--timing-only\"?");
    check_refused(place, "run tiny --hw tpu_like --layers covn2", "did you mean \"conv2\"?");
    check_refused(place, "list hardwear", "did you mean \"hardware\"?");
    check_refused(place, "show tpu_lik", "did you mean \"tpu_like\"?");
    check_refused(place, "run tiny --hw zzzzzzzz", "expected a YAML file"); // nothing is near: nothing is guessed
}

TEST_CASE("what is shipped can be printed, edited and run")
{
    const Workplace place;
    CHECK_THAT(ask(place, "show generic_28nm").out, Contains("name: generic_28nm"));
    CHECK_THAT(ask(place, "show tiny").out, Contains("name: tiny"));
    place.write("o.yaml", "clock_mhz: 400\n");
    CHECK_THAT(ask(place, "show tpu_like --overlay o.yaml").out, Contains("clock_mhz: 400"));
    REQUIRE(ask(place, "show tpu_like > mine.yaml").code == 0);
    REQUIRE(ask(place, "run gemm:8x8x8 --hw ./mine.yaml --out a").code == 0);
    REQUIRE(ask(place, "run gemm:8x8x8 --hw tpu_like --out b").code == 0);
    CHECK(ask(place, "diff a b").code == 0);
}

TEST_CASE("a result is explained, for the network and for each of its layers")
{
    const Workplace place;
    REQUIRE(ask(place, "run tiny --hw tpu_like --out a").code == 0);
    const Outcome network = ask(place, "explain a");
    CHECK(network.code == 0);
    CHECK_THAT(network.out, Contains("what would help") && Contains("furthest above their bound") && Contains("conv2"));
    const Outcome layer = ask(place, "explain a/report.json --layer conv2");
    CHECK(layer.code == 0);
    CHECK_THAT(layer.out, Contains("sets the bound") && Contains("first operand") && Contains("energy off the chip") &&
                              Contains("mapping") && Contains("spatial"));
    CHECK(ask(place, "explain a --layer 5").out == layer.out);
    check_refused(place, "explain a --layer covn2", "did you mean \"conv2\"?");
    check_refused(place, "explain a --layer input", "moves no data");
    check_refused(place, "explain nothing", "nothing");
}

TEST_CASE("the mappings of a result run again as they were, row-stationary ones too")
{
    const Workplace place;
    for (const std::string machine : {"tpu_like --dataflow best --no-mapping-cache", "eyeriss"}) {
        INFO(machine);
        REQUIRE(ask(place, "run tiny --hw " + machine + " --out a").code == 0);
        const std::string hw = machine.substr(0, machine.find(' '));
        REQUIRE(ask(place, "run tiny --hw " + hw + " --mapping a --out b").code == 0);
        const Outcome diff = ask(place, "diff a b");
        INFO(diff.out);
        CHECK(diff.code == 0);
    }
}

TEST_CASE("a quiet run prints nothing, a wide one all columns, and a table fits 100 columns otherwise")
{
    const Workplace place;
    const Outcome quiet = ask(place, "run tiny --hw tpu_like --quiet --out a");
    CHECK(quiet.code == 0);
    CHECK(quiet.out.empty());
    CHECK(quiet.err.empty());
    CHECK(fs::exists(place.path / "a/report.json"));
    CHECK(ask(place, "energy a --table horowitz_45nm --quiet --out b").out.empty());
    const Outcome wide = ask(place, "run tiny --hw tpu_like --wide --out a");
    CHECK_THAT(wide.out, Contains("biggest energy") && Contains("tiny on tpu_like, dataflow ws, batch 1"));
    std::istringstream plain(ask(place, "energy a --table generic_28nm").out);
    for (std::string line; std::getline(plain, line);) CHECK(line.size() <= 100);
}

TEST_CASE("progress of a long run goes to standard error, results to standard output")
{
    const Workplace place; // as a script sees it: neither is a terminal. One line a second at most: two seconds' work.
    const Outcome run = ask(place, "run mobilenet_v1 --hw shidiannao_like --layers 3..9 --out a");
    REQUIRE(run.code == 0);
    CHECK_THAT(run.err, Contains("/7 layers, ") && Contains(" left: "));
    CHECK_THAT(run.out, !Contains("/7 layers, ") && Contains("results in a"));
}

TEST_CASE("a run writes three files, prices again, equals itself and differs from another seed")
{
    const Workplace place;
    const Outcome run = ask(place, "run tiny --hw tpu_like --out a");
    REQUIRE(run.code == 0);
    CHECK(run.err.empty());
    CHECK_THAT(run.out, Contains("latency") && Contains("results in a"));
    CHECK(place.files() == std::vector<std::string>{"a", "a/layers.csv", "a/manifest.json", "a/report.json"});
    const std::string report = place.read("a/report.json");
    CHECK_THAT(report.substr(0, report.find("\"untimed\"")),
               Contains("\"verified\": true") && !Contains("\"verified\": false"));
    CHECK_THAT(place.read("a/manifest.json"), Contains("\"tpu_like\"") && Contains("\"seed\": 1"));

    REQUIRE(ask(place, "run tiny --hw tpu_like --out b").code == 0);
    CHECK(ask(place, "diff a b/report.json").code == 0);
    const Outcome priced = ask(place, "energy a --table horowitz_45nm --out c");
    CHECK(priced.code == 0);
    CHECK_THAT(priced.out, Contains("horowitz_45nm"));
    const Outcome diff = ask(place, "diff a c");
    CHECK(diff.code == 1);
    CHECK_THAT(diff.out, Contains("energy_pj"));
}

TEST_CASE("without --out the results go to heddle_out in the current folder")
{
    const Workplace place;
    const Outcome run = ask(place, "run gemm:8x8x8 --hw tpu_like --dataflow ws");
    REQUIRE(run.code == 0);
    CHECK_THAT(run.out, Contains("results in heddle_out/gemm_8x8x8-tpu_like-ws"));
    CHECK(fs::exists(place.path / "heddle_out/gemm_8x8x8-tpu_like-ws/report.json"));
}

TEST_CASE("runs that differ in machine, batch or option never take each other's folder")
{
    const Workplace place;
    REQUIRE(ask(place, "show tpu_like > mine.yaml").code == 0); // the same name, another file
    std::string edited = place.read("mine.yaml");
    edited.replace(edited.find("clock_mhz: 800"), 14, "clock_mhz: 400");
    place.write("edited.yaml", edited);
    place.write("o.yaml", "clock_mhz: 400\n");
    place.write("p.yaml", "clock_mhz: 200\n");
    const std::vector<std::string> runs = {"--hw tpu_like",
                                           "--hw ./mine.yaml",
                                           "--hw ./edited.yaml",
                                           "--hw tpu_like --dataflow os",
                                           "--hw tpu_like --batch 2",
                                           "--hw tpu_like --objective energy",
                                           "--hw tpu_like --overlay o.yaml",
                                           "--hw tpu_like --overlay p.yaml",
                                           "--hw tpu_like --energy horowitz_45nm",
                                           "--hw tpu_like --seed 2",
                                           "--hw tpu_like --stall-seed 2",
                                           "--hw tpu_like --timing-only",
                                           "--hw tpu_like --layers 1"};
    std::set<std::string> folders;
    for (const std::string& run : runs) {
        INFO(run);
        const Outcome outcome = ask(place, "run gemm:8x8x8 " + run);
        REQUIRE(outcome.code == 0);
        const std::string line = outcome.out.substr(outcome.out.rfind("results in "));
        CHECK_THAT(line, !Contains("in place of"));
        CHECK(folders.insert(line).second);
    }
    for (const std::string same :
         {"--jobs 2", "--driver reference", "--dataflow ws", "--batch 1", "--wide", "--no-mapping-cache"}) {
        const Outcome again = ask(place, "run gemm:8x8x8 --hw tpu_like " + same);
        CHECK_THAT(again.out,
                   Contains("results in heddle_out/gemm_8x8x8-tpu_like-ws, in place of those of gemm_8x8x8 on "
                            "tpu_like, dataflow ws, batch 1\n"));
    }
}

TEST_CASE("a folder that is named is replaced, and one line says whose results those were")
{
    const Workplace place;
    REQUIRE(ask(place, "run gemm:8x8x8 --hw tpu_like --out a").code == 0);
    const Outcome other = ask(place, "run gemm:4x4x4 --hw tpu_like --batch 2 --dataflow os --out a");
    CHECK(other.code == 0);
    CHECK_THAT(other.out,
               Contains("\nresults in a, in place of those of gemm_8x8x8 on tpu_like, dataflow ws, batch 1\n"));
    CHECK_THAT(place.read("a/report.json"), Contains("\"network\": \"gemm_4x4x4\""));
}

TEST_CASE("a mapping that was written can be edited and run")
{
    const Workplace place;
    REQUIRE(ask(place, "map tiny --hw tpu_like --dataflow ws -o m.yaml").code == 0);
    const Outcome run = ask(place, "run tiny --hw tpu_like --dataflow ws --mapping m.yaml --out a");
    REQUIRE(run.code == 0);
    REQUIRE(ask(place, "run tiny --hw tpu_like --dataflow ws --out b").code == 0);
    CHECK(ask(place, "diff a b").code == 0);
    place.write("other.yaml", "mappings:\n  - layer: nope\n    levels: []\n");
    check_refused(place, "run tiny --hw tpu_like --mapping other.yaml", "nope");
}

TEST_CASE("the best dataflow of each layer can be written, read and run again")
{
    const Workplace place;
    const std::string best = " tiny --hw tpu_like --dataflow best --mapping-cache cache";
    REQUIRE(ask(place, "map" + best + " -o m.yaml").code == 0);
    const Outcome run = ask(place, "run" + best + " --out a");
    REQUIRE(run.code == 0);
    CHECK_THAT(run.out, Contains("cycles of the others"));
    CHECK_THAT(place.read("a/report.json"), Contains("\"dataflow_choice\"") && Contains("\"margin\""));
    REQUIRE(ask(place, "run tiny --hw tpu_like --mapping m.yaml --out b").code == 0);
    CHECK(ask(place, "diff a b").code == 0);
    CHECK(fs::exists(place.path / "cache"));
    REQUIRE(ask(place, "energy a --table horowitz_45nm --out c").code == 0);
    CHECK_THAT(place.read("c/report.json"), Contains("\"dataflow_choice\"")); // pricing again keeps it
}

TEST_CASE("a full disk leaves no file under its final name")
{
    // A limit on file sizes fails the write like a full disk does, without needing a file system of our own.
    const Workplace place;
    const Outcome run = ask(place, "run tiny --hw tpu_like --out a", "trap '' XFSZ && ulimit -f 2");
    CHECK(run.code == 2);
    CHECK_THAT(run.err, Contains("cannot write"));
    CHECK(place.files().empty());
}

TEST_CASE("an interrupted run leaves nothing under its final name")
{
    const Workplace place;
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        const bool ready = ::chdir(place.path.c_str()) == 0 && std::freopen("/dev/null", "w", stdout) != nullptr;
        ::signal(SIGINT, SIG_DFL);
        if (ready)
            ::execl(HEDDLE_EXECUTABLE, "heddle", "run", "vgg16", "--hw", "tpu_like", "--out", "a",
                    static_cast<char*>(nullptr));
        ::_exit(127);
    }
    ::usleep(700000); // reading and quantising, or simulating: VGG-16 takes seconds
    ::kill(child, SIGINT);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(WIFSIGNALED(status));
    CHECK(place.files().empty());
}

TEST_CASE("a broken output pipe or full standard output is no success")
{
    const Workplace place;
    CHECK(ask(place, "list networks >/dev/full").code == 2);
}
