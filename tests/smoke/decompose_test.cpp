// heddle decompose: what it writes runs verified with the MACs of its formulas, and what it refuses.
#include "tests/smoke/workplace.hpp"

#include <algorithm>

using namespace heddle::test_smoke;
namespace fs = std::filesystem;

namespace {

constexpr const char* resnet = HEDDLE_SOURCE_DIR "/dnn/trained/resnet_fashion_mnist.onnx";

void write(const Workplace& place, const std::string& name, const std::string& text)
{
    std::ofstream(place.path() / name, std::ios::binary) << text;
}

std::string read(const Workplace& place, const std::string& name)
{
    std::ostringstream text;
    text << std::ifstream(place.path() / name, std::ios::binary).rdbuf();
    return text.str();
}

std::string done(const Workplace& place, const std::string& arguments)
{
    INFO("heddle " << arguments);
    const Answer answer = place.heddle(arguments);
    INFO(answer.text);
    REQUIRE(answer.code == 0);
    return answer.text;
}

std::int64_t total_macs(const boost::json::value& report)
{
    return report.at("totals").at("macs").to_number<std::int64_t>();
}

void one_layer(const Workplace& place, const std::string& name, int channels, int filters, int stride, int groups = 1)
{
    const auto text = [](int x) { return std::to_string(x); };
    write(place, name,
          "name: one\ninput: [" + text(channels) +
              ", 12, 12]\nlayers:\n  - {name: layer, op: conv, k: " + text(filters) +
              ", filter: [3, 3], stride: " + text(stride) + ", pad: 1, groups: " + text(groups) + "}\n");
}

} // namespace

TEST_CASE("decomposed layers run verified, with the MACs of their methods")
{
    const Workplace place;
    one_layer(place, "one.yaml", 24, 32, 2);
    struct Row {
        const char* method;
        const char* rank;
        std::int64_t macs;
    };
    // 12x12 in, 6x6 out: HW 144, PW 72, PQ 36.
    for (const Row& row : {Row{"tucker2", "8,4", 24 * 8 * 144 + (8 * 4 * 9 + 4 * 32) * 36},
                           Row{"cp", "8", 8 * (24 * 144 + 3 * 72 + 3 * 36 + 32 * 36)},
                           Row{"jaderberg2", "8", 3 * 8 * 24 * 72 + 3 * 8 * 32 * 36},
                           Row{"jaderberg1", "2", 3 * 48 * 72 + 3 * 48 * 36 + 48 * 32 * 36},
                           Row{"tucker1", "8", 8 * (24 * 9 + 32) * 36}}) {
        const std::string method = row.method;
        const std::string text = done(place, "decompose one.yaml --layers layer --method " + method + " --rank " +
                                                 row.rank + " --out " + method + ".onnx");
        CHECK_THAT(text, Catch::Contains("He-normal weights, seed 1"));
        const boost::json::value report = place.run(method + ".onnx --hw tpu_like");
        check_verified(report);
        CHECK(total_macs(report) == row.macs);
    }
}

TEST_CASE("the shipped ResNet-8 by VBMF: printed, written, read again, the same every time")
{
    const Workplace place;
    const std::string arguments = std::string("decompose ") + resnet + " --method tucker2 --vbmf --out ";
    const std::string text = done(place, arguments + "a.onnx");
    CHECK_THAT(text, Catch::Contains("calibrated on 10 pictures beside it"));
    CHECK_THAT(text, Catch::Contains("parameters 77,418 -> "));
    CHECK_THAT(text, Catch::Contains("kept      conv1: tucker2 does not fit a layer that reads a picture"));
    done(place, arguments + "b.onnx");
    CHECK(read(place, "a.onnx") == read(place, "b.onnx"));
    done(place, "export a.onnx --out c.onnx");
    CHECK_THAT(read(place, "c.onnx"), Catch::Contains("heddle.groups") && Catch::Contains("block3_conv2/core"));
    // Layers of groups are layers of the network.
    check_verified(place.run("c.onnx --layers block1_conv1/in,block1_conv1/core --hw tpu_like"));
    // A file that contradicts itself.
    std::string broken = read(place, "a.onnx");
    const std::size_t at = broken.find("\"block3_conv2/core\"");
    REQUIRE(at != std::string::npos);
    broken.replace(at, 19, "\"block3_conv2/cord\"");
    write(place, "broken.onnx", broken);
    const Answer answer = place.heddle("map broken.onnx --hw tpu_like");
    CHECK(answer.code == 2);
    CHECK(std::count(answer.text.begin(), answer.text.end(), '\n') == 1);
    CHECK_THAT(answer.text, Catch::Contains("broken.onnx: group \"block3_conv2\": its part \"block3_conv2/cord\" is no "
                                            "layer of the file"));
}

