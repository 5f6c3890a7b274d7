// Every dataflow on the machines made for it: values against the reference and cycles against the bound (both in
// LayerRunner) on random layers, and the uses per fill of the operand collectors against the loops' closed form.
#include "dnn/base/error.hpp"
#include "dnn/base/files.hpp"
#include "sim/layer_run.hpp"
#include "tests/system/random_networks.hpp"
#include "tests/system/subjects.hpp"

#include <catch2/catch.hpp>

using namespace heddle;
using namespace heddle::test_system;

namespace {

struct Case {
    std::string preset, dataflow;
};
const std::vector<Case> cases = {{"magnet_like", "ws"},     {"magnet_like", "ws_los"}, {"magnet_like", "os"},
                                 {"magnet_like", "os_lws"}, {"magnet_like", "is"},     {"eyeriss", "rs"},
                                 {"nvdla_like", "ws"}};

void run_random(std::uint64_t first_seed, int networks, const std::function<void(HardwareConfig&, Random&)>& change)
{
    for (int n = 0; n < networks; ++n) {
        const std::uint64_t seed = first_seed + static_cast<std::uint64_t>(n);
        for (const Case& c : cases) {
            Random random(seed);
            const Network net = random_network(random, n % kind_count);
            HardwareConfig hw = load_hardware(c.preset);
            change(hw, random);
            INFO("seed " << seed << " (" << kinds[n % kind_count] << "), " << c.preset << " " << c.dataflow);
            try {
                for (const LayerResult& r : run_apart(workload(net, hw, c.dataflow, seed)).layers) {
                    INFO(r.name << " " << r.shape);
                    CHECK((r.verified || r.cycles == 0));
                    CHECK(r.cycles >= r.bound_cycles);
                }
            } catch (const std::exception& e) {
                FAIL_CHECK(e.what());
            }
        }
    }
}

/// Uses per fill of each tensor's collector; exact, or the test fails.
std::vector<std::int64_t> reuse_of(const LayerResult& r)
{
    std::vector<std::int64_t> reuse;
    for (const char* tensor : {"weights", "inputs", "outputs"}) {
        const auto& counts = r.reuse.at(tensor);
        CHECK(counts.at("uses") % counts.at("fills") == 0);
        reuse.push_back(counts.at("uses") / counts.at("fills"));
    }
    return reuse;
}

} // namespace

TEST_CASE("random layers under every dataflow compute the reference's values in no less than the bound")
{
    run_random(1001, 36, [](HardwareConfig&, Random&) {});
}

TEST_CASE("random layers under constraints of a user's own")
{
    const auto own = std::make_shared<const DataflowConstraints>(
        read_constraints(data_root() + "/tests/data/my_os_lws_constraints.yaml"));
    for (std::uint64_t seed = 1301; seed <= 1336; ++seed) {
        Random random(seed);
        const int kind = static_cast<int>(seed % kind_count);
        const Network net = random_network(random, kind);
        HardwareConfig hw = load_hardware("magnet_like");
        hw.array.psums.words = 8 * static_cast<int>(random.range(1, 128));
        hw.array.inputs.words = 8 * static_cast<int>(random.range(50, 1024));
        RunOptions o = workload(net, hw, own->name, seed);
        o.mapper.constraints = own;
        INFO("seed " << seed << " (" << kinds[kind] << ")");
        try {
            for (const LayerResult& r : run_apart(o).layers) {
                INFO(r.name << " " << r.shape);
                CHECK((r.verified || r.cycles == 0));
                CHECK(r.cycles >= r.bound_cycles);
            }
        } catch (const std::exception& e) {
            FAIL_CHECK(e.what());
        }
    }
}

