// Does the report fit its page, does it say what its columns mean, and does docs/report.md define every name it uses?
#include "dnn/base/files.hpp"
#include "dnn/base/random.hpp"
#include "hw/trace_blocks.hpp"
#include "sim/cause_texts.hpp"
#include "sim/layer_table.hpp"
#include "sim/report.hpp"
#include "sim/text.hpp"
#include "sim/totals.hpp"

#include <catch2/catch.hpp>
#include <sstream>

using namespace heddle;
using Catch::Contains;

namespace {

std::vector<std::string> lines_of(const std::string& text)
{
    std::vector<std::string> lines;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    return lines;
}

/// Names of a table's first line: at least two blanks apart.
std::vector<std::string> columns_of(const std::string& header)
{
    std::vector<std::string> names;
    for (std::size_t at = header.find_first_not_of(' '); at != std::string::npos;) {
        const std::size_t end = std::min(header.find("  ", at), header.size());
        names.push_back(header.substr(at, end - at));
        at = header.find_first_not_of(' ', end);
    }
    return names;
}

std::string random_name(Random& random, std::int64_t longest)
{
    std::string name;
    for (std::int64_t i = random.range(1, longest); i > 0; --i) name += static_cast<char>('a' + random.below(26));
    return name;
}

/// Names, counts and causes such as a run can have, up to the largest.
RunReport random_report(std::uint64_t seed)
{
    Random random(seed);
    RunReport report;
    RunResult& run = report.run;
    run.network = random_name(random, 40);
    run.hardware = random_name(random, 20);
    run.dataflow = random_name(random, 12);
    run.clock_mhz = 500;
    run.pes = static_cast<int>(random.range(1, 65536));
    run.timing_only = random.below(2) == 0;
    run.missing = {random_name(random, 40), random_name(random, 40), random_name(random, 40)};
    const auto& blocks = CauseWatch::blocks();
    for (std::int64_t n = random.range(1, 60); n > 0; --n) {
        LayerResult l;
        l.position = static_cast<int>(random.below(1000));
        l.name = random_name(random, 60);
        l.op = random.below(2) == 0 ? "conv" : "max_pool";
        l.macs = random.below(2) == 0 ? 0 : random.range(1, 1000000000000);
        l.cycles = random.range(0, 99999999999);
        l.bound_cycles = l.bound_actual_cycles = random.range(1, 99999999999);
        l.bound_by = random.below(2) == 0 ? "request window" : "weights network";
        l.utilization = l.wire_utilization = 0.001 * static_cast<double>(random.range(0, 1000));
        const auto& block = blocks[random.below(blocks.size())];
        for (const std::string& cause : block.names)
            l.ledger[block.block].emplace_back(cause, random.range(0, 1000000));
        l.energy_pj = {{"mac", 1e3}, {"dram", 1.5e12}};
        l.dram_energy_pj.refresh = 1.5e12;
        if (random.below(2) == 0) {
            l.dataflow_choice.chosen = random_name(random, 12);
            for (int i = 0; i < 4; ++i)
                l.dataflow_choice.candidates[random_name(random, 12)] = random.range(1, 99999999999);
            l.dataflow_switch = {random_name(random, 12), random.range(0, 9999999), random.range(0, 9999999),
                                 random.range(0, 9999999)};
        }
        if (l.cycles == 0) l.note = random_name(random, 30);
        run.layers.push_back(l);
    }
    report.energy_source = random_name(random, 60);
    report.coverage = random_name(random, 60) + " " + random_name(random, 60);
    return report;
}

std::string page()
{
    return read_file(std::string(HEDDLE_SOURCE_DIR) + "/docs/report.md");
}

/// The page has the name between back ticks.
void check_defined(const std::string& text, const std::string& name)
{
    INFO(name << " in docs/report.md");
    CHECK(text.find("`" + name + "`") != std::string::npos);
}

} // namespace

