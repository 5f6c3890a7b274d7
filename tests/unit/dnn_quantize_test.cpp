#include "dnn/base/error.hpp"
#include "dnn/base/random.hpp"
#include "dnn/quantize.hpp"
#include "dnn/quantize_histogram.hpp"
#include "dnn/quantize_scales.hpp"
#include "dnn/reference.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <numeric>

using namespace heddle;

namespace {

/// He-normal weights whose channels differ in size, and biases.
Network with_weights(Network net, std::uint64_t seed)
{
    for (std::size_t i = 0; i < net.layers.size(); ++i) {
        Layer& layer = net.layers[i];
        if (layer.op != Op::conv) continue;
        Random random(derive_seed(seed, i));
        layer.weights.resize(static_cast<std::size_t>(layer.weight_words()));
        const std::size_t words = layer.weights.size() / static_cast<std::size_t>(layer.out_shape[1]);
        double deviation = 0.0;
        for (std::size_t w = 0; w < layer.weights.size(); ++w) {
            if (w % words == 0) deviation = std::sqrt(2.0 / static_cast<double>(words)) * (0.5 + random.unit());
            layer.weights[w] = static_cast<float>(deviation * random.normal());
        }
        layer.bias.resize(static_cast<std::size_t>(layer.out_shape[1]));
        for (float& b : layer.bias) b = static_cast<float>(0.1 * random.normal());
    }
    net.has_weights = true;
    return net;
}

std::vector<FloatTensor> pictures(const Network& net, int count, std::uint64_t seed)
{
    std::vector<FloatTensor> list;
    for (int i = 0; i < count; ++i) {
        Random random(derive_seed(seed, static_cast<std::uint64_t>(i)));
        FloatTensor picture(net.layers[0].out_shape);
        for (float& x : picture.data) x = static_cast<float>(random.normal());
        list.push_back(std::move(picture));
    }
    return list;
}

int answer_layer(const Network& net)
{
    return net.layers.back().op == Op::softmax ? net.layers.back().inputs[0] : static_cast<int>(net.layers.size()) - 1;
}

/// Signal to quantisation noise of the answers, in dB.
double quality(const Network& net, const QuantizedNetwork& q, const std::vector<FloatTensor>& inputs)
{
    const auto answer = static_cast<std::size_t>(answer_layer(net));
    double signal = 0.0, noise = 0.0;
    for (const FloatTensor& input : inputs) {
        const FloatTensor real = run_float(net, input)[answer];
        const Tensor integer = run_reference(q, quantize_input(q, input))[answer];
        for (std::size_t i = 0; i < real.data.size(); ++i) {
            const double error = real.data[i] - q.layers[answer].out_scale * integer.data[i];
            signal += static_cast<double>(real.data[i]) * real.data[i];
            noise += error * error;
        }
    }
    return 10.0 * std::log10(signal / noise);
}

std::int64_t overflows_of(const QuantizedNetwork& q, const std::vector<FloatTensor>& inputs)
{
    std::int64_t sum = 0;
    for (const FloatTensor& input : inputs) {
        std::vector<std::int64_t> counts;
        run_reference(q, quantize_input(q, input), &counts);
        sum = std::accumulate(counts.begin(), counts.end(), sum);
    }
    return sum;
}

std::string error_of(const Network& net, const Precision& precision, const std::vector<FloatTensor>& inputs)
{
    try {
        quantize(net, precision, inputs);
    } catch (const UserError& e) {
        return e.what();
    }
    return "no error";
}

} // namespace

TEST_CASE("a fixed-point factor is exact to 30 bits and rounds halves up")
{
    Random random(1);
    for (int i = 0; i < 1000; ++i) {
        const double factor = std::ldexp(0.5 + random.unit(), static_cast<int>(random.range(-30, 20)));
        const Requant q = make_requant(factor);
        REQUIRE(q.shift >= 1);
        REQUIRE(q.shift <= 62);
        REQUIRE(std::fabs(std::ldexp(q.multiplier, -q.shift) / factor - 1.0) < 1e-9);
    }
    CHECK(requantize(3, {1, 1}, -10, 10) == 2);   // 1.5
    CHECK(requantize(-3, {1, 1}, -10, 10) == -1); // -1.5
    CHECK(requantize(1000, {1, 1}, -10, 10) == 10);
    CHECK(make_requant(1e30).multiplier == 0x7fffffff);
    CHECK(make_requant(1e-30).multiplier == 0);
    const std::vector<Requant> pair = make_requant_pair(3.0, 0.001);
    CHECK(pair[0].shift == pair[1].shift);
    CHECK(std::ldexp(pair[1].multiplier, -pair[1].shift) == Approx(0.001));
}

