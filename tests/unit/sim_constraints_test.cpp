// Constraint files: read strictly, and the spread they allow is that of a shipped dataflow where they say the same.
#include "sim/constraints.hpp"

#include "dnn/base/error.hpp"
#include "dnn/base/files.hpp"
#include "hw/hardware.hpp"
#include "sim/layer_shape.hpp"
#include "tests/unit/sim_machines.hpp"
#include "tests/unit/sim_networks.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <set>

using namespace heddle;
using namespace heddle::test_networks;

namespace {

LayerShape shape_of(int c, int size, int k, const Window& window)
{
    Network net = input_of(1, c, size, size);
    add_conv(net, 0, k, window);
    return layer_shape(net, 1);
}

std::string with_levels(const std::string& levels)
{
    return "dataflow: mine\nlevels: [" + levels + "]\n";
}

Spread spread_of(const std::string& levels, const LayerShape& shape, const HardwareConfig& hw)
{
    return constrained_spread(parse_constraints(with_levels(levels), "c.yaml"), shape, hw);
}

Mapping whole(const Spread& spread, const LayerShape& shape, int chunk)
{
    return make_mapping("", spread, shape, shape.extent, {}, chunk);
}

std::string error_of(const std::string& text)
{
    try {
        parse_constraints(text, "c.yaml");
    } catch (const UserError& e) {
        return e.what();
    }
    return "no error";
}

} // namespace

TEST_CASE("weight-stationary by constraints is the shipped dataflow")
{
    const HardwareConfig hw = test_machines::tpu();
    const LayerShape shape = shape_of(40, 9, 70, square(3));
    const Spread own = spread_of("{name: glb, temporal: [{loop: K}, {loop: N*P*Q}, {loop: R*S*C}]},"
                                 "{name: array, spatial: [{loop: R*S*C, axis: y}, {loop: K, axis: x}]},"
                                 "{name: rf, temporal: [{loop: N*P*Q}], keep: [weights]}",
                                 shape, hw);
    const Spread shipped = spreads("ws", shape, hw).front();
    CHECK(own.cut == shipped.cut);
    CHECK(own.keep == shipped.keep);
    for (const int chunk : {5, 49}) CHECK(whole(own, shape, chunk) == whole(shipped, shape, chunk));
}

TEST_CASE("output-stationary stripes by the example file are the shipped dataflow")
{
    const HardwareConfig hw = load_hardware("magnet_like");
    const DataflowConstraints c = read_constraints(data_root() + "/tests/data/my_os_lws_constraints.yaml");
    CHECK(c.name == "my_os_lws");
    for (const LayerShape& shape :
         {shape_of(128, 8, 32, square(3, 1, 1)), shape_of(64, 14, 512, square(1)), shape_of(3, 30, 20, square(3, 2))})
        CHECK(whole(constrained_spread(c, shape, hw), shape, 1) ==
              whole(spreads("os_lws", shape, hw).front(), shape, 1));
}

// 16 output columns on no PE axis, 8 lanes of K: a psum entry has 8 words. The stripe takes 8 (at_most), two of them in
// a pass are 128 words, and with 2 rows 256.
TEST_CASE("counts end where the register files of what is kept do")
{
    HardwareConfig hw = load_hardware("magnet_like");
    const LayerShape shape = shape_of(8, 16, 8, square(1));
    const auto counts = [&](int psum_words) {
        hw.array.psums.words = psum_words;
        std::vector<int> n;
        for (const PassLoop& l : spread_of("{name: rf, temporal: [{loop: P}, {loop: Q}], keep: [outputs]},"
                                           "{name: collector, temporal: [{loop: Q, at_most: 8}]},"
                                           "{name: lanes, spatial: [{loop: K}]}",
                                           shape, hw)
                                     .pass)
            n.push_back(l.count);
        return n;
    };
    CHECK(counts(64) == std::vector<int>{8});
    CHECK(counts(127) == std::vector<int>{8});
    CHECK(counts(128) == std::vector<int>{2, 8});
    CHECK(counts(255) == std::vector<int>{2, 8});
    CHECK(counts(256) == std::vector<int>{2, 2, 8}); // P, Q and the stripe
    CHECK(counts(8 * 256) == std::vector<int>{16, 2, 8});
    hw.array.psums.collector_depth = 4;
    CHECK(counts(8 * 256) == std::vector<int>{16, 4, 4});
}

