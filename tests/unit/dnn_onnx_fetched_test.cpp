// Large models that scripts/fetch_models --check converted, against tensorflow.js on the CPU. They are fetched on
// request only, so a machine without them has nothing to check.
#include "dnn/base/files.hpp"
#include "dnn/image.hpp"
#include "dnn/npy.hpp"
#include "dnn/reference.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>

namespace {

using namespace heddle;

void check_fetched(const std::string& name, std::int64_t macs)
{
    const std::string start = data_root() + "/build/models/" + name;
    if (!std::filesystem::exists(start + ".expected.npy")) {
        WARN(name << " is not there: run scripts/fetch_models --check");
        return;
    }
    const Network net = load_network(start + ".onnx");
    CHECK(net.macs() == macs);
    const FloatTensor input = read_network_input(start + ".input.npy", net.layers[0].out_shape);
    const std::vector<float> expected = read_npy(start + ".expected.npy").floats();
    const std::vector<float> got = run_float(net, input).back().data;
    REQUIRE(got.size() == expected.size());
    float scale = 0;
    float worst = 0;
    for (std::size_t i = 0; i < got.size(); ++i) {
        scale = std::max(scale, std::abs(expected[i]));
        worst = std::max(worst, std::abs(got[i] - expected[i]));
    }
    INFO("largest difference " << worst << " of words up to " << scale);
    CHECK(worst <= 1e-3f * scale);
}

} // namespace

TEST_CASE("fetched models: MobileNetV1-1.0-224 computes what tensorflow.js computes")
{
    // The published 568,740,352 MACs less the 1000-class layer's 1,024,000, plus dense layers of 256, 1 and 100.
    check_fetched("mobilenet_v1_faceres", 568740352 - 1024000 + 1024 * 256 + 256 * 101);
}

TEST_CASE("fetched models: MobileNetV2-1.0-224 computes what tensorflow.js computes")
{
    // The published 300,774,272 MACs less the 1000-class layer's 1,280,000, plus dense layers of 256, 128 and 5.
    check_fetched("mobilenet_v2_nsfw", 300774272 - 1280000 + 1280 * 256 + 256 * 128 + 128 * 5);
}

TEST_CASE("fetched models: the 29-convolution ResNet computes what face-api computes")
{
    // Output positions times words of a filter bank, stage by stage.
    const std::int64_t stem = 72 * 72 * (7 * 7 * 3 * 32);
    const std::int64_t stage32 = 35 * 35 * (6 * 9 * 32 * 32);
    const std::int64_t stage64 = 17 * 17 * (9 * 32 * 64 + 7 * 9 * 64 * 64);
    const std::int64_t stage128 = 8 * 8 * (9 * 64 * 128 + 5 * 9 * 128 * 128);
    const std::int64_t stage256 = 3 * 3 * (9 * 128 * 256 + 9 * 256 * 256) + 4 * 4 * (4 * 9 * 256 * 256);
    const std::int64_t last = 2 * 9 * 256 * 256 + 256 * 128;
    // What stands in for zeros appended to maps and channels: depthwise 1x1 convolutions.
    const std::int64_t zeros = 17 * 17 * 32 + 8 * 8 * 64 + 4 * 4 * 128 + 4 * 4 * 256 + 2 * 2 * 256;
    check_fetched("resnet29_face", stem + stage32 + stage64 + stage128 + stage256 + last + zeros);
}
