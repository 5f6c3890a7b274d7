#include "dnn/base/error.hpp"
#include "dnn/decompose/cp.hpp"
#include "dnn/decompose/rewrite.hpp"
#include "dnn/decompose/tucker.hpp"
#include "dnn/reference.hpp"
#include "tests/unit/dnn_decompose_layers.hpp"

#include <Eigen/SVD>
#include <catch2/catch.hpp>

using namespace heddle;
using namespace heddle::test;

namespace {

constexpr Method all_methods[] = {Method::svd, Method::jaderberg1, Method::jaderberg2,
                                  Method::cp,  Method::tucker1,    Method::tucker2};

Layer square_conv(int c, int k, int hw, int filter, int stride, int groups = 1, int pad = 1)
{
    Network net;
    Layer input, conv;
    input.out_shape = {1, c, hw, hw};
    conv.name = "conv";
    conv.op = Op::conv;
    conv.inputs = {0};
    conv.window.filter_rows = conv.window.filter_cols = filter;
    conv.window.stride_rows = conv.window.stride_cols = stride;
    conv.window.pad_top = conv.window.pad_bottom = conv.window.pad_left = conv.window.pad_right = pad;
    conv.window.groups = groups;
    conv.out_shape[1] = k;
    net.layers = {input, conv};
    infer_shapes(net);
    return net.layers[1];
}

FloatTensor random_picture(const Shape4& shape, Random& random)
{
    FloatTensor picture(shape);
    for (float& x : picture.data) x = static_cast<float>(random.normal());
    return picture;
}

FloatTensor run_layer(const Layer& layer, const FloatTensor& in)
{
    Network net;
    Layer input;
    input.out_shape = in.shape;
    net.has_weights = true;
    net.layers = {input, layer};
    net.layers[1].inputs = {0};
    infer_shapes(net);
    return run_float(net, in).back();
}

double relative_difference(const FloatTensor& want, const FloatTensor& got)
{
    REQUIRE(want.shape == got.shape);
    double error = 0.0, norm = 0.0;
    for (std::size_t i = 0; i < want.data.size(); ++i) {
        error += std::pow(static_cast<double>(got.data[i]) - want.data[i], 2);
        norm += std::pow(static_cast<double>(want.data[i]), 2);
    }
    return norm > 0.0 ? std::sqrt(error / norm) : std::sqrt(error);
}

Filters random_filters(int k, int c, int r, int s, Random& random)
{
    Filters f{k, c, r, s, Matrix(k, c * r * s)};
    for (Eigen::Index i = 0; i < f.by_output.size(); ++i) f.by_output.data()[i] = random.normal();
    return f;
}

double squared_tail(const Eigen::MatrixXd& matrix, int rank)
{
    const Eigen::JacobiSVD<Eigen::MatrixXd> svd(matrix);
    return svd.singularValues().tail(svd.singularValues().size() - rank).squaredNorm();
}

} // namespace

TEST_CASE("parts at full rank compute what the layer computes")
{
    for (std::uint64_t seed = 0; seed < 40; ++seed) {
        Random random(seed);
        const Layer layer = random_conv(random);
        const FloatTensor in = random_picture(layer.in_shape, random);
        const FloatTensor want = run_layer(layer, in);
        for (const Method method : all_methods) {
            const Decomposition d = decompose_layer(layer, method, largest_ranks(layer, method));
            const std::string name = method_name(method);
            CAPTURE(seed, name, layer.weight_shape(), layer.window.groups);
            CHECK(d.weight_error < 1e-6);
            REQUIRE(relative_difference(want, run_float(parts_network(layer, d), in).back()) <= 1e-5);
        }
    }
}

