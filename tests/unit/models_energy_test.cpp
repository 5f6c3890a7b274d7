// Do energy tables give back what they cite, scale as they say, and refuse what they do not know?
#include "dnn/base/error.hpp"
#include "models/energy.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>

using namespace heddle;
using Catch::Contains;

namespace {

const std::string head = "name: t\nnode: 1nm\nsource: test\nunit: pj\n"
                         "scaling: {multiplier_bit_product_exponent: 1, adder_bits_exponent: 1,\n"
                         "          register_file_size_exponent: 0.5, global_buffer_size_exponent: 0.5}\nenergies:\n";

EnergyTable table(const std::string& entries)
{
    return EnergyTable::from_yaml(YamlReader::load_string(head + entries, "t.yaml"));
}

const std::string multiply =
    "  - {component: mac, action: multiply, value: 2, unit: pj, per: word, bits: 8, source: s}\n";

} // namespace

TEST_CASE("a cost curve hits its points, follows power laws between and the exponent outside")
{
    CostCurve curve(0.5);
    CHECK(curve.add(100, 8));
    CHECK(curve.add(1, 2));
    CHECK(curve.at(1) == 2);
    CHECK(curve.at(100) == 8);
    CHECK(curve.at(10) == Approx(4)); // slope log 4 / log 100
    CHECK(curve.at(400) == Approx(16));
    CHECK(curve.at(0.25) == Approx(1));
    CHECK_FALSE(curve.add(100, 9));
    CHECK_FALSE(curve.add(0, 9));
    CHECK_FALSE(curve.add(7, 0));
    CHECK_FALSE(curve.add(7, -1));
}

TEST_CASE("Eyeriss costs are 1, 1, 2, 6, 200 per 16-bit word, relative to a MAC")
{
    const EnergyTable t = EnergyTable::load("eyeriss_normalized");
    const double mac = t.mac_pj(16, 16, 16, false);
    CHECK(mac == 2.0);
    CHECK(t.unit() == "MAC");
    CHECK(t.unit_pj() == mac);
    for (const bool write : {false, true}) {
        CHECK(t.register_file_pj(24, 16, write) / mac == 1);
        CHECK(t.register_file_pj(512, 16, write) / mac == 1);
        CHECK(t.global_buffer_pj(108 * 1024, 16, write) / mac == 6);
        CHECK(t.global_buffer_pj(108 * 1024, 64, write) / mac == 24);
        CHECK(t.operand_register_pj(16, write) == 0);
    }
    CHECK(t.hop_pj(16) / mac == 2);
    CHECK(t.dram_pj_per_bit("lpddr4_3200_x32") * 16 / mac == 200);
    CHECK(t.mac_pj(8, 8, 32, false) / mac == 0.25);
    CHECK(t.mac_pj(16, 16, 16, true) == 0);
    CHECK_FALSE(t.has_dram_commands("ddr4_2400_x64"));
    const std::vector<std::string> missing = {"static", "clock", "area of mac", "area of register_file",
                                              "area of global_buffer"};
    CHECK(t.missing() == missing);
    CHECK_FALSE(t.static_mw({}));
    CHECK_FALSE(t.mac_mm2(16, 16, 16));
}

TEST_CASE("Horowitz 45 nm costs are the paper's at the paper's sizes")
{
    const EnergyTable t = EnergyTable::load("horowitz_45nm");
    CHECK(t.mac_pj(8, 8, 32, false) == Approx(0.2 + 0.1));
    CHECK(t.mac_pj(32, 32, 32, false) == Approx(3.1 + 0.1));
    CHECK(t.mac_pj(8, 8, 24, false) == Approx(0.2 + 0.05 * 1.5)); // 16 to 32 bit is linear
    CHECK(t.mac_pj(4, 8, 32, false) == Approx(0.1 + 0.1));
    CHECK(t.mac_pj(8, 8, 32, true) == Approx(0.3 * 0.0467));
    CHECK(t.global_buffer_pj(8 << 10, 64, false) == Approx(10));
    CHECK(t.global_buffer_pj(8 << 10, 32, false) == Approx(5));
    CHECK(t.global_buffer_pj(32 << 10, 64, true) == Approx(20));
    CHECK(t.global_buffer_pj(16 << 10, 64, false) == Approx(10 * std::sqrt(2)));
    CHECK(t.global_buffer_pj(1 << 20, 64, false) == Approx(100));
    CHECK(t.global_buffer_pj(4 << 20, 64, false) == Approx(200));
    CHECK(t.register_file_pj(384, 16, false) == Approx(1.58552));
    CHECK(t.register_file_pj(1, 16, false) == t.operand_register_pj(16, false)); // the floor
    CHECK(t.dram_pj_per_bit("ddr4_2400_x64") * 64 == Approx(1300));
    CHECK(t.post_op_pj("multiply", 32) == Approx(3.1));
    CHECK(t.post_op_pj("compare", 8) == Approx(0.03));
    CHECK(*t.mac_mm2(8, 8, 32) == Approx((282 + 137) * 1e-6));
}

