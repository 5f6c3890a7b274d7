// Bad ONNX files: one line, a UserError, never a crash.
#include "dnn/base/error.hpp"
#include "dnn/base/files.hpp"
#include "dnn/base/random.hpp"
#include "dnn/onnx_import.hpp"
#include "tests/unit/dnn_onnx_builder.hpp"

#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <unistd.h>

namespace {

using namespace heddle;
using heddle_test::OnnxBuilder;
namespace fs = std::filesystem;

Network import(OnnxBuilder& builder)
{
    return onnx_detail::import_model(builder.model(), "test", 0);
}

class TemporaryFile {
public:
    explicit TemporaryFile(const std::string& content)
        : path_((fs::temp_directory_path() / ("heddle_onnx_" + std::to_string(getpid()) + ".onnx")).string())
    {
        std::ofstream(path_, std::ios::binary) << content;
    }
    ~TemporaryFile() { fs::remove(path_); }
    const std::string& path() const { return path_; }

private:
    std::string path_;
};

OnnxBuilder conv_model(const std::vector<std::int64_t>& weight_dims, std::size_t words)
{
    OnnxBuilder builder({1, 2, 4, 4});
    builder.floats("w", weight_dims, std::vector<float>(words, 1)).node("Conv", {"x", "w"}, "y").output("y");
    return builder;
}

} // namespace

TEST_CASE("an unsupported operator is named with its node and what is supported")
{
    OnnxBuilder builder({1, 2, 4, 4});
    builder.node("LSTM", {"x"}, "y").output("y");
    CHECK_THROWS_WITH(import(builder), Catch::Contains("node y_node (LSTM)") && Catch::Contains("Add, AveragePool"));
}

TEST_CASE("weights of the wrong shape are refused")
{
    auto rank = conv_model({2, 2, 3}, 12);
    CHECK_THROWS_WITH(import(rank), Catch::Contains("do not fit"));
    auto channels = conv_model({2, 3, 1, 1}, 6);
    CHECK_THROWS_WITH(import(channels), Catch::Contains("2 input channels"));
    auto short_data = conv_model({2, 2, 3, 3}, 35);
    CHECK_THROWS_WITH(import(short_data), Catch::Contains("holds 35 values, its shape needs 36"));
    auto negative = conv_model({2, -2, 3, 3}, 36);
    CHECK_THROWS_WITH(import(negative), Catch::Contains("negative extent"));
    auto forged = conv_model({1 << 30, 1 << 30, 1 << 30, 1 << 30}, 1);
    CHECK_THROWS_WITH(import(forged), Catch::Contains("2^31"));
    auto too_large = conv_model({2, 2, 5, 5}, 100);
    CHECK_THROWS_WITH(import(too_large), Catch::Contains("larger than the padded input"));
    auto infinite = conv_model({2, 2, 1, 1}, 4);
    infinite.model().mutable_graph()->mutable_initializer(0)->set_float_data(1, INFINITY);
    CHECK_THROWS_WITH(import(infinite), Catch::Contains("not finite"));
}

TEST_CASE("missing, doubly defined and circular values are refused")
{
    OnnxBuilder missing({1, 2, 4, 4});
    missing.node("Conv", {"x", "nowhere"}, "y").output("y");
    CHECK_THROWS_WITH(import(missing), Catch::Contains("value nowhere is read"));
    OnnxBuilder twice({1, 2, 4, 4});
    twice.node("Relu", {"x"}, "y").node("Relu", {"x"}, "y").output("y");
    CHECK_THROWS_WITH(import(twice), Catch::Contains("defined twice"));
    OnnxBuilder cycle({1, 2, 4, 4});
    cycle.node("Add", {"x", "b"}, "a").node("Relu", {"a"}, "b").output("b");
    CHECK_THROWS_WITH(import(cycle), Catch::Contains("cycle"));
    OnnxBuilder computed({1, 2, 1, 1});
    computed.node("Relu", {"x"}, "w").node("Conv", {"x", "w"}, "y").output("y");
    CHECK_THROWS_WITH(import(computed), Catch::Contains("must be a constant"));
}

