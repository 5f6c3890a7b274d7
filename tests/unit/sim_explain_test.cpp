// Does `heddle explain` say what the ledger says, in cycles, and what would help with the machine's own numbers?
#include "dnn/base/error.hpp"
#include "dnn/base/files.hpp"
#include "sim/explain.hpp"
#include "sim/layer_table.hpp"
#include "sim/totals.hpp"

#include <catch2/catch.hpp>
#include <sstream>

using namespace heddle;
using Catch::Contains;

namespace {

/// Four PEs, 8,024 cycles: of 32,096 PE-cycles 4 x 3,000 wait for weights and 4 x 1,900 for inputs behind the window.
RunReport example()
{
    RunReport report;
    report.run.network = "net";
    report.run.hardware = "tpu_like";
    report.run.dataflow = "ws";
    report.run.clock_mhz = 800;
    report.run.pes = 4;
    report.hardware_file = "tpu_like.yaml";
    report.hardware_yaml = read_file(data_root() + "/hw/presets/tpu_like.yaml");
    report.energy_source = "table";
    LayerResult l;
    l.position = 1;
    l.name = "conv1";
    l.op = "conv";
    l.shape = "3x8x8 -> 4x8x8 3x3/1";
    l.macs = 12096;
    l.cycles = 8024;
    l.bound_cycles = l.bound_actual_cycles = 3024;
    l.bound_by = "compute";
    l.bound_terms_cycles = {{"compute", 3024}, {"dram", 511}};
    l.utilization = 12096.0 / 32096.0;
    l.ledger["array"] = {{"compute", 12096},
                         {"idle_by_mapping", 0},
                         {"weights_missing_dram_window", 12000},
                         {"inputs_missing_dram_window", 7600},
                         {"load", 392},
                         {"nothing_to_do", 8}};
    l.ledger["dma"] = {{"moving", 3000}, {"memory_window", 5000}, {"idle", 24}};
    l.phases = {{"first_request", 3}, {"first_operand", 60}, {"last_result", 8000}, {"last_write", 8020}};
    l.energy_pj = {{"mac", 100.0}, {"dram", 300.0}};
    l.energy_by_tensor_pj = {{"weights", 120.0}};
    l.dram_energy_pj.read = 200.0;
    l.dram_energy_pj.refresh = 100.0;
    l.dram.read_bytes = 64;
    l.dram.reads = 1;
    l.hops["weights"] = 55;
    l.accesses["global_buffer"]["weights"] = {1, 2, 3, 4, 5, 6};
    l.mapping = parse_mappings("mappings: [{layer: x, levels: [{name: glb, temporal: [{loop: K, step: 16}]}]}]", "m")
                    .front()
                    .mapping;
    LayerResult none;
    none.position = 0;
    none.name = "input";
    none.note = "moves no data";
    report.run.layers = {none, l};
    return report;
}

} // namespace

TEST_CASE("advice counts the cycles that wait for one thing over all tensors, the costliest first")
{
    const RunReport report = example();
    const std::vector<std::string> lines = advice(report, report.run.layers[1]);
    REQUIRE(lines.size() == 2); // the two others take less than a hundredth: (392 / 4 and 8 / 4) of 8,024
    CHECK(lines[0] ==
          "of 8,024 cycles 4,900 (61 %) wait for the request window (weights 3,000, inputs 1,900): more requests "
          "at once (dma.requests_in_flight: 32), or larger ones (dma.max_burst_bytes: 64)");
    CHECK_THAT(lines[1], Catch::StartsWith("of 8,024 cycles 98 (1 %) load stationary operands"));
}

TEST_CASE("a layer at its bound is told what sets it")
{
    RunReport report = example();
    LayerResult& l = report.run.layers[1];
    l.ledger["array"] = {{"compute", 4 * 8024}};
    l.bound_actual_cycles = 8000;
    l.bound_by = "dram";
    const std::vector<std::string> lines = advice(report, l);
    REQUIRE(lines.size() == 1);
    CHECK_THAT(lines[0], Catch::StartsWith("the cycles are 1.00 x the bound, which dram sets: more bytes"));
    l.bound_actual_cycles = 4000;
    CHECK(advice(report, l).empty());
}

TEST_CASE("a fixed memory's rate is told as its description has it")
{
    RunReport report = example();
    LayerResult& l = report.run.layers[1];
    l.ledger["array"] = {{"compute", 4 * 4024}, {"weights_missing_dram_bandwidth", 4 * 4000}};
    std::string& yaml = report.hardware_yaml;
    const std::size_t dram = yaml.find("dram: {kind: dram");
    REQUIRE(dram != std::string::npos);
    yaml.resize(dram);
    const std::string before = yaml;
    yaml += "dram: {kind: fixed, latency_cycles: 5, beat_bytes: 16, cycles_per_beat: 3}\n";
    CHECK_THAT(advice(report, l).at(0), Contains("(dram.beat_bytes: 16, dram.cycles_per_beat: 3)"));
    yaml = before + "dram: {kind: fixed, latency_cycles: 5, bytes_per_cycle: 24/10}\n";
    CHECK_THAT(advice(report, l).at(0), Contains("dram.bytes_per_cycle: "));
}

TEST_CASE("a layer without the array is explained by its busiest block")
{
    RunReport report = example();
    LayerResult& l = report.run.layers[1];
    l.ledger["array"] = {{"nothing_to_do", 4 * 8024}};
    CHECK_THAT(advice(report, l).at(0),
               Catch::StartsWith("of 8,024 cycles 5,000 (62 %) wait for the request window: "));
}

TEST_CASE("one layer is explained in full and fits the page")
{
    const RunReport report = example();
    std::ostringstream out;
    explain_layer(out, report, find_result(report.run, "conv1"));
    INFO(out.str());
    for (const char* text :
         {"8,024 cycles = 10.030 us", "2.65 x the bound of 3,024 by compute", "sets the bound", "dram",
          "weights missing dram window", "memory window", "no further request may be open", "first operand",
          "64.0 B read", "refresh", "traffic 200 pJ, background 100 pJ", "global_buffer", "55", "for K by 16",
          "what would help", "layer 1 of net on tpu_like, dataflow ws"})
        CHECK_THAT(out.str(), Contains(text));
    std::istringstream lines(out.str());
    for (std::string line; std::getline(lines, line);) CHECK(line.size() <= report_width);
}

TEST_CASE("the network is explained by the sums over its layers")
{
    RunReport report = example();
    report.run.layers.push_back(report.run.layers[1]);
    report.run.layers.back().name = "conv2";
    report.run.layers.back().position = 2;
    std::ostringstream out;
    explain_run(out, report);
    INFO(out.str());
    CHECK_THAT(out.str(), Contains("16,048 cycles") &&
                              Contains("of 16,048 cycles 9,800 (61 %) wait for the request window") &&
                              Contains("conv2") && Contains("10,000")); // 2 x (8,024 - 3,024) above the bound
    std::istringstream lines(out.str());
    for (std::string line; std::getline(lines, line);) CHECK(line.size() <= report_width);
}

TEST_CASE("a layer is found by name or number, a misspelt one is guessed")
{
    const RunReport report = example();
    CHECK(find_result(report.run, "1").name == "conv1");
    CHECK_THROWS_WITH(find_result(report.run, "covn1"), Contains("did you mean \"conv1\"?"));
    std::ostringstream out;
    CHECK_THROWS_WITH(explain_layer(out, report, find_result(report.run, "input")), Contains("moves no data"));
}
