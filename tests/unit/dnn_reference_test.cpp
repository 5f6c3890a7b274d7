#include "dnn/base/random.hpp"
#include "dnn/reference.hpp"
#include "dnn/reference_conv.hpp"
#include "dnn/reference_kernels.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>

using namespace heddle;

namespace {

int pick(Random& random, int lo, int hi)
{
    return static_cast<int>(random.range(lo, hi));
}

void fill(Tensor& tensor, Random& random, int bits)
{
    const int half = 1 << (bits - 1);
    for (std::int16_t& x : tensor.data) x = static_cast<std::int16_t>(random.range(-half, half - 1));
}

/// Input and one layer; weights random over the whole range, so that narrow psums overflow.
QuantizedNetwork random_conv(Random& random, const Precision& precision)
{
    QuantizedNetwork q;
    q.precision = precision;
    Layer input, conv;
    conv.op = Op::conv;
    conv.inputs = {0};
    Window& w = conv.window;
    w.groups = random.below(3) == 0 ? pick(random, 1, 5) : 1;
    const int group_channels = pick(random, 1, 9), group_filters = pick(random, 1, 33);
    w.filter_rows = pick(random, 1, 4);
    w.filter_cols = pick(random, 1, 4);
    w.stride_rows = pick(random, 1, 3);
    w.stride_cols = pick(random, 1, 3);
    w.dilation_rows = pick(random, 1, 2);
    w.dilation_cols = pick(random, 1, 2);
    w.pad_top = pick(random, 0, 3);
    w.pad_bottom = pick(random, 0, 3);
    w.pad_left = pick(random, 0, 3);
    w.pad_right = pick(random, 0, 3);
    input.out_shape = {pick(random, 1, 3), w.groups * group_channels, pick(random, 7, 14), pick(random, 7, 20)};
    conv.out_shape[1] = w.groups * group_filters;
    q.net.layers = {input, conv};
    infer_shapes(q.net);
    q.layers.resize(2);
    QuantizedLayer& layer = q.layers[1];
    layer.weights = Tensor(q.net.layers[1].weight_shape());
    fill(layer.weights, random, precision.weight_bits);
    for (int k = 0; k < q.net.layers[1].out_shape[1]; ++k) {
        layer.bias.push_back(static_cast<std::int32_t>(random.range(-100000, 100000)));
        const int shift = pick(random, 1, 40);
        layer.requant.push_back(
            {static_cast<std::int32_t>(random.range(0, std::int64_t{1} << std::min(shift, 30))), shift});
    }
    layer.clamp_hi = (1 << (precision.input_bits - 1)) - 1;
    layer.clamp_lo = random.below(2) ? 0 : -layer.clamp_hi - 1;
    return q;
}

struct Naive {
    Tensor out;
    std::int64_t overflows = 0;
    std::vector<std::int64_t> peaks;
};

Naive naive_conv(const QuantizedNetwork& net, const Tensor& in)
{
    const Layer& l = net.net.layers[1];
    const QuantizedLayer& q = net.layers[1];
    const Window& w = l.window;
    const int group_channels = l.in_shape[1] / w.groups, group_filters = l.out_shape[1] / w.groups;
    const int ps = net.precision.product_shift;
    const std::int64_t modulus = std::int64_t{1} << net.precision.psum_bits;
    Naive result{Tensor(l.out_shape), 0, std::vector<std::int64_t>(static_cast<std::size_t>(l.out_shape[1]), 0)};
    for (int n = 0; n < l.out_shape[0]; ++n)
        for (int k = 0; k < l.out_shape[1]; ++k)
            for (int p = 0; p < l.out_shape[2]; ++p)
                for (int x = 0; x < l.out_shape[3]; ++x) {
                    std::int64_t sum = 0;
                    for (int c = 0; c < group_channels; ++c)
                        for (int r = 0; r < w.filter_rows; ++r)
                            for (int s = 0; s < w.filter_cols; ++s) {
                                const int h = p * w.stride_rows + r * w.dilation_rows - w.pad_top;
                                const int v = x * w.stride_cols + s * w.dilation_cols - w.pad_left;
                                if (h < 0 || v < 0 || h >= in.shape[2] || v >= in.shape[3]) continue;
                                const std::int64_t product = std::int64_t{q.weights.at(k, c, r, s)} *
                                                             in.at(n, k / group_filters * group_channels + c, h, v);
                                // floor((product + half) / 2^shift), spelt without shifts
                                sum += ps == 0 ? product
                                               : static_cast<std::int64_t>(std::floor(std::ldexp(product, -ps) + 0.5));
                            }
                    std::int64_t wrapped = ((sum % modulus) + modulus) % modulus;
                    if (wrapped >= modulus / 2) wrapped -= modulus;
                    result.overflows += wrapped != sum;
                    const auto i = static_cast<std::size_t>(k);
                    result.peaks[i] = std::max(result.peaks[i], std::abs(sum));
                    result.out.at(n, k, p, x) = static_cast<std::int16_t>(
                        requantize(wrapped + q.bias[i], q.requant[i], q.clamp_lo, q.clamp_hi));
                }
    return result;
}

} // namespace

