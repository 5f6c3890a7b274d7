// Do the files and tables say what the run counted, and can they be read back?
#include "dnn/base/error.hpp"
#include "sim/progress.hpp"
#include "sim/report.hpp"
#include "sim/results.hpp"
#include "sim/text.hpp"
#include "sim/totals.hpp"

#include <boost/json.hpp>
#include <catch2/catch.hpp>
#include <sstream>

using namespace heddle;
using Catch::Contains;

namespace {

LayerResult conv_layer(const std::string& name, std::int64_t cycles)
{
    LayerResult l;
    l.name = name;
    l.op = "conv";
    l.dataflow = "ws";
    l.shape = "3x8x8 -> 4x8x8, 3x3/1";
    l.verified = true;
    l.macs = 1000;
    l.macs_effectual = 900;
    l.cycles = cycles;
    l.bound_cycles = l.bound_actual_cycles = 80;
    l.bound_by = "compute";
    l.utilization = 0.25;
    l.ledger["array"] = {{"compute", cycles}, {"weights missing", 2 * cycles}, {"drain", cycles}};
    l.ledger["dma"] = {{"busy", cycles - 10}, {"nothing to do", 10}};
    l.accesses["global_buffer"]["weights"] = {1, 2, 3, 4, 5, 6};
    l.hops["inputs"] = 77;
    l.phases["first_request"] = 2;
    l.dram.read_bytes = 640;
    l.dram.row_hits = 9;
    l.energy_pj = {{"mac", 1.5}, {"dram", 10.25}, {"static", 0.125}};
    l.energy_by_tensor_pj = {{"weights", 10.25}};
    l.dram_energy_pj.read = 8.0;
    l.dram_energy_pj.refresh = 2.25;
    l.bound_terms_cycles = {{"dram", 70}, {"compute", 80}};
    l.mapping =
        parse_mappings("mappings: [{layer: x, dataflow: ws, levels: [{name: glb, temporal: [{loop: P*Q, step: 4}],"
                       " keep: [weights]}, {name: array, spatial: [{loop: K, axis: x, step: 1, count: 4}]}]}]",
                       "m")
            .front()
            .mapping;
    return l;
}

RunReport example()
{
    RunReport report;
    RunResult& run = report.run;
    run.network = "net";
    run.hardware = "hw";
    run.clock_mhz = 500;
    run.pes = 4;
    run.seed = 18446744073709551615u;
    run.output = {0.5F, -1.0F};
    LayerResult input, host;
    input.name = "input";
    input.note = "moves no data";
    host.name = "prob";
    host.op = "softmax";
    host.timed = false;
    host.note = "left to the host";
    run.layers = {input, conv_layer("a", 100), host, conv_layer("b", 300)};
    report.energy_source = "table (1nm)";
    report.hardware_yaml = "name: hw\n# a \"comment\"\n";
    report.coverage = "all of it";
    return report;
}

boost::json::object parsed(const RunReport& report)
{
    return boost::json::parse(report_json(report)).get_object();
}

} // namespace