TEST_CASE("mistakes in decompose are refused with one line, exit code 2 and no file")
{
    const Workplace place;
    one_layer(place, "one.yaml", 24, 32, 2);
    one_layer(place, "depthwise.yaml", 24, 24, 1, 24);
    one_layer(place, "grouped.yaml", 24, 32, 1, 2);
    const auto refused = [&](const std::string& arguments, const std::string& message) {
        INFO("heddle decompose " << arguments);
        const Answer answer = place.heddle("decompose --out x.onnx " + arguments);
        CHECK(answer.code == 2);
        CHECK(std::count(answer.text.begin(), answer.text.end(), '\n') == 1);
        CHECK_THAT(answer.text, Catch::StartsWith("heddle: ") && Catch::Contains(message));
        CHECK_FALSE(fs::exists(place.path() / "x.onnx"));
    };
    refused("one.yaml --method tucker2 --rank 0", "layer layer: tucker2 rank R3 0, expected 1 to 24");
    refused("one.yaml --method tucker2 --rank 24,33", "layer layer: tucker2 rank R4 33, expected 1 to 32");
    refused("one.yaml --method cp --rank 217", "layer layer: cp rank 217, expected 1 to 216"); // 24 * 9
    refused("one.yaml --method cp --rank -1", "layer layer: cp rank -1, expected 1 to 216");
    refused("one.yaml --method cp --rank 8,8", "layer layer: cp has one rank, got 8,8");
    refused("one.yaml --method cp --rank 8,8,8", "--rank: expected one rank or R3,R4, got \"8,8,8\"");
    refused("one.yaml --method cp --rank many", "--rank: expected one rank or R3,R4");
    refused("one.yaml --method cp --vbmf", "layer layer: VBMF needs one matrix, cp has none");
    refused("one.yaml --method cp --keep 0.5", "layer layer: cp has no spectrum");
    refused("one.yaml --method svd --rank 8", "svd fits");
    refused("one.yaml --layers layer --method svd --rank 8", "layer layer: svd fits 1x1 and fully connected layers");
    refused("one.yaml --method svd,tucker3 --rank 8", "--method: method \"tucker3\": expected one of svd, jaderberg1");
    refused("one.yaml --method tucker2", "expected one of --rank, --keep, --vbmf and --macs");
    refused("one.yaml --method tucker2 --vbmf --rank 3", "expected one of --rank, --keep, --vbmf and --macs");
    refused("one.yaml --method tucker2 --macs 0", "--macs: expected number above 0, at most 1, got \"0\"");
    refused("one.yaml --method tucker2 --keep 1.1", "--keep: expected number above 0, at most 1");
    refused("one.yaml --method tucker2 --vbmf --align 0", "--align");
    refused("one.yaml --method tucker2 --vbmf --layers nope", "--layers: \"nope\" is no layer of one");
    refused("depthwise.yaml --layers layer --method tucker2 --vbmf",
            "layer layer: is depthwise (24 groups of one channel), which has no decomposition here");
    refused("grouped.yaml --layers layer --method tucker2 --rank 13,5",
            "layer layer: tucker2 rank R3 13, expected 1 to 12 (ranks are those of one of its 2 groups)");
    const Answer name = place.heddle("decompose one.yaml --method cp --rank 4 --out x.txt");
    CHECK(name.code == 2);
    CHECK_THAT(name.text, Catch::Contains("--out: expected a name that ends in .onnx"));
}
