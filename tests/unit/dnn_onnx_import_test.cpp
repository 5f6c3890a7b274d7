#include "dnn/base/error.hpp"
#include "dnn/base/files.hpp"
#include "dnn/onnx_coverage.hpp"
#include "dnn/onnx_import.hpp"
#include "dnn/reference.hpp"
#include "tests/unit/dnn_onnx_builder.hpp"

#include <catch2/catch.hpp>

namespace {

using namespace heddle;
using heddle_test::OnnxBuilder;

Network import(OnnxBuilder& builder, int batch = 0)
{
    return onnx_detail::import_model(builder.model(), "test", batch);
}

std::vector<float> run(const Network& net, const std::vector<float>& words)
{
    FloatTensor input(net.layers[0].out_shape);
    REQUIRE(input.data.size() == words.size());
    input.data = words;
    return run_float(net, input).back().data;
}

std::vector<float> counted(std::size_t count)
{
    std::vector<float> words;
    for (std::size_t i = 0; i < count; ++i) words.push_back(static_cast<float>(i) - 3.0f);
    return words;
}

} // namespace

TEST_CASE("a batch-norm and a ReLU6 fold into the conv that only they read")
{
    OnnxBuilder builder({1, 1, 1, 3});
    builder.floats("w", {2, 1, 1, 1}, {2, -1}).floats("gamma", {2}, {1, 2}).floats("beta", {2}, {0.5f, 1});
    builder.floats("mean", {2}, {1, 0}).floats("variance", {2}, {3.99999f, 0.99999f});
    builder.floats("low", {}, {0}).floats("high", {}, {6});
    builder.node("Conv", {"x", "w"}, "c").node("BatchNormalization", {"c", "gamma", "beta", "mean", "variance"}, "b");
    builder.node("Clip", {"b", "low", "high"}, "y").output("y");
    const Network net = import(builder);
    REQUIRE(net.layers.size() == 2);
    CHECK(net.layers[1].activation == Activation::relu6);
    CHECK(net.layers[1].name == "c_node");
    // Channel 0: (2x - 1) / 2 + 0.5 = x; channel 1: -2x + 1; both within 0..6.
    const std::vector<float> expected = {0, 1, 6, 3, 0, 0};
    const std::vector<float> got = run(net, {-1, 1, 9});
    for (std::size_t i = 0; i < expected.size(); ++i) CHECK(got[i] == Approx(expected[i]).margin(1e-5));
}

TEST_CASE("what another node reads as well is not folded away")
{
    OnnxBuilder builder({1, 2, 1, 2});
    builder.floats("w", {2, 2, 1, 1}, {1, 0, 0, 1});
    builder.node("Conv", {"x", "w"}, "c").node("Relu", {"c"}, "r").node("Add", {"c", "r"}, "y").output("y");
    const Network net = import(builder);
    REQUIRE(net.layers.size() == 4);
    CHECK(net.layers[2].op == Op::clamp);
    CHECK(net.layers[3].op == Op::add);
    CHECK(run(net, {-1, 2, 3, -4}) == std::vector<float>{-1, 4, 6, -4});
}

TEST_CASE("a batch-norm or constant without a conv before it becomes a depthwise 1x1 conv")
{
    OnnxBuilder builder({1, 2, 1, 2});
    builder.floats("shift", {2, 1, 1}, {10, 20}).node("Add", {"shift", "x"}, "y").output("y");
    const Network net = import(builder);
    REQUIRE(net.layers.size() == 2);
    CHECK(net.layers[1].depthwise());
    CHECK(run(net, {1, 2, 3, 4}) == std::vector<float>{11, 12, 23, 24});
}

