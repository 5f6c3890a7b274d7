// Is the price of a count the table's price times the count, part by part?
#include "dnn/base/error.hpp"
#include "dnn/base/random.hpp"
#include "sim/price.hpp"
#include "sim/text.hpp"
#include "sim/totals.hpp"

#include <catch2/catch.hpp>

using namespace heddle;
using Catch::Contains;

namespace {

/// Prices that are all different and do not scale, so that a mixed-up one shows.
const std::string head = "name: t\nnode: 1nm\nsource: test\nunit: pj\n"
                         "scaling: {multiplier_bit_product_exponent: 1, adder_bits_exponent: 1,\n"
                         "          register_file_size_exponent: 0, global_buffer_size_exponent: 0}\nenergies:\n";

std::string entry(const std::string& component, const std::string& action, double value, const std::string& rest)
{
    return "  - {component: " + component + ", action: " + action + ", value: " + std::to_string(value) +
           ", source: s, " + rest + "}\n";
}

std::string full_table()
{
    return head + entry("mac", "multiply", 2, "unit: pj, per: word, bits: 8") +
           entry("mac", "gated", 0.25, "unit: fraction, per: mac") +
           entry("operand_register", "read", 0.01, "unit: pj, per: word, bits: 8") +
           entry("operand_register", "write", 0.02, "unit: pj, per: word, bits: 8") +
           entry("register_file", "read", 0.3, "unit: pj, per: word, bits: 8, size_bytes: 64") +
           entry("register_file", "write", 0.5, "unit: pj, per: word, bits: 8, size_bytes: 64") +
           entry("network", "hop", 0.7, "unit: pj, per: word, bits: 8") +
           entry("global_buffer", "read", 11, "unit: pj, per: beat, bits: 64, size_bytes: 4096") +
           entry("global_buffer", "write", 13, "unit: pj, per: beat, bits: 64, size_bytes: 4096") +
           entry("dram", "access", 17, "unit: pj, per: bit, device: any") +
           entry("post", "add", 0.1, "unit: pj, per: word, bits: 8") +
           entry("post", "multiply", 0.2, "unit: pj, per: word, bits: 8") +
           entry("post", "compare", 0.4, "unit: pj, per: word, bits: 8") +
           entry("clock", "cycle", 19, "unit: pj, per: mac");
}

EnergyTable table(const std::string& text)
{
    return EnergyTable::from_yaml(YamlReader::load_string(text, "t.yaml"));
}

HardwareConfig machine()
{
    HardwareConfig hw;
    hw.clock_mhz = 1000;
    hw.array.rows = 2;
    hw.array.cols = 3;
    hw.array.weights.words = 64; // the others are operand registers
    hw.dram.kind = DramKind::fixed;
    for (PartitionConfig* p : {&hw.global_buffer.weights, &hw.global_buffer.inputs}) {
        p->bytes = 4096;
        p->read_port.words = p->write_port.words = 8;
    }
    return hw;
}

RunResult one_layer()
{
    RunResult run;
    LayerResult layer;
    layer.op = "conv";
    layer.cycles = 10;
    run.layers = {layer};
    return run;
}

std::map<std::string, double> parts(const LayerResult& layer, const std::string& text = full_table())
{
    RunResult run = one_layer();
    run.layers = {layer};
    price(run, table(text), machine());
    return run.layers[0].energy_pj;
}

} // namespace

TEST_CASE("MACs cost full price, gated ones a fraction, skipped ones nothing")
{
    LayerResult layer = one_layer().layers[0];
    layer.macs = 100;
    layer.macs_effectual = 60;
    layer.macs_gated = 30;
    layer.macs_skipped = 10;
    CHECK(parts(layer)["mac"] == Approx(60 * 2 + 30 * 2 * 0.25));
    layer.macs_gated = layer.macs_skipped = 0; // no gating: a zero operand costs like any other
    CHECK(parts(layer)["mac"] == Approx(200));
}

TEST_CASE("register files are priced by reads and writes, one-word files as operand registers")
{
    LayerResult layer = one_layer().layers[0];
    layer.accesses["register_file"]["weights"] = {3, 5, 0, 0, 0, 0};
    CHECK(parts(layer)["register_file"] == Approx(3 * 0.5 + 5 * 0.3));
    layer.accesses["register_file"] = {{"inputs", {2, 7, 0, 0, 0, 0}}};
    CHECK(parts(layer)["register_file"] == Approx(2 * 0.02 + 7 * 0.01));
    layer.accesses["register_file"] = {{"outputs", {0, 7, 5, 3, 0, 0}}}; // psums of 32 bits
    CHECK(parts(layer)["register_file"] == Approx(4 * (5 * 0.02 + (7 + 3) * 0.01)));
}