TEST_CASE("only the batch may be dynamic")
{
    OnnxBuilder builder({1, 2, 4, 4});
    builder.node("Relu", {"x"}, "y").output("y");
    auto* shape =
        builder.model().mutable_graph()->mutable_input(0)->mutable_type()->mutable_tensor_type()->mutable_shape();
    shape->mutable_dim(0)->set_dim_param("batch");
    CHECK(onnx_detail::import_model(builder.model(), "test", 3).layers.back().out_shape == Shape4{3, 2, 4, 4});
    shape->mutable_dim(2)->set_dim_param("height");
    CHECK_THROWS_WITH(import(builder),
                      Catch::Contains("dimension 2 (height) is left open; give the sizes by --input-shape"));
    shape->mutable_dim(2)->set_dim_value(-4);
    CHECK_THROWS_AS(import(builder), UserError);
}

TEST_CASE("external data are read inside the model's folder only, and weights that are left out have no values")
{
    const fs::path folder = fs::temp_directory_path() / ("heddle_external_" + std::to_string(getpid()));
    fs::create_directories(folder / "model");
    const std::vector<float> words{0.5f, -1.0f, 2.0f, 4.0f};
    std::string bytes(4, 'x'); // the tensor begins behind them
    bytes.append(reinterpret_cast<const char*>(words.data()), 16);
    for (const char* name : {"model/w.bin", "outside.bin"}) std::ofstream(folder / name, std::ios::binary) << bytes;
    fs::create_symlink("../outside.bin", folder / "model/link.bin");
    const auto load = [&](const std::vector<std::pair<std::string, std::string>>& entries) {
        auto builder = conv_model({2, 2, 1, 1}, 4);
        auto* tensor = builder.model().mutable_graph()->mutable_initializer(0);
        tensor->clear_float_data();
        tensor->set_data_location(onnx::TensorProto::EXTERNAL);
        for (const auto& [key, value] : entries) {
            auto* entry = tensor->add_external_data();
            entry->set_key(key);
            entry->set_value(value);
        }
        const std::string path = (folder / "model/m.onnx").string();
        std::ofstream(path, std::ios::binary) << builder.model().SerializeAsString();
        return read_network_onnx(path, 0);
    };
    CHECK(load({{"location", "w.bin"}, {"offset", "4"}, {"length", "16"}}).layers[1].weights == words);
    CHECK(load({{"location", "w.bin"}, {"offset", "4"}}).layers[1].weights == words);
    for (const std::string& location : {std::string("../outside.bin"), (folder / "outside.bin").string(),
                                        std::string("link.bin"), std::string("x/../../outside.bin"), std::string()})
        CHECK_THROWS_WITH(load({{"location", location}, {"offset", "4"}, {"length", "16"}}),
                          Catch::Contains("initialiser w: external data") &&
                              Catch::Contains("outside the model's folder, where nothing is read"));
    CHECK_THROWS_WITH(load({{"location", "w.bin"}, {"offset", "8"}, {"length", "16"}}),
                      Catch::Contains("has 20 bytes, expected 16 from byte 8 on"));
    CHECK_THROWS_WITH(load({{"location", "w.bin"}, {"offset", "-4"}}), Catch::Contains("a number of bytes, got -4"));
    CHECK_THROWS_WITH(load({{"location", "w.bin"}}), Catch::Contains("holds 20 bytes, its shape needs 16"));
    const Network bare = load({{"location", "absent.bin"}, {"offset", "0"}, {"length", "16"}});
    CHECK_FALSE(bare.has_weights);
    CHECK(bare.layers[1].weights.empty());
    CHECK(bare.layers[1].out_shape == Shape4{1, 2, 4, 4});
    fs::remove_all(folder);
}

TEST_CASE("files that are no models are refused with their name")
{
    CHECK_THROWS_WITH(read_network_onnx("/no/such/file.onnx", 1), Catch::Contains("/no/such/file.onnx"));
    const TemporaryFile empty("");
    CHECK_THROWS_WITH(read_network_onnx(empty.path(), 1), Catch::Contains("empty"));
    const TemporaryFile text("this is not a protobuf");
    CHECK_THROWS_WITH(read_network_onnx(text.path(), 1), Catch::Contains("not an ONNX model"));
}

TEST_CASE("a file of more than 2 GB is refused without reading it")
{
    const TemporaryFile huge("x");
    fs::resize_file(huge.path(), (std::uintmax_t{1} << 31) + 1); // sparse: takes no space
    CHECK_THROWS_AS(read_network_onnx(huge.path(), 1), UserError);
}

