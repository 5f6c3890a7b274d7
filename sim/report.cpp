#include "sim/report.hpp"

#include "sim/layer_table.hpp"
#include "sim/text.hpp"
#include "sim/totals.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <ostream>

namespace heddle {

namespace {

double ratio(std::int64_t a, std::int64_t b)
{
    return b > 0 ? static_cast<double>(a) / static_cast<double>(b) : 0.0;
}

std::string joules(double pj)
{
    return with_prefix(pj * 1e-12, "J");
}

constexpr std::size_t label_width = 12;

/// One line of the summary, broken to fit unless it may be wide.
std::string line(const std::string& label, const std::string& text, bool wide)
{
    return wrapped(label, text, label_width, wide ? 0 : report_width);
}

void print_switches(std::ostream& out, const RunResult& run, bool wide)
{
    DataflowSwitch sum;
    int changes = 0;
    for (const LayerResult& l : run.layers) {
        const DataflowSwitch& s = l.dataflow_switch;
        if (s.from.empty()) continue;
        ++changes;
        sum.mode_cycles += s.mode_cycles;
        sum.flush_cycles += s.flush_cycles;
        sum.reload_cycles += s.reload_cycles;
    }
    if (changes == 0) return;
    const std::string text = "the dataflow changes " + std::to_string(changes) +
                             (changes == 1 ? " time: " : " times: ") + grouped(sum.mode_cycles) +
                             " cycles of mode registers added; flush " + grouped(sum.flush_cycles) + " and reload " +
                             grouped(sum.reload_cycles) + " are in the layers' cycles";
    out << '\n' << wrapped("", text, 0, wide ? 0 : report_width);
}

/// Where the mapper chose among dataflows: what each layer runs under, and what the others would take.
void print_dataflows(std::ostream& out, const RunResult& run, bool wide)
{
    TextTable table({"<layer", "<dataflow", "margin", "mode", "flush", "reload", "<cycles of the others"});
    bool any = false;
    for (const LayerResult& l : run.layers) {
        const DataflowChoice& c = l.dataflow_choice;
        if (c.chosen.empty()) continue;
        any = true;
        std::vector<std::string> others;
        for (const auto& [dataflow, cycles] : c.candidates)
            if (dataflow != c.chosen) others.push_back(dataflow + " " + grouped(cycles));
        const DataflowSwitch& s = l.dataflow_switch;
        const auto part = [&](std::int64_t cycles) { return s.from.empty() ? "" : grouped(cycles); };
        table.add_row({l.name, c.chosen, others.empty() ? "-" : percent(c.margin), part(s.mode_cycles),
                       part(s.flush_cycles), part(s.reload_cycles), joined(others)});
    }
    if (any) {
        out << '\n';
        table.print(out, wide ? SIZE_MAX : report_width, {"layer", "cycles of the others"});
    }
    print_switches(out, run, wide);
}

void print_layers(std::ostream& out, const RunResult& run, bool wide)
{
    print_layer_table(out, run, wide);
    for (const LayerResult& layer : run.layers)
        if (!has_cycles(layer)) out << "  " << layer.name << " (" << layer.op << "): " << layer.note << '\n';
    out << '\n';
    print_legend(out, wide);
    print_dataflows(out, run, wide);
}

std::string shares(const std::map<std::string, double>& parts, double total)
{
    std::vector<std::pair<std::string, double>> sorted(parts.begin(), parts.end());
    std::stable_sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
    std::vector<std::string> words;
    for (const auto& [name, pj] : sorted)
        if (pj > 0.0) words.push_back(name + " " + joules(pj) + " (" + percent(pj / total) + ")");
    return joined(words);
}

/// The DRAM's energy, told apart by what causes it; empty without any.
std::string dram_text(const DramEnergyParts& e)
{
    const auto listed = [&](const std::vector<std::pair<std::string, double>>& parts) {
        std::vector<std::string> words;
        for (const auto& [name, pj] : parts)
            if (pj > 0.0) words.push_back(name + " " + joules(pj));
        return joined(words);
    };
    if (e.total() <= 0.0) return "";
    std::string text = "traffic " + joules(e.traffic());
    if (e.traffic() > 0.0)
        text += " (" + listed({{"activate", e.activate}, {"read", e.read}, {"write", e.write}, {"io", e.io}}) + ")";
    if (e.background() > 0.0)
        text += ", background " + joules(e.background()) + " (" +
                listed({{"refresh", e.refresh},
                        {"active standby", e.active_standby},
                        {"precharge standby", e.precharge_standby},
                        {"power down", e.power_down}}) +
                ")";
    return text;
}

std::string tensor_text(const Totals& t)
{
    std::string text = shares(t.energy_by_tensor, t.total_energy);
    if (t.dram_energy.background() > 0.0)
        text += (text.empty() ? "" : "; ") + std::string("the DRAM's background of ") +
                joules(t.dram_energy.background()) + " is no tensor's";
    return text;
}

void print_energy(std::ostream& out, const RunReport& report, const Totals& t, bool wide)
{
    const RunResult& run = report.run;
    out << line("energy", joules(t.total_energy) + " by " + report.energy_source, wide)
        << line("  on chip", joules(t.on_chip_energy()), wide)
        << line("  off chip",
                joules(t.off_chip_energy()) + (t.off_chip_energy() > 0.0 ? ": " : "") + dram_text(t.dram_energy), wide)
        << line("  by part", shares(t.energy, t.total_energy), wide) << line("  by tensor", tensor_text(t), wide);
    if (run.timing_only)
        out << line("  values", "priced as dense: --timing-only moves none, so no MAC counts as gated by a zero", wide);
    out << line("power",
                with_prefix(t.average_power_w(), "W") + " on average, energy-delay product " +
                    with_prefix(t.energy_delay_js(), "J s"),
                wide);
    if (run.area_mm2 > 0.0) {
        std::vector<std::string> blocks;
        for (const auto& [block, mm2] : run.area_by_block_mm2) blocks.push_back(block + " " + decimal(mm2, 3));
        out << line("area", decimal(run.area_mm2, 3) + " mm2: " + joined(blocks), wide);
    }
    if (!run.missing.empty()) out << line("not priced", joined(run.missing), wide);
}

void print_checks(std::ostream& out, const RunReport& report, const Totals& t, bool wide)
{
    const RunResult& run = report.run;
    out << line("coverage", report.coverage, wide);
    if (run.timing_only)
        out << "verified    nothing: --timing-only moves no values\n";
    else
        out << "verified    " << t.verified << " of " << t.layers << " layers equal the reference bit for bit\n";
    if (t.overflows > 0) out << "overflow    " << grouped(t.overflows) << " exact sums did not fit the psum width\n";
    if (run.synthetic) out << "values      synthetic weights and inputs, seed " << run.seed << '\n';
    out << "simulator   " << decimal(run.simulate_seconds, 2) << " s, "
        << with_prefix(run.simulate_seconds > 0.0 ? static_cast<double>(t.cycles) / run.simulate_seconds : 0.0,
                       "cycles/s")
        << ", reference " << decimal(run.reference_seconds, 2) << " s\n";
}

bool same_energy(const LayerResult& a, const LayerResult& b)
{
    return a.energy_pj == b.energy_pj;
}

std::string change(double a, double b)
{
    if (a == b) return "=";
    return a == 0.0 ? "n/a" : (b > a ? "+" : "") + percent(b / a - 1.0, 2);
}

const LayerResult* find_layer(const RunResult& run, const std::string& name)
{
    const auto found = std::find_if(run.layers.begin(), run.layers.end(),
                                    [&](const LayerResult& layer) { return layer.name == name; });
    return found == run.layers.end() ? nullptr : &*found;
}

void add_difference(TextTable& table, const LayerResult& a, const LayerResult& b, const std::string& first)
{
    table.add_row({a.name, grouped(a.cycles), grouped(b.cycles),
                   change(static_cast<double>(a.cycles), static_cast<double>(b.cycles)), joules(layer_energy(a)),
                   joules(layer_energy(b)), change(layer_energy(a), layer_energy(b)), first});
}

} // namespace

std::string describe_run(const RunResult& run)
{
    return run.network + " on " + run.hardware + (run.dataflow.empty() ? "" : ", dataflow " + run.dataflow) +
           ", batch " + std::to_string(run.batch);
}

void print_report(std::ostream& out, const RunReport& report, bool wide)
{
    const RunResult& run = report.run;
    const Totals t = sum_layers(run);
    out << describe_run(run) << ", " << run.pes << " PEs at " << run.clock_mhz << " MHz\n\n";
    print_layers(out, run, wide);
    out << '\n'
        << "latency     " << grouped(t.cycles) << " cycles = " << decimal(t.latency_ms(), 3) << " ms, "
        << decimal(ratio(t.cycles, t.bound_actual_cycles), 3) << " x bound\n"
        << "work        " << grouped(t.macs) << " MACs, " << decimal(t.macs_per_cycle(), 1)
        << " per cycle, utilisation " << percent(t.utilization) << '\n'
        << "off chip    " << with_prefix(static_cast<double>(t.dram_read_bytes), "B") << " read, "
        << with_prefix(static_cast<double>(t.dram_write_bytes), "B") << " written\n";
    print_energy(out, report, t, wide);
    print_checks(out, report, t, wide);
}

bool print_difference(std::ostream& out, const RunReport& a, const RunReport& b)
{
    TextTable table(
        {"<layer", "cycles A", "cycles B", "change", "energy A", "energy B", "change", "<first difference"});
    bool differ = false;
    for (const LayerResult& layer : a.run.layers) {
        const LayerResult* other = find_layer(b.run, layer.name);
        const std::string first = other ? first_difference(layer, *other) : "only in A";
        if (other && first.empty() && same_energy(layer, *other)) continue;
        add_difference(table, layer, other ? *other : LayerResult{}, first.empty() ? "energy_pj" : first);
        differ = true;
    }
    for (const LayerResult& layer : b.run.layers) {
        if (find_layer(a.run, layer.name)) continue;
        LayerResult none;
        none.name = layer.name;
        add_difference(table, none, layer, "only in B");
        differ = true;
    }
    if (!differ) return false;
    LayerResult total_a, total_b;
    for (const auto& [total, run] : {std::pair(&total_a, &a.run), std::pair(&total_b, &b.run)}) {
        const Totals t = sum_layers(*run);
        total->name = "total";
        total->cycles = t.cycles;
        total->energy_pj = t.energy;
    }
    table.add_rule();
    add_difference(table, total_a, total_b, "");
    table.print(out);
    return true;
}

void print_top_classes(std::ostream& out, const std::vector<float>& scores, const std::vector<std::string>& labels,
                       int count)
{
    std::vector<std::size_t> order(scores.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return scores[a] > scores[b]; });
    double sum = 0.0; // softmax, shifted by the largest score
    for (const float score : scores) sum += std::exp(static_cast<double>(score) - scores[order[0]]);
    order.resize(std::min(order.size(), static_cast<std::size_t>(count)));
    for (const std::size_t i : order) {
        const std::string name = labels.size() == scores.size() ? labels[i] : "class " + std::to_string(i);
        const double share = std::exp(static_cast<double>(scores[i]) - scores[order[0]]) / sum;
        out << "  " << percent(share) << "  " << name << " (score " << decimal(scores[i], 3) << ")\n";
    }
}

} // namespace heddle