TEST_CASE("a Gemm after a flatten is a conv over the whole map")
{
    OnnxBuilder builder({1, 2, 1, 2});
    builder.floats("w", {1, 4}, {1, 10, 100, 1000}).floats("b", {1}, {0.5f});
    builder.node("Flatten", {"x"}, "f").node("Gemm", {"f", "w", "b"}, "y").with("transB", 1).output("y");
    const Network net = import(builder);
    const Layer& fc = net.layers.back();
    CHECK(fc.fully_connected);
    CHECK(fc.window.filter_cols == 2);
    CHECK(fc.in_shape == Shape4{1, 2, 1, 2});
    CHECK(run(net, {1, 2, 3, 4}) == std::vector<float>{4321.5f});
}

TEST_CASE("weights of a Gemm that reads channels last are put in our order")
{
    OnnxBuilder builder({1, 2, 1, 2});
    builder.ints("flat", {1, -1}).floats("w", {4, 1}, {1, 10, 100, 1000});
    builder.node("Relu", {"x"}, "r").node("Transpose", {"r"}, "t").with("perm", {0, 2, 3, 1});
    builder.node("Reshape", {"t", "flat"}, "f").node("MatMul", {"f", "w"}, "y").output("y");
    // The file sees (h,w,c): 1, 3, 2, 4.
    CHECK(run(import(builder), {1, 2, 3, 4}) == std::vector<float>{1 + 30 + 200 + 4000});
}

TEST_CASE("the chain of Shape, Gather and Concat before a Reshape folds")
{
    OnnxBuilder builder({2, 3, 2, 2});
    builder.ints("zero", {0}).ints("rest", {-1}).floats("w", {12, 1}, std::vector<float>(12, 1));
    builder.node("Shape", {"x"}, "s").node("Gather", {"s", "zero"}, "n").node("Concat", {"n", "rest"}, "target");
    builder.with("axis", 0).node("Reshape", {"x", "target"}, "f").node("MatMul", {"f", "w"}, "y").output("y");
    const Network net = import(builder);
    CHECK(net.layers.back().out_shape == Shape4{2, 1, 1, 1});
    SECTION("and the batch can be chosen")
    {
        CHECK(import(builder, 5).layers.back().out_shape == Shape4{5, 1, 1, 1});
    }
}

TEST_CASE("a Pad of zeros becomes the padding of the window behind it")
{
    OnnxBuilder builder({1, 1, 1, 3});
    builder.ints("pads", {0, 0, 0, 1, 0, 0, 0, 2}).floats("w", {1, 1, 1, 2}, {1, 10});
    builder.node("Pad", {"x", "pads"}, "p");
    SECTION("conv")
    {
        builder.node("Conv", {"p", "w"}, "y").output("y");
        CHECK(run(import(builder), {1, 2, 3}) == std::vector<float>{10, 21, 32, 3, 0});
    }
    SECTION("average, counting the zeros")
    {
        builder.node("AveragePool", {"p"}, "y").with("kernel_shape", {1, 3}).with("strides", {1, 3}).output("y");
        CHECK(run(import(builder), {1, 2, 3}) == std::vector<float>{1, 1});
    }
    SECTION("maximum of possibly negative words is refused")
    {
        builder.node("MaxPool", {"p"}, "y").with("kernel_shape", {1, 3}).output("y");
        CHECK_THROWS_WITH(import(builder), Catch::Contains("only after a ReLU"));
    }
    SECTION("nothing behind it")
    {
        builder.output("p");
        CHECK_THROWS_WITH(import(builder), Catch::Contains("output of a Pad"));
    }
}

TEST_CASE("concat joins channels and several outputs are kept")
{
    OnnxBuilder builder({1, 1, 1, 2});
    builder.node("Relu", {"x"}, "r").node("Concat", {"x", "r", "x"}, "y").with("axis", 1).output("r").output("y");
    CHECK(run(import(builder), {-1, 2}) == std::vector<float>{-1, 2, 0, 2, -1, 2});
}