TEST_CASE("random layers under every dataflow in small register files and on other arrays")
{
    run_random(1101, 63, [](HardwareConfig& hw, Random& random) {
        hw.array.rows = static_cast<int>(random.range(hw.name == "eyeriss" ? 3 : 1, hw.array.rows));
        hw.array.cols = static_cast<int>(random.range(1, hw.array.cols));
        hw.passes.wavefront_chained = random.below(2) == 0;
        hw.passes.drain = random.below(2) == 0 ? Overlap::hidden : Overlap::exposed;
        hw.passes.min_cycles = static_cast<int>(random.below(20));
        hw.passes.gap_cycles = static_cast<int>(random.below(4));
        if (hw.name == "magnet_like") {
            hw.array.lanes = static_cast<int>(random.range(1, 8));
            hw.array.vector = static_cast<int>(random.range(1, 8));
            hw.array.weights.words = 64 * static_cast<int>(random.range(25, 100));
            hw.array.inputs.words = 8 * static_cast<int>(random.range(50, 200));
            hw.array.psums.words = 8 * static_cast<int>(random.range(1, 30));
            hw.passes.load = static_cast<Overlap>(random.below(3));
            hw.array.weights.port_words = random.below(2) == 0 ? 8 : 0;
        }
    });
}

// 128x8x8 -> 32x8x8, 3x3, on 4x4 PEs of 8 lanes x 8 vector elements: K = 32 lies on 4 columns x 8 lanes, P = 8 on 4
// rows of P1 = 2, so Q1 = 8, and C1 = 128 / 8 = 16 with R x S = 9 in one pass. Collectors of 4 and 8 entries: C0 = 4,
// Q0 = 8.
TEST_CASE("uses per fill of the collectors are the lecture's")
{
    const Network net = conv_network(128, 8, 32, square(3, 1, 1));
    HardwareConfig hw = load_hardware("magnet_like");
    hw.array.weights.collector_depth = 4;
    hw.array.psums.collector_depth = 8;
    const std::map<std::string, std::vector<std::int64_t>> expected = {
        {"ws", {2 * 8, 1, 1}},      // P1 Q1
        {"os", {1, 1, 9 * 16}},     // R S C1
        {"ws_los", {2 * 8, 1, 4}},  // P1 Q1, C0
        {"os_lws", {8, 1, 9 * 16}}, // Q0, R S C1
    };
    for (const auto& [dataflow, reuse] : expected) {
        INFO(dataflow);
        RunOptions o = workload(net, hw, dataflow);
        const LayerShape shape = layer_shape(net, 1);
        const Spread spread = spreads(dataflow, shape, hw).front(); // P on rows, K on columns, all channels in a pass
        o.mappings = {{net.layers[1].name, make_mapping(dataflow, spread, shape, shape.extent, {}, 1)}};
        const RunResult run = run_apart(o);
        CHECK(run.layers[1].verified);
        CHECK(reuse_of(run.layers[1]) == reuse);
    }
}