TEST_CASE("report.json carries the names that others rely on")
{
    const boost::json::object root = parsed(example());
    const boost::json::object& totals = root.at("totals").get_object();
    CHECK(totals.at("cycles").get_int64() == 400);
    CHECK(totals.at("latency_ms").get_double() == Approx(0.0008)); // 400 cycles at 500 MHz
    CHECK(totals.at("macs").get_int64() == 2000);
    double sum = 0.0;
    for (const char* part : {"mac", "register_file", "network", "global_buffer", "dram", "post", "static"})
        sum += totals.at("energy_pj").at(part).get_double();
    CHECK(totals.at("energy_pj").at("total").get_double() == Approx(sum));
    CHECK(sum == Approx(2 * 11.875));
    CHECK(totals.at("off_chip_energy_pj").get_double() == Approx(2 * 10.25));
    CHECK(totals.at("on_chip_energy_pj").get_double() == Approx(2 * 1.625));
    double off_chip = 0.0;
    const std::vector<std::string> dram = {"activate",          "read",       "write", "refresh", "active_standby",
                                           "precharge_standby", "power_down", "io"};
    for (const std::string& part : dram) off_chip += totals.at("dram_energy_pj").at(part).to_number<double>();
    CHECK(off_chip == Approx(2 * 10.25));
    CHECK(totals.at("dram_energy_pj").get_object().size() == dram.size());

    const boost::json::array& layers = root.at("layers").get_array();
    REQUIRE(layers.size() == 2); // neither the input nor the softmax took cycles
    CHECK(root.at("untimed").get_array().size() == 2);
    const boost::json::object& layer = layers[0].get_object();
    for (const char* name : {"name", "op", "dataflow", "macs", "cycles", "bound_cycles", "utilization", "verified",
                             "energy_pj", "accesses", "dram", "ledger", "phases", "array_cycles", "bound_actual_cycles",
                             "dram_energy_pj", "bound_terms_cycles", "mapping"})
        CHECK(layer.contains(name));
    CHECK(layer.at("accesses").at("global_buffer").at("weights").at("updates").get_int64() == 3);
    CHECK(layer.at("ledger").at("array").at("weights missing").get_int64() == 200);
    CHECK(layer.at("dram").at("row_hits").get_int64() == 9);
    CHECK(layer.at("energy_pj").at("total").get_double() == Approx(11.875));
}

TEST_CASE("a report reads back as it was written, layers in their order")
{
    const RunReport written = example();
    const RunReport read = parse_report(report_json(written), "r.json");
    REQUIRE(read.run.layers.size() == 4);
    for (std::size_t i = 0; i < 4; ++i) {
        CHECK(read.run.layers[i].name == written.run.layers[i].name);
        CHECK(first_difference(read.run.layers[i], written.run.layers[i]).empty());
    }
    CHECK(read.run.seed == written.run.seed);
    CHECK(read.run.output == written.run.output);
    CHECK(read.hardware_yaml == written.hardware_yaml);
    CHECK(report_json(read) == report_json(written));
    CHECK(read.run.layers[1].mapping == written.run.layers[1].mapping);
    CHECK(read.run.layers[1].bound_terms_cycles == written.run.layers[1].bound_terms_cycles);
    CHECK(read.run.layers[1].dram_energy_pj.refresh == 2.25);
}

TEST_CASE("a report of an older version, without mappings and parts, still reads")
{
    boost::json::object root = parsed(example());
    root.erase("dataflow");
    for (boost::json::value& layer : root.at("layers").get_array())
        for (const char* name : {"dram_energy_pj", "bound_terms_cycles", "mapping"})
            CHECK(layer.get_object().erase(name) == 1);
    const RunReport read = parse_report(boost::json::serialize(root), "r.json");
    CHECK(read.run.layers[1].mapping.levels.empty());
    CHECK(read.run.layers[1].cycles == 100);
    std::ostringstream out;
    print_report(out, read);
    CHECK_THAT(out.str(), Catch::StartsWith("net on hw, batch 1,"));
}

TEST_CASE("a broken report is refused with file and path")
{
    const auto error = [](const std::string& text) -> std::string {
        try {
            parse_report(text, "r.json");
        } catch (const UserError& e) {
            return e.what();
        }
        return "accepted";
    };
    CHECK_THAT(error("{"), Contains("r.json: no report"));
    CHECK_THAT(error("[]"), Contains("r.json: : expected an object") || Contains("expected an object"));
    CHECK_THAT(error("{}"), Contains("heddle-report-1"));
    std::string text = report_json(example());
    const std::string cycles = "\"cycles\": 300";
    REQUIRE(text.rfind(cycles) != std::string::npos);
    text.replace(text.rfind(cycles), cycles.size(), "\"cycles\": \"many\"");
    CHECK_THAT(error(text), Contains("r.json: layers[1].cycles: expected an integer"));
}