TEST_CASE("the global buffer is priced by beats, not by words")
{
    LayerResult layer = one_layer().layers[0];
    layer.accesses["global_buffer"]["weights"] = {999, 999, 999, 999, 4, 6};
    CHECK(parts(layer)["global_buffer"] == Approx(4 * 11 + 6 * 13));
}

TEST_CASE("hops, DRAM bits, post operations and clock")
{
    LayerResult layer = one_layer().layers[0];
    layer.hops = {{"weights", 3}, {"psums", 5}};
    layer.dram.read_bytes = 2;
    layer.dram.write_bytes = 1;
    layer.post_operations = {{"add", 2}};
    std::map<std::string, double> pj = parts(layer);
    CHECK(pj["network"] == Approx(3 * 0.7 + 5 * 4 * 0.7));
    CHECK(pj["dram"] == Approx(24 * 17));
    CHECK(pj["static"] == Approx(10 * 6 * 19)); // cycles x PEs
    CHECK(pj["post"] > 0.0);
    layer.post_operations = {{"compare", 2}};
    CHECK(parts(layer)["post"] == Approx(2 * 0.4)); // one 8-bit comparison a word
}

TEST_CASE("a resident machine has no DRAM energy and a table without static power says so")
{
    RunResult run = one_layer();
    run.layers[0].dram.read_bytes = 2;
    HardwareConfig hw = machine();
    hw.dram.kind = DramKind::resident;
    price(run, table(full_table()), hw);
    CHECK(run.layers[0].energy_pj["dram"] == 0.0);
    CHECK(std::find(run.missing.begin(), run.missing.end(), "static") != run.missing.end());
}

TEST_CASE("a count without an entry is an error, an entry without a count is not needed")
{
    LayerResult layer = one_layer().layers[0];
    const std::string only_mac = head + entry("mac", "multiply", 2, "unit: pj, per: word, bits: 8");
    layer.macs = 1;
    CHECK(parts(layer, only_mac)["mac"] == Approx(2));
    layer.hops["inputs"] = 1;
    CHECK_THROWS_AS(parts(layer, only_mac), UserError);
}

TEST_CASE("parts and totals add up, energy by tensor covers storage and movement, pricing again changes nothing")
{
    RunResult run = one_layer();
    LayerResult& layer = run.layers[0];
    layer.macs = layer.macs_effectual = 9;
    layer.accesses["dram"]["weights"].reads = 3;
    layer.accesses["dram"]["inputs"].reads = 1;
    layer.accesses["global_buffer"]["inputs"] = {0, 0, 0, 0, 4, 6};
    layer.dram.read_bytes = 4;
    price(run, table(full_table()), machine());
    const LayerResult once = run.layers[0];
    CHECK(once.energy_by_tensor_pj.at("weights") == Approx(0.75 * 4 * 8 * 17));
    CHECK(once.energy_by_tensor_pj.at("inputs") == Approx(0.25 * 4 * 8 * 17 + 4 * 11 + 6 * 13));
    CHECK(sum_layers(run).total_energy == Approx(layer_energy(once)));
    price(run, table(full_table()), machine());
    CHECK(run.layers[0].energy_pj == once.energy_pj);
    CHECK(run.layers[0].energy_by_tensor_pj == once.energy_by_tensor_pj);
}

TEST_CASE("layers without cycles cost nothing")
{
    RunResult run = one_layer();
    run.layers[0].cycles = 0;
    price(run, table(full_table()), machine());
    CHECK(run.layers[0].energy_pj.empty());
}

