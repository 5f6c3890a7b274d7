#include "dnn/base/error.hpp"
#include "dnn/network.hpp"

#include <catch2/catch.hpp>
#include <limits>

using namespace heddle;

namespace {

Layer input_of(const Shape4& shape)
{
    Layer layer;
    layer.name = "input";
    layer.out_shape = shape;
    return layer;
}

Layer layer_of(Op op, std::vector<int> inputs, int filter = 1, int stride = 1, int pad = 0)
{
    Layer layer;
    layer.name = "x";
    layer.op = op;
    layer.inputs = std::move(inputs);
    Window& w = layer.window;
    w.filter_rows = w.filter_cols = filter;
    w.stride_rows = w.stride_cols = stride;
    w.pad_top = w.pad_bottom = w.pad_left = w.pad_right = pad;
    if (op == Op::conv) layer.out_shape[1] = 4;
    return layer;
}

std::string error_of(const std::vector<Layer>& layers)
{
    Network net;
    net.layers = layers;
    try {
        infer_shapes(net);
    } catch (const UserError& e) {
        return e.what();
    }
    return "no error";
}

Shape4 shape_of(const std::vector<Layer>& layers)
{
    Network net;
    net.layers = layers;
    infer_shapes(net);
    return net.layers.back().out_shape;
}

const Layer picture = input_of({2, 6, 9, 7});

} // namespace

TEST_CASE("windows give floor((in + pads - extent) / stride) + 1")
{
    CHECK(shape_of({picture, layer_of(Op::conv, {0}, 3, 2, 1)}) == Shape4{2, 4, 5, 4});
    CHECK(shape_of({picture, layer_of(Op::max_pool, {0}, 2, 2, 0)}) == Shape4{2, 6, 4, 3});
    Layer dilated = layer_of(Op::conv, {0}, 3);
    dilated.window.dilation_rows = 3; // extent 7
    dilated.window.pad_bottom = 2;
    CHECK(shape_of({picture, dilated}) == Shape4{2, 4, 5, 5});
}

TEST_CASE("K follows from the weights where it is not given")
{
    Layer conv = layer_of(Op::conv, {0}, 3);
    conv.out_shape[1] = 0;
    conv.weights.assign(5 * 6 * 9, 1.0f);
    CHECK(shape_of({picture, conv})[1] == 5);
    conv.weights.push_back(1.0f);
    CHECK(error_of({picture, conv}) == "layer x: expected 270 weights, got 271");
    conv.weights.pop_back();
    conv.bias = {1.0f};
    CHECK(error_of({picture, conv}) == "layer x: expected 5 biases, got 1");
}

TEST_CASE("concat adds channels, add keeps them, reshape keeps words")
{
    const Layer conv = layer_of(Op::conv, {0});
    CHECK(shape_of({picture, conv, layer_of(Op::concat, {0, 1, 0})}) == Shape4{2, 16, 9, 7});
    CHECK(shape_of({picture, layer_of(Op::add, {0, 0})}) == Shape4{2, 6, 9, 7});
    Layer flat = layer_of(Op::reshape, {0});
    flat.out_shape = {1, 378, 1, 1};
    CHECK(shape_of({picture, flat}) == Shape4{2, 378, 1, 1});
    CHECK(shape_of({picture, layer_of(Op::reshape, {0})}) == Shape4{2, 6, 9, 7});
}

TEST_CASE("every mismatch names the layer")
{
    const Layer conv = layer_of(Op::conv, {0});
    CHECK(error_of({}) == "network : expected at least an input layer");
    CHECK(error_of({picture, layer_of(Op::add, {0})}) == "layer x: expected 2 inputs, got 1");
    CHECK(error_of({picture, layer_of(Op::conv, {0, 0})}) == "layer x: expected 1 input, got 2");
    CHECK(error_of({picture, layer_of(Op::conv, {})}) == "layer x: expected 1 input, got 0");
    CHECK(error_of({picture, layer_of(Op::concat, {})}) == "layer x: expected at least 1 input, got 0");
    CHECK(error_of({picture, layer_of(Op::conv, {1})}) == "layer x: expected inputs that are earlier layers");
    CHECK(error_of({picture, layer_of(Op::conv, {-1})}) == "layer x: expected inputs that are earlier layers");
    CHECK(error_of({picture, picture}) == "layer input: expected one input layer, the first");
    CHECK(error_of({picture, conv, layer_of(Op::add, {0, 1})}) ==
          "layer x: expected two inputs of one shape, got 2x6x9x7 and 2x4x9x7");
    CHECK(error_of({picture, layer_of(Op::conv, {0}, 3), layer_of(Op::concat, {0, 1})}) ==
          "layer x: expected inputs that differ only in channels, got 2x6x9x7 and 2x4x7x5");
    CHECK(error_of({picture, layer_of(Op::conv, {0}, 8)}) ==
          "layer x: window of 8 columns is larger than the padded input of 7");
    CHECK(error_of({picture, layer_of(Op::conv, {0}, 1, 0)}).find("of at least 1") != std::string::npos);
    CHECK(error_of({picture, layer_of(Op::max_pool, {0}, 2, 1, 2)}) ==
          "layer x: padding is so large that a pooling window holds no input word");
    Layer grouped = conv;
    grouped.window.groups = 3;
    CHECK(error_of({picture, grouped}) == "layer x: expected output channels that are a multiple of 3 groups, got 4");
    grouped.window.groups = 4;
    CHECK(error_of({picture, grouped}) == "layer x: expected groups that divide 6 input channels, got 4");
}

TEST_CASE("sizes beyond 2^31 words are refused without overflowing")
{
    constexpr int huge = std::numeric_limits<int>::max();
    CHECK(error_of({input_of({huge, huge, huge, huge})}).find("expected at most 2^31 words") != std::string::npos);
    CHECK(error_of({input_of({1, 1, 1, huge})}) == "no error");
    CHECK(error_of({input_of({0, 1, 1, 1})}).find("expected positive extents") != std::string::npos);
    CHECK(error_of({picture, layer_of(Op::conv, {0}, 3, 1, huge)}).find("2^31") != std::string::npos);
    const Layer wide = input_of({1, 1 << 30, 1, 1});
    CHECK(error_of({wide, layer_of(Op::concat, {0, 0, 0})}).find("2^31") != std::string::npos);
}

TEST_CASE("ceil mode pads so that floor gives PyTorch's sizes")
{
    // {in, filter, stride, pad, PyTorch's output}: the last window must start inside the picture or its leading
    // padding.
    const int cases[][5] = {{109, 3, 2, 0, 54}, {111, 3, 2, 0, 55}, {112, 3, 2, 0, 56},
                            {5, 2, 2, 0, 3},    {4, 2, 2, 0, 2},    {5, 2, 3, 0, 2},
                            {3, 2, 3, 0, 1},    {6, 3, 2, 1, 4},    {3, 2, 2, 1, 2}};
    for (const auto& c : cases) {
        Layer pool = layer_of(Op::max_pool, {0}, c[1], c[2], c[3]);
        apply_ceil_mode(pool.window, c[0], c[0]);
        CAPTURE(c[0], c[1], c[2], c[3]);
        CHECK(shape_of({input_of({1, 1, c[0], c[0]}), pool}) == Shape4{1, 1, c[4], c[4]});
    }
}