TEST_CASE("PEs come before the loops inside them")
{
    HardwareConfig hw = load_hardware("magnet_like");
    const Spread s = spread_of("{name: array, spatial: [{loop: K, axis: x, at_most: 3}]},"
                               "{name: rf, temporal: [{loop: K}], keep: [weights]},"
                               "{name: lanes, spatial: [{loop: K}]}",
                               shape_of(1, 1, 120, square(1)), hw);
    REQUIRE(s.spatial.size() == 2);
    CHECK(s.spatial[0].count == 3); // of 120 / 8 lanes = 15 steps, 5 each
    CHECK(s.spatial[0].step == 40);
    REQUIRE(s.pass.size() == 1);
    CHECK(s.pass[0].count == 5);
    CHECK(s.pass[0].step == 8);
}

TEST_CASE("constraint files are read strictly")
{
    CHECK(error_of("dataflow: ws\nlevels: []\n") == "c.yaml:1:1: dataflow: expected a name of its own, got \"ws\"");
    CHECK(error_of("levels: []\n").find("dataflow") != std::string::npos);
    CHECK(error_of(with_levels("{name: dram}")).find("name: expected") != std::string::npos);
    CHECK(error_of(with_levels("{name: rf}, {name: rf}")).find("expected each level once") != std::string::npos);
    CHECK(error_of(with_levels("{name: array, spatial: [{loop: H, axis: y}]}")).find("H and W in rf only") !=
          std::string::npos);
    CHECK(error_of(with_levels("{name: array, spatial: [{loop: P}]}")).find("axis") != std::string::npos);
    CHECK(error_of(with_levels("{name: array, temporal: [{loop: P}]}")).find("temporal") != std::string::npos);
    CHECK(error_of(with_levels("{name: rf, temporal: [{loop: P, step: 2}]}")).find("step") != std::string::npos);
    CHECK(error_of(with_levels("{name: rf, temporal: [{loop: P, at_most: 0}]}")).find("at_most: expected") !=
          std::string::npos);
    CHECK(error_of(with_levels("{name: rf, temporal: [{loop: Z}]}")).find("expected dimensions") != std::string::npos);
}

// 4 rows, K of 3 outside C of 8: K first takes 3 of them and leaves C one, 3 * 8 / 3 = 8 steps of 24. K 1 and C 4 take
// 3 * 2 = 6.
TEST_CASE("loops over one side of the array share it in every way")
{
    HardwareConfig hw = test_machines::tpu();
    hw.array.rows = 4;
    const LayerShape shape = shape_of(8, 5, 3, square(1));
    const std::string levels = "{name: array, spatial: [{loop: K, axis: y}, {loop: C, axis: y}]},"
                               "{name: rf, temporal: [{loop: P*Q}], keep: [weights]}";
    const DataflowConstraints c = parse_constraints(with_levels(levels), "c.yaml");
    const std::vector<Spread> all = constrained_spreads(c, shape, hw);
    CHECK(all.front().positions({dim_k}) == 3); // the greedy one
    CHECK(all.front().positions({dim_c}) == 1);
    const auto steps = [](const Spread& s) {
        return ((3 + s.positions({dim_k}) - 1) / s.positions({dim_k})) *
               ((8 + s.positions({dim_c}) - 1) / s.positions({dim_c}));
    };
    int least = steps(all.front());
    CHECK(least == 8);
    for (const Spread& s : all) {
        CHECK(s.positions({dim_k}) * s.positions({dim_c}) <= 4);
        least = std::min(least, steps(s));
    }
    CHECK(least == 6);
}

TEST_CASE("inner loops of a pass leave register files to outer ones")
{
    const HardwareConfig hw = load_hardware("eyeriss");
    const LayerShape shape = shape_of(64, 14, 64, square(3, 1, 1));
    const std::string levels = "{name: array, spatial: [{loop: R, axis: y}, {loop: P, axis: x}]},"
                               "{name: rf, temporal: [{loop: C}, {loop: S}, {loop: K}],"
                               " keep: [weights, inputs, outputs]}";
    const DataflowConstraints c = parse_constraints(with_levels(levels), "c.yaml");
    std::set<std::pair<int, int>> seen; // K and C of a pass
    for (const Spread& s : constrained_spreads(c, shape, hw)) seen.insert({s.quantum({dim_k}), s.quantum({dim_c})});
    CHECK(seen.size() > 3);
    int most_c = 0, most_k = 0;
    for (const auto& [k, channels] : seen) {
        most_k = std::max(most_k, k);
        most_c = std::max(most_c, channels);
    }
    CHECK(most_k > 1);
    CHECK(most_c > 1);
}
