// A systolic array with ideal memory takes the textbook's cycles (shared formulas: streaming with skew T + R + C - 2,
// plus R for a load or a drain that is not hidden, per fold).
#include "tests/module/bench.hpp"
#include "tests/unit/sim_networks.hpp"

using namespace heddle;
using namespace heddle::bench;
using namespace heddle::test_networks;

namespace {

struct Gemm {
    int m, n, k;
};

/// Whole folds, partial ones along each dimension and along all, less than one fold, single rows and columns.
const std::vector<Gemm> shapes = {{16, 16, 16}, {32, 32, 32}, {64, 16, 16}, {16, 64, 16}, {16, 16, 64},
                                  {17, 16, 16}, {16, 17, 16}, {16, 16, 17}, {37, 41, 53}, {5, 7, 3},
                                  {1, 1, 1},    {1, 40, 40},  {40, 1, 40},  {40, 40, 1},  {100, 20, 9}};

constexpr int rows = 16, cols = 16;
constexpr int skew = rows + cols - 2; // last PE of the last row starts that much later than the first

} // namespace

TEST_CASE("weight-stationary: every fold takes load R, stream M and skew R + C - 2")
{
    Machine machine(systolic());
    for (const Gemm& g : shapes) {
        CAPTURE(g.m, g.n, g.k);
        const int folds = ceil_div(g.k, rows) * ceil_div(g.n, cols);
        LayerResult r = machine.run(gemm(g.m, g.n, g.k), 1, weight_stationary(rows, cols));
        CHECK(r.array_cycles == folds * (rows + g.m + skew));
        // Each weight is loaded once, used once per pixel; each psum leaves once per fold of the depth.
        CHECK(r.accesses["register_file"]["weights"].fills == g.k * g.n);
        CHECK(r.accesses["register_file"]["weights"].reads == g.m * g.n * g.k);
        CHECK(r.accesses["global_buffer"]["inputs"].reads == g.m * g.k * ceil_div(g.n, cols));
        if (g.k > rows) CHECK(r.accesses["global_buffer"]["psums"].updates == g.m * g.n * ceil_div(g.k, rows));
    }
}

TEST_CASE("input-stationary: every fold takes load R, stream N and skew R + C - 2")
{
    Machine machine(systolic());
    for (const Gemm& g : shapes) {
        CAPTURE(g.m, g.n, g.k);
        const int folds = ceil_div(g.k, rows) * ceil_div(g.m, cols);
        LayerResult r = machine.run(gemm(g.m, g.n, g.k), 1, input_stationary(rows, cols));
        CHECK(r.array_cycles == folds * (rows + g.n + skew));
        CHECK(r.accesses["register_file"]["inputs"].fills == g.k * g.m);
        CHECK(r.accesses["global_buffer"]["weights"].reads == g.n * g.k * ceil_div(g.m, cols));
    }
}

TEST_CASE("output-stationary: every fold takes stream K, skew R + C - 2 and drain R")
{
    Machine machine(systolic());
    for (const Gemm& g : shapes) {
        CAPTURE(g.m, g.n, g.k);
        const int folds = ceil_div(g.m, rows) * ceil_div(g.n, cols);
        LayerResult r = machine.run(gemm(g.m, g.n, g.k), 1, output_stationary(rows, cols));
        CHECK(r.array_cycles == folds * (g.k + skew + rows));
        CHECK(r.accesses["register_file"]["psums"].updates == g.m * g.n * g.k);
        CHECK(r.accesses["register_file"]["psums"].drains == g.m * g.n);
        CHECK(r.accesses["global_buffer"]["inputs"].reads == g.m * g.k * ceil_div(g.n, cols));
        CHECK(r.accesses["global_buffer"]["weights"].reads == g.n * g.k * ceil_div(g.m, rows));
    }
}

TEST_CASE("arrays that are not square pay for their own rows and columns")
{
    Machine tall(systolic(12, 5)), wide(systolic(3, 20));
    for (const Gemm& g : shapes) {
        CAPTURE(g.m, g.n, g.k);
        const Network net = gemm(g.m, g.n, g.k);
        // Load down the 12 rows, or the 3; skew 12 + 5 - 2 = 15, or 3 + 20 - 2 = 21; drain a row a cycle.
        CHECK(tall.run(net, 1, weight_stationary(12, 5)).array_cycles ==
              ceil_div(g.k, 12) * ceil_div(g.n, 5) * (12 + g.m + 15));
        CHECK(wide.run(net, 1, weight_stationary(3, 20)).array_cycles ==
              ceil_div(g.k, 3) * ceil_div(g.n, 20) * (3 + g.m + 21));
        CHECK(tall.run(net, 1, input_stationary(12, 5)).array_cycles ==
              ceil_div(g.k, 12) * ceil_div(g.m, 5) * (12 + g.n + 15));
        CHECK(wide.run(net, 1, output_stationary(3, 20)).array_cycles ==
              ceil_div(g.m, 3) * ceil_div(g.n, 20) * (g.k + 21 + 3));
    }
}

TEST_CASE("a convolution is the GEMM of its flattened window")
{
    Machine machine(systolic());
    // 5 channels 9x7, 3x3 at stride 2 with padding 1 to 20 filters: 5x4 pixels, depth 45. Padding is fed, not read.
    Network net = input_of(1, 5, 9, 7);
    add_conv(net, 0, 20, square(3, 2, 1));
    const int m = 5 * 4, n = 20, k = 45;
    CHECK(machine.run(net, 1, weight_stationary(16, 16)).array_cycles ==
          ceil_div(k, 16) * ceil_div(n, 16) * (16 + m + skew));
    CHECK(machine.run(net, 1, input_stationary(16, 16)).array_cycles ==
          ceil_div(k, 16) * ceil_div(m, 16) * (16 + n + skew));
    CHECK(machine.run(net, 1, output_stationary(16, 16)).array_cycles ==
          ceil_div(m, 16) * ceil_div(n, 16) * (k + skew + 16));
}

TEST_CASE("the order of the folds and cuts of the streamed loop change only what is loaded again")
{
    Machine machine(systolic());
    const int m = 50, n = 33, k = 40; // 3 x 3 folds of weights
    const Network net = gemm(m, n, k);
    Mapping depth_outside = weight_stationary(rows, cols);
    std::swap(depth_outside.levels[0].temporal[0], depth_outside.levels[0].temporal[1]);
    CHECK(machine.run(net, 1, depth_outside).array_cycles == 9 * (16 + m + skew));
    // Pixels cut into passes of 20, 20 and 10 inside a fold: the weights stay, each pass pays its skew.
    Mapping cut = weight_stationary(rows, cols);
    cut.levels[0].temporal.push_back(loop(pixels, 20));
    CHECK(machine.run(net, 1, cut).array_cycles == 9 * (16 + m + 3 * skew));
    // Cut outside the folds: the weights are loaded for every cut again.
    Mapping outside = weight_stationary(rows, cols);
    outside.levels[0].temporal.insert(outside.levels[0].temporal.begin(), loop(pixels, 20));
    CHECK(machine.run(net, 1, outside).array_cycles == 9 * (3 * 16 + m + 3 * skew));
}
