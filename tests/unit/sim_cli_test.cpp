// Are options, layer lists and output folders read strictly, each mistake in one clear line?
#include "dnn/base/error.hpp"
#include "dnn/base/files.hpp"
#include "sim/command_line.hpp"
#include "sim/inputs.hpp"
#include "sim/layer_selection.hpp"
#include "sim/output_folder.hpp"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <sstream>

using namespace heddle;
using Catch::Contains;
namespace fs = std::filesystem;

namespace {

using Words = std::vector<std::string>;

std::string error_of(const std::function<void()>& action)
{
    try {
        action();
    } catch (const UserError& e) {
        return e.what();
    }
    return "accepted";
}

struct TestLine : CommandLine {
    TestLine() : CommandLine("test", "NET --hw H", "Text.", {"NET"})
    {
        required("hw", "H", "hardware").option("batch", "N", "pictures").option("out,o", "DIR", "folder");
        option("driver", "D", "driver").flag("timing-only", "no values");
    }
};

std::string parse_error(const Words& arguments)
{
    return error_of([&] {
        TestLine line;
        std::ostringstream out;
        line.parse(arguments, out);
        line.integer("batch", 1, 1024, 1);
        line.choice("driver", {"fast", "reference"}, 0);
    });
}

Network three_layers()
{
    Network net = gemm_network("gemm:4x4x4", 1);
    Layer more = net.layers.back();
    more.name = "tail";
    more.inputs = {1};
    net.layers.push_back(more);
    return net;
}

struct TemporaryFolder {
    TemporaryFolder()
    {
        std::string name = (fs::temp_directory_path() / "heddle-test-XXXXXX").string();
        path = ::mkdtemp(name.data());
    }
    ~TemporaryFolder() { fs::remove_all(path); }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;

    bool empty() const { return fs::is_empty(path); }
    fs::path path;
};

} // namespace

TEST_CASE("options are read in every usual form")
{
    for (const Words& words : {Words{"net", "--hw", "h", "--batch", "3", "-o", "d", "--timing-only"},
                               Words{"--hw=h", "--batch=3", "--out=d", "--timing-only", "net"}}) {
        TestLine line;
        std::ostringstream out;
        REQUIRE(line.parse(words, out));
        CHECK(line.text("NET") == "net");
        CHECK(line.text("hw") == "h");
        CHECK(line.text("out") == "d");
        CHECK(line.integer("batch", 1, 8, 1) == 3);
        CHECK(line.has("timing-only"));
        CHECK(line.text("driver", "fallback") == "fallback");
    }
}

TEST_CASE("--help prints every option and parses nothing else")
{
    TestLine line;
    std::ostringstream out;
    CHECK_FALSE(line.parse({"--help"}, out));
    CHECK_THAT(out.str(), Contains("--hw") && Contains("--batch") && Contains("--timing-only"));
}

TEST_CASE("mistakes in options name the option")
{
    const Words good{"net", "--hw", "h"};
    const auto with = [&](const Words& more) {
        Words words = good;
        words.insert(words.end(), more.begin(), more.end());
        return parse_error(words);
    };
    CHECK(parse_error(good) == "accepted");
    CHECK_THAT(with({"--batch", "-1"}), Contains("--batch: expected integer from 1 to 1024, got \"-1\""));
    for (const char* bad : {"1e9", "0", "1025", "3x", " 3", "0x10", "99999999999999999999"})
        CHECK_THAT(with({"--batch", bad}), Contains("--batch: expected integer"));
    CHECK_THAT(with({"--driver", "slow"}), Contains("fast, reference"));
    CHECK_THAT(with({"--bat", "3"}), Contains("--bat"));
    CHECK_THAT(with({"--batch", "1", "--batch", "2"}), Contains("--batch"));
    CHECK_THAT(with({"--batch"}), Contains("--batch"));
    CHECK_THAT(with({"other"}), Contains("takes 1 argument"));
    CHECK_THAT(parse_error({"--hw", "h"}), Contains("NET is missing"));
    CHECK_THAT(parse_error({"net"}), Contains("--hw is missing"));
    CHECK_THAT(parse_error({"net", "--hw", "--batch", "3"}), Contains("--hw: a value is missing"));
    CHECK_THAT(with({"--out", ""}), Contains("--out: a value is missing"));
}