TEST_CASE("generic 28 nm: DRAM commands follow from currents, areas exist")
{
    const EnergyTable t = EnergyTable::load("generic_28nm");
    CHECK(t.mac_pj(8, 8, 32, false) == Approx(0.04));
    CHECK(t.global_buffer_pj(2 << 20, 2048, false) == Approx(416.16));
    CHECK(*t.global_buffer_mm2(1024) == Approx(0.00174).margin(0.00001));
    CHECK(*t.register_file_mm2(1) == Approx(8 * 2.93e-6));

    // V x (mA over standby) x clocks x ns x chips = pJ, from the currents quoted in the table.
    const DramTiming ddr4 = load_dram_timing("ddr4_2400_x64");
    const double ns = 1e6 / ddr4.clock_khz, chips = 8, vdd = 1.2;
    REQUIRE(t.has_dram_commands(ddr4.name));
    DramCounts c;
    c.act = c.pre = c.rd = c.wr = c.ref = 10;
    c.active_standby_clocks = 1000, c.precharge_standby_clocks = 100;
    const DramEnergy e = t.dram_pj(ddr4.name, c);
    CHECK(e.activate_pj == Approx(10 * vdd * (48 - 43) * ddr4.tras * ns * chips));
    CHECK(e.precharge_pj == Approx(10 * vdd * (48 - 34) * ddr4.trp * ns * chips));
    CHECK(e.read_pj == Approx(10 * vdd * (135 - 43) * ddr4.burst_clocks() * ns * chips));
    CHECK(e.write_pj == Approx(10 * vdd * (123 - 43) * ddr4.burst_clocks() * ns * chips));
    CHECK(e.refresh_pj == Approx(10 * vdd * (250 - 34) * ddr4.trfc * ns * chips));
    CHECK(e.active_standby_pj == Approx(vdd * 1000 * 43 * ns * chips));
    CHECK(e.precharge_standby_pj == Approx(vdd * 100 * 34 * ns * chips));
    CHECK(e.total_pj() == Approx(e.activate_pj + e.precharge_pj + e.read_pj + e.write_pj + e.refresh_pj +
                                 e.active_standby_pj + e.precharge_standby_pj));

    const DramTiming lpddr4 = load_dram_timing("lpddr4_3200_x32");
    const DramEnergy l = t.dram_pj(lpddr4.name, c);
    const auto rails = [&](double vdd1, double vdd2, double vddq, int clocks) {
        return 10 * (1.8 * vdd1 + 1.1 * vdd2 + 1.1 * vddq) * clocks * 0.625;
    };
    CHECK(l.activate_pj == Approx(rails(3.5 - 2.25, 45 - 30, 0, lpddr4.tras)));
    CHECK(l.precharge_pj == Approx(rails(3.5 - 2, 45 - 27, 0, lpddr4.trp)));
    CHECK(l.read_pj == Approx(rails(0, 275 - 30, 150 - 0.75, lpddr4.burst_clocks())));
    CHECK(l.write_pj == Approx(rails(0, 210 - 30, 55 - 0.75, lpddr4.burst_clocks())));
    CHECK(l.refresh_pj == Approx(rails(10 - 2, 90 - 27, 0, lpddr4.trfc)));
    CHECK(l.active_standby_pj == Approx(100 * rails(2.25, 30, 0.75, 1)));
    CHECK(l.precharge_standby_pj == Approx(10 * rails(2, 27, 0.75, 1)));
    CHECK_THROWS_WITH(t.dram_pj("hbm", c),
                      "energy table generic_28nm: no entry for component \"dram\", action \"act\", device \"hbm\"");
    CHECK(t.dram_pj_per_bit("hbm") == 8);
}

