// heddle infer: the reference from array to array, whatever the batch and the way the file lays its edges out.
#include "dnn/base/error.hpp"
#include "dnn/base/random.hpp"
#include "dnn/infer.hpp"
#include "dnn/onnx_import.hpp"
#include "dnn/reference.hpp"
#include "tests/unit/dnn_onnx_builder.hpp"

#include <catch2/catch.hpp>
#include <cmath>

using namespace heddle;
using heddle_test::OnnxBuilder;

namespace {

std::vector<float> random_words(std::int64_t count, Random& random)
{
    std::vector<float> words(static_cast<std::size_t>(count));
    for (float& x : words) x = static_cast<float>(random.normal());
    return words;
}

FloatArray random_array(std::vector<std::int64_t> dims, Random& random)
{
    std::int64_t count = 1;
    for (const std::int64_t extent : dims) count *= extent;
    return {std::move(dims), random_words(count, random)};
}

Network import_for(OnnxBuilder& builder, const std::vector<std::int64_t>& dims)
{
    return onnx_detail::import_model(builder.model(), "test", static_cast<int>(dims[0]), dims);
}

FloatArray floats_of(const Network& net, const FloatArray& x)
{
    return infer_float(net, input_of(net, x));
}

} // namespace

TEST_CASE("infer: a 1x1 conv in floats equals the sum written out, for any batch and open sizes", "[infer]")
{
    const std::uint64_t seed = 17;
    Random random(seed);
    for (int round = 0; round < 20; ++round) {
        const std::int64_t n = random.range(1, 9), c = random.range(1, 4), k = random.range(1, 5);
        const std::int64_t h = random.range(1, 6), w = random.range(1, 6);
        CAPTURE(seed, n, c, k, h, w);
        OnnxBuilder builder({1, c, h, w});
        auto* shape = builder.model().mutable_graph()->mutable_input(0)->mutable_type()->mutable_tensor_type();
        for (int d : {0, 2, 3}) shape->mutable_shape()->mutable_dim(d)->set_dim_param("open" + std::to_string(d));
        const std::vector<float> weights = random_words(k * c, random);
        builder.floats("w", {k, c, 1, 1}, weights).node("Conv", {"x", "w"}, "y").output("y");
        const FloatArray x = random_array({n, c, h, w}, random);
        const FloatArray y = floats_of(import_for(builder, x.dims), x);
        REQUIRE(y.dims == std::vector<std::int64_t>{n, k, h, w});
        for (std::int64_t i = 0; i < n * k * h * w; ++i) {
            const std::int64_t at = i % (h * w), filter = i / (h * w) % k, picture = i / (h * w) / k;
            double sum = 0;
            for (std::int64_t ch = 0; ch < c; ++ch)
                sum += static_cast<double>(weights[static_cast<std::size_t>(filter * c + ch)]) *
                       x.words[static_cast<std::size_t>((picture * c + ch) * h * w + at)];
            REQUIRE(y.words[static_cast<std::size_t>(i)] == Approx(sum).margin(1e-5));
        }
    }
}

TEST_CASE("infer: a batch is its pictures one by one, also where it is computed in parts", "[infer]")
{
    // 96x96 with 64 channels twice: 1.2 million words a picture, so that 20 pictures take two parts (2^24 words each).
    Random random(5);
    OnnxBuilder builder({1, 1, 96, 96});
    builder.floats("w", {64, 1, 3, 3}, random_words(576, random)).node("Conv", {"x", "w"}, "c");
    builder.with("pads", std::vector<std::int64_t>{1, 1, 1, 1}).node("Relu", {"c"}, "r");
    builder.node("MaxPool", {"r"}, "m").with("kernel_shape", {1, 1}).node("GlobalAveragePool", {"m"}, "y").output("y");
    const FloatArray x = random_array({20, 1, 96, 96}, random);
    std::vector<std::int64_t> done;
    const Network net = import_for(builder, x.dims);
    const FloatArray all =
        infer_float(net, input_of(net, x), [&](std::int64_t count, std::int64_t) { done.push_back(count); });
    REQUIRE(all.dims == std::vector<std::int64_t>{20, 64, 1, 1});
    CHECK(done.size() > 1);
    CHECK(done.back() == 20);
    for (std::size_t n : {std::size_t{0}, std::size_t{13}, std::size_t{19}}) {
        FloatArray one{{1, 1, 96, 96}, {}};
        one.words.assign(x.words.begin() + static_cast<std::ptrdiff_t>(n * 9216),
                         x.words.begin() + static_cast<std::ptrdiff_t>((n + 1) * 9216));
        const FloatArray y = floats_of(import_for(builder, one.dims), one);
        CHECK(std::equal(y.words.begin(), y.words.end(), all.words.begin() + static_cast<std::ptrdiff_t>(n * 64)));
    }
}