TEST_CASE("scales are shared where data is only handed on, and separate elsewhere")
{
    const Network net = load_network("squeezenet1_1");
    const std::vector<int> groups = scale_groups(net);
    const auto group = [&](const char* name) { return groups[static_cast<std::size_t>(net.find(name))]; };
    CHECK(group("fire2_expand1") == group("fire2_expand3"));
    CHECK(group("fire2_expand1") == group("fire2"));
    CHECK(group("fire3") == group("pool3"));
    CHECK(group("conv1") == group("pool1"));
    CHECK(group("fire2") != group("fire3"));
    CHECK(group("pool10") == group("prob"));
    CHECK(group("conv10") != group("pool10"));
}

TEST_CASE("8-bit quantisation stays close to the float network")
{
    const auto [name, least] = GENERATE(std::pair("tiny", 28.0), std::pair("mobilenet_v1_0.25_64", 18.0),
                                        std::pair("squeezenet1_1_64", 18.0), std::pair("mobilenet_v2_0.25_64", 12.0));
    const Network net = with_weights(load_network(name), 7);
    const QuantizedNetwork q = quantize(net, {}, pictures(net, 4, 1));
    CHECK_FALSE(q.synthetic);
    CHECK(q.net.layers[1].weights.empty());
    const double decibel = quality(net, q, pictures(net, 4, 2));
    CAPTURE(name);
    CHECK(decibel > least);
    Precision wide;
    wide.weight_bits = wide.input_bits = 12;
    CHECK(quality(net, quantize(net, wide, pictures(net, 4, 1)), pictures(net, 4, 2)) > decibel + 6.0);
    CHECK(overflows_of(q, pictures(net, 4, 2)) == 0);
}

TEST_CASE("the parameters keep the contract")
{
    const Network net = with_weights(load_network("tiny"), 3);
    const QuantizedNetwork q = quantize(net, {}, pictures(net, 3, 1));
    const auto layer = [&](const char* name) { return q.layers[static_cast<std::size_t>(q.net.find(name))]; };
    CHECK(layer("left").out_scale == layer("right").out_scale);
    CHECK(layer("pw1").out_scale == layer("pool1").out_scale);
    CHECK(layer("add1").requant.at(0).shift == layer("add1").requant.at(1).shift);
    CHECK(layer("add1").clamp_lo == 0);
    CHECK(layer("conv3").clamp_lo == -127);
    CHECK(layer("pw1").clamp_hi == std::min(127, static_cast<int>(std::lround(6.0 / layer("pw1").out_scale))));
    CHECK(layer("pool2").requant.size() == 1);
    const QuantizedLayer conv = layer("conv2");
    REQUIRE(conv.requant.size() == 16);
    for (int k = 0; k < 16; ++k) { // per channel: the largest weight uses the whole range
        const auto first = conv.weights.data.begin() + k * 144;
        const auto by_size = [](int a, int b) { return std::abs(a) < std::abs(b); };
        CHECK(std::abs(*std::max_element(first, first + 144, by_size)) == 127);
        const Layer& real = net.layers[static_cast<std::size_t>(net.find("conv2"))];
        const double unit = std::ldexp(conv.requant[static_cast<std::size_t>(k)].multiplier,
                                       -conv.requant[static_cast<std::size_t>(k)].shift) *
                            conv.out_scale;
        CHECK(unit * conv.bias[static_cast<std::size_t>(k)] ==
              Approx(real.bias[static_cast<std::size_t>(k)]).margin(unit));
    }
}

TEST_CASE("narrow psums do not overflow on the calibration inputs")
{
    const Precision precision = GENERATE(Precision{8, 8, 20, 0}, Precision{8, 8, 16, 0}, Precision{8, 8, 16, 4},
                                         Precision{16, 16, 32, 0}, Precision{12, 12, 24, 2});
    const Network net = with_weights(load_network("tiny"), 11);
    const std::vector<FloatTensor> inputs = pictures(net, 6, 4);
    const QuantizedNetwork q = quantize(net, precision, inputs);
    CAPTURE(precision.weight_bits, precision.psum_bits, precision.product_shift);
    CHECK(overflows_of(q, inputs) == 0);
    CHECK(quality(net, q, inputs) > 8.0);
}