TEST_CASE("convolutions of random shape and width equal seven plain loops")
{
    const Precision precision =
        GENERATE(Precision{8, 8, 32, 0}, Precision{8, 8, 16, 0}, Precision{4, 8, 18, 0}, Precision{16, 16, 32, 0},
                 Precision{16, 16, 24, 9}, Precision{8, 8, 20, 3}, Precision{2, 2, 16, 0}, Precision{16, 2, 32, 1});
    std::int64_t overflows = 0;
    for (std::uint64_t seed = 0; seed < 60; ++seed) {
        Random random(derive_seed(seed, static_cast<std::uint64_t>(precision.weight_bits + precision.psum_bits)));
        const QuantizedNetwork net = random_conv(random, precision);
        Tensor in(net.net.layers[0].out_shape);
        fill(in, random, precision.input_bits);
        if (seed == 0) { // the one pair of operands whose pairwise sum leaves 32 bits
            const int lowest = -(1 << (precision.input_bits - 1));
            std::fill(in.data.begin(), in.data.end(), static_cast<std::int16_t>(lowest));
        }
        const Naive expected = naive_conv(net, in);
        std::int64_t counted = -1;
        const Tensor out = reference_layer(net, 1, {&in}, &counted);
        CAPTURE(seed, net.net.layers[1].out_shape, net.net.layers[1].window.groups);
        REQUIRE(out.shape == expected.out.shape);
        REQUIRE(out.data == expected.out.data);
        REQUIRE(counted == expected.overflows);
        REQUIRE(psum_peaks(net.net.layers[1], net.layers[1], precision, in) == expected.peaks);
        overflows += counted;
    }
    if (precision.psum_bits == 16 && precision.weight_bits == 8) CHECK(overflows > 0);
    if (precision.psum_bits == 32 && precision.weight_bits == 8) CHECK(overflows == 0);
}

TEST_CASE("extreme 16-bit operands stay exact")
{
    Random random(1);
    QuantizedNetwork net = random_conv(random, {16, 16, 32, 0});
    std::fill(net.layers[1].weights.data.begin(), net.layers[1].weights.data.end(), std::int16_t{-32768});
    Tensor in(net.net.layers[0].out_shape);
    std::fill(in.data.begin(), in.data.end(), std::int16_t{-32768});
    const Naive expected = naive_conv(net, in);
    std::int64_t counted = 0;
    CHECK(reference_layer(net, 1, {&in}, &counted).data == expected.out.data);
    CHECK(counted == expected.overflows);
    CHECK(counted > 0);
}

TEST_CASE("every instruction set gives the same bits")
{
    int count = 0;
    const ReferenceKernels* const* sets = runnable_reference_kernels(count);
    REQUIRE(count >= 1);
    Random random(3);
    for (int taps : {1, 2, 7, 64, 129})
        for (int pixels : {1, 4, 5, 16, 17, 33, 63, 64})
            for (int filters : {1, 5, 6, 24}) {
                std::vector<std::int16_t> w(static_cast<std::size_t>(filters * taps));
                for (auto& x : w) x = static_cast<std::int16_t>(random.range(-2000, 2000));
                std::vector<std::int32_t> x(static_cast<std::size_t>((taps + 1) / 2 * tile_pixels));
                for (auto& word : x) {
                    const auto half = [&] { return static_cast<std::uint16_t>(random.range(-2000, 2000)); };
                    word = static_cast<std::int32_t>(static_cast<std::uint32_t>(half()) << 16 | half());
                }
                std::vector<float> wf(w.begin(), w.end()), xf(static_cast<std::size_t>(taps * tile_pixels));
                for (auto& v : xf) v = static_cast<float>(random.normal());
                for (int i = 0; i < count; ++i) {
                    CAPTURE(sets[i]->name, taps, pixels, filters);
                    std::vector<std::int32_t> sums(static_cast<std::size_t>(filters * tile_pixels));
                    std::vector<std::int64_t> wide(sums.size());
                    std::vector<float> floats(sums.size());
                    sets[i]->dot(w.data(), filters, taps, x.data(), pixels, sums.data());
                    sets[i]->dot_wide(w.data(), filters, taps, x.data(), pixels, 0, wide.data());
                    sets[i]->dot_float(wf.data(), filters, taps, xf.data(), pixels, floats.data());
                    bool same = true;
                    for (int f = 0; f < filters; ++f)
                        for (int p = 0; p < pixels; ++p) {
                            std::int64_t exact = 0;
                            float real = 0.0f;
                            for (int t = 0; t < taps; ++t) {
                                const std::int32_t pair = x[static_cast<std::size_t>(t / 2 * tile_pixels + p)];
                                const auto operand = static_cast<std::int16_t>(t % 2 ? pair >> 16 : pair);
                                exact += std::int64_t{w[static_cast<std::size_t>(f * taps + t)]} * operand;
                                const volatile float product = wf[static_cast<std::size_t>(f * taps + t)] *
                                                               xf[static_cast<std::size_t>(t * tile_pixels + p)];
                                real += product;
                            }
                            const auto at = static_cast<std::size_t>(f * tile_pixels + p);
                            same = same && sums[at] == exact && wide[at] == exact && floats[at] == real;
                        }
                    REQUIRE(same);
                }
            }
}

