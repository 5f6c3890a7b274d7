#include "dnn/accuracy.hpp"
#include "dnn/base/error.hpp"
#include "dnn/base/files.hpp"
#include "dnn/image.hpp"
#include "dnn/reference.hpp"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <unistd.h>

namespace {

using namespace heddle;

const std::string trained = data_root() + "/dnn/trained/";

void check_network(const std::string& file, double least)
{
    const Network net = load_network(trained + file);
    AccuracyOptions options;
    options.limit = 1000;
    const Accuracy got = measure_accuracy(net, read_fashion_mnist("train"), read_fashion_mnist("t10k"), options);
    INFO("float " << got.float_top1() << ", integers " << got.quantised_top1());
    CHECK(got.pictures == 1000);
    CHECK(got.float_top1() >= least);
    CHECK(std::abs(got.float_top1() - got.quantised_top1()) <= 0.005);
    CHECK(got.agreed >= 980);
    CHECK(got.overflows == 0);
}

} // namespace

TEST_CASE("the trained MobileNet keeps its accuracy in 8 bits")
{
    check_network("mobilenet_fashion_mnist.onnx", 0.91);
}

TEST_CASE("the trained ResNet keeps its accuracy in 8 bits")
{
    check_network("resnet_fashion_mnist.onnx", 0.91);
}

TEST_CASE("the trained MobileNet names the committed pictures")
{
    const Network net = load_network(trained + "mobilenet_fashion_mnist.onnx");
    std::ifstream names(trained + "fashion_mnist_labels.txt");
    std::string name;
    int right = 0;
    for (int label = 0; std::getline(names, name); ++label) {
        const FloatTensor picture = read_network_input(trained + "pictures/" + name + "_0.png", {1, 1, 28, 28});
        right += top1(run_float(net, picture).back(), 0) == label;
    }
    CHECK(right >= 9);
}

TEST_CASE("a partial last batch and fewer pictures than a batch are counted right")
{
    const Network net = load_network(trained + "mobilenet_fashion_mnist.onnx");
    const Dataset data = read_fashion_mnist("t10k");
    AccuracyOptions options;
    options.calibration = 32;
    std::int64_t last = 0;
    options.progress = [&](std::int64_t done) { last = done; };
    options.limit = 40;
    const Accuracy forty = measure_accuracy(net, data, data, options);
    CHECK(forty.pictures == 40);
    CHECK(last == 40);
    int correct = 0;
    for (int i = 0; i < 40; ++i) correct += top1(run_float(net, data.pictures(i, 1)).back(), 0) == data.labels[i];
    CHECK(forty.float_correct == correct);
}

TEST_CASE("networks that cannot classify the data set are refused")
{
    const Dataset data = read_fashion_mnist("t10k");
    Network net = load_network(trained + "mobilenet_fashion_mnist.onnx");
    SECTION("without weights")
    {
        net.has_weights = false;
        CHECK_THROWS_WITH(measure_accuracy(net, data, data), Catch::Contains("no weights"));
    }
    SECTION("another input size")
    {
        net.layers[0].out_shape = {1, 1, 32, 32};
        CHECK_THROWS_WITH(measure_accuracy(net, data, data), Catch::Contains("1x28x28"));
    }
    SECTION("too few outputs")
    {
        net.layers.resize(10);
        CHECK_THROWS_WITH(measure_accuracy(net, data, data), Catch::Contains("10 classes"));
    }
}

TEST_CASE("bad data sets are refused by name")
{
    namespace fs = std::filesystem;
    CHECK_THROWS_WITH(read_fashion_mnist("train", "/no/such"), Catch::Contains("dataset-fashion-mnist"));
    const fs::path folder = fs::temp_directory_path() / ("heddle_idx_" + std::to_string(getpid()));
    fs::create_directories(folder);
    const auto write = [&](const char* name, const std::string& content) {
        std::ofstream(folder / name, std::ios::binary) << content;
        return (folder / name).string();
    };
    const std::string pictures = write("p", std::string("\0\0\x08\x03\0\0\0\x02\0\0\0\x01\0\0\0\x01"
                                                        "ab",
                                                        18));
    const std::string labels = write("l", std::string("\0\0\x08\x01\0\0\0\x02\x05\x06", 10));
    const std::string one_label = write("o", std::string("\0\0\x08\x01\0\0\0\x01\x05", 9));
    const std::string cut = write("c", std::string("\0\0\x08\x01\0\0\0\x09\x05", 9));
    CHECK(read_idx_dataset(pictures, labels).labels == std::vector<std::uint8_t>{5, 6});
    CHECK_THROWS_WITH(read_idx_dataset(pictures, one_label), Catch::Contains("2 pictures, but 1 labels"));
    CHECK_THROWS_WITH(read_idx_dataset(pictures, cut), Catch::Contains("truncated"));
    CHECK_THROWS_WITH(read_idx_dataset(labels, labels), Catch::Contains("not an IDX file"));
    fs::remove_all(folder);
}
