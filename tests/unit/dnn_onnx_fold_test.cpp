// Constants that a model computes: arithmetic with broadcasting, slices, dequantisation, shapes; what is left of it are
// a conv's weights.
#include "dnn/base/error.hpp"
#include "dnn/base/random.hpp"
#include "dnn/infer.hpp"
#include "dnn/onnx_import.hpp"
#include "tests/unit/dnn_onnx_builder.hpp"

#include <catch2/catch.hpp>
#include <cmath>

using namespace heddle;
using heddle_test::OnnxBuilder;
using Dims = std::vector<std::int64_t>;

namespace {

Network import(OnnxBuilder& builder)
{
    return onnx_detail::import_model(builder.model(), "test", 0);
}

std::int64_t words_of(const Dims& dims)
{
    std::int64_t words = 1;
    for (const std::int64_t extent : dims) words *= extent;
    return words;
}

std::vector<float> random_words(std::int64_t count, Random& random)
{
    std::vector<float> words;
    for (std::int64_t i = 0; i < count; ++i) words.push_back(static_cast<float>(random.range(1, 64)) / 8.0f);
    return words;
}

/// The word of an array at a coordinate of a larger one of the same or higher rank.
float at(const std::vector<float>& words, const Dims& dims, const Dims& coordinate)
{
    std::int64_t index = 0;
    for (std::size_t i = 0; i < dims.size(); ++i) {
        const std::int64_t c = coordinate[coordinate.size() - dims.size() + i];
        index = index * dims[i] + (dims[i] == 1 ? 0 : c);
    }
    return words[static_cast<std::size_t>(index)];
}

} // namespace

TEST_CASE("fold: products, sums, differences and quotients of constants broadcast as in numpy", "[onnx]")
{
    const std::uint64_t seed = 31;
    Random random(seed);
    for (int round = 0; round < 120; ++round) {
        const Dims full{random.range(1, 3), random.range(1, 3), random.range(1, 3), random.range(1, 3)};
        const auto part = [&] { // some axes one, leading ones left out
            Dims dims = full;
            for (std::int64_t& extent : dims) extent = random.below(3) == 0 ? 1 : extent;
            return Dims(dims.begin() + static_cast<std::ptrdiff_t>(random.below(4)), dims.end());
        };
        const bool swap = random.below(2) == 0;
        const Dims other = part();
        const Dims &first = swap ? other : full, &second = swap ? full : other;
        const std::vector<float> a = random_words(words_of(first), random), b = random_words(words_of(second), random);
        const int op = static_cast<int>(random.below(4));
        const char* names[] = {"Add", "Sub", "Mul", "Div"};
        CAPTURE(seed, round, names[op], first, second);
        OnnxBuilder builder({1, full[1], 3, 3});
        builder.floats("a", first, a).floats("b", second, b).node(names[op], {"a", "b"}, "w");
        builder.node("Conv", {"x", "w"}, "y").output("y");
        const std::vector<float> weights = import(builder).layers[1].weights;
        std::size_t i = 0;
        for (std::int64_t k = 0; k < full[0]; ++k)
            for (std::int64_t c = 0; c < full[1]; ++c)
                for (std::int64_t r = 0; r < full[2]; ++r)
                    for (std::int64_t s = 0; s < full[3]; ++s) {
                        const float x = at(a, first, {k, c, r, s}), y = at(b, second, {k, c, r, s});
                        REQUIRE(weights.at(i++) == (op == 0 ? x + y : op == 1 ? x - y : op == 2 ? x * y : x / y));
                    }
    }
}

TEST_CASE("fold: slices of constants take what numpy's start:end:step takes", "[onnx]")
{
    const std::uint64_t seed = 32;
    Random random(seed);
    int tried = 0;
    for (int round = 0; round < 400; ++round) {
        const std::int64_t extent = random.range(1, 7), start = random.range(-9, 9), end = random.range(-9, 9);
        const std::int64_t step = random.below(2) == 0 ? random.range(1, 3) : random.range(-3, -1);
        // Position by position: where python's slice begins, and whether each further one is still before its end.
        const std::int64_t from = start < 0 ? start + extent : start, to = end < 0 ? end + extent : end;
        std::vector<float> expected;
        std::vector<float> all = random_words(extent, random);
        if (step > 0)
            for (std::int64_t i = std::max<std::int64_t>(from, 0); i < std::min(to, extent); i += step)
                expected.push_back(all[static_cast<std::size_t>(i)]);
        else
            for (std::int64_t i = std::min(from, extent - 1); i > std::max<std::int64_t>(to, -1) && i >= 0; i += step)
                expected.push_back(all[static_cast<std::size_t>(i)]);
        if (expected.empty()) continue;
        ++tried;
        CAPTURE(seed, round, extent, start, end, step);
        OnnxBuilder builder({1, 1, 1, 1});
        builder.floats("all", {extent, 1, 1, 1}, all).ints("s", {start}).ints("e", {end}).ints("axes", {-4});
        builder.ints("step", {step}).node("Slice", {"all", "s", "e", "axes", "step"}, "w");
        builder.node("Conv", {"x", "w"}, "y").output("y");
        CHECK(import(builder).layers[1].weights == expected);
    }
    CHECK(tried > 100);
}

