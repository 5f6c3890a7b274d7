#include "dnn/base/error.hpp"
#include "dnn/base/files.hpp"
#include "dnn/network.hpp"

#include <catch2/catch.hpp>
#include <cstdio>
#include <sstream>
#include <unistd.h>

using namespace heddle;

namespace {

using Row = std::vector<std::string>;

std::vector<Row> read_csv(const std::string& name)
{
    std::istringstream text(read_file(data_root() + "/tests/data/networks/" + name + ".csv"));
    std::vector<Row> rows;
    for (std::string line; std::getline(text, line);) {
        if (!line.empty() && line.back() == '\r') line.pop_back();
        if (line.empty() || line[0] == '#') continue;
        Row row;
        std::istringstream cells(line);
        for (std::string cell; std::getline(cells, cell, ',');) row.push_back(cell);
        rows.push_back(row);
    }
    rows.erase(rows.begin()); // titles
    return rows;
}

/// layer,type,C,K,H,W,R,S,stride,pad,groups,P,Q,macs,weights; the reference flattens the inputs of fc.
Row row_of(const Layer& l)
{
    const auto text = [](auto value) { return std::to_string(value); };
    const Window& w = l.window;
    const std::string type = l.fully_connected ? "fc" : l.depthwise() ? "dwconv" : "conv";
    if (l.fully_connected) {
        const int c = l.in_shape[1] * l.in_shape[2] * l.in_shape[3];
        return {l.name,
                type,
                text(c),
                text(l.out_shape[1]),
                "1",
                "1",
                "1",
                "1",
                "1",
                "0",
                "1",
                text(l.out_shape[2]),
                text(l.out_shape[3]),
                text(l.macs()),
                text(l.weight_words())};
    }
    return {l.name,
            type,
            text(l.in_shape[1]),
            text(l.out_shape[1]),
            text(l.in_shape[2]),
            text(l.in_shape[3]),
            text(w.filter_rows),
            text(w.filter_cols),
            text(w.stride_rows),
            text(w.pad_top),
            text(w.groups),
            text(l.out_shape[2]),
            text(l.out_shape[3]),
            text(l.macs()),
            text(l.weight_words())};
}

std::string error_of(const std::string& yaml)
{
    const std::string path = "/tmp/heddle_net_" + std::to_string(::getpid()) + ".yaml";
    write_file_atomically(path, yaml);
    std::string message = "no error";
    try {
        read_network_yaml(path, 1);
    } catch (const UserError& e) {
        message = e.what();
        if (message.rfind(path, 0) == 0) message = message.substr(path.size() + 1);
    }
    std::remove(path.c_str());
    return message;
}

std::string load_error(const std::string& name, int batch = 1)
{
    try {
        load_network(name, batch);
    } catch (const UserError& e) {
        return e.what();
    }
    return "no error";
}

const std::string head = "name: n\ninput: [3, 8, 8]\nlayers:\n";

} // namespace

TEST_CASE("shipped networks match the published layer tables")
{
    const auto [name, table] = GENERATE(
        std::pair("alexnet", "net_alexnet"), std::pair("vgg16", "net_vgg16"),
        std::pair("mobilenet_v1", "net_mobilenet_v1"), std::pair("mobilenet_v1_0.50_128", "net_mobilenet_v1_050_128"),
        std::pair("mobilenet_v2", "net_mobilenet_v2"), std::pair("resnet18", "net_resnet18"),
        std::pair("resnet50", "net_resnet50_v1_5"), std::pair("resnet50_v1", "net_resnet50_v1"));
    const Network net = load_network(name);
    CHECK(net.name == name);
    const std::vector<Row> expected = read_csv(table);
    std::vector<Row> found;
    for (const Layer& layer : net.layers)
        if (layer.op == Op::conv) found.push_back(row_of(layer));
    REQUIRE(found.size() == expected.size());
    for (std::size_t i = 0; i < found.size(); ++i) CHECK(found[i] == expected[i]);
    const std::string short_name = std::string(table).substr(4);
    for (const Row& total : read_csv("net_totals"))
        if (total[0] == short_name) {
            CHECK(std::to_string(net.macs()) == total[2]);
            CHECK(std::to_string(net.weight_words()) == total[3]);
        }
}

