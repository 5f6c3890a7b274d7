#include "dnn/base/error.hpp"
#include "dnn/base/random.hpp"
#include "dnn/reference.hpp"

#include <catch2/catch.hpp>
#include <cmath>

using namespace heddle;

namespace {

void fill(std::vector<float>& words, std::size_t count, Random& random)
{
    words.resize(count);
    for (float& x : words) x = static_cast<float>(random.normal());
}

Network random_conv(Random& random)
{
    const auto pick = [&](int lo, int hi) { return static_cast<int>(random.range(lo, hi)); };
    Network net;
    net.has_weights = true;
    Layer input, conv;
    conv.op = Op::conv;
    conv.inputs = {0};
    conv.activation = static_cast<Activation>(pick(0, 2));
    Window& w = conv.window;
    w.groups = pick(1, 3);
    w.filter_rows = pick(1, 3);
    w.filter_cols = pick(1, 3);
    w.stride_rows = pick(1, 2);
    w.dilation_cols = pick(1, 2);
    w.pad_top = pick(0, 2);
    w.pad_right = pick(0, 2);
    input.out_shape = {pick(1, 2), w.groups * pick(1, 6), pick(5, 12), pick(5, 20)};
    conv.out_shape[1] = w.groups * pick(1, 9);
    net.layers = {input, conv};
    infer_shapes(net);
    fill(net.layers[1].weights, static_cast<std::size_t>(net.layers[1].weight_words()), random);
    if (pick(0, 1)) fill(net.layers[1].bias, static_cast<std::size_t>(conv.out_shape[1]), random);
    return net;
}

double naive(const Layer& l, const FloatTensor& in, int n, int k, int p, int q)
{
    const Window& w = l.window;
    const int channels = l.in_shape[1] / w.groups, filters = l.out_shape[1] / w.groups;
    double sum = l.bias.empty() ? 0.0 : l.bias[static_cast<std::size_t>(k)];
    std::size_t at = static_cast<std::size_t>(k * channels * w.filter_rows * w.filter_cols);
    for (int c = 0; c < channels; ++c)
        for (int r = 0; r < w.filter_rows; ++r)
            for (int s = 0; s < w.filter_cols; ++s, ++at) {
                const int h = p * w.stride_rows + r * w.dilation_rows - w.pad_top;
                const int x = q * w.stride_cols + s * w.dilation_cols - w.pad_left;
                if (h < 0 || x < 0 || h >= in.shape[2] || x >= in.shape[3]) continue;
                sum += static_cast<double>(l.weights[at]) * in.at(n, k / filters * channels + c, h, x);
            }
    if (l.activation != Activation::none) sum = std::max(sum, 0.0);
    return l.activation == Activation::relu6 ? std::min(sum, 6.0) : sum;
}

} // namespace

TEST_CASE("float convolutions equal plain loops in double")
{
    for (std::uint64_t seed = 0; seed < 60; ++seed) {
        Random random(seed);
        const Network net = random_conv(random);
        FloatTensor in(net.layers[0].out_shape);
        fill(in.data, in.data.size(), random);
        const FloatTensor out = run_float(net, in)[1];
        double worst = 0.0;
        for (int n = 0; n < out.shape[0]; ++n)
            for (int k = 0; k < out.shape[1]; ++k)
                for (int p = 0; p < out.shape[2]; ++p)
                    for (int q = 0; q < out.shape[3]; ++q)
                        worst = std::max(worst, std::fabs(naive(net.layers[1], in, n, k, p, q) - out.at(n, k, p, q)));
        CAPTURE(seed, out.shape);
        REQUIRE(worst < 1e-4);
    }
}

TEST_CASE("float pools, add, concat, clamp and softmax")
{
    Network net;
    net.has_weights = true;
    const auto add_layer = [&](Op op, std::vector<int> inputs) -> Layer& {
        Layer layer;
        layer.op = op;
        layer.inputs = std::move(inputs);
        net.layers.push_back(layer);
        return net.layers.back();
    };
    add_layer(Op::input, {}).out_shape = {1, 1, 2, 2};
    for (const Op op : {Op::max_pool, Op::avg_pool, Op::avg_pool}) {
        Window& w = add_layer(op, {0}).window;
        w.filter_rows = w.filter_cols = 2;
        w.pad_top = w.pad_left = 1;
        w.stride_rows = w.stride_cols = 2;
    }
    net.layers[3].window.count_padding = true;
    add_layer(Op::clamp, {0}).activation = Activation::relu6; // 4
    add_layer(Op::add, {0, 0}).activation = Activation::relu; // 5
    add_layer(Op::concat, {0, 5});                            // 6
    add_layer(Op::softmax, {6});                              // 7
    infer_shapes(net);
    FloatTensor in({1, 1, 2, 2});
    in.data = {-4, 8, -2, 1};
    const std::vector<FloatTensor> out = run_float(net, in);
    using Words = std::vector<float>;
    CHECK(out[1].data == Words{-4});
    CHECK(out[2].data == Words{-4});
    CHECK(out[3].data == Words{-1});
    CHECK(out[4].data == Words{0, 6, 0, 1});
    CHECK(out[5].data == Words{0, 16, 0, 2});
    CHECK(out[6].data == Words{-4, 8, -2, 1, 0, 16, 0, 2});
    CHECK(out[7].data[0] == Approx(1.0 / (1.0 + std::exp(4.0))));
    CHECK(out[7].data[0] + out[7].data[4] == Approx(1.0));
}

TEST_CASE("the float reference refuses what it cannot compute")
{
    Network net = load_network("tiny");
    CHECK_THROWS_AS(run_float(net, FloatTensor({1, 3, 16, 16})), UserError);
    net.has_weights = true;
    CHECK_THROWS_AS(run_float(net, FloatTensor({1, 3, 16, 15})), UserError);
}
