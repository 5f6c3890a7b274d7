#include "dnn/accuracy.hpp"
#include "dnn/base/error.hpp"
#include "dnn/base/files.hpp"
#include "dnn/decompose/decompose.hpp"
#include "dnn/decompose/groups.hpp"
#include "dnn/decompose/rewrite.hpp"
#include "dnn/onnx/onnx_write.hpp"
#include "dnn/quantize_scales.hpp"
#include "dnn/reference.hpp"
#include "tests/unit/dnn_decompose_layers.hpp"
#include "tests/unit/dnn_network_difference.hpp"

#include <catch2/catch.hpp>
#include <filesystem>
#include <unistd.h>

using namespace heddle;
using namespace heddle::test;

namespace {

Network resnet()
{
    return load_network(data_root() + "/dnn/trained/resnet_fashion_mnist.onnx");
}

std::vector<FloatTensor> pictures(const Network& net, int count)
{
    std::vector<FloatTensor> all;
    Random random(5);
    for (int i = 0; i < count; ++i) {
        FloatTensor& picture = all.emplace_back(net.layers[0].out_shape);
        for (float& x : picture.data) x = static_cast<float>(random.unit());
    }
    return all;
}

DecomposeRequest request(std::vector<Method> methods, RankRule::Kind kind, double share = 1.0)
{
    DecomposeRequest r;
    r.methods = std::move(methods);
    r.rule.kind = kind;
    r.rule.share = share;
    return r;
}

std::int64_t parameters(const Network& net)
{
    std::int64_t sum = 0;
    for (const Layer& layer : net.layers) sum += static_cast<std::int64_t>(layer.weights.size() + layer.bias.size());
    return sum;
}

double distance(const FloatTensor& want, const FloatTensor& got)
{
    REQUIRE(want.shape == got.shape);
    double error = 0.0, norm = 0.0;
    for (std::size_t i = 0; i < want.data.size(); ++i) {
        error += std::pow(static_cast<double>(got.data[i]) - want.data[i], 2);
        norm += std::pow(static_cast<double>(want.data[i]), 2);
    }
    return std::sqrt(error / norm);
}

std::vector<float> reach(const FloatTensor& map)
{
    std::vector<float> largest(static_cast<std::size_t>(map.shape[1]), 0.0f);
    for (int n = 0; n < map.shape[0]; ++n)
        for (int c = 0; c < map.shape[1]; ++c)
            for (int h = 0; h < map.shape[2]; ++h)
                for (int w = 0; w < map.shape[3]; ++w) {
                    float& channel = largest[static_cast<std::size_t>(c)];
                    channel = std::max(channel, std::fabs(map.at(n, c, h, w)));
                }
    return largest;
}

/// A fully connected layer behind a flatten, as AlexNet's fc6, and a depthwise and a grouped convolution before it.
Network mixed()
{
    Network net;
    net.name = "mixed";
    net.has_weights = true;
    const auto add = [&](const char* name, Op op, int k, int filter, int pad, int groups) {
        Layer layer;
        layer.name = name;
        layer.op = op;
        layer.inputs = {static_cast<int>(net.layers.size()) - 1};
        layer.out_shape[1] = k;
        layer.window.filter_rows = layer.window.filter_cols = filter;
        layer.window.pad_top = layer.window.pad_bottom = layer.window.pad_left = layer.window.pad_right = pad;
        layer.window.groups = groups;
        net.layers.push_back(layer);
    };
    Layer input;
    input.name = "input";
    input.out_shape = {1, 3, 6, 6};
    net.layers.push_back(input);
    add("first", Op::conv, 12, 3, 1, 1);
    add("dw", Op::conv, 12, 3, 1, 12);
    add("grouped", Op::conv, 16, 3, 1, 2);
    net.layers.back().activation = Activation::relu;
    add("point", Op::conv, 10, 1, 0, 1);
    add("flat", Op::reshape, 0, 1, 0, 1);
    add("fc", Op::conv, 14, 6, 0, 1);
    net.layers.back().fully_connected = true;
    add("last", Op::conv, 5, 1, 0, 1);
    net.layers.back().fully_connected = true;
    infer_shapes(net);
    Random random(8);
    for (Layer& layer : net.layers) {
        if (layer.op != Op::conv) continue;
        layer.weights.resize(static_cast<std::size_t>(layer.weight_words()));
        for (float& x : layer.weights) x = static_cast<float>(random.normal());
        layer.bias.resize(static_cast<std::size_t>(layer.out_shape[1]));
        for (float& x : layer.bias) x = static_cast<float>(random.normal());
    }
    return net;
}

std::vector<std::string> names(const Network& net)
{
    std::vector<std::string> all;
    for (const Layer& layer : net.layers) all.push_back(layer.name);
    return all;
}

} // namespace

