#include "dnn/base/error.hpp"
#include "dnn/base/files.hpp"
#include "dnn/decompose/ranks.hpp"
#include "dnn/decompose/vbmf.hpp"
#include "tests/unit/dnn_decompose_layers.hpp"

#include <catch2/catch.hpp>
#include <cstdlib>

using namespace heddle;
using namespace heddle::test;

namespace {

Matrix noise(int rows, int cols, double deviation, Random& random)
{
    Matrix m(rows, cols);
    for (Eigen::Index i = 0; i < m.size(); ++i) m.data()[i] = deviation * random.normal();
    return m;
}

constexpr Method with_spectrum[] = {Method::svd, Method::jaderberg2, Method::tucker1, Method::tucker2};

} // namespace

TEST_CASE("VBMF finds a planted rank at 10 dB and nothing in noise")
{
    int found = 0, silent = 0;
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
        Random random(seed);
        const int rows = static_cast<int>(random.range(24, 48)), cols = static_cast<int>(random.range(60, 160));
        const int rank = static_cast<int>(random.range(1, 5));
        // A product of two normal factors has `rank` times the variance of an entry of the noise: scaled to 10 times.
        const Matrix signal = std::sqrt(10.0 / rank) * noise(rows, rank, 1.0, random) * noise(rank, cols, 1.0, random);
        const double scale = std::pow(10.0, random.range(-4, 4)); // the rank does not depend on it
        const Matrix both = scale * (signal + noise(rows, cols, 1.0, random));
        const bool tall = random.below(2) == 0;
        found += vbmf_rank(tall ? Matrix(both.transpose()) : both) == rank;
        silent += vbmf_rank(noise(rows, cols, scale, random)) == 0;
    }
    INFO("found " << found << ", silent " << silent << " of 200");
    CHECK(found >= 190);
    CHECK(silent == 200);
}

TEST_CASE("VBMF without noise counts the components")
{
    Random random(3);
    CHECK(vbmf_rank(Matrix::Zero(5, 9)) == 0);
    CHECK(vbmf_rank(noise(20, 3, 1.0, random) * noise(3, 70, 1.0, random)) == 3);
}

TEST_CASE("VBMF's threshold is where the paper's approximation puts it")
{
    // tau = 2.5129 sqrt(alpha) is the exact zero at alpha = 1 and close to it below.
    for (const int cols : {16, 40, 144, 1000, 4000}) {
        const double alpha = 16.0 / cols, tau = 2.5129 * std::sqrt(alpha);
        CHECK(vbmf_threshold(16, cols) == Approx((1 + tau) * (1 + alpha / tau)).epsilon(cols == 16 ? 1e-4 : 0.03));
        CHECK(vbmf_threshold(cols, 16) == vbmf_threshold(16, cols));
    }
}

TEST_CASE("VBMF on the shipped ResNet-8 gives the ranks that an independent implementation gave")
{
    // Our own numpy implementation of the same paper, measured once; each within 1.
    struct Row {
        const char* layer;
        int in, out;
    };
    const Network net = load_network(data_root() + "/dnn/trained/resnet_fashion_mnist.onnx");
    RankRule rule; // VBMF
    for (const Row& row : {Row{"block1_conv1", 8, 7}, Row{"block1_conv2", 7, 6}, Row{"block2_conv1", 8, 10},
                           Row{"block2_conv2", 12, 10}, Row{"block3_conv1", 14, 17}, Row{"block3_conv2", 23, 24}}) {
        const int index = net.find(row.layer);
        CAPTURE(row.layer);
        REQUIRE(index > 0);
        const Layer& layer = net.layers[static_cast<std::size_t>(index)];
        rule.align = 1;
        const Ranks ranks = choose_ranks(layer, Method::tucker2, rule, {}).ranks;
        CAPTURE(ranks);
        CHECK(std::abs(ranks[0] - row.in) <= 1);
        CHECK(std::abs(ranks[1] - row.out) <= 1);
        rule.align = 16;
        const Ranks rounded = choose_ranks(layer, Method::tucker2, rule, {}).ranks;
        for (std::size_t i = 0; i < 2; ++i) CHECK(rounded[i] == (ranks[i] + 15) / 16 * 16);
    }
}