TEST_CASE("truncated and corrupted models give a one-line UserError or a network, never a crash")
{
    const std::string good = read_file(data_root() + "/dnn/trained/resnet_fashion_mnist.onnx");
    const std::uint64_t seed = 7;
    INFO("seed " << seed);
    Random random(seed);
    int refused = 0;
    for (int i = 0; i < 300; ++i) {
        std::string bad = good;
        if (i % 2 == 0) {
            bad.resize(random.below(good.size()));
        } else {
            // The structure sits in the first and last kilobytes; the middle is weights.
            for (int flips = 0; flips < 3; ++flips) {
                const std::size_t at = random.below(4096);
                bad[i % 4 == 1 ? at : bad.size() - 1 - at] ^= static_cast<char>(1u << random.below(8));
            }
        }
        const TemporaryFile file(bad);
        try {
            read_network_onnx(file.path(), 1);
        } catch (const UserError& error) {
            ++refused;
            CHECK(std::string(error.what()).find('\n') == std::string::npos);
        }
    }
    CHECK(refused > 150);
}

TEST_CASE("a BatchNormalization is imported exactly where it is one of inference")
{
    const std::uint64_t seed = 14;
    Random random(seed);
    int accepted = 0;
    for (int round = 0; round < 400; ++round) {
        const std::int64_t opset = random.range(1, 18);
        const int further = random.below(2) == 0 ? 0 : static_cast<int>(random.range(1, 4)); // outputs behind y
        const bool named = random.below(2) == 0;                                             // or "": left out
        const std::int64_t training_mode = opset >= 14 ? random.range(-1, 1) : -1;           // -1: not given
        const std::int64_t is_test = opset < 7 ? random.range(-1, 1) : -1;
        CAPTURE(seed, opset, further, named, training_mode, is_test);
        OnnxBuilder builder({1, 2, 1, 1}, opset);
        for (const char* name : {"gamma", "beta", "mean", "variance"}) builder.floats(name, {2}, {1, 1});
        builder.node("BatchNormalization", {"x", "gamma", "beta", "mean", "variance"}, "y").output("y");
        if (training_mode >= 0) builder.with("training_mode", training_mode);
        if (is_test >= 0) builder.with("is_test", is_test);
        auto* node = builder.model().mutable_graph()->mutable_node(0);
        for (int i = 0; i < further; ++i) node->add_output(named ? "statistics" + std::to_string(i) : "");
        const bool training = (further > 0 && named) || training_mode == 1 || is_test == 0;
        if (training)
            CHECK_THROWS_WITH(import(builder), Catch::Contains("(BatchNormalization): is in training mode (") &&
                                                   Catch::Contains("only inference is supported"));
        else
            CHECK(import(builder).layers.size() == 2);
        accepted += training ? 0 : 1;
    }
    CHECK(accepted > 50);
    CHECK(accepted < 300);
}

TEST_CASE("an input of 8-bit integers is read by a Cast only, since integer arithmetic wraps around")
{
    OnnxBuilder cast({1, 2, 1, 1});
    cast.model().mutable_graph()->mutable_input(0)->mutable_type()->mutable_tensor_type()->set_elem_type(
        onnx::TensorProto::UINT8);
    cast.node("Cast", {"x"}, "f")
        .with("to", std::int64_t{onnx::TensorProto::FLOAT})
        .node("Relu", {"f"}, "y")
        .output("y");
    CHECK(import(cast).layers.size() == 3);
    OnnxBuilder bare({1, 2, 1, 1});
    bare.model().mutable_graph()->mutable_input(0)->mutable_type()->mutable_tensor_type()->set_elem_type(
        onnx::TensorProto::INT8);
    bare.node("Add", {"x", "x"}, "y").output("y");
    CHECK_THROWS_WITH(import(bare), Catch::Contains("of 8-bit integers, which only a Cast may"));
    OnnxBuilder rounds({1, 2, 1, 1});
    rounds.node("Cast", {"x"}, "y").with("to", std::int64_t{onnx::TensorProto::INT32}).output("y");
    CHECK_THROWS_WITH(import(rounds), Catch::Contains("rounds, which is not supported"));
}