TEST_CASE("the layer list takes numbers, ranges, names and lists of them")
{
    const Network net = three_layers();
    CHECK(select_layers(net, "1") == std::vector<int>{1});
    CHECK(select_layers(net, "0..2") == std::vector<int>{0, 1, 2});
    CHECK(select_layers(net, "tail,gemm,2") == std::vector<int>{1, 2});
    for (const char* bad : {"nope", "3", "-1", "2..1", "0..3", "1..", "..1", "", "1,", "1 2", "1..99999999999999"})
        CHECK_THAT(error_of([&] { select_layers(net, bad); }), Catch::StartsWith("--layers: "));
}

TEST_CASE("an output folder is checked without a trace and written as a whole")
{
    const TemporaryFolder temporary;
    const std::string target = (temporary.path / "a" / "b").string();
    const OutputFolder folder(target);
    CHECK(temporary.empty());
    folder.write({{"x.json", "1"}, {"y.csv", "2"}});
    CHECK(read_file(target + "/x.json") == "1");
    CHECK(read_file(target + "/y.csv") == "2");
    CHECK(std::distance(fs::directory_iterator(target), {}) == 2);
    folder.write({{"x.json", "3"}});
    CHECK(read_file(target + "/x.json") == "3");
}

TEST_CASE("a failing write leaves neither files nor folders")
{
    const TemporaryFolder temporary;
    const OutputFolder folder((temporary.path / "a" / "b").string());
    const std::string impossible(300, 'x'); // longer than any file name may be
    CHECK_THAT(error_of([&] { folder.write({{"x.json", "1"}, {impossible, "2"}}); }), Contains("cannot write"));
    CHECK(temporary.empty());
}

TEST_CASE("an output folder that cannot be is refused at once")
{
    const TemporaryFolder temporary;
    write_file_atomically((temporary.path / "file").string(), "");
    CHECK_THAT(error_of([&] { OutputFolder((temporary.path / "file").string()); }), Contains("cannot write"));
    CHECK_THAT(error_of([&] { OutputFolder((temporary.path / "file" / "sub").string()); }), Contains("cannot write"));
    CHECK_THAT(error_of([] { OutputFolder("/proc/nope"); }), Contains("/proc/nope"));
    CHECK_THAT(error_of([] { OutputFolder(""); }), Contains("empty"));
}

TEST_CASE("networks without weights get seeded ones, and the workload says so")
{
    const Network net = gemm_network("gemm:4x4x4", 1);
    const Workload a = make_workload(net, "gemm:4x4x4", Precision{}, "", 1);
    const Workload b = make_workload(net, "gemm:4x4x4", Precision{}, "", 2);
    CHECK(a.network.synthetic);
    CHECK_THAT(a.description, Contains("synthetic"));
    CHECK(a.input.data == make_workload(net, "gemm:4x4x4", Precision{}, "", 1).input.data);
    CHECK(a.input.data != b.input.data);
}

TEST_CASE("a trained model brings calibration pictures, an input and class names")
{
    const std::string model = data_root() + "/dnn/trained/mobilenet_fashion_mnist.onnx";
    const Workload work = make_workload(load_network(model), model, Precision{}, "", 1);
    CHECK_FALSE(work.network.synthetic);
    CHECK(work.labels.size() == 10);
    CHECK_THAT(work.description, Contains("calibrated on 10 pictures"));
    CHECK(work.config_hashes.size() == 2); // model and picture
}

TEST_CASE("the hash of a network follows its text and its multipliers")
{
    CHECK(network_hash("mobilenet_v1") == network_hash("mobilenet_v1"));
    CHECK(network_hash("mobilenet_v1") != network_hash("mobilenet_v1_0.50_128"));
    CHECK(network_hash("resnet50") != network_hash("resnet50_v1"));
    CHECK(network_hash("gemm:1x2x3") != network_hash("gemm:1x2x4"));
}