TEST_CASE("ResNet-8 by Tucker-2: parameters as derived, groups in place")
{
    const Network net = resnet();
    CHECK(parameters(net) == 77'418);
    DecomposeRequest full = request({Method::tucker2}, RankRule::Kind::macs, 1e9);
    const Decomposed whole = decompose(net, full, pictures(net, 1));
    // At full rank a layer gains its two bases, C*C + K*K: 2 * (16^2 + 16^2) + (16^2 + 32^2) + 2 * 32^2 + (32^2 + 64^2)
    // + 2 * 64^2 = 17,664. The first layer (one channel), the 1x1 shortcuts and the classifier stay.
    CHECK(parameters(whole.net) == 77'418 + 17'664);
    CHECK(whole.layers.size() == 6);
    CHECK(whole.kept.size() == 4);
    CHECK(whole.output_error < 1e-4);
    for (const DecomposedLayer& layer : whole.layers) CHECK(layer.output_error < 1e-5);

    const Decomposed vbmf = decompose(net, request({Method::tucker2}, RankRule::Kind::vbmf), pictures(net, 2));
    // An independent implementation of VBMF (numpy) came to the same.
    CHECK(parameters(vbmf.net) == 19'626);
    std::int64_t macs = net.macs();
    for (const DecomposedLayer& layer : vbmf.layers) macs += layer.macs - layer.dense_macs;
    CHECK(vbmf.net.macs() == macs);
    REQUIRE(vbmf.net.groups.size() == 6);
    const Group& group = vbmf.net.groups[1];
    CHECK(group.name == "block1_conv2");
    CHECK(group.method == "tucker2");
    CHECK(group.original.macs() == net.layers[static_cast<std::size_t>(net.find("block1_conv2"))].macs());
    CHECK(vbmf.net.layers[static_cast<std::size_t>(group.parts[1])].name == "block1_conv2/core");
    CHECK(vbmf.net.layers[static_cast<std::size_t>(group.parts[2])].group == 1);
    CHECK(group.output_error == static_cast<float>(vbmf.layers[1].output_error));
    check_groups(vbmf.net);
    DecomposeRequest rounded = request({Method::tucker2}, RankRule::Kind::vbmf);
    rounded.rule.align = 16;
    CHECK(parameters(decompose(net, rounded, pictures(net, 1)).net) == 36'202);
    // Copies of the network keep them.
    check_groups(without_weights(vbmf.net));
    const Network twice = with_batch(vbmf.net, 2);
    check_groups(twice);
    CHECK(twice.groups[1].original.macs() == 2 * group.original.macs());
    CHECK(quantize(vbmf.net, {}, pictures(net, 1)).net.groups.size() == 6);
}

TEST_CASE("every layer gets the first method that fits")
{
    const Network net = mixed();
    const std::vector<FloatTensor> in = pictures(net, 2);
    DecomposeRequest all = request({Method::svd, Method::jaderberg1, Method::tucker1, Method::tucker2, Method::cp},
                                   RankRule::Kind::macs, 1e9);
    const Decomposed d = decompose(net, all, in);
    CHECK(names(d.net) == std::vector<std::string>{"input", "first/rows", "first/cols", "first/out", "dw",
                                                   "grouped/rows", "grouped/cols", "grouped/out", "point/in",
                                                   "point/out", "flat", "fc/in", "fc/out", "last/in", "last/out"});
    CHECK(d.output_error < 1e-4);
    REQUIRE(d.kept.size() == 1);
    CHECK(d.kept[0].first == "dw");
    CHECK(d.net.layers[static_cast<std::size_t>(d.net.find("grouped/rows"))].window.groups == 12);
    CHECK(d.net.layers[static_cast<std::size_t>(d.net.find("fc/out"))].fully_connected);

    // Tucker-2 sees the map that the fully connected layer reads as a vector, so the flatten is gone.
    all.methods = {Method::tucker2, Method::tucker1};
    const Decomposed tucker = decompose(net, all, in);
    CHECK(names(tucker.net) == std::vector<std::string>{"input", "first/in", "first/out", "dw", "grouped/in",
                                                        "grouped/core", "grouped/out", "point", "fc/in", "fc/core",
                                                        "fc/out", "last"});
    CHECK(tucker.output_error < 1e-4);
    const Layer& core = tucker.net.layers[static_cast<std::size_t>(tucker.net.find("fc/core"))];
    CHECK(core.weight_shape() == Shape4{14, 10, 6, 6});
    CHECK_FALSE(core.fully_connected);

    // What is a group already stays one, also when its neighbours are decomposed later.
    DecomposeRequest later = request({Method::svd}, RankRule::Kind::macs, 1e9);
    const Decomposed both = decompose(tucker.net, later, in);
    CHECK(both.net.groups.size() == 5);
    CHECK(both.kept.size() == 9);
    CHECK(both.output_error < 1e-4);
    check_groups(both.net);
    later.layers = {tucker.net.find("fc/core")};
    CHECK_THROWS_WITH(decompose(tucker.net, later, in), "layer fc/core: is part of the decomposed layer fc");
}

TEST_CASE("equalised inner channels reach equally far, and nothing else changes")
{
    const Network net = resnet();
    const std::vector<FloatTensor> in = pictures(net, 3);
    for (const Method method : {Method::tucker2, Method::cp, Method::jaderberg1, Method::jaderberg2}) {
        DecomposeRequest r = request({method}, RankRule::Kind::macs, 0.4);
        r.layers = {net.find("block1_conv2"), net.find("block2_conv1")};
        r.equalise = false;
        const Decomposed plain = decompose(net, r, in);
        Network even = plain.net;
        equalise(even, in);
        std::vector<std::vector<float>> before(even.layers.size()), after(even.layers.size());
        for (const FloatTensor& picture : in) {
            const std::vector<FloatTensor> want = run_float(plain.net, picture), got = run_float(even, picture);
            CHECK(distance(want.back(), got.back()) < 1e-5);
            const auto grow = [](std::vector<float>& to, const std::vector<float>& from) {
                to.resize(from.size(), 0.0f);
                for (std::size_t c = 0; c < from.size(); ++c) to[c] = std::max(to[c], from[c]);
            };
            for (std::size_t i = 0; i < want.size(); ++i) {
                grow(before[i], reach(want[i]));
                grow(after[i], reach(got[i]));
            }
        }
        const std::string name = method_name(method);
        CAPTURE(name);
        for (const Group& group : even.groups)
            for (std::size_t part = 0; part + 1 < group.parts.size(); ++part) {
                const auto i = static_cast<std::size_t>(group.parts[part]);
                const auto spread = [](const std::vector<float>& x) {
                    return *std::max_element(x.begin(), x.end()) / *std::min_element(x.begin(), x.end());
                };
                CHECK(spread(before[i]) > 1.5);
                CHECK(spread(after[i]) < 1.001);
                CHECK(*std::max_element(after[i].begin(), after[i].end()) ==
                      Approx(*std::max_element(before[i].begin(), before[i].end())).epsilon(1e-3));
            }
    }
}

TEST_CASE("the same request gives the same words, another seed others")
{
    const Network net = resnet();
    const std::vector<FloatTensor> in = pictures(net, 1);
    DecomposeRequest r = request({Method::cp}, RankRule::Kind::given);
    r.rule.given = {5};
    r.layers = {net.find("block2_conv1")};
    const Decomposed first = decompose(net, r, in), second = decompose(net, r, in);
    const auto at = static_cast<std::size_t>(r.layers[0]);
    CHECK(first.net.layers[at].weights == second.net.layers[at].weights);
    CHECK(first.layers[0].sweeps == second.layers[0].sweeps);
    CHECK(first.layers[0].sweeps > 0);
}

TEST_CASE("what cannot be decomposed is refused, with the layer")
{
    const Network net = mixed();
    const std::vector<FloatTensor> in = pictures(net, 1);
    DecomposeRequest r = request({Method::tucker2}, RankRule::Kind::given);
    r.rule.given = {2, 2};
    r.layers = {net.find("dw")};
    CHECK_THROWS_WITH(decompose(net, r, in), "layer dw: is depthwise (12 groups of one channel), which has no "
                                             "decomposition here");
    r.layers = {net.find("flat")};
    CHECK_THROWS_AS(decompose(net, r, in), UserError);
    r.layers = {net.find("grouped")};
    r.rule.given = {7, 2};
    CHECK_THROWS_WITH(decompose(net, r, in),
                      "layer grouped: tucker2 rank R3 7, expected 1 to 6 (ranks are those of one "
                      "of its 2 groups)");
    Network broken = net;
    broken.layers[3].weights[17] = std::numeric_limits<float>::infinity();
    r.rule.given = {2, 2};
    CHECK_THROWS_WITH(decompose(broken, r, in), "layer grouped: weight 17 of 864 is not finite");
    CHECK_NOTHROW(decompose(net, r, in));
}

TEST_CASE("groups survive their text, and text that contradicts the layers is refused")
{
    const Network net = mixed();
    const Decomposed d =
        decompose(net, request({Method::tucker2, Method::svd}, RankRule::Kind::macs, 0.7), pictures(net, 1));
    const std::string text = groups_json(d.net);
    Network bare = d.net;
    const auto strip = [](Network& n) {
        n.groups.clear();
        for (Layer& layer : n.layers) layer.group = -1;
    };
    strip(bare);
    read_groups(bare, text);
    REQUIRE(bare.groups.size() == d.net.groups.size());
    for (std::size_t i = 0; i < bare.groups.size(); ++i) {
        const Group &want = d.net.groups[i], &got = bare.groups[i];
        CHECK(got.name == want.name);
        CHECK(got.method == want.method);
        CHECK(got.ranks == want.ranks);
        CHECK(got.parts == want.parts);
        CHECK(got.weight_error == want.weight_error);
        CHECK(got.output_error == want.output_error);
        CHECK(got.original.macs() == want.original.macs());
        CHECK(got.original.inputs == want.original.inputs);
        CHECK(got.original.out_shape == want.original.out_shape);
        CHECK(got.original.activation == want.original.activation);
        CHECK(got.original.fully_connected == want.original.fully_connected);
    }
    CHECK(groups_json(bare) == text);

    const auto refused = [&](const std::string& from, const std::string& to, const std::string& says) {
        std::string changed = text;
        const std::size_t at = changed.find(from);
        REQUIRE(at != std::string::npos);
        changed.replace(at, from.size(), to);
        Network other = d.net;
        strip(other);
        CAPTURE(from, to);
        CHECK_THROWS_WITH(read_groups(other, changed), Catch::Contains(says));
    };
    refused("\"tucker2\"", "\"tucker3\"", "method \"tucker3\": expected one of");
    refused("\"tucker2\"", "\"cp\"", "cp has one rank");
    refused("grouped/core", "grouped/cord", "its part \"grouped/cord\" is no layer of the file");
    refused("\"grouped/core\",", "", "expected 3 parts for tucker2, got 2");
    refused("\"grouped/in\",\"grouped/core\"", "\"grouped/core\",\"grouped/in\"", "");
    refused("\"ranks\":[", "\"ranks\":[1,", "two ranks");
    refused("\"filter\":[3,3]", "\"filter\":[3,1]", "");
    refused("\"pad\":[1,1,1,1]", "\"pad\":[1,1,0,1]", "");
    refused("\"groups\":2", "\"groups\":1", "");
    refused("\"dense_macs\":", "\"dense_macs\":1", "dense_macs");
    refused("\"weight_error\":", "\"weight_error\":-", "expected errors of at least 0");
    refused("\"weight_error\":", "\"weight_err\":", "has no weight_error");
    refused("[{", "[7,{", "JSON objects");
    refused("\"layer\":\"", "\"layer\":\"a\\n", "without control characters");
    refused("}]", "}", "expected a JSON list");
    // Whatever the text, it is read or refused.
    Random random(13);
    int readable = 0;
    for (int i = 0; i < 2000; ++i) {
        std::string changed = text;
        for (std::uint64_t n = random.below(3) + 1; n > 0; --n) {
            const std::size_t at = random.below(changed.size());
            if (random.below(4) == 0)
                changed.erase(at, 1 + random.below(20));
            else
                changed[at] = "0123456789[]{},:\"-.eE tf"[random.below(23)];
        }
        Network other = d.net;
        strip(other);
        CAPTURE(i, changed);
        try {
            read_groups(other, changed);
            check_groups(other);
            ++readable;
        } catch (const UserError& error) {
            REQUIRE_THAT(error.what(), !Catch::Contains("\n"));
        }
    }
    CHECK(readable > 0); // a digit of an error
    // A group whose inner map another layer reads is none.
    Network read_inside = d.net;
    const int inner = read_inside.groups[0].parts[0];
    Layer spy;
    spy.name = "spy";
    spy.op = Op::softmax;
    spy.inputs = {inner};
    read_inside.layers.push_back(spy);
    infer_shapes(read_inside);
    CHECK_THROWS_WITH(check_groups(read_inside), Catch::Contains("is read outside of it"));
    Network biased = d.net;
    biased.layers[static_cast<std::size_t>(inner)].bias.assign(
        static_cast<std::size_t>(biased.layers[static_cast<std::size_t>(inner)].out_shape[1]), 0.5f);
    CHECK_THROWS_WITH(check_groups(biased), Catch::Contains("no bias or activation inside"));
}

TEST_CASE("a decomposed network is written as ONNX and read back with its groups, at any batch")
{
    std::string folder = (std::filesystem::temp_directory_path() / "heddle-decompose-XXXXXX").string();
    REQUIRE(::mkdtemp(folder.data()) != nullptr);
    const std::string file = folder + "/net.onnx";
    const std::vector<std::vector<Method>> lists = {{Method::tucker2, Method::tucker1, Method::svd},
                                                    {Method::cp, Method::tucker1},
                                                    {Method::jaderberg1, Method::svd},
                                                    {Method::jaderberg2}};
    for (const Network& net : {mixed(), resnet()}) {
        const std::vector<FloatTensor> in = pictures(net, 1);
        for (const std::vector<Method>& methods : lists) {
            const Decomposed d = decompose(net, request(methods, RankRule::Kind::macs, 0.6), in);
            const std::string name = net.name + " " + method_name(methods[0]);
            CAPTURE(name);
            write_network_onnx(d.net, file);
            const Network back = read_network_onnx(file, 1);
            CHECK(heddle_test::difference(d.net, back) == "");
            CHECK(run_float(back, in[0]).back().data == run_float(d.net, in[0]).back().data);
            CHECK(heddle_test::difference(with_batch(d.net, 3), read_network_onnx(file, 3)) == "");
        }
    }
    std::filesystem::remove_all(folder);
}
