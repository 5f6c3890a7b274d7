// The utilisation that the wires of each preset allow, derived by hand, against what is stated and what is achieved.
#include "sim/layer_run.hpp"
#include "tests/system/bench.hpp"
#include "tests/system/subjects.hpp"

#include <catch2/catch.hpp>

using namespace heddle;
using namespace heddle::test_system;

namespace {

struct Derived {
    const char *what, *preset, *dataflow;
    Network net;
    double wires;    ///< share of PE-cycles
    double achieved; ///< at least this share of it, with all tensors on chip
};

Network depthwise(int channels, int size)
{
    return conv_network(channels, size, channels, square(3, 1, 1, channels));
}

std::vector<Derived> derived()
{
    const Network dw = depthwise(64, 28), dw56 = depthwise(16, 56), dw7 = depthwise(64, 7);
    const Network groups = conv_network(32, 14, 32, square(3, 1, 1, 4)); // 4 groups of 8 channels
    return {
        // tpu_like, 16x16, 16 words a beat on every network, loads and drains hidden.
        // WS: a row wire carries one input a cycle, which one output channel uses: 16 of 256 PEs work.
        {"depthwise", "tpu_like", "ws", dw, 16.0 / 256, 0.5},
        // OS: 16 pixels on y and a single channel (or 16 channels on the diagonal): 16 PEs work 9 cycles, then the
        // drain of 16 rows takes 16 cycles.
        {"depthwise", "tpu_like", "os", dw, 16.0 * 9 / (16 * 256), 0.5},
        // IS: 9 taps on y and 16 pixels on x work one cycle (one output channel), the next load takes 16.
        {"depthwise", "tpu_like", "is", dw, 9.0 * 16 / (16 * 256), 0.5},
        // WS: 8 columns of one group, or two groups on 8 rows and columns each: 128 PEs.
        {"grouped", "tpu_like", "ws", groups, 0.5, 0.5},
        // OS: 16 pixels x 8 channels, 72 cycles, a drain of 16 hides: 128 PEs.
        {"grouped", "tpu_like", "os", groups, 0.5, 0.5},
        // IS: 16 rows x 16 pixels work 8 cycles (8 channels of a group), the next load takes 16.
        {"grouped", "tpu_like", "is", groups, 0.5, 0.5},
        // shidiannao_like, 8x8: a plane of outputs of one channel, 9 cycles; the drain of 8 rows hides.
        {"depthwise", "shidiannao_like", "os", dw56, 1.0, 0.5},
        {"grouped", "shidiannao_like", "os", conv_network(32, 16, 32, square(3, 1, 1, 4)), 1.0, 0.5},
        // 7x7 outputs leave 15 of 64 PEs idle.
        {"depthwise 7x7", "shidiannao_like", "os", dw7, 49.0 / 64, 0.5},
    };
}

} // namespace

TEST_CASE("depthwise and grouped layers state what the wires allow and stay below it")
{
    for (const Derived& d : derived()) {
        INFO(d.what << " " << d.preset << " " << d.dataflow);
        RunOptions o = workload(d.net, load_hardware(d.preset), d.dataflow);
        const LayerResult with_dram = run_apart(o).layers.at(1);
        CHECK(with_dram.wire_utilization == Approx(d.wires));
        CHECK(with_dram.utilization <= d.wires * (1 + 1e-9));
        CHECK(with_dram.verified);
        GlobalBufferConfig& g = o.hardware.global_buffer; // everything fits: only wires and ports are left
        for (PartitionConfig* p : {&g.weights, &g.inputs, &g.outputs, &g.psums, &g.operand2}) p->bytes = 1 << 20;
        o.hardware.dram.kind = DramKind::resident;
        const LayerResult on_chip = run_apart(o).layers.at(1);
        INFO("achieved on chip " << on_chip.utilization << ", stated " << on_chip.wire_utilization);
        CHECK(on_chip.wire_utilization == Approx(d.wires));
        CHECK(on_chip.utilization <= d.wires * (1 + 1e-9));
        CHECK(on_chip.utilization >= d.wires * d.achieved);
    }
}