TEST_CASE("every shipped table prices every component, and more is never cheaper")
{
    const std::vector<std::string> names = EnergyTable::shipped();
    REQUIRE(names == std::vector<std::string>{"eyeriss_normalized", "generic_28nm", "horowitz_45nm"});
    for (const std::string& name : names) {
        CAPTURE(name);
        const EnergyTable t = EnergyTable::load(name);
        CHECK(t.name() == name);
        for (const bool write : {false, true}) {
            double buffer = 0, registers = 0;
            for (double size = 1; size < 1 << 24; size *= 1.7) {
                CHECK(t.global_buffer_pj(size, 64, write) >= buffer);
                CHECK(t.register_file_pj(size, 16, write) >= registers);
                buffer = t.global_buffer_pj(size, 64, write), registers = t.register_file_pj(size, 16, write);
            }
        }
        for (int bits = 2; bits < 32; ++bits) {
            CHECK(t.mac_pj(bits + 1, bits, 24, false) > t.mac_pj(bits, bits, 24, false));
            CHECK(t.mac_pj(8, 8, bits + 1, false) >= t.mac_pj(8, 8, bits, false));
            CHECK(t.mac_pj(bits, 8, 24, false) == t.mac_pj(8, bits, 24, false));
            CHECK(t.mac_pj(bits, bits, 24, true) < t.mac_pj(bits, bits, 24, false));
            for (const char* operation : {"add", "multiply", "compare"}) {
                CHECK(t.post_op_pj(operation, bits + 1) > t.post_op_pj(operation, bits));
            }
        }
        CHECK(t.hop_pj(32) == Approx(2 * t.hop_pj(16)));
        CHECK(t.dram_pj_per_bit("any") > 0);
    }
}

TEST_CASE("static power and clock are given where the table has them")
{
    const EnergyTable t =
        table(multiply + "  - {component: static, action: leakage, value: 3, unit: mw, per: mm2, source: s}\n"
                         "  - {component: static, action: leakage, value: 0.5, unit: mw, per: sram_kb, source: s}\n"
                         "  - {component: clock, action: cycle, value: 7, unit: pj, per: mac, source: s}\n");
    CHECK(*t.static_mw({2, 100, 0, 0}) == Approx(3 * 2 + 0.5 * 100));
    CHECK(*t.clock_pj_per_cycle({0, 0, 0, 4}) == Approx(28));
    const auto missing = t.missing();
    CHECK(std::count(missing.begin(), missing.end(), "static") == 0);
    CHECK(std::count(missing.begin(), missing.end(), "area of mac") == 1);
}

TEST_CASE("what a table does not have is an error that names component, action and table")
{
    const EnergyTable t = table(multiply);
    CHECK(t.mac_pj(8, 8, 32, false) == 2); // accumulation is optional
    CHECK_THROWS_WITH(t.register_file_pj(8, 8, true),
                      "energy table t: no entry for component \"register_file\", action \"write\"");
    CHECK_THROWS_WITH(t.mac_pj(8, 8, 32, true), Contains("action \"gated\""));
    CHECK_THROWS_WITH(t.post_op_pj("softmax", 8), Contains("component \"post\", action \"softmax\""));
    CHECK_THROWS_AS(t.hop_pj(8), UserError);
    CHECK_THROWS_WITH(EnergyTable::load("7nm"),
                      "unknown energy table \"7nm\"; known: eyeriss_normalized, generic_28nm, horowitz_45nm");
}

TEST_CASE("wrong entries are refused with their place")
{
    const auto refuse = [](const std::string& entry, const std::string& message) {
        CHECK_THROWS_WITH(table(multiply + "  - {" + entry + "}\n"), Contains("t.yaml:") && Contains(message));
    };
    refuse("component: cpu, action: read, value: 1, unit: pj, per: word, bits: 8, source: s",
           "component: expected one of mac");
    refuse("component: mac, action: divide, value: 1, unit: pj, per: word, bits: 8, source: s",
           "action: expected one of multiply");
    refuse("component: network, action: hop, value: 1, unit: nj, per: word, bits: 8, source: s", "unit: expected pj");
    refuse("component: network, action: hop, value: 1, unit: pj, per: beat, bits: 8, source: s", "per");
    refuse("component: network, action: hop, value: -1, unit: pj, per: word, bits: 8, source: s", "value");
    refuse("component: network, action: hop, value: 1, unit: pj, per: word, source: s", "bits");
    refuse("component: network, action: hop, value: 1, unit: pj, per: word, bits: 8", "source");
    refuse("component: network, action: hop, value: 1, unit: pj, per: word, bits: 8, size_bytes: 4, source: s",
           "size_bytes");
    refuse("component: mac, action: multiply, value: 3, unit: pj, per: word, bits: 8, source: s",
           "more than one entry for \"mac multiply\"");
}