TEST_CASE("SqueezeNet's pools round up as in torchvision")
{
    const auto extent = [](const Network& net, const char* layer) {
        return net.layers.at(static_cast<std::size_t>(net.find(layer))).out_shape[2];
    };
    const Network v0 = load_network("squeezenet1_0"), v1 = load_network("squeezenet1_1");
    CHECK(extent(v0, "conv1") == 109);
    CHECK(extent(v0, "pool1") == 54);
    CHECK(extent(v0, "pool4") == 27);
    CHECK(extent(v0, "pool8") == 13);
    CHECK(extent(v1, "conv1") == 111);
    CHECK(extent(v1, "pool1") == 55);
    CHECK(extent(v1, "pool3") == 27);
    CHECK(extent(v1, "pool5") == 13);
    CHECK(v0.weight_words() == 1244448); // torchvision: 1248424 parameters less 3976 biases
    CHECK(v1.weight_words() == 1231552); // 1235496 less 3944
}

TEST_CASE("tiny holds every operator in few MACs")
{
    const Network net = load_network("tiny");
    CHECK(net.macs() < 200000);
    for (const Op op : {Op::conv, Op::max_pool, Op::avg_pool, Op::add, Op::concat, Op::softmax})
        CHECK(std::any_of(net.layers.begin(), net.layers.end(), [&](const Layer& l) { return l.op == op; }));
    CHECK(std::any_of(net.layers.begin(), net.layers.end(), [](const Layer& l) { return l.depthwise(); }));
}

TEST_CASE("width multipliers follow the published networks")
{
    // Torchvision and the papers: MobileNetV2 1.4 has 582 M MACs, MobileNetV1 0.25 has 41 M.
    CHECK(load_network("mobilenet_v2_1.40").macs() == 582195824);
    CHECK(load_network("mobilenet_v1_0.25").macs() == 41030272);
    CHECK(load_network("mobilenet_v1_128").macs() < load_network("mobilenet_v1").macs() / 3 + 1000000);
    const Network half = load_network("mobilenet_v2_0.5");
    CHECK(half.layers[static_cast<std::size_t>(half.find("conv_last"))].out_shape[1] == 1280);
    CHECK(half.layers[static_cast<std::size_t>(half.find("b2_expand"))].out_shape[1] == 48);
}

TEST_CASE("a batch reaches every layer")
{
    const Network one = load_network("tiny"), four = load_network("tiny", 4);
    CHECK(four.macs() == 4 * one.macs());
    CHECK(four.weight_words() == one.weight_words());
    for (const Layer& layer : four.layers) CHECK(layer.out_shape[0] == 4);
}

TEST_CASE("a GEMM is a 1x1 conv over M pixels")
{
    const Network net = load_network("gemm:5x7x11", 2);
    REQUIRE(net.layers.size() == 2);
    CHECK(net.layers[0].out_shape == Shape4{2, 11, 5, 1});
    CHECK(net.layers[1].out_shape == Shape4{2, 7, 5, 1});
    CHECK(net.layers[1].weight_shape() == Shape4{7, 11, 1, 1});
    CHECK(net.layers[1].fully_connected);
    CHECK(net.macs() == 2 * 5 * 7 * 11);
    const std::string wrong = ": expected gemm:MxNxK with three positive integers";
    for (const char* text : {"gemm:", "gemm:1x2", "gemm:1x2x", "gemm:1x2x3x4", "gemm:0x2x3", "gemm:-1x2x3",
                             "gemm:ax2x3", "gemm:1x2x99999999999", "gemm:1 x2x3"})
        CHECK(load_error(text) == "network \"" + std::string(text) + "\"" + wrong);
    CHECK(load_error("gemm:60000x60000x8") ==
          "layer gemm: expected at most 2^31 words in its outputs, got 1x60000x60000x1");
    CHECK(load_error("gemm:8x60000x60000") ==
          "layer gemm: expected at most 2^31 words in its weights, got 60000x60000x1x1");
}