// IS on the same machine, loops H1 W1 C1 · R S K1: 32x16x16 -> 128x16x16, K1 = 4 on 4 columns x 8 lanes, P1 = 4 on 4
// rows, Q1 = 8: the 128 psums of a lane. The uses of each input of a pass are counted below by trying all
// outputs: K1 for every tap that leads from it to an output of the pass.
TEST_CASE("input-stationary PEs use an input R S K1 times inside a pass and for its valid taps at the edges")
{
    struct Form {
        Window window;
        int size;
        std::int64_t interior;
    };
    const int k1 = 4, p1 = 4, q1 = 8;
    const std::vector<Form> forms = {{square(3, 1, 1), 16, 9 * k1}, // stride 1: every tap
                                     {square(3, 2, 1), 32, 4 * k1}, // rows 0 and 2, or 1, of the window
                                     {square(1), 16, k1}};          // the GEMM form
    const std::string levels = R"(
mappings:
  - layer: conv
    levels:
      - {name: glb, temporal: [{loop: Q, step: 8}], keep: [weights, inputs, outputs]}
      - {name: array, spatial: [{loop: P, axis: y, step: 4, count: 4}, {loop: K, axis: x, step: 32, count: 4}]}
      - name: rf
        temporal: [{loop: H, step: 1}, {loop: W, step: 1}, {loop: C, step: 8}, {loop: R, step: 1}, {loop: S, step: 1},
                   {loop: K, step: 8}]
        keep: [weights, inputs, outputs]
      - {name: lanes, spatial: [{loop: K, step: 1, count: 8}]}
      - {name: vector, spatial: [{loop: C, step: 1, count: 8}]}
)";
    for (const Form& f : forms) {
        INFO("filter " << f.window.filter_rows << ", stride " << f.window.stride_rows);
        const Network net = conv_network(32, f.size, 128, f.window);
        RunOptions o = workload(net, load_hardware("magnet_like"), "is");
        o.mappings = parse_mappings(levels, "is.yaml");
        const LayerResult r = run_apart(o).layers[1];
        CHECK(r.verified);
        std::int64_t uses = 0, fills = 0, most = 0;
        const int rows = (p1 - 1) * f.window.stride_rows + f.window.filter_rows;
        const int cols = (q1 - 1) * f.window.stride_cols + f.window.filter_cols;
        for (int h = 0; h < rows; ++h)
            for (int w = 0; w < cols; ++w) {
                std::int64_t of_input = 0;
                for (int p = 0; p < p1; ++p)
                    for (int q = 0; q < q1; ++q) {
                        const int tap_r = h - p * f.window.stride_rows, tap_s = w - q * f.window.stride_cols;
                        if (tap_r >= 0 && tap_r < f.window.filter_rows && tap_s >= 0 && tap_s < f.window.filter_cols)
                            of_input += k1;
                    }
                uses += of_input;
                fills += of_input > 0 ? 1 : 0;
                most = std::max(most, of_input);
            }
        const auto& inputs = r.reuse.at("inputs");
        CHECK(inputs.at("most_uses") == f.interior);
        CHECK(inputs.at("most_uses") == most);
        CHECK(inputs.at("uses") * fills == inputs.at("fills") * uses); // the average
        CHECK(r.reuse.at("weights").at("uses") == r.reuse.at("weights").at("fills"));
        CHECK(r.reuse.at("outputs").at("uses") == r.reuse.at("outputs").at("fills"));
    }
}

// A 1x1 conv has no windows: IS is the GEMM form. K = 128 lies on 8 lanes with K1 = 16 in the PE.
TEST_CASE("input-stationary PEs use an input once for every output channel in them")
{
    const Network net = conv_network(64, 8, 128, square(1));
    const RunResult run = run_apart(workload(net, load_hardware("magnet_like"), "is"));
    CHECK(run.layers[1].verified);
    CHECK(reuse_of(run.layers[1])[1] > 1);
    CHECK(reuse_of(run.layers[1])[0] == 1);
}

// Tiles of K inside tiles of C: the sums of all K stay in the buffer, the map to add comes when they are complete, and
// its partition holds one tile of K. (Fetched with the first psums, it would fill the partition and never leave.)
TEST_CASE("the second operand comes with the tile that completes the sums")
{
    Network net = test_networks::input_of(1, 8, 7, 7);
    const int a = add_conv(net, 0, 40, square(1), "a"), b = add_conv(net, a, 40, square(1), "b");
    add_op(net, Op::add, {b, a}, "sum");
    HardwareConfig hw = load_hardware("eyeriss");
    hw.global_buffer.operand2.bytes = 20 * 7 * 7 * 2;
    RunOptions o = workload(net, hw, "rs");
    o.mappings = parse_mappings(R"(mappings:
  - layer: b
    dataflow: rs
    levels:
      - {name: dram, temporal: [{loop: C, step: 10}, {loop: K, step: 20}]}
      - {name: glb, temporal: [{loop: Q, step: 1}], keep: [weights, inputs, outputs]}
      - name: array
        spatial: [{loop: K, axis: y, step: 10, count: 2}, {loop: C, axis: y, step: 2, count: 5}, {loop: P, axis: x, step: 1, count: 7}]
      - {name: rf, temporal: [{loop: C, step: 1}, {loop: K, step: 1}], keep: [weights, inputs, outputs]}
)",
                                "b.yaml");
    const RunResult run = run_apart(o);
    CHECK(run.layers[2].verified);
    CHECK(run.layers[2].accesses.at("global_buffer").at("operand2").fills == 40 * 7 * 7);
}