TEST_CASE("the energy asked for is kept, with the fewest MACs the spectra allow")
{
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
        Random random(seed);
        Layer layer = random_conv(random);
        for (std::size_t i = 0; i < layer.weights.size(); ++i) // a spectrum that falls off
            layer.weights[i] *= 1.0f / static_cast<float>(1 + i % static_cast<std::size_t>(layer.weight_shape()[1]));
        RankRule rule;
        rule.kind = RankRule::Kind::energy;
        rule.share = 0.3 + 0.7 * random.unit();
        rule.align = static_cast<int>(random.range(1, 3));
        for (const Method method :
             {Method::svd, Method::jaderberg1, Method::jaderberg2, Method::tucker1, Method::tucker2}) {
            const Ranks ranks = choose_ranks(layer, method, rule, {}).ranks;
            const double error = distance(layer, decompose_layer(layer, method, ranks));
            const std::string name = method_name(method);
            CAPTURE(seed, name, rule.share, rule.align, ranks, error, layer.weight_shape());
            CHECK(1.0 - error * error >= rule.share - 1e-9);
            const Ranks largest = largest_ranks(layer, method);
            for (std::size_t i = 0; i < ranks.size(); ++i)
                CHECK((ranks[i] % rule.align == 0 || ranks[i] == largest[i]));
            // Where one matrix decides, the next smaller candidate would not have kept it.
            const int below = (ranks[0] - 1) / rule.align * rule.align;
            if (method == Method::tucker2 || below < 1) continue;
            const double worse = distance(layer, decompose_layer(layer, method, {below}));
            CHECK(1.0 - worse * worse < rule.share + 1e-9);
        }
    }
}

TEST_CASE("a share of the MACs is not exceeded, and not wasted")
{
    for (std::uint64_t seed = 50; seed < 90; ++seed) {
        Random random(seed);
        const Layer layer = random_conv(random);
        RankRule rule;
        rule.kind = RankRule::Kind::macs;
        rule.share = 0.2 + random.unit();
        rule.align = static_cast<int>(random.range(1, 3));
        for (int m = 0; m < method_count; ++m) {
            const auto method = static_cast<Method>(m);
            const ChosenRanks chosen = choose_ranks(layer, method, rule, {});
            const auto macs = [&](const Ranks& ranks) { return total_macs(part_layers(layer, method, ranks)); };
            const double allowed = rule.share * static_cast<double>(layer.macs());
            const std::string name = method_name(method);
            CAPTURE(seed, name, rule.share, rule.align, chosen.ranks, chosen.note);
            CHECK((static_cast<double>(macs(chosen.ranks)) > allowed) == !chosen.note.empty());
            // Any rank could not be one step higher.
            const Ranks largest = largest_ranks(layer, method);
            for (std::size_t i = 0; i < largest.size(); ++i) {
                Ranks higher = chosen.ranks;
                higher[i] = std::min(higher[i] + rule.align, largest[i]);
                if (chosen.ranks[i] < largest[i] && chosen.note.empty() && method != Method::tucker2)
                    CHECK(static_cast<double>(macs(higher)) > allowed);
                if (i == 1 && chosen.ranks[1] < largest[1] && chosen.note.empty())
                    CHECK(static_cast<double>(macs(higher)) > allowed);
            }
        }
    }
}

TEST_CASE("half the MACs by Tucker-2 goes to the sides that need it")
{
    // Inputs of rank 2 and outputs of rank 12: no rank is spent on the input side beyond 2.
    Random random(9);
    Network net;
    Layer input, conv;
    input.out_shape = {1, 16, 8, 8};
    conv.name = "conv";
    conv.op = Op::conv;
    conv.inputs = {0};
    conv.window.filter_rows = conv.window.filter_cols = 3;
    conv.window.pad_top = conv.window.pad_bottom = conv.window.pad_left = conv.window.pad_right = 1;
    conv.out_shape[1] = 16;
    net.layers = {input, conv};
    infer_shapes(net);
    Layer& layer = net.layers[1];
    const Filters f = from_by_input(noise(16, 2, 1.0, random) * noise(2, 16 * 9, 1.0, random), 16, 3, 3);
    layer.weights.assign(f.by_output.data(), f.by_output.data() + f.by_output.size());
    RankRule rule;
    rule.kind = RankRule::Kind::macs;
    rule.share = 0.5;
    const Ranks ranks = choose_ranks(layer, Method::tucker2, rule, {}).ranks;
    CHECK(ranks == Ranks{2, 16}); // 64 * (16*2 + 2*16*9 + 16*16) = 36,864 of 147,456: all outputs fit
}

TEST_CASE("rules that a method cannot follow are refused")
{
    Random random(11);
    Layer layer = random_conv(random);
    RankRule rule;
    CHECK_THROWS_WITH(choose_ranks(layer, Method::cp, rule, {}), "layer conv: VBMF needs one matrix, cp has none");
    CHECK_THROWS_AS(choose_ranks(layer, Method::jaderberg1, rule, {}), UserError);
    rule.kind = RankRule::Kind::energy;
    CHECK_THROWS_AS(choose_ranks(layer, Method::cp, rule, {}), UserError);
    rule.kind = RankRule::Kind::given;
    rule.given = {0};
    for (const Method method : with_spectrum) CHECK_THROWS_AS(choose_ranks(layer, method, rule, {}), UserError);
    rule.given = {1, 1};
    CHECK_THROWS_AS(choose_ranks(layer, Method::svd, rule, {}), UserError);
    rule.given = {1};
    CHECK(choose_ranks(layer, Method::tucker2, rule, {}).ranks == Ranks{1, 1});
    rule.align = 1 << 20;
    CHECK(choose_ranks(layer, Method::tucker2, rule, {}).ranks == largest_ranks(layer, Method::tucker2));
}