TEST_CASE("unknown names list the shipped ones; batches have limits")
{
    CHECK(load_error("no_such_net").find("alexnet, mobilenet_v1,") != std::string::npos);
    for (const char* name : {"", "mobilenet_v1_", "mobilenet_v1_0.5_", "mobilenet_v1_0_128", "mobilenet_v1_nan_128",
                             "mobilenet_v1_0.5_99999999", "_0.5_128", "mobilenet_v1_-0.5_128", "../x"})
        CHECK(load_error(name).rfind("network \"", 0) == 0);
    CHECK(load_error("tiny", 0) == "batch: expected integer of at least 1, got 0");
    CHECK(load_error("tiny", -1) == "batch: expected integer of at least 1, got -1");
    CHECK(load_error("mobilenet_v1", 1000000000).find("expected at most 2^31 words in its outputs") !=
          std::string::npos);
}

TEST_CASE("mistakes in a network file are reported at their place")
{
    const auto error = [](const std::string& layer) { return error_of(head + "  - {" + layer + "}\n"); };
    CHECK(error("name: a, op: conv, k: 4") == "no error");
    CHECK(error("name: a, op: conv") == "4:5: layers[0].k: missing key, expected integer from 1 to 1048576");
    CHECK(error("name: a, op: conv, k: 4, colour: red").rfind("4:31: layers[0].colour: unknown key", 0) == 0);
    CHECK(error("name: a, op: convolve, k: 4").find("layers[0].op: expected one of conv,") != std::string::npos);
    CHECK(error("name: a, op: conv, k: 4, from: b") ==
          "4:37: layers[0].from: expected the name of an earlier layer, got \"b\"");
    CHECK(error("name: a, op: conv, k: 4, groups: 2") ==
          "4:5: layers[0]: layer a: expected groups that divide 3 input channels, got 2");
    CHECK(error("name: a, op: conv, k: 4, filter: 9") ==
          "4:5: layers[0]: layer a: window of 9 rows is larger than the padded input of 8");
    CHECK(error("name: a, op: conv, k: 4, filter: [1, 2, 3]").find("a list of 2, got a list of 3") !=
          std::string::npos);
    CHECK(error("name: a, op: conv, k: 4, expand: 2").find("expected either k or expand") != std::string::npos);
    CHECK(error("name: a, op: add") == "4:5: layers[0]: layer a: expected 2 inputs, got 1");
    CHECK(error("name: a, op: depthwise").find("filter: missing key") != std::string::npos);
    CHECK(error("name: a, op: max_pool, filter: 2, activation: relu").find("unknown key") != std::string::npos);
    CHECK(error("name: input, op: softmax") == "4:6: layers[0].name: expected a name of its own, got \"input\"");
    CHECK(error("name: a, op: reshape, to: [1, 2, 3]").find("cannot reshape 1x3x8x8 to 1x1x2x3") != std::string::npos);
    CHECK(error_of("name: n\nlayers: []\n").find("input: missing key") != std::string::npos);
    CHECK(error_of("name: n\ninput: [3, 8]\nlayers: []\n").find("expected [channels, height, width]") !=
          std::string::npos);
    CHECK(error_of("name: x\nname: y\n") == "2:1: name: duplicate key");
}

TEST_CASE("a batch norm is folded into its conv and hides it")
{
    const std::string path = "/tmp/heddle_bn_" + std::to_string(::getpid()) + ".yaml";
    const std::string layers = "  - {name: a, op: conv, k: 4}\n  - {name: b, op: batch_norm, activation: relu}\n";
    write_file_atomically(path, head + layers + "  - {name: c, op: conv, from: b, k: 2}\n");
    const Network net = read_network_yaml(path, 1);
    std::remove(path.c_str());
    REQUIRE(net.layers.size() == 3);
    CHECK(net.layers[1].activation == Activation::relu);
    CHECK(net.layers[2].inputs == std::vector<int>{1});
    CHECK(error_of(head + layers + "  - {name: c, op: conv, from: a, k: 2}\n").find("a is folded with b") !=
          std::string::npos);
    CHECK(error_of(head + "  - {name: b, op: batch_norm}\n").find("expected to follow a conv") != std::string::npos);
}

TEST_CASE("folding a batch norm scales weights and shifts the bias")
{
    Layer conv;
    conv.op = Op::conv;
    conv.weights = {1, 2, 3, 4};
    fold_batch_norm(conv, {2, -1}, {10, 20});
    CHECK(conv.weights == std::vector<float>{2, 4, -3, -4});
    CHECK(conv.bias == std::vector<float>{10, 20});
    fold_batch_norm(conv, {2, 3}, {1, 1});
    CHECK(conv.bias == std::vector<float>{21, 61});
}
