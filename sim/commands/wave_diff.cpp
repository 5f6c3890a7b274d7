#include "sim/wave_diff.hpp"
#include "dnn/base/error.hpp"
#include "sim/command_line.hpp"
#include "sim/commands/commands.hpp"
#include "sim/text.hpp"

#include <iostream>

namespace heddle {

namespace {

constexpr std::size_t shown_differences = 10;
constexpr std::size_t shown_digits = 24;

/// The low end of a wide value tells more than its leading zeros.
std::string shortened(const std::string& hex)
{
    return hex.size() <= shown_digits ? hex : ".." + hex.substr(hex.size() - shown_digits);
}

void print_differences(std::ostream& out, const WaveDiff& d)
{
    out << "aligned: cycle 0 is cycle " << grouped(d.event_a) << " of A and " << grouped(d.event_b) << " of B\n"
        << "length: " << grouped(d.cycles_a) << " cycles of A, " << grouped(d.cycles_b) << " of B; compared "
        << grouped(d.cycles) << '\n';
    if (d.differences.empty()) {
        out << "no difference in " << grouped(d.signals) << " signals\n";
        return;
    }
    const WaveDiff::Difference& first = d.differences.front();
    out << "first difference: cycle " << grouped(first.first_cycle) << " (A " << grouped(d.event_a + first.first_cycle)
        << ", B " << grouped(d.event_b + first.first_cycle) << "): " << first.name << " is " << shortened(first.a)
        << " in A, " << shortened(first.b) << " in B\n\n"
        << grouped(static_cast<std::int64_t>(d.differences.size())) << " of " << grouped(d.signals)
        << " signals differ; the first:\n";
    TextTable table({"<signal", "from cycle", "cycles", "A (hex)", "B (hex)"});
    for (std::size_t i = 0; i < std::min(shown_differences, d.differences.size()); ++i) {
        const WaveDiff::Difference& f = d.differences[i];
        table.add_row({f.name, grouped(f.first_cycle), grouped(f.cycles), shortened(f.a), shortened(f.b)});
    }
    table.print(out);
}

void print_drift(std::ostream& out, const WaveDiff& d)
{
    if (d.channels.empty()) return;
    out << "\ntransfers, and how many cycles later they are in B\n";
    TextTable table({"<channel", "A", "B", "first", "last", "least", "most", "<drifts from", "<data differ from"});
    const auto transfer = [](std::int64_t n) { return n < 0 ? std::string("-") : "transfer " + grouped(n); };
    for (const WaveDiff::Drift& c : d.channels)
        if (c.transfers_a + c.transfers_b > 0)
            table.add_row({c.name, grouped(c.transfers_a), grouped(c.transfers_b), grouped(c.first), grouped(c.last),
                           grouped(c.smallest), grouped(c.largest), transfer(c.first_drift), transfer(c.data_differ)});
    table.print(out);
}

} // namespace

int wave_diff_command(const std::vector<std::string>& arguments, std::ostream& out)
{
    CommandLine line(
        "wave-diff", "A.vcd B.vcd [--map FILE] [--align SIGNAL]",
        "Compares two waveforms cycle by cycle, from an event on: the first cycle in which a mapped signal\n"
        "differs, and how far the transfers of each channel (valid and ready) drift apart. A signal's value\n"
        "in a cycle is the one just before the next rising edge of the clock; x and z are not compared.\n"
        "Without a map, signals with equal names and scopes with valid and ready are compared. Exit code 1\n"
        "when something differs.",
        {"A.vcd", "B.vcd"});
    line.option("map", "FILE",
                "YAML: clock: {a, b}; align: {a, b}; signals: [{a, b}]; channels: [{name, a: {valid, ready, data}, b: "
                "{...}}]")
        .option("align", "SIGNAL", "cycle 0 is the first in which this signal, of that name in both, is 1")
        .example("heddle wave-diff model.vcd rtl.vcd --map names.yaml",
                 "where an RTL simulation first differs from the model");
    if (!line.parse(arguments, out)) return 0;
    const std::string a = line.text("A.vcd"), b = line.text("B.vcd");
    WaveMap map = line.has("map") ? read_wave_map(line.text("map")) : common_signals(a, b);
    if (line.has("align")) map.align = {line.text("align"), line.text("align")};
    const WaveDiff d = compare_waves(a, b, map);
    print_differences(out, d);
    print_drift(out, d);
    return d.same() ? 0 : 1;
}

} // namespace heddle