TEST_CASE("layer names are unique, printable and never bare numbers")
{
    OnnxBuilder builder({1, 4, 1, 1});
    builder.node("Relu", {"x"}, "a").node("Relu", {"x"}, "b").node("Relu", {"x"}, "c").node("Relu", {"x"}, "d");
    builder.node("Concat", {"a", "b", "c", "d"}, "y").with("axis", 1).output("y");
    auto& nodes = *builder.model().mutable_graph()->mutable_node();
    nodes[0].set_name("/block.0/act\n");
    nodes[1].set_name("block_0_act");
    nodes[2].set_name("17");
    nodes[3].set_name("input");
    const Network net = import(builder);
    CHECK(net.layers[1].name == "block_0_act");
    CHECK(net.layers[2].name == "block_0_act_2");
    CHECK(net.layers[3].name == "Relu_17");
    CHECK(net.layers[4].name == "input_2");
}

TEST_CASE("coverage names what moves no data and what is left to the host")
{
    OnnxBuilder builder({1, 4, 2, 2});
    builder.floats("w", {3, 4, 1, 1}, counted(12)).node("Conv", {"x", "w"}, "c");
    builder.node("GlobalAveragePool", {"c"}, "p").node("Flatten", {"p"}, "f").node("Softmax", {"f"}, "y").output("y");
    const Coverage coverage = coverage_of(import(builder));
    CHECK(coverage.macs == 48);
    CHECK(coverage.timed_macs == 48);
    // conv 16 + 12 + 12, pool 12 + 3, softmax 3 + 3.
    CHECK(coverage.timed_words == 55);
    CHECK(coverage.words == 61);
    CHECK(coverage.no_data == std::vector<std::string>{"f_node (reshape)"});
    CHECK(coverage.host == std::vector<std::string>{"y_node (softmax)"});
    CHECK(coverage_line(coverage, 8).find("left to the host: y_node (softmax)") != std::string::npos);
}

TEST_CASE("half-precision weights are decoded exactly")
{
    onnx::TensorProto proto;
    proto.set_data_type(onnx::TensorProto::FLOAT16);
    proto.add_dims(5);
    for (const int bits : {0x3c00, 0xc000, 0x0001, 0x7bff, 0x8000}) proto.add_int32_data(bits);
    const std::vector<float> expected = {1.0f, -2.0f, 0x1p-24f, 65504.0f, -0.0f};
    CHECK(onnx_detail::decode(proto, "half").floats == expected);
    proto.clear_int32_data();
    proto.set_raw_data(std::string("\x00\x3c\x00\xc0\x01\x00\xff\x7b\x00\x80", 10));
    CHECK(onnx_detail::decode(proto, "half").floats == expected);
}

TEST_CASE("ceil mode and SAME padding put their zeros where ONNX does")
{
    OnnxBuilder builder({1, 1, 1, 4});
    builder.node("MaxPool", {"x"}, "y").with("kernel_shape", {1, 3}).with("strides", {1, 2}).with("ceil_mode", 1);
    builder.output("y");
    CHECK(run(import(builder), {1, 2, 3, 4}) == std::vector<float>{3, 4});
    OnnxBuilder same({1, 1, 1, 4});
    same.floats("w", {1, 1, 1, 2}, {1, 10}).node("Conv", {"x", "w"}, "y").text("auto_pad", "SAME_LOWER").output("y");
    CHECK(run(import(same), {1, 2, 3, 4}) == std::vector<float>{10, 21, 32, 43});
}

TEST_CASE("the trained networks have their layers and every batch-norm folded")
{
    const Network mobilenet = load_network(data_root() + "/dnn/trained/mobilenet_fashion_mnist.onnx", 2);
    CHECK(mobilenet.has_weights);
    CHECK(mobilenet.layers.size() == 19); // input, 15 convs, pool, flatten, fc
    CHECK(mobilenet.find("dw7") > 0);
    CHECK(mobilenet.layers.back().out_shape == Shape4{2, 10, 1, 1});
    const Network resnet = load_network(data_root() + "/dnn/trained/resnet_fashion_mnist.onnx");
    CHECK(resnet.layers.size() == 16);
    CHECK(resnet.layers[static_cast<std::size_t>(resnet.find("block3_add"))].activation == Activation::relu);
}