TEST_CASE("composed parts equal direct convolution with the weights they stand for, bit for bit")
{
    for (std::uint64_t seed = 100; seed < 160; ++seed) {
        Random random(seed);
        Layer layer = random_conv(random, false);
        layer.activation = Activation::none;
        const Method method = all_methods[random.below(method_count)];
        Decomposition d;
        d.method = method;
        d.ranks = random_ranks(layer, method, random);
        for (const Layer& part : part_layers(layer, method, d.ranks)) {
            d.weights.emplace_back(static_cast<std::size_t>(part.weight_words()));
            for (double& x : d.weights.back()) x = static_cast<double>(random.range(-1, 1));
        }
        // Integers whose requantisation changes nothing: (2 a + 1) >> 1 = a.
        QuantizedNetwork q;
        q.net = parts_network(layer, d);
        q.precision = {16, 16, 32, 0};
        for (Layer& part : q.net.layers) {
            QuantizedLayer& words = q.layers.emplace_back();
            words.clamp_lo = -32767;
            words.clamp_hi = 32767;
            if (part.op != Op::conv) continue;
            words.weights = Tensor(part.weight_shape());
            words.weights.data.assign(part.weights.begin(), part.weights.end());
            words.bias.assign(static_cast<std::size_t>(part.out_shape[1]), 0);
            words.requant.assign(static_cast<std::size_t>(part.out_shape[1]), {2, 1});
        }
        Tensor in(layer.in_shape);
        for (std::int16_t& x : in.data) x = static_cast<std::int16_t>(random.range(-1, 1));
        const Tensor got = run_reference(q, in).back();

        const std::vector<double> dense = composed(layer, d);
        const Window& w = layer.window;
        const Shape4 shape = layer.weight_shape();
        const int filters = shape[0] / w.groups;
        const std::string name = method_name(method);
        CAPTURE(seed, name, d.ranks, shape, w.groups);
        REQUIRE(got.shape == layer.out_shape);
        bool equal = true;
        for (int n = 0; n < got.shape[0]; ++n)
            for (int k = 0; k < got.shape[1]; ++k)
                for (int p = 0; p < got.shape[2]; ++p)
                    for (int x = 0; x < got.shape[3]; ++x) {
                        double sum = 0.0;
                        for (int c = 0; c < shape[1]; ++c)
                            for (int r = 0; r < shape[2]; ++r)
                                for (int s = 0; s < shape[3]; ++s) {
                                    const int h = p * w.stride_rows + r * w.dilation_rows - w.pad_top;
                                    const int v = x * w.stride_cols + s * w.dilation_cols - w.pad_left;
                                    if (h < 0 || v < 0 || h >= in.shape[2] || v >= in.shape[3]) continue;
                                    const int word = ((k * shape[1] + c) * shape[2] + r) * shape[3] + s;
                                    sum += dense[static_cast<std::size_t>(word)] *
                                           in.at(n, k / filters * shape[1] + c, h, v);
                                }
                        REQUIRE(std::fabs(sum) < 32767); // the test's numbers are small enough
                        equal = equal && got.at(n, k, p, x) == sum;
                    }
        REQUIRE(equal);
    }
}

TEST_CASE("the error reported is the distance of the parts from the weights")
{
    for (std::uint64_t seed = 200; seed < 225; ++seed) {
        Random random(seed);
        const Layer layer = random_conv(random);
        for (const Method method : all_methods) {
            const Decomposition d = decompose_layer(layer, method, random_ranks(layer, method, random));
            const std::string name = method_name(method);
            CAPTURE(seed, name, d.ranks, layer.weight_shape(), layer.window.groups);
            REQUIRE(d.weight_error == Approx(distance(layer, d)).epsilon(1e-9).margin(1e-9));
        }
    }
}

TEST_CASE("one filter of many: groups that are zero stay zero")
{
    Random random(7);
    Layer layer = square_conv(8, 12, 9, 3, 1, 2);
    layer.weights.assign(static_cast<std::size_t>(layer.weight_words()), 0.0f);
    for (std::size_t i = layer.weights.size() / 2; i < layer.weights.size(); ++i)
        layer.weights[i] = static_cast<float>(random.normal());
    for (const Method method : all_methods) {
        const std::string name = method_name(method);
        CAPTURE(name);
        const Decomposition d = decompose_layer(layer, method, largest_ranks(layer, method));
        REQUIRE(distance(layer, d) < 1e-6);
        const std::vector<double> all = composed(layer, d);
        REQUIRE(std::all_of(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(all.size() / 2),
                            [](double x) { return x == 0.0; }));
    }
}

