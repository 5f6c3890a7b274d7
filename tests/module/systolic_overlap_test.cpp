// How neighbouring passes overlap (design.md §5.6). First steps of consecutive passes are
//     max(stream, min_cycles, hidden load of the next, hidden drain of the previous) + exposed phases + gap_cycles
// apart; the window runs from the first load word or operand to the last result.
#include "tests/module/bench.hpp"

#include <algorithm>
#include <functional>

using namespace heddle;
using namespace heddle::bench;

namespace {

constexpr int rows = 16, cols = 16, skew = rows + cols - 2;

struct Gemm {
    int m, n, k;
};
/// Streams longer than a load or drain of 16, as long, one off either way, and much shorter; one fold, two, many.
const std::vector<Gemm> shapes = {{64, 16, 16}, {64, 48, 32}, {16, 48, 32}, {15, 48, 32}, {17, 48, 32},
                                  {4, 48, 32},  {1, 32, 16},  {20, 33, 41}, {33, 20, 5},  {48, 40, 3}};

HardwareConfig with(const std::function<void(HardwareConfig&)>& change)
{
    HardwareConfig hw = systolic();
    change(hw);
    return hw;
}

int weight_folds(const Gemm& g)
{
    return ceil_div(g.k, rows) * ceil_div(g.n, cols);
}
int output_folds(const Gemm& g)
{
    return ceil_div(g.m, rows) * ceil_div(g.n, cols);
}

} // namespace

TEST_CASE("a hidden load runs behind the previous pass: only the first is seen")
{
    Machine exposed_wave(with([](auto& hw) { hw.passes.load = Overlap::hidden; }));
    Machine chained(with([](auto& hw) {
        hw.passes.load = Overlap::hidden;
        hw.passes.wavefront_chained = true;
    }));
    for (const Gemm& g : shapes) {
        CAPTURE(g.m, g.n, g.k);
        const Network net = gemm(g.m, g.n, g.k);
        const int folds = weight_folds(g), apart = std::max(g.m, rows);
        // Load 16; folds - 1 starts, max(M, 16) (+ skew) apart; the last fold streams and its wavefront leaves.
        CHECK(exposed_wave.run(net, 1, weight_stationary(rows, cols)).array_cycles ==
              rows + (folds - 1) * (apart + skew) + g.m + skew);
        CHECK(chained.run(net, 1, weight_stationary(rows, cols)).array_cycles ==
              rows + (folds - 1) * apart + g.m + skew);
        const int input_folds = ceil_div(g.k, rows) * ceil_div(g.m, cols);
        CHECK(chained.run(net, 1, input_stationary(rows, cols)).array_cycles ==
              rows + (input_folds - 1) * std::max(g.n, rows) + g.n + skew);
    }
}

TEST_CASE("a chained wavefront is paid once, a load that is exposed still every fold")
{
    Machine machine(with([](auto& hw) { hw.passes.wavefront_chained = true; }));
    for (const Gemm& g : shapes) {
        CAPTURE(g.m, g.n, g.k);
        CHECK(machine.run(gemm(g.m, g.n, g.k), 1, weight_stationary(rows, cols)).array_cycles ==
              weight_folds(g) * (rows + g.m) + skew);
        // Output-stationary with an exposed drain: the psums leave when the wavefront has passed, so it is seen too.
        CHECK(machine.run(gemm(g.m, g.n, g.k), 1, output_stationary(rows, cols)).array_cycles ==
              output_folds(g) * (g.k + skew + rows));
    }
}

TEST_CASE("a hidden drain runs behind the next pass and keeps the one after it waiting")
{
    Machine exposed_wave(with([](auto& hw) { hw.passes.drain = Overlap::hidden; }));
    Machine chained(with([](auto& hw) {
        hw.passes.drain = Overlap::hidden;
        hw.passes.wavefront_chained = true;
    }));
    for (const Gemm& g : shapes) {
        CAPTURE(g.m, g.n, g.k);
        const Network net = gemm(g.m, g.n, g.k);
        const int folds = output_folds(g);
        // Starts are K apart after the first pass, behind which nothing drains, and max(K, 16) after the others. The
        // last pass drains 16 from K + skew after its start on, but not before the drain of the pass before it is over:
        // that began when its own wavefront had passed, K + skew after its start, or behind its predecessor in turn.
        const auto expected = [&](int exposed) {
            int start = 0, drained = 0;
            for (int f = 0; f < folds; ++f) {
                if (f > 0) start += (f == 1 ? g.k : std::max(g.k, rows)) + exposed;
                drained = std::max(start + g.k + skew, drained) + rows;
            }
            return drained;
        };
        if (g.m % rows == 0) { // fewer rows than 16 in the last fold leave in fewer beats; see below
            CHECK(exposed_wave.run(net, 1, output_stationary(rows, cols)).array_cycles == expected(skew));
            CHECK(chained.run(net, 1, output_stationary(rows, cols)).array_cycles == expected(0));
        }
    }
}