TEST_CASE("the report fits 100 columns whatever the layers are called, the wide one cuts nothing")
{
    for (std::uint64_t seed = 1; seed <= 200; ++seed) {
        const RunReport report = random_report(seed);
        std::ostringstream out;
        print_report(out, report);
        INFO("seed " << seed << "\n" << out.str());
        bool in_table = false;
        for (const std::string& line : lines_of(out.str())) {
            if (line.find("---") == 0) in_table = true;
            if (line.find("latency ") == 0) in_table = false;
            // A single word longer than the page cannot be broken; notes and the header hold the user's names.
            const bool broken = in_table || line.find("  ") == 0 || line.find("the dataflow changes") == 0;
            if (broken && line.find("): ") == std::string::npos) CHECK(line.size() <= report_width);
        }
        std::ostringstream wide;
        print_report(wide, report, true);
        for (const LayerResult& l : report.run.layers)
            if (has_cycles(l)) CHECK_THAT(wide.str(), Contains(l.name + " ") && Contains(grouped(l.cycles)));
    }
}

TEST_CASE("the header names the dataflow and the legend explains the columns of the table above it")
{
    for (const bool wide : {false, true}) {
        std::ostringstream out;
        print_report(out, random_report(7), wide);
        const std::string text = out.str();
        CHECK_THAT(lines_of(text)[0], Contains(", dataflow "));
        const std::string legend = text.substr(text.rfind("\n\n", text.find("docs/report.md")));
        std::vector<std::string> shown;
        for (const LayerColumn& c : layer_columns()) {
            const std::string name = c.name.front() == '<' ? c.name.substr(1) : c.name;
            const bool has = wide || c.narrow;
            if (has) shown.push_back(name);
            INFO(name << (wide ? ", wide" : ""));
            CHECK((legend.find("\n  " + name + "  ") != std::string::npos) == (has && !c.meaning.empty()));
        }
        CHECK(columns_of(lines_of(text)[2]) == shown);
    }
}

TEST_CASE("docs/report.md defines every column, cause, part and phase")
{
    const std::string text = page();
    for (const LayerColumn& c : layer_columns()) check_defined(text, c.name.front() == '<' ? c.name.substr(1) : c.name);
    std::istringstream header(lines_of(layers_csv(RunResult{})).front());
    for (std::string column; std::getline(header, column, ',');) check_defined(text, column);
    for (const CauseWatch::BlockCauses& b : CauseWatch::blocks()) {
        check_defined(text, b.block);
        for (const std::string& cause : b.names) check_defined(text, cause);
    }
    for (const char* part : energy_parts) check_defined(text, part);
    for (const auto& [part, pj] : dram_parts({})) check_defined(text, part);
    for (const char* phase : {"first_request", "first_operand", "last_result", "last_write"})
        check_defined(text, phase);
    for (const char* term : {"compute", "weights port", "inputs port", "outputs port", "psums port", "operand2 port",
                             "weights network", "inputs network", "psums network", "dram", "dma", "post"})
        check_defined(text, term);
}

TEST_CASE("every cause has a meaning, and every one that loses cycles says for what")
{
    const HardwareConfig hw = load_hardware("tpu_like");
    for (const CauseWatch::BlockCauses& b : CauseWatch::blocks())
        for (const std::string& cause : b.names) {
            INFO(b.block << " " << cause);
            CHECK(!cause_meaning(b.block, cause).empty());
            const bool works = cause == "compute" || cause == "busy" || cause == "moving";
            CHECK(cause_phrase(b.block, cause).empty() == (works || cause == "idle"));
            if (is_array(b.block)) CHECK(cause_advice(b.block, cause, hw).empty() == works);
        }
    CHECK(cause_meaning("array", "no_such_cause").empty());
}

TEST_CASE("tables are cut where they are elastic, words wrapped under their label")
{
    TextTable table({"<layer", "cycles"});
    table.add_row({"a_layer_with_a_long_name", "1,234,567"});
    std::ostringstream out;
    table.print(out, 20, {"layer"}); // 20 = 9 of the cycles, 2 blanks, 9 of the name
    CHECK(lines_of(out.str())[2] == "a_layer..  1,234,567");
    std::ostringstream whole;
    table.print(whole, 35, {"layer"});
    CHECK(lines_of(whole.str())[2] == "a_layer_with_a_long_name  1,234,567");
    CHECK(wrapped("ab", "one two three", 4, 11) == "ab  one two\n    three\n");
    CHECK(wrapped("", "one two three", 0, 8) == "one two\nthree\n");
    CHECK(wrapped("", "of 9.05 uJ", 0, 8) == "of\n9.05 uJ\n"); // a number keeps its unit
    CHECK(wrapped("ab", "one two three", 4, 0) == "ab  one two three\n");
    CHECK(shortened("abcdef", 5) == "abc..");
    CHECK(shortened("abcde", 5) == "abcde");
}