TEST_CASE("fold: weights kept as integers are (x - zero point) * scale, per tensor and per channel", "[onnx]")
{
    OnnxBuilder builder({1, 2, 1, 1});
    auto* stored = builder.model().mutable_graph()->add_initializer();
    stored->set_name("q");
    stored->set_data_type(onnx::TensorProto::INT8);
    for (const std::int64_t extent : {2, 2, 1, 1}) stored->add_dims(extent);
    stored->set_raw_data(std::string("\x02\xff\x7f\x80", 4)); // 2, -1, 127, -128
    auto* zero = builder.model().mutable_graph()->add_initializer();
    zero->set_name("z");
    zero->set_data_type(onnx::TensorProto::INT8);
    zero->add_dims(2);
    zero->set_raw_data(std::string("\x00\x01", 2));
    builder.floats("scale", {2}, {0.5f, 0.25f});
    builder.node("DequantizeLinear", {"q", "scale", "z"}, "w").with("axis", std::int64_t{0});
    builder.node("Conv", {"x", "w"}, "y").output("y");
    CHECK(import(builder).layers[1].weights == std::vector<float>{1.0f, -0.5f, 31.5f, -32.25f});
}

TEST_CASE("fold: a flatten spelt with Shape's start and end, and arithmetic on dimensions", "[onnx]")
{
    OnnxBuilder builder({2, 3, 4, 5}, 15);
    builder.node("Relu", {"x"}, "r").node("Shape", {"r"}, "n").with("end", std::int64_t{1});
    builder.node("Shape", {"r"}, "rest").with("start", std::int64_t{-3});
    builder.ints("zero", {0}).ints("one", {1}).ints("two", {2});
    builder.node("Gather", {"rest", "zero"}, "c")
        .node("Gather", {"rest", "one"}, "h")
        .node("Gather", {"rest", "two"}, "w");
    builder.node("Mul", {"c", "h"}, "ch").node("Mul", {"ch", "w"}, "chw").node("Concat", {"n", "chw"}, "to");
    builder.with("axis", std::int64_t{0}).node("Reshape", {"r", "to"}, "y").output("y");
    const Network net = import(builder);
    CHECK(net.output_array.dims == Dims{2, 60});
    OnnxBuilder overflow({1, 1, 1, 1});
    overflow.ints("big", {std::int64_t{1} << 62}).ints("four", {4}).node("Mul", {"big", "four"}, "s");
    overflow.node("Reshape", {"x", "s"}, "y").output("y");
    CHECK_THROWS_WITH(import(overflow), Catch::Contains("node s_node (Mul)") && Catch::Contains("overflow"));
    OnnxBuilder forged({1, 1, 1, 1});
    forged.ints("shape", {1 << 20, 1 << 10}).node("ConstantOfShape", {"shape"}, "w").node("Conv", {"x", "w"}, "y");
    forged.output("y");
    CHECK_THROWS_WITH(import(forged), Catch::Contains("needs more than 1 GiB"));
}

TEST_CASE("maps times, less and divided by constants, sums of several, ReLU6 spelt with Min or half a Clip", "[onnx]")
{
    const auto run = [](OnnxBuilder& builder, const std::vector<float>& x, const Dims& dims) {
        const Network net = import(builder);
        return infer_float(net, input_of(net, {dims, x})).words;
    };
    const Dims dims{1, 2, 1, 2};
    const std::vector<float> x{1, -2, 3, 8};
    for (const auto& [op, first, expected] :
         std::vector<std::tuple<const char*, bool, std::vector<float>>>{{"Mul", false, {2, -4, 1.5f, 4}},
                                                                        {"Mul", true, {2, -4, 1.5f, 4}},
                                                                        {"Div", false, {0.5f, -1, 6, 16}},
                                                                        {"Sub", false, {-1, -4, 2.5f, 7.5f}},
                                                                        {"Sub", true, {1, 4, -2.5f, -7.5f}}}) {
        CAPTURE(op, first);
        OnnxBuilder builder({1, 2, 1, 2});
        builder.floats("c", {2, 1, 1}, {2, 0.5f});
        builder.node(op, first ? std::vector<std::string>{"c", "x"} : std::vector<std::string>{"x", "c"}, "y");
        builder.output("y");
        CHECK(run(builder, x, dims) == expected);
    }
    OnnxBuilder sum({1, 2, 1, 2});
    sum.node("Relu", {"x"}, "r").node("Sum", {"x", "r", "x"}, "y").output("y");
    CHECK(run(sum, x, dims) == std::vector<float>{3, -4, 9, 24});
    OnnxBuilder six({1, 2, 1, 2});
    six.floats("six", {}, {6}).node("Relu", {"x"}, "r").node("Min", {"r", "six"}, "y").output("y");
    CHECK(run(six, x, dims) == std::vector<float>{1, 0, 3, 6});
    OnnxBuilder half({1, 2, 1, 2});
    half.floats("six", {}, {6}).node("Relu", {"x"}, "r").node("Clip", {"r", "", "six"}, "y").output("y");
    CHECK(run(half, x, dims) == std::vector<float>{1, 0, 3, 6});
    OnnxBuilder bare({1, 2, 1, 2});
    bare.floats("six", {}, {6}).node("Min", {"x", "six"}, "y").output("y");
    CHECK_THROWS_WITH(import(bare), Catch::Contains("the smaller of 6 and the output of a ReLU"));
    OnnxBuilder pad({1, 1, 1, 2}, 18);
    pad.floats("w", {1, 1, 1, 3}, {1, 1, 1}).ints("pads", {1, 1}).ints("axes", {-1});
    pad.node("Pad", {"x", "pads", "", "axes"}, "p").node("Conv", {"p", "w"}, "y").output("y");
    CHECK(run(pad, {3, 4}, {1, 1, 1, 2}) == std::vector<float>{7, 7});
    OnnxBuilder top({1, 2, 1, 2});
    top.node("GlobalMaxPool", {"x"}, "y").output("y");
    CHECK(run(top, x, dims) == std::vector<float>{1, 8});
}