TEST_CASE("min_cycles and gap_cycles keep the starts of passes apart")
{
    Machine longer(with([](auto& hw) { hw.passes.min_cycles = 100; }));
    Machine gaps(with([](auto& hw) { hw.passes.gap_cycles = 7; }));
    Machine both(with([](auto& hw) { hw.passes = {Overlap::hidden, Overlap::hidden, true, 20, 3, true}; }));
    for (const Gemm& g : shapes) {
        CAPTURE(g.m, g.n, g.k);
        const Network net = gemm(g.m, g.n, g.k);
        const int folds = weight_folds(g);
        // Nothing follows the last pass: it streams what it streams.
        CHECK(longer.run(net, 1, weight_stationary(rows, cols)).array_cycles ==
              (folds - 1) * (rows + std::max(g.m, 100) + skew) + rows + g.m + skew);
        CHECK(gaps.run(net, 1, weight_stationary(rows, cols)).array_cycles ==
              folds * (rows + g.m + skew) + (folds - 1) * 7);
        CHECK(gaps.run(net, 1, output_stationary(rows, cols)).array_cycles ==
              output_folds(g) * (g.k + skew + rows) + (output_folds(g) - 1) * 7);
        // All hidden: max(M, 16 load, 20) + 3 apart.
        CHECK(both.run(net, 1, weight_stationary(rows, cols)).array_cycles ==
              rows + (folds - 1) * (std::max(g.m, 20) + 3) + g.m + skew);
    }
}

TEST_CASE("a longer MAC pipeline delays results, once per wavefront")
{
    Machine exposed(with([](auto& hw) { hw.array.mac_latency_cycles = 5; }));
    Machine chained(with([](auto& hw) {
        hw.array.mac_latency_cycles = 5;
        hw.passes.wavefront_chained = true;
    }));
    for (const Gemm& g : shapes) {
        CAPTURE(g.m, g.n, g.k);
        const Network net = gemm(g.m, g.n, g.k);
        CHECK(exposed.run(net, 1, weight_stationary(rows, cols)).array_cycles ==
              weight_folds(g) * (rows + g.m + skew + 4));
        CHECK(chained.run(net, 1, weight_stationary(rows, cols)).array_cycles ==
              weight_folds(g) * (rows + g.m) + skew + 4);
        CHECK(exposed.run(net, 1, output_stationary(rows, cols)).array_cycles ==
              output_folds(g) * (g.k + skew + 4 + rows));
    }
}

TEST_CASE("slower hops stretch the skew of the tensor that takes them")
{
    // Weight-stationary: inputs hop along x (15 links), psums down y (15 links).
    Machine inputs(with([](auto& hw) { hw.input_network.hop_cycles = 3; }));
    Machine psums(with([](auto& hw) { hw.psum_network.hop_cycles = 2; }));
    const Network net = gemm(40, 32, 32);
    CHECK(inputs.run(net, 1, weight_stationary(rows, cols)).array_cycles == 4 * (16 + 40 + 3 * 15 + 15));
    CHECK(psums.run(net, 1, weight_stationary(rows, cols)).array_cycles == 4 * (16 + 40 + 15 + 2 * 15));
    // Output-stationary: inputs along x, weights down y; psums stay, so their hops are not in the skew.
    CHECK(inputs.run(net, 1, output_stationary(rows, cols)).array_cycles == 6 * (32 + 3 * 15 + 15 + 16));
    CHECK(psums.run(net, 1, output_stationary(rows, cols)).array_cycles == 6 * (32 + 30 + 16));
}

TEST_CASE("with edges used a partial fold pays for the rows and columns that it uses")
{
    Machine machine(with([](auto& hw) { hw.passes.edges_full = false; }));
    for (const Gemm& g : shapes) {
        CAPTURE(g.m, g.n, g.k);
        const Network net = gemm(g.m, g.n, g.k);
        int ws = 0, is = 0, os = 0;
        const auto used = [](int at, int size, int side) { return std::min(side, size - at); };
        for (int n = 0; n < g.n; n += cols)
            for (int k = 0; k < g.k; k += rows) {
                const int r = used(k, g.k, rows), c = used(n, g.n, cols);
                ws += r + g.m + r + c - 2;
            }
        for (int m = 0; m < g.m; m += cols)
            for (int k = 0; k < g.k; k += rows) {
                const int r = used(k, g.k, rows), c = used(m, g.m, cols);
                is += r + g.n + r + c - 2;
            }
        for (int m = 0; m < g.m; m += rows)
            for (int n = 0; n < g.n; n += cols) {
                const int r = used(m, g.m, rows), c = used(n, g.n, cols);
                os += g.k + r + c - 2 + r;
            }
        CHECK(machine.run(net, 1, weight_stationary(rows, cols)).array_cycles == ws);
        CHECK(machine.run(net, 1, input_stationary(rows, cols)).array_cycles == is);
        CHECK(machine.run(net, 1, output_stationary(rows, cols)).array_cycles == os);
    }
}

TEST_CASE("a narrow way out makes the drain longer, a wide one a single beat")
{
    // 5 words a beat: a row of 16 leaves in 4 beats. 256 words: all at once.
    Machine narrow(with([](auto& hw) { hw.psum_network.words_per_beat = 5; }));
    Machine wide(with([](auto& hw) {
        hw.psum_network.words_per_beat = 256;
        hw.post.words_per_cycle = 256;
        hw.global_buffer.outputs.write_port.words = 256;
    }));
    const Network net = gemm(32, 32, 20);
    CHECK(narrow.run(net, 1, output_stationary(rows, cols)).array_cycles == 4 * (20 + skew + 16 * 4));
    CHECK(wide.run(net, 1, output_stationary(rows, cols)).array_cycles == 4 * (20 + skew + 1));
}