TEST_CASE("infer: arrays have the file's layout, channels last at the input, at the output and flattened", "[infer]")
{
    Random random(8);
    const std::int64_t n = 2, h = 3, w = 4, c = 5;
    const FloatArray x = random_array({n, h, w, c}, random);
    const std::vector<std::int64_t> first = {0, 3, 1, 2}, last = {0, 2, 3, 1};
    const auto ramp = [](float v) { return std::max(v, 0.0f); };
    OnnxBuilder there({1, h, w, c});
    there.node("Transpose", {"x"}, "t").with("perm", first).node("Relu", {"t"}, "y").output("y");
    const FloatArray y = floats_of(import_for(there, x.dims), x);
    REQUIRE(y.dims == std::vector<std::int64_t>{n, c, h, w});
    for (std::size_t i = 0; i < y.words.size(); ++i) {
        const std::size_t q = i % 4, p = i / 4 % 3, k = i / 12 % 5, b = i / 60;
        REQUIRE(y.words[i] == ramp(x.words[((b * 3 + p) * 4 + q) * 5 + k]));
    }
    OnnxBuilder back({1, h, w, c});
    back.node("Transpose", {"x"}, "t").with("perm", first).node("Relu", {"t"}, "r");
    back.node("Transpose", {"r"}, "y").with("perm", last).output("y");
    const FloatArray same = floats_of(import_for(back, x.dims), x);
    REQUIRE(same.dims == x.dims);
    for (std::size_t i = 0; i < x.words.size(); ++i) REQUIRE(same.words[i] == ramp(x.words[i]));
    OnnxBuilder flat({1, h, w, c});
    flat.node("Transpose", {"x"}, "t").with("perm", first).node("Relu", {"t"}, "r");
    flat.node("Transpose", {"r"}, "l").with("perm", last).node("Flatten", {"l"}, "y").output("y");
    const FloatArray row = floats_of(import_for(flat, x.dims), x);
    REQUIRE(row.dims == std::vector<std::int64_t>{n, h * w * c});
    CHECK(row.words == same.words);
}

TEST_CASE("infer: the first output is written, not the last layer", "[infer]")
{
    OnnxBuilder builder({1, 2, 2, 2});
    builder.node("Relu", {"x"}, "a").node("MaxPool", {"a"}, "b").with("kernel_shape", {2, 2}).output("a").output("b");
    const FloatArray x{{1, 2, 2, 2}, {-1, 2, -3, 4, 5, -6, 7, -8}};
    const FloatArray y = floats_of(import_for(builder, x.dims), x);
    CHECK(y.dims == x.dims);
    CHECK(y.words == std::vector<float>{0, 2, 0, 4, 5, 0, 7, 0});
}

TEST_CASE("infer: quantised outputs are near the floats, softmax included", "[infer]")
{
    Random random(21);
    OnnxBuilder builder({1, 3, 6, 6});
    builder.floats("w", {8, 3, 3, 3}, random_words(216, random)).node("Conv", {"x", "w"}, "c").node("Relu", {"c"}, "r");
    builder.node("GlobalAveragePool", {"r"}, "g").node("Flatten", {"g"}, "f").node("Softmax", {"f"}, "y").output("y");
    const FloatArray x = random_array({4, 3, 6, 6}, random);
    const Network net = import_for(builder, x.dims);
    const FloatTensor input = input_of(net, x);
    const FloatArray floats = infer_float(net, input);
    const FloatArray integers = infer_quantized(quantize(net, Precision{}, {input}), input);
    REQUIRE(integers.dims == floats.dims);
    double worst = 0;
    for (std::size_t n = 0; n < 4; ++n) {
        double sum = 0;
        for (std::size_t k = 0; k < 8; ++k) {
            worst = std::max(worst, std::abs(static_cast<double>(integers.words[n * 8 + k] - floats.words[n * 8 + k])));
            sum += integers.words[n * 8 + k];
        }
        CHECK(sum == Approx(1.0).margin(1e-5));
    }
    CHECK(worst < 0.05);
    CHECK(worst > 0.0);
}

TEST_CASE("infer: the floats of synthetic weights are what their integers stand for", "[infer]")
{
    for (const int bits : {8, 16}) {
        Network net = load_network("tiny", 2);
        Precision precision;
        precision.weight_bits = precision.input_bits = bits;
        precision.product_shift = bits == 16 ? 3 : 0;
        const QuantizedNetwork integers = synthesize(net, precision, 3);
        const Tensor picture = synthetic_input(integers, 3);
        FloatTensor input(picture.shape);
        for (std::size_t i = 0; i < input.data.size(); ++i)
            input.data[i] = static_cast<float>(picture.data[i] * integers.layers[0].out_scale);
        const FloatArray a = infer_quantized(integers, input), b = infer_float(dequantized(integers), input);
        REQUIRE(a.dims == b.dims);
        double error = 0, power = 0;
        for (std::size_t i = 0; i < a.words.size(); ++i) {
            error += std::pow(a.words[i] - b.words[i], 2);
            power += std::pow(b.words[i], 2);
        }
        CAPTURE(bits, error, power);
        CHECK(power > 0);
        CHECK(error < (bits == 8 ? 0.02 : 0.0002) * power); // rounding of every layer's maps
    }
}

TEST_CASE("infer: arrays that are not the model's input are refused", "[infer]")
{
    OnnxBuilder builder({1, 3, 8, 8});
    builder.node("Relu", {"x"}, "y").output("y");
    CHECK_THROWS_WITH(import_for(builder, {1, 3, 8, 9}), Catch::Contains("expected 8 as dimension 3"));
    CHECK_THROWS_WITH(import_for(builder, {1, 3, 8}), Catch::Contains("expected 4 dimensions, batch first"));
    CHECK_THROWS_WITH(load_network_for("tiny", {1, 2, 2, 2}), Catch::Contains("batch first, got (1,2,2,2)"));
    CHECK_THROWS_WITH(load_network_for("tiny", {}), Catch::Contains("expected an input with a batch"));
    CHECK_THROWS_WITH(load_network_for("tiny", {2, 0, 16, 16}), Catch::Contains("dimensions of at least 1"));
    CHECK(load_network_for("gemm:4x5x6", {3, 6, 4}).layers[0].out_shape == Shape4{3, 6, 4, 1});
}