TEST_CASE("MACs and weights are those of the methods' formulas")
{
    // 256 -> 256, 3x3, 28x28 (784 pixels), padded by 1, stride 1.
    const Layer square = square_conv(256, 256, 28, 3, 1);
    struct Row {
        Method method;
        Ranks ranks;
        std::int64_t macs, words;
    };
    for (const Row& row : {Row{Method::tucker2, {32, 32}, 20'070'400, 25'600}, // (2*256*32 + 32*32*9) * 784
                           Row{Method::cp, {32}, 12'995'584, 16'576},          // 32 * (512 + 6) * 784
                           Row{Method::jaderberg2, {32}, 38'535'168, 49'152},  // 3 * 32 * 512 * 784
                           Row{Method::jaderberg1, {1}, 52'584'448, 67'072},   // (2*3*256 + 256*256) * 784
                           Row{Method::tucker1, {32}, 64'225'280, 81'920}}) {  // 32 * (2304 + 256) * 784
        const std::vector<Layer> parts = part_layers(square, row.method, row.ranks);
        const std::string name = method_name(row.method);
        CAPTURE(name);
        CHECK(total_macs(parts) == row.macs);
        CHECK(total_weight_words(parts) == row.words);
    }
    // 64x56x56 -> 128, stride 2: 64*16 on 56*56, (16*32*9 + 32*128) on 28*28.
    CHECK(total_macs(part_layers(square_conv(64, 128, 56, 3, 2), Method::tucker2, {16, 32})) == 10'035'200);
    // AlexNet's conv2, two groups, 27x27: 2 * (48*25 + 25*59*25 + 59*128) * 729.
    const std::vector<Layer> conv2 = part_layers(square_conv(96, 256, 27, 5, 1, 2, 2), Method::tucker2, {25, 59});
    CHECK(total_macs(conv2) == 66'524'166);
    CHECK(total_weight_words(conv2) == 91'254);
    // With strides apart the first part runs on what it reads: 13x17 -> 5x9 (rows: stride 3, columns: stride 2, 3x3,
    // pad 1).
    Layer layer = square_conv(6, 10, 13, 3, 1);
    layer.in_shape = {2, 6, 13, 17};
    layer.window.stride_rows = 3;
    layer.window.stride_cols = 2;
    layer.out_shape = {2, 10, 5, 9};
    const std::int64_t hw = 2 * 13 * 17, pw = 2 * 5 * 17, pq = 2 * 5 * 9;
    CHECK(total_macs(part_layers(layer, Method::svd, {4})) == pq * 4 * (6 * 9 + 10));
    CHECK(total_macs(part_layers(layer, Method::jaderberg1, {2})) == 3 * 2 * 6 * pw + 3 * 2 * 6 * pq + 2 * 6 * 10 * pq);
    CHECK(total_macs(part_layers(layer, Method::jaderberg2, {4})) == 3 * 4 * 6 * pw + 3 * 4 * 10 * pq);
    CHECK(total_macs(part_layers(layer, Method::cp, {4})) == 4 * 6 * hw + 3 * 4 * pw + 3 * 4 * pq + 4 * 10 * pq);
    CHECK(total_macs(part_layers(layer, Method::tucker2, {4, 5})) == 6 * 4 * hw + (4 * 5 * 9 + 5 * 10) * pq);
    CHECK(total_macs(part_layers(layer, Method::tucker1, {5})) == (6 * 5 * 9 + 5 * 10) * pq);
}

TEST_CASE("SVD and Jaderberg's second scheme lose exactly the tail of the spectrum")
{
    for (std::uint64_t seed = 300; seed < 320; ++seed) {
        Random random(seed);
        Layer layer = random_conv(random);
        layer.window.groups = 1;
        layer.weights.resize(static_cast<std::size_t>(layer.weight_words()));
        for (float& x : layer.weights) x = static_cast<float>(random.normal());
        const Shape4 w = layer.weight_shape();
        Eigen::MatrixXd by_output(w[0], w[1] * w[2] * w[3]), halves(w[1] * w[2], w[0] * w[3]);
        double norm = 0.0;
        for (int k = 0; k < w[0]; ++k)
            for (int c = 0; c < w[1]; ++c)
                for (int r = 0; r < w[2]; ++r)
                    for (int s = 0; s < w[3]; ++s) {
                        const double x =
                            layer.weights[static_cast<std::size_t>(((k * w[1] + c) * w[2] + r) * w[3] + s)];
                        by_output(k, (c * w[2] + r) * w[3] + s) = halves(c * w[2] + r, k * w[3] + s) = x;
                        norm += x * x;
                    }
        for (const Method method : {Method::svd, Method::tucker1, Method::jaderberg2}) {
            const Ranks ranks = random_ranks(layer, method, random);
            const Decomposition d = decompose_layer(layer, method, ranks);
            const double tail = squared_tail(method == Method::jaderberg2 ? halves : by_output, ranks[0]);
            const std::string name = method_name(method);
            CAPTURE(seed, name, ranks, w);
            REQUIRE(std::fabs(std::pow(distance(layer, d), 2) * norm - tail) <= 1e-10 * norm);
            REQUIRE(std::fabs(std::pow(d.weight_error, 2) * norm - tail) <= 1e-10 * norm);
        }
    }
}

TEST_CASE("Tucker's sweeps start from the higher-order SVD and never make the error larger")
{
    for (std::uint64_t seed = 400; seed < 420; ++seed) {
        Random random(seed);
        const Filters f =
            random_filters(static_cast<int>(random.range(4, 24)), static_cast<int>(random.range(4, 24)),
                           static_cast<int>(random.range(1, 4)), static_cast<int>(random.range(1, 4)), random);
        const int rank_in = static_cast<int>(random.range(1, std::min(f.c, f.k * f.taps())));
        const int rank_out = static_cast<int>(random.range(1, std::min(f.k, f.c * f.taps())));
        const TuckerSweeps t = tucker2(f, rank_in, rank_out);
        const double norm = f.by_output.norm();
        const double bound = std::sqrt(squared_tail(f.by_output, rank_out) + squared_tail(by_input(f), rank_in));
        CAPTURE(seed, f.k, f.c, f.r, f.s, rank_in, rank_out, t.errors);
        REQUIRE(t.errors.front() <= bound + 1e-7 * norm);
        for (std::size_t i = 1; i < t.errors.size(); ++i) REQUIRE(t.errors[i] <= t.errors[i - 1] + 1e-7 * norm);
        REQUIRE(t.errors.size() == static_cast<std::size_t>(t.sweeps) + 1);
    }
}

TEST_CASE("alternating least squares never makes the error larger")
{
    for (std::uint64_t seed = 500; seed < 512; ++seed) {
        Random random(seed);
        const Filters f = random_filters(static_cast<int>(random.range(4, 16)), static_cast<int>(random.range(4, 16)),
                                         3, static_cast<int>(random.range(1, 3)), random);
        const int rank = static_cast<int>(random.range(1, 12));
        for (const bool from_svd : {true, false}) {
            CpSweeps sweeps(f, from_svd ? hosvd_start(f, rank, seed) : random_start(f, rank, seed));
            sweeps.run(100);
            const std::vector<double>& errors = sweeps.errors();
            CAPTURE(seed, f.k, f.c, f.s, rank, from_svd);
            for (std::size_t i = 1; i < errors.size(); ++i) REQUIRE(errors[i] <= errors[i - 1] + 1e-11);
            REQUIRE(errors.back() < errors.front());
            // The figure that steers it is the distance.
            const double distance = (f.by_output - compose(sweeps.factors())).norm() / f.by_output.norm();
            REQUIRE(errors.back() == Approx(distance).epsilon(1e-6));
        }
    }
}

TEST_CASE("a planted rank is found")
{
    Random random(600);
    const int k = 20, c = 16, r = 3, s = 3;
    int found = 0;
    for (int i = 0; i < 5; ++i) {
        const Filters f{k, c, r, s, compose(random_start(random_filters(k, c, r, s, random), 3, random.next()))};
        CpSweeps sweeps(f, random_start(f, 3, random.next()));
        sweeps.run(200);
        found += (f.by_output - compose(sweeps.factors())).norm() < 1e-6 * f.by_output.norm();
    }
    CHECK(found >= 4);

    Layer layer = square_conv(c, k, 9, 3, 1);
    const auto plant = [&](Method method, const Ranks& ranks) {
        Decomposition d;
        d.method = method;
        d.ranks = ranks;
        for (const Layer& part : part_layers(layer, method, ranks)) {
            d.weights.emplace_back(static_cast<std::size_t>(part.weight_words()));
            for (double& x : d.weights.back()) x = random.normal();
        }
        const std::vector<double> dense = composed(layer, d);
        layer.weights.assign(dense.begin(), dense.end());
        return decompose_layer(layer, method, ranks).weight_error;
    };
    // Floats in: the planted weights themselves are rounded to 6e-8.
    CHECK(plant(Method::svd, {5}) < 1e-6);
    CHECK(plant(Method::jaderberg2, {4}) < 1e-6);
    CHECK(plant(Method::tucker1, {5}) < 1e-6);
    CHECK(plant(Method::tucker2, {5, 7}) < 1e-6);
    CHECK(plant(Method::cp, {3}) < 1e-6);
    layer = square_conv(1, k, 9, 3, 1);
    found = 0;
    for (int i = 0; i < 5; ++i) found += plant(Method::jaderberg1, {2}) < 1e-6;
    CHECK(found >= 4);
}

TEST_CASE("ranks out of range are refused with layer and numbers")
{
    Layer layer = square_conv(96, 256, 27, 5, 1, 2, 2);
    layer.weights.assign(static_cast<std::size_t>(layer.weight_words()), 1.0f);
    CHECK_THROWS_WITH(check_ranks(layer, Method::tucker2, {0, 5}),
                      "layer conv: tucker2 rank R3 0, expected 1 to 48 (ranks are those of one of its 2 groups)");
    CHECK_THROWS_WITH(check_ranks(layer, Method::tucker2, {25, 129}),
                      "layer conv: tucker2 rank R4 129, expected 1 to 128 (ranks are those of one of its 2 groups)");
    CHECK_THROWS_WITH(check_ranks(layer, Method::cp, {25, 59}), "layer conv: cp has one rank, got 25,59");
    CHECK_THROWS_AS(decompose_layer(layer, Method::jaderberg1, {26}), UserError);
    layer.weights[5] = std::numeric_limits<float>::quiet_NaN();
    CHECK_THROWS_WITH(decompose_layer(layer, Method::tucker2, {2, 2}), "layer conv: weight 5 of 307200 is not finite");
}