TEST_CASE("zero channels, zero layers and large biases are harmless")
{
    Network net = with_weights(load_network("tiny"), 5);
    const auto index = static_cast<std::size_t>(net.find("conv2"));
    Layer& conv = net.layers[index];
    std::fill(conv.weights.begin(), conv.weights.begin() + 144, 0.0f);
    conv.bias[0] = 3.0f;
    std::fill(conv.weights.begin() + 144, conv.weights.begin() + 288, 1e-9f);
    conv.bias[1] = 5.0f;
    const std::vector<FloatTensor> inputs = pictures(net, 2, 1);
    CHECK(quality(net, quantize(net, {}, inputs), inputs) > 20.0);
    const QuantizedNetwork q = quantize(net, {}, inputs);
    const Tensor out = run_reference(q, quantize_input(q, inputs[0]))[index];
    CHECK(q.layers[index].out_scale * out.at(0, 0, 1, 1) == Approx(3.0).margin(q.layers[index].out_scale));
    CHECK(q.layers[index].out_scale * out.at(0, 1, 1, 1) == Approx(5.0).margin(q.layers[index].out_scale));
    CHECK(error_of(net, {}, {FloatTensor(net.layers[0].out_shape)}) == "no error");
}

TEST_CASE("average pools that cut windows get one factor per number of valid words")
{
    Network net;
    net.has_weights = true;
    Layer input, pool;
    input.out_shape = {1, 1, 4, 4};
    pool.op = Op::avg_pool;
    pool.inputs = {0};
    pool.window.filter_rows = pool.window.filter_cols = 3;
    pool.window.pad_top = pool.window.pad_left = pool.window.pad_bottom = pool.window.pad_right = 1;
    for (const bool counted : {false, true}) {
        pool.window.count_padding = counted;
        net.layers = {input, pool};
        infer_shapes(net);
        const std::vector<FloatTensor> inputs = pictures(net, 2, 9);
        const QuantizedNetwork q = quantize(net, {}, inputs);
        CHECK(q.layers[1].requant.size() == (counted ? 1 : 9));
        CHECK(quality(net, q, inputs) > 30.0);
    }
}

TEST_CASE("impossible requests are refused")
{
    Network net = with_weights(load_network("tiny"), 5);
    const std::vector<FloatTensor> inputs = pictures(net, 1, 1);
    CHECK(error_of(net, {}, {}) == "network tiny: expected at least one calibration input");
    CHECK(error_of(net, {1, 8, 32, 0}, inputs) == "precision.weight_bits: expected integer from 2 to 16, got 1");
    CHECK(error_of(net, {8, 17, 32, 0}, inputs) == "precision.input_bits: expected integer from 2 to 16, got 17");
    CHECK(error_of(net, {8, 8, 33, 0}, inputs) == "precision.psum_bits: expected integer from 16 to 32, got 33");
    CHECK(error_of(net, {8, 8, 32, -1}, inputs).rfind("precision.product_shift", 0) == 0);
    net.layers[1].bias[0] = NAN;
    CHECK(error_of(net, {}, inputs) == "layer conv1: the float network gives values that are not finite");
    net.has_weights = false;
    CHECK(error_of(net, {}, inputs) == "network tiny: has no weights to compute with");
}

TEST_CASE("the best threshold keeps the range at many levels and cuts outliers at few")
{
    Random random(2);
    FloatTensor tensor({1, 1, 100, 1000});
    for (float& x : tensor.data) x = static_cast<float>(random.normal());
    tensor.data[0] = 40.0f;
    MagnitudeHistogram histogram;
    FloatTensor first({1, 1, 1, 2}); // small values first: the range has to grow
    first.data = {0.001f, 0.0f};
    CHECK(histogram.add(first));
    CHECK(histogram.add(tensor));
    CHECK(histogram.largest() == 40.0);
    CHECK(best_threshold({&histogram}, 32767) == 40.0);
    CHECK(best_threshold({&histogram}, 7) < 10.0);
    MagnitudeHistogram zeros;
    CHECK(zeros.add(FloatTensor({1, 1, 1, 4})));
    CHECK(best_threshold({&zeros}, 127) == 1.0);
}

TEST_CASE("pictures are rounded with the input's scale and cut to its range")
{
    QuantizedNetwork q = synthesize(load_network("gemm:2x1x2"), {}, 1);
    q.layers[0].out_scale = 0.5;
    FloatTensor picture({1, 2, 2, 1});
    picture.data = {0.74f, -0.76f, 1e9f, NAN};
    CHECK(quantize_input(q, picture).data == std::vector<std::int16_t>{1, -2, 127, 0});
    CHECK_THROWS_AS(quantize_input(q, FloatTensor({1, 1, 1, 1})), UserError);
}