TEST_CASE("the DRAM's energy by parts adds up, and its background is no tensor's")
{
    const HardwareConfig hw = load_hardware("tpu_like");
    const EnergyTable generic = EnergyTable::load("generic_28nm");
    Random random(11);
    for (int i = 0; i < 200; ++i) {
        RunResult run = one_layer();
        LayerResult& layer = run.layers[0];
        DramActivity& d = layer.dram;
        for (std::int64_t* n : {&d.activates, &d.precharges, &d.reads, &d.writes, &d.refreshes,
                                &d.active_standby_clocks, &d.precharge_standby_clocks})
            *n = random.below(3) == 0 ? 0 : random.range(1, 1000000);
        d.read_bytes = 64 * d.reads;
        d.write_bytes = 64 * d.writes;
        layer.accesses["dram"]["weights"].reads = d.reads > 0 ? random.range(1, 1000) : 0;
        layer.accesses["dram"]["inputs"].reads = d.reads > 0 ? random.range(1, 1000) : 0;
        layer.accesses["dram"]["outputs"].updates = d.writes > 0 ? random.range(1, 1000) : 0;
        price(run, generic, hw);
        const DramEnergyParts& e = layer.dram_energy_pj;
        CHECK(dram_parts(e).size() == 8);
        double sum = 0.0;
        for (const auto& [part, pj] : dram_parts(e)) sum += pj;
        CHECK(sum == Approx(layer.energy_pj["dram"]).epsilon(1e-9));
        // DDR4-2400 of the table: an ACT 1560 and a PRE 1904 pJ, RD 2944, WR 2560, REF 725760, standby 344 and 272.
        const auto n = [](std::int64_t v) { return static_cast<double>(v); };
        CHECK(e.activate == Approx(1560 * n(d.activates) + 1904 * n(d.precharges)));
        CHECK(e.read == Approx(2944 * n(d.reads)));
        CHECK(e.write == Approx(2560 * n(d.writes)));
        CHECK(e.refresh == Approx(725760 * n(d.refreshes)));
        CHECK(e.active_standby == Approx(344 * n(d.active_standby_clocks)));
        CHECK(e.precharge_standby == Approx(272 * n(d.precharge_standby_clocks)));
        CHECK(e.power_down + e.io == 0.0);
        double tensors = 0.0;
        for (const auto& [tensor, pj] : layer.energy_by_tensor_pj) tensors += pj;
        if (d.reads > 0 && d.writes > 0) CHECK(tensors == Approx(e.activate + e.read + e.write).epsilon(1e-9));
        CHECK(layer.energy_by_tensor_pj["outputs"] <= (e.write + e.activate) * (1 + 1e-12));
        const Totals t = sum_layers(run);
        CHECK(t.on_chip_energy() + t.off_chip_energy() == Approx(t.total_energy).epsilon(1e-9));
        CHECK(t.off_chip_energy() == Approx(layer.energy_pj["dram"]).epsilon(1e-9));
    }
}

TEST_CASE("a memory priced by the bit has a read and a write part")
{
    RunResult run = one_layer();
    run.layers[0].dram.read_bytes = 2;
    run.layers[0].dram.write_bytes = 1;
    price(run, table(full_table()), machine());
    const DramEnergyParts& e = run.layers[0].dram_energy_pj;
    CHECK(e.read == Approx(16 * 17));
    CHECK(e.write == Approx(8 * 17));
    CHECK(e.total() == Approx(24 * 17));
}

TEST_CASE("what is not priced is what this machine has")
{
    const EnergyTable generic = EnergyTable::load("generic_28nm");
    const auto missing = [&](const std::string& preset) {
        RunResult run = one_layer();
        price(run, generic, load_hardware(preset));
        return joined(run.missing);
    };
    CHECK_THAT(missing("tpu_like"), Contains("I/O and termination") && Contains("DRAM controller and PHY") &&
                                        Contains("static") && !Contains("codec"));
    CHECK_THAT(missing("nvdla_like"), !Contains("I/O and termination") && Contains("PHY")); // LPDDR4: VDDQ is priced
    CHECK_THAT(missing("eyeriss"), !Contains("I/O and termination") && Contains("run-length codec"));
    CHECK_THAT(missing("systolic_ideal"), !Contains("I/O") && !Contains("PHY"));
}

TEST_CASE("a pool is one memory in capacity, area, leakage and energy per access")
{
    const HardwareConfig eyeriss = load_hardware("eyeriss");
    std::int64_t bytes = 0;
    for (const BufferMemory& memory : buffer_memories(eyeriss.global_buffer)) bytes += memory.bytes;
    CHECK(bytes == 108 * 1024); // 25 banks of 4 KB and 8 KB of filters: JSSC 2017, section IV-B
    // 2 uW a KB for 10 cycles at 200 MHz: 108 KB x 0.002 mW x 50 ns x 1e9 pJ / (mW s)
    const std::string leaky = head + entry("static", "leakage", 0.002, "unit: mw, per: sram_kb") + "areas:\n" +
                              entry("global_buffer", "storage", 2, "unit: um2, per: bit");
    RunResult run = one_layer();
    price(run, table(leaky), eyeriss);
    CHECK(run.layers[0].energy_pj["static"] == Approx(108 * 0.002 * 50e-9 * 1e9));
    CHECK(run.area_by_block_mm2["global_buffer"] == Approx(108 * 1024 * 8 * 2e-6));

    HardwareConfig hw = machine();
    hw.global_buffer.pool_banks = 4;
    hw.global_buffer.pool_bank_bytes = 1024; // a quarter of the partition, whose own banks do not count
    hw.global_buffer.inputs.in_pool = true;
    CHECK(bank_bytes(hw.global_buffer, hw.global_buffer.inputs) == 1024);
    CHECK(bank_bytes(hw.global_buffer, hw.global_buffer.weights) == 4096);
    const std::vector<BufferMemory> memories = buffer_memories(hw.global_buffer);
    REQUIRE(memories.size() == 2);
    CHECK(memories[1].name == "pool of inputs");
    CHECK(memories[1].bytes == 4096);
}
