// Maps with stated shares of zeros, and the file that states them.
#include "dnn/base/error.hpp"
#include "dnn/reference.hpp"
#include "sim/zeros.hpp"
#include "tests/unit/sim_networks.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>

using namespace heddle;

namespace {

Network two_convs()
{
    Network net = test_networks::input_of(2, 3, 12, 12);
    test_networks::add_conv(net, 0, 8, test_networks::square(3), "conv1");
    test_networks::add_conv(net, 1, 6, test_networks::square(3), "Conv2");
    for (Layer& l : net.layers)
        if (l.op == Op::conv) l.activation = Activation::relu;
    return net;
}

std::int64_t zeros_of(const Tensor& t)
{
    return std::count(t.data.begin(), t.data.end(), std::int16_t{0});
}

std::string error_of(const std::string& text)
{
    try {
        read_zeros(text, "z.csv", two_convs());
    } catch (const UserError& e) {
        return e.what();
    }
    return "";
}

} // namespace

TEST_CASE("shares of zeros are read by name in either case, without the total")
{
    const auto zeros = read_zeros("# paper\nlayer,x,ifmap_zeros_pct,ofmap_zeros_pct\nCONV1,9,0.01,51\n"
                                  "conv2,9,38.7,\nTotal,9,57,\n",
                                  "z.csv", two_convs());
    REQUIRE(zeros.size() == 2);
    CHECK(zeros.at(1).inputs == Approx(0.0001));
    CHECK(zeros.at(1).outputs == Approx(0.51));
    CHECK(zeros.at(2).inputs == Approx(0.387));
    CHECK(zeros.at(2).outputs < 0);
}

TEST_CASE("errors of a file of zeros name file, line, column, what was expected and found")
{
    const std::string header = "layer,ifmap_zeros_pct,ofmap_zeros_pct\n";
    CHECK(error_of(header + "conv9,1,2\n") ==
          "z.csv:2: layer: expected a conv of test (conv1, Conv2), found \"conv9\"");
    CHECK(error_of(header + "# c\nconv1,x,2\n") ==
          "z.csv:3: ifmap_zeros_pct: expected a number from 0 to 100, found \"x\"");
    CHECK(error_of(header + "conv1,1,101\n") ==
          "z.csv:2: ofmap_zeros_pct: expected a number from 0 to 100, found \"101\"");
    CHECK(error_of(header + "conv1,nan,1\n") ==
          "z.csv:2: ifmap_zeros_pct: expected a number from 0 to 100, found \"nan\"");
    CHECK(error_of(header + "conv1,1\n") == "z.csv:2: expected 3 cells as in the header, found 2");
    CHECK(error_of(header + "conv1,1,2\nCONV1,1,2\n") ==
          "z.csv:3: layer: expected each layer once, found \"CONV1\" again");
    CHECK(error_of("layer,ofmap_zeros_pct\n") ==
          "z.csv:1: expected a column ifmap_zeros_pct, found layer, ofmap_zeros_pct");
    CHECK(error_of(header) == "z.csv: expected a row for a layer, found none");
    CHECK(error_of("") == "z.csv: expected a header with layer, ifmap_zeros_pct, ofmap_zeros_pct, found no line");
}

TEST_CASE("input maps have exactly the stated zeros, output maps those of each channel but for equal sums")
{
    for (const int bits : {8, 16}) {
        Precision precision;
        precision.weight_bits = precision.input_bits = bits;
        precision.product_shift = bits == 16 ? 8 : 0;
        for (const double share : {0.0, 0.387, 0.9, 1.0}) {
            CAPTURE(bits, share);
            QuantizedNetwork net = synthesize(two_convs(), precision, 3);
            const Tensor picture = synthetic_input(net, 3);
            const std::map<int, Tensor> given = apply_zeros(net, picture, {{1, {-1, 0.5}}, {2, {share, share}}}, 3);
            REQUIRE(given.count(1) == 0);
            const Tensor& input = given.at(2);
            CHECK(zeros_of(input) == std::llround(share * static_cast<double>(input.data.size())));
            CHECK(*std::min_element(input.data.begin(), input.data.end()) >= 0); // behind a ReLU
            const std::vector<Tensor> maps = run_reference_slices(net, picture, given, nullptr);
            const std::int64_t inputs = static_cast<std::int64_t>(maps[1].data.size());
            CHECK(std::abs(zeros_of(maps[1]) - inputs / 2) <= inputs / 50);
            if (share == 1.0) continue; // all sums of a channel are equal then
            const double words = static_cast<double>(maps[2].data.size());
            CHECK(std::abs(static_cast<double>(zeros_of(maps[2])) / words - share) < 0.02);
        }
    }
}

TEST_CASE("maps with stated zeros are the seed's")
{
    QuantizedNetwork a = synthesize(two_convs(), {}, 3), b = a, c = a;
    const Tensor picture = synthetic_input(a, 3);
    const std::map<int, ZeroShares> zeros = {{2, {0.4, 0.6}}};
    const auto first = apply_zeros(a, picture, zeros, 3);
    CHECK(apply_zeros(b, picture, zeros, 3).at(2).data == first.at(2).data);
    CHECK(a.layers[2].bias == b.layers[2].bias);
    CHECK(apply_zeros(c, picture, zeros, 4).at(2).data != first.at(2).data);
}

TEST_CASE("outputs without a ReLU cannot be given zeros")
{
    Network plain = two_convs();
    plain.layers[2].activation = Activation::none;
    QuantizedNetwork net = synthesize(plain, {}, 3);
    const Tensor picture = synthetic_input(net, 3);
    CHECK_THROWS_WITH(apply_zeros(net, picture, {{2, {0.4, 0.6}}}, 3),
                      "layer Conv2: expected a ReLU that clips outputs to zero, found none");
}
