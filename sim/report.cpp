#include "sim/report.hpp"

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

std::string stall_text(const LayerResult& layer)
{
    const StallCause stall = biggest_stall(layer);
    if (stall.cause.empty()) return "-";
    std::string text = (is_array(stall.block) ? "" : stall.block + ": ") + stall.cause;
    std::replace(text.begin(), text.end(), '_', ' ');
    return text + " " + percent(stall.share, 0);
}

std::string energy_text(const LayerResult& layer)
{
    const std::string part = biggest_energy_part(layer);
    if (part.empty()) return "-";
    return part + " " + percent(layer.energy_pj.at(part) / layer_energy(layer), 0);
}

std::vector<std::string> layer_cells(const LayerResult& l, std::size_t number)
{
    return {std::to_string(l.position >= 0 ? l.position : static_cast<int>(number)),
            l.name,
            l.op,
            l.shape,
            grouped(l.macs),
            grouped(l.cycles),
            grouped(l.bound_actual_cycles),
            decimal(ratio(l.cycles, l.bound_actual_cycles), 2),
            l.bound_by,
            l.macs > 0 ? percent(l.utilization) : "-",
            l.macs > 0 ? percent(l.wire_utilization) : "-",
            joules(layer_energy(l)),
            stall_text(l),
            energy_text(l)};
}

void print_switches(std::ostream& out, const RunResult& run)
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
    out << "\nthe dataflow changes " << changes << (changes == 1 ? " time: " : " times: ") << grouped(sum.mode_cycles)
        << " cycles of mode registers added; flush " << grouped(sum.flush_cycles) << " and reload "
        << grouped(sum.reload_cycles) << " are in the layers' cycles\n";
}

/// Where the mapper chose among dataflows: what each layer runs under, and what the others would take.
void print_dataflows(std::ostream& out, const RunResult& run)
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
        table.print(out);
    }
    print_switches(out, run);
}

void print_layers(std::ostream& out, const RunResult& run)
{
    TextTable table({"#", "<layer", "<op", "<shape", "MACs", "cycles", "bound", "ratio", "<bound by", "util.", "wires",
                     "energy", "<biggest stall", "<biggest energy"});
    for (std::size_t i = 0; i < run.layers.size(); ++i)
        if (has_cycles(run.layers[i])) table.add_row(layer_cells(run.layers[i], i));
    table.print(out);
    print_dataflows(out, run);
    for (const LayerResult& layer : run.layers)
        if (!has_cycles(layer)) out << "  " << layer.name << " (" << layer.op << "): " << layer.note << '\n';
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

void print_energy(std::ostream& out, const RunReport& report, const Totals& t)
{
    out << "energy      " << joules(t.total_energy) << " by " << report.energy_source << '\n'
        << "  by part   " << shares(t.energy, t.total_energy) << '\n'
        << "  by tensor " << shares(t.energy_by_tensor, t.total_energy) << '\n'
        << "power       " << with_prefix(t.average_power_w(), "W") << " on average, energy-delay product "
        << with_prefix(t.energy_delay_js(), "J s") << '\n';
    const RunResult& run = report.run;
    if (run.area_mm2 > 0.0) {
        std::vector<std::string> blocks;
        for (const auto& [block, mm2] : run.area_by_block_mm2) blocks.push_back(block + " " + decimal(mm2, 3));
        out << "area        " << decimal(run.area_mm2, 3) << " mm2: " << joined(blocks) << '\n';
    }
    if (!run.missing.empty()) out << "not priced  " << joined(run.missing) << '\n';
}

void print_checks(std::ostream& out, const RunReport& report, const Totals& t)
{
    const RunResult& run = report.run;
    out << "coverage    " << report.coverage << '\n';
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

void print_report(std::ostream& out, const RunReport& report)
{
    const RunResult& run = report.run;
    const Totals t = sum_layers(run);
    out << run.network << " on " << run.hardware << ", batch " << run.batch << ", " << run.pes << " PEs at "
        << run.clock_mhz << " MHz\n\n";
    print_layers(out, run);
    out << '\n'
        << "latency     " << grouped(t.cycles) << " cycles = " << decimal(t.latency_ms(), 3) << " ms, "
        << decimal(ratio(t.cycles, t.bound_actual_cycles), 3) << " x bound\n"
        << "work        " << grouped(t.macs) << " MACs, " << decimal(t.macs_per_cycle(), 1)
        << " per cycle, utilisation " << percent(t.utilization) << '\n'
        << "off chip    " << with_prefix(static_cast<double>(t.dram_read_bytes), "B") << " read, "
        << with_prefix(static_cast<double>(t.dram_write_bytes), "B") << " written\n";
    print_energy(out, report, t);
    print_checks(out, report, t);
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
