#include "dnn/quantize.hpp"
#include "dnn/reference.hpp"
#include "dnn/synthetic_statistics.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdlib>
#include <numeric>

using namespace heddle;

namespace {

struct Census {
    double zeros = 0.0, saturated = 0.0, largest_zeros = 0.0, least_zeros = 1.0;
    std::int64_t overflows = 0;
};

/// Over the ReLU convs of a synthetic network.
Census census_of(const QuantizedNetwork& q, std::uint64_t seed)
{
    std::vector<std::int64_t> overflows;
    const std::vector<Tensor> out = run_reference(q, synthetic_input(q, seed), &overflows);
    Census census;
    int layers = 0;
    for (std::size_t i = 0; i < out.size(); ++i) {
        const Layer& layer = q.net.layers[i];
        if (layer.op != Op::conv || layer.activation == Activation::none) continue;
        const auto words = static_cast<double>(out[i].data.size());
        const double zeros = static_cast<double>(std::count(out[i].data.begin(), out[i].data.end(), 0)) / words;
        census.zeros += zeros;
        census.largest_zeros = std::max(census.largest_zeros, zeros);
        census.least_zeros = std::min(census.least_zeros, zeros);
        census.saturated +=
            static_cast<double>(std::count(out[i].data.begin(), out[i].data.end(), q.layers[i].clamp_hi)) / words;
        ++layers;
    }
    census.zeros /= layers;
    census.saturated /= layers;
    census.overflows = std::accumulate(overflows.begin(), overflows.end(), std::int64_t{0});
    return census;
}

} // namespace

TEST_CASE("synthetic networks have half zeros behind ReLU, little saturation and no overflow")
{
    const std::string name =
        GENERATE("mobilenet_v1", "mobilenet_v2", "resnet18", "resnet50", "squeezenet1_0", "alexnet");
    const Census census = census_of(synthesize(load_network(name), {}, 3), 3);
    CAPTURE(name);
    CHECK(census.zeros == Approx(0.5).margin(0.05));
    CHECK(census.least_zeros > 0.35);
    CHECK(census.largest_zeros < 0.65);
    CHECK(census.saturated < 0.05);
    CHECK(census.overflows == 0);
}

TEST_CASE("synthetic weights fit every width")
{
    const Precision precision = GENERATE(Precision{4, 8, 32, 0}, Precision{16, 16, 32, 0}, Precision{8, 8, 16, 0},
                                         Precision{8, 8, 20, 4}, Precision{2, 8, 16, 0}, Precision{12, 10, 24, 3});
    const QuantizedNetwork q = synthesize(load_network("mobilenet_v1_0.50_128"), precision, 1);
    const Census census = census_of(q, 1);
    CAPTURE(precision.weight_bits, precision.psum_bits);
    CHECK(census.overflows == 0);
    CHECK(census.zeros == Approx(0.5).margin(0.12));
    const int limit = (1 << (precision.weight_bits - 1)) - 1;
    for (const QuantizedLayer& layer : q.layers)
        for (const std::int16_t w : layer.weights.data) REQUIRE(std::abs(w) <= limit);
}

TEST_CASE("synthesis depends on the seed and the layer only")
{
    const Network net = load_network("tiny");
    const QuantizedNetwork a = synthesize(net, {}, 1), b = synthesize(net, {}, 1), c = synthesize(net, {}, 2);
    CHECK(a.synthetic);
    bool same = true, other = false;
    for (std::size_t i = 0; i < a.layers.size(); ++i) {
        same = same && a.layers[i].weights.data == b.layers[i].weights.data && a.layers[i].bias == b.layers[i].bias;
        other = other || a.layers[i].weights.data != c.layers[i].weights.data;
    }
    CHECK(same);
    CHECK(other);
    CHECK(synthetic_input(a, 1).data == synthetic_input(b, 1).data);
    CHECK(synthetic_input(a, 1).data != synthetic_input(a, 2).data);
    // Two layers of one shape differ.
    const auto& left = a.layers[static_cast<std::size_t>(net.find("conv2"))].weights.data;
    const auto& right = a.layers[static_cast<std::size_t>(net.find("conv3"))].weights.data;
    CHECK_FALSE(std::equal(right.begin(), right.end(), left.begin()));
}

TEST_CASE("weights use their range and look normal")
{
    const QuantizedNetwork q = synthesize(load_network("gemm:1x1000x1000"), {}, 9);
    const std::vector<std::int16_t>& w = q.layers[1].weights.data;
    double sum = 0.0, squares = 0.0;
    for (const std::int16_t x : w) {
        sum += x;
        squares += x * x;
    }
    const double count = static_cast<double>(w.size());
    CHECK(sum / count == Approx(0.0).margin(0.2));
    CHECK(std::sqrt(squares / count) == Approx(0.29 * 127).epsilon(0.01));
    CHECK(*std::max_element(w.begin(), w.end()) > 110);
    const double within =
        static_cast<double>(std::count_if(w.begin(), w.end(), [](int x) { return std::abs(x) <= 36; }));
    CHECK(within / count == Approx(0.68).margin(0.02)); // one deviation
}

TEST_CASE("a rectified normal has the textbook moments")
{
    const ValueModel model{0.0, 1.0, true};
    CHECK(model.mean() == Approx(0.39894228));
    CHECK(model.variance() == Approx(0.5 - 0.15915494));
    const ValueModel shifted{50.0, 1.0, true};
    CHECK(shifted.mean() == Approx(50.0));
    CHECK(shifted.variance() == Approx(1.0));
}