TEST_CASE("pools, add, concat, clamp and reshape compute what the contract says")
{
    QuantizedNetwork net;
    Layer input;
    input.out_shape = {1, 1, 3, 3};
    net.net.layers = {input};
    Tensor in({1, 1, 3, 3});
    in.data = {-9, -8, -7, -6, -5, -4, -3, -2, 100};
    const auto run = [&](Layer layer, QuantizedLayer q, std::vector<const Tensor*> inputs) {
        net.net.layers.resize(1);
        net.net.layers.push_back(layer);
        infer_shapes(net.net);
        net.layers = {QuantizedLayer{}, std::move(q)};
        return reference_layer(net, 1, inputs, nullptr).data;
    };
    using Words = std::vector<std::int16_t>;
    Layer layer;
    layer.inputs = {0};
    layer.window.filter_rows = layer.window.filter_cols = 2;
    layer.window.stride_rows = layer.window.stride_cols = 2;
    layer.window.pad_top = layer.window.pad_left = 1;
    QuantizedLayer q;
    q.clamp_lo = -128;
    q.clamp_hi = 90;

    layer.op = Op::max_pool; // padding never wins, not even over negative words
    CHECK(run(layer, q, {&in}) == Words{-9, -7, -3, 90});

    layer.op = Op::avg_pool; // by the number of valid words: 1, 2, 2, 4
    q.requant = {{1 << 10, 10}, {1 << 9, 10}, {1, 10}, {1 << 8, 10}};
    CHECK(run(layer, q, {&in}) == Words{-9, -7, -4, 22}); // -7.5 and -4.5 round up, 89 / 4 = 22.25
    q.requant = {{1 << 8, 10}};
    CHECK(run(layer, q, {&in}) == Words{-2, -4, -2, 22}); // -2.25, -3.75, -2.25

    Layer add;
    add.op = Op::add;
    add.inputs = {0, 0};
    q.requant = {{3, 2}, {1, 2}}; // (3a + b + 2) >> 2
    Tensor other = in;
    std::reverse(other.data.begin(), other.data.end());
    const Words sums = run(add, q, {&in, &other});
    CHECK(sums[0] == 18); // (-27 + 100 + 2) >> 2
    CHECK(sums[1] == -6); // (-24 - 2 + 2) >> 2
    CHECK(sums[8] == 73); // (300 - 9 + 2) >> 2
    q.clamp_hi = 20;
    CHECK(run(add, q, {&in, &other})[8] == 20);

    Layer clamp;
    clamp.op = Op::clamp;
    clamp.inputs = {0};
    q.clamp_lo = -4;
    CHECK(run(clamp, q, {&in}) == Words{-4, -4, -4, -4, -4, -4, -3, -2, 20});

    Layer concat;
    concat.op = Op::concat;
    concat.inputs = {0, 0};
    net.net.layers[0].out_shape = {2, 1, 1, 2};
    Tensor a({2, 1, 1, 2}), b({2, 1, 1, 2});
    a.data = {1, 2, 3, 4};
    b.data = {5, 6, 7, 8};
    CHECK(run(concat, q, {&a, &b}) == Words{1, 2, 5, 6, 3, 4, 7, 8});
}

TEST_CASE("a network's layers run in order and shapes are checked")
{
    const QuantizedNetwork net = synthesize(load_network("tiny", 2), {}, 5);
    const Tensor input = synthetic_input(net, 5);
    std::vector<std::int64_t> overflows;
    const std::vector<Tensor> all = run_reference(net, input, &overflows);
    REQUIRE(all.size() == net.net.layers.size());
    CHECK(overflows.size() == all.size());
    CHECK(all[0].data == input.data);
    for (std::size_t i = 1; i < all.size(); ++i) {
        std::vector<const Tensor*> inputs;
        for (const int from : net.net.layers[i].inputs) inputs.push_back(&all[static_cast<std::size_t>(from)]);
        CHECK(reference_layer(net, static_cast<int>(i), inputs, nullptr).data == all[i].data);
        CHECK(all[i].shape == net.net.layers[i].out_shape);
    }
    CHECK_THROWS(run_reference(net, Tensor({1, 3, 16, 16})));
    CHECK_THROWS(reference_layer(net, 1, {&all[1]}, nullptr));
}