TEST_CASE("layers.csv has a row per layer with cycles and quotes what needs it")
{
    RunReport report = example();
    for (LayerResult& l : report.run.layers) {
        l.reuse = {{"weights", {{"uses", 8}, {"fills", 2}}}};
        l.accesses["global_buffer"] = {{"inputs", {0, 500, 0, 0, 0, 0}}};
    }
    std::istringstream csv(layers_csv(report.run));
    std::vector<std::string> lines;
    for (std::string line; std::getline(csv, line);) lines.push_back(line);
    REQUIRE(lines.size() == 3);
    CHECK_THAT(lines[0], Catch::StartsWith("name,op,dataflow,shape,macs,cycles"));
    CHECK_THAT(lines[0], Contains(",weights_uses_per_fill,inputs_uses_per_fill,outputs_uses_per_fill,"
                                  "buffer_accesses_per_mac,"));
    CHECK_THAT(lines[1], Contains(",4,0,0,0.5,"));
    CHECK_THAT(lines[1], Catch::StartsWith("a,conv,ws,\"3x8x8 -> 4x8x8, 3x3/1\",1000,100"));
}

TEST_CASE("the biggest stall is the array's, or the busiest block's where the array rests")
{
    LayerResult layer = conv_layer("a", 100);
    CHECK(biggest_stall(layer).cause == "weights missing");
    CHECK(biggest_stall(layer).share == Approx(0.5));
    layer.ledger["array"] = {{"nothing to do", 400}};
    layer.ledger["post"] = {{"busy", 20}, {"inputs missing", 80}};
    CHECK(biggest_stall(layer).block == "dma"); // 90 busy cycles against 20
    CHECK(biggest_energy_part(layer) == "dram");
}

TEST_CASE("two runs differ exactly where a count or an energy does")
{
    const RunReport a = example();
    RunReport b = example();
    std::ostringstream out;
    CHECK_FALSE(print_difference(out, a, b));
    b.run.simulate_seconds = 99; // the simulator's own speed is no result
    CHECK_FALSE(print_difference(out, a, b));
    b.run.layers[3].ledger["dma"][0].second += 1;
    CHECK(print_difference(out, a, b));
    CHECK_THAT(out.str(), Contains("ledger.dma.busy") && !Contains("ledger.array"));
    b = a;
    b.run.layers[1].energy_pj["dram"] += 1;
    CHECK(print_difference(out, a, b));
    b = a;
    b.run.layers.pop_back();
    CHECK(print_difference(out, a, b));
    CHECK(print_difference(out, b, a));
}

TEST_CASE("the table for people names totals, coverage and what was verified")
{
    std::ostringstream out;
    print_report(out, example());
    CHECK_THAT(out.str(), Contains("400 cycles = 0.001 ms") && Contains("2 of 2 layers equal the reference") &&
                              Contains("all of it") && Contains("weights missing 50 %") &&
                              Contains("prob (softmax): left to the host"));
}

TEST_CASE("numbers for people")
{
    CHECK(grouped(0) == "0");
    CHECK(grouped(-1234567) == "-1,234,567");
    CHECK(grouped(123456) == "123,456");
    CHECK(with_prefix(0.01234, "J") == "12.3 mJ");
    CHECK(with_prefix(999.6, "W") == "1.00 kW");
    CHECK(with_prefix(0.0, "J") == "0 J");
    CHECK(percent(0.1234) == "12.3 %");
    CHECK(decimal(1.0 / 0.0, 2) == "n/a");
    CHECK(clock_time(75) == "1:15");
    CHECK(clock_time(3725) == "1:02:05");
}

TEST_CASE("the progress bar shows layers, cycles, speed and time left within the terminal's width")
{
    Progress p;
    p.layers_done = 7;
    p.layers_total = 28;
    p.layer = "conv7";
    p.cycles = 2000000;
    p.fraction = 0.25;
    const std::string bar = progress_bar(p, 2.0, 200);
    CHECK_THAT(bar, Contains("7/28") && Contains("2.00 Mcycles ") && Contains("1.00 Mcycles/s") &&
                        Contains("0:06 left") && Contains("conv7"));
    CHECK(progress_bar(p, 2.0, 40).size() == 40);
    p.fraction = 0.0;
    CHECK_THAT(progress_line(p, 0.0), Contains("--:-- left"));
}
