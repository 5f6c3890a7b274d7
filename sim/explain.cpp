#include "sim/explain.hpp"

#include "dnn/base/error.hpp"
#include "dnn/base/nearest.hpp"
#include "dnn/base/yaml_scalar.hpp"
#include "sim/cause_texts.hpp"
#include "sim/layer_table.hpp"
#include "sim/report.hpp"
#include "sim/text.hpp"
#include "sim/totals.hpp"

#include <algorithm>
#include <ostream>
#include <set>
#include <sstream>

namespace heddle {

namespace {

double share(std::int64_t part, std::int64_t whole)
{
    return whole > 0 ? static_cast<double>(part) / static_cast<double>(whole) : 0.0;
}

std::string joules(double pj)
{
    return with_prefix(pj * 1e-12, "J");
}

std::string spaced(std::string name)
{
    std::replace(name.begin(), name.end(), '_', ' ');
    return name;
}

void title(std::ostream& out, const std::string& text)
{
    out << '\n' << text << '\n';
}

void print_list(std::ostream& out, const std::vector<std::string>& lines)
{
    for (const std::string& text : lines) out << wrapped("  -", text, 4, report_width);
}

void print_bound(std::ostream& out, const LayerResult& l)
{
    title(out, "the bound: the least cycles that each part of the machine needs for this mapping");
    TextTable table({"<term", "cycles", "of the layer", "<"});
    Ledger terms = l.bound_terms_cycles;
    std::stable_sort(terms.begin(), terms.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
    for (const auto& [name, cycles] : terms)
        table.add_row(
            {name, grouped(cycles), percent(share(cycles, l.cycles)), name == l.bound_by ? "sets the bound" : ""});
    table.print(out);
    if (l.bound_actual_cycles != l.bound_cycles)
        out << "for the values of this run (coded maps) the bound is " << grouped(l.bound_actual_cycles) << " cycles\n";
}

/// Blocks in the order of their data: memory first.
std::vector<std::string> block_order(const LayerResult& l)
{
    std::vector<std::string> order;
    for (const char* block : {"array", "dram", "dma", "global_buffer", "distributor", "collector", "post"})
        if (l.ledger.count(block) > 0) order.push_back(block);
    for (const auto& [block, ledger] : l.ledger)
        if (std::find(order.begin(), order.end(), block) == order.end()) order.push_back(block);
    return order;
}

void print_ledger(std::ostream& out, const LayerResult& l)
{
    title(out, "where every cycle of every block went (of the array: PE-cycles / PEs)");
    TextTable table({"<block", "<cause", "cycles", "share"});
    std::vector<std::pair<std::string, std::string>> meanings;
    for (const std::string& block : block_order(l)) {
        const Ledger& ledger = l.ledger.at(block);
        const std::int64_t all = ledger_sum(ledger), per_cycle = std::max<std::int64_t>(1, all / l.cycles);
        std::string name = block;
        for (const auto& [cause, count] : ledger) {
            if (count == 0) continue;
            table.add_row({name, spaced(cause),
                           count % per_cycle == 0
                               ? grouped(count / per_cycle)
                               : decimal(static_cast<double>(count) / static_cast<double>(per_cycle), 1),
                           percent(share(count, all))});
            name.clear();
            meanings.emplace_back((is_array(block) ? "" : block + ": ") + spaced(cause), cause_meaning(block, cause));
        }
    }
    table.print(out);
    out << '\n';
    std::size_t indent = 0;
    for (const auto& [cause, meaning] : meanings) indent = std::max(indent, cause.size() + 4);
    for (const auto& [cause, meaning] : meanings)
        if (!meaning.empty()) out << wrapped("  " + cause, meaning, indent, report_width);
}

void print_phases(std::ostream& out, const LayerResult& l, int clock_mhz)
{
    static const std::vector<std::pair<const char*, const char*>> known = {
        {"first_request", "the DMA asks the memory for the first words"},
        {"first_operand", "the array consumes its first operand"},
        {"last_result", "the array pushes its last result"},
        {"last_write", "the last word is written"}};
    title(out, "phases");
    TextTable table({"<phase", "cycle", "us", "<what happens"});
    for (const auto& [phase, meaning] : known) {
        const auto at = l.phases.find(phase);
        if (at == l.phases.end()) continue;
        table.add_row({spaced(phase), grouped(at->second),
                       clock_mhz > 0 ? decimal(static_cast<double>(at->second) / clock_mhz, 3) : "-", meaning});
    }
    table.print(out);
}

void print_dram_energy(std::ostream& out, const DramEnergyParts& e)
{
    if (e.total() <= 0.0) return;
    title(out, "energy off the chip: " + joules(e.total()) + ", of it traffic " + joules(e.traffic()) +
                   ", background " + joules(e.background()));
    TextTable table({"<part", "energy", "share"});
    for (const auto& [name, pj] : dram_parts(e))
        if (pj > 0.0) table.add_row({spaced(name), joules(pj), percent(pj / e.total())});
    table.print(out);
}

void print_dram(std::ostream& out, const LayerResult& l)
{
    const DramActivity& d = l.dram;
    if (d.read_bytes + d.write_bytes == 0) return;
    title(out, "off the chip: " + with_prefix(static_cast<double>(d.read_bytes), "B") + " read, " +
                   with_prefix(static_cast<double>(d.write_bytes), "B") + " written");
    if (d.reads + d.writes > 0)
        out << wrapped("  commands",
                       grouped(d.activates) + " ACT, " + grouped(d.precharges) + " PRE, " + grouped(d.reads) + " RD, " +
                           grouped(d.writes) + " WR, " + grouped(d.refreshes) + " REF; " + grouped(d.row_hits) +
                           " row hits (" + percent(share(d.row_hits, d.reads + d.writes)) + " of accesses)",
                       12, report_width)
            << wrapped("  standby",
                       grouped(d.active_standby_clocks) + " memory clocks with a row open, " +
                           grouped(d.precharge_standby_clocks) + " without",
                       12, report_width);
    print_dram_energy(out, l.dram_energy_pj);
}

void print_accesses(std::ostream& out, const LayerResult& l)
{
    title(out, "words at each level");
    TextTable table({"<level", "<tensor", "fills", "reads", "updates", "drains", "read beats", "write beats"});
    for (const auto& [level, tensors] : l.accesses) {
        std::string name = level;
        for (const auto& [tensor, c] : tensors) {
            table.add_row({name, tensor, grouped(c.fills), grouped(c.reads), grouped(c.updates), grouped(c.drains),
                           grouped(c.read_beats), grouped(c.write_beats)});
            name.clear();
        }
    }
    table.print(out);
}

void print_hops(std::ostream& out, const LayerResult& l)
{
    if (l.hops.empty() && l.reuse.empty()) return;
    title(out, "network and reuse");
    TextTable table({"<tensor", "hops (words x links)", "uses per fill", "most uses of a fill"});
    std::set<std::string> tensors;
    for (const auto& [tensor, hops] : l.hops) tensors.insert(tensor);
    for (const auto& [tensor, counts] : l.reuse) tensors.insert(tensor);
    for (const std::string& tensor : tensors) {
        const auto hops = l.hops.find(tensor);
        const auto reuse = l.reuse.find(tensor);
        const bool counted = reuse != l.reuse.end() && reuse->second.at("fills") > 0;
        table.add_row({tensor, hops == l.hops.end() ? "-" : grouped(hops->second),
                       counted ? decimal(static_cast<double>(reuse->second.at("uses")) /
                                             static_cast<double>(reuse->second.at("fills")),
                                         1)
                               : "-",
                       counted ? grouped(reuse->second.at("most_uses")) : "-"});
    }
    table.print(out);
}

void print_energy(std::ostream& out, const std::map<std::string, double>& parts,
                  const std::map<std::string, double>& tensors, const std::string& source)
{
    double total = 0.0;
    for (const auto& [part, pj] : parts) total += pj;
    title(out, "energy: " + joules(total) + " by " + source);
    TextTable table({"<part", "energy", "share"});
    for (const char* part : energy_parts)
        if (const auto found = parts.find(part); found != parts.end() && found->second > 0.0)
            table.add_row({part, joules(found->second), percent(found->second / total)});
    table.add_rule();
    for (const auto& [tensor, pj] : tensors)
        if (pj > 0.0) table.add_row({"of " + tensor, joules(pj), percent(pj / total)});
    table.print(out);
}

void print_mapping(std::ostream& out, const LayerResult& l)
{
    if (l.mapping.levels.empty()) return;
    title(out, "mapping (report.json holds it in the form that --mapping takes)");
    if (!l.mapping_parameters.empty()) out << "  row-stationary " << l.mapping_parameters << '\n';
    std::istringstream nest(describe(l.mapping));
    for (std::string line; std::getline(nest, line);) out << "  " << line << '\n';
}

void print_advice(std::ostream& out, const std::vector<std::string>& lines)
{
    title(out, "what would help");
    if (lines.empty())
        out << "  nothing stands out: no cause takes a hundredth of the cycles\n";
    else
        print_list(out, lines);
}

/// A layer of all: counts added up.
LayerResult sum_of(const RunResult& run)
{
    LayerResult sum;
    for (const LayerResult& l : run.layers) {
        if (!has_cycles(l)) continue;
        sum.cycles += l.cycles;
        sum.bound_actual_cycles += l.bound_actual_cycles;
        for (const auto& [block, ledger] : l.ledger) {
            Ledger& all = sum.ledger[block];
            for (const auto& [cause, count] : ledger) {
                const auto same =
                    std::find_if(all.begin(), all.end(), [&, &name = cause](const auto& c) { return c.first == name; });
                if (same == all.end())
                    all.emplace_back(cause, count);
                else
                    same->second += count;
            }
        }
    }
    return sum;
}

void print_losers(std::ostream& out, const RunResult& run, std::int64_t all_cycles)
{
    constexpr std::size_t shown = 10;
    std::vector<const LayerResult*> layers;
    for (const LayerResult& l : run.layers)
        if (has_cycles(l)) layers.push_back(&l);
    const auto lost = [](const LayerResult* l) { return l->cycles - l->bound_actual_cycles; };
    std::stable_sort(layers.begin(), layers.end(),
                     [&](const LayerResult* a, const LayerResult* b) { return lost(a) > lost(b); });
    layers.resize(std::min(layers.size(), shown));
    title(out, "layers that are furthest above their bound");
    TextTable table({"#", "<layer", "cycles", "of all", "above bound", "ratio", "<bound by", "<biggest stall"});
    for (const LayerResult* l : layers) {
        const StallCause stall = biggest_stall(*l);
        table.add_row(
            {std::to_string(l->position), l->name, grouped(l->cycles), percent(share(l->cycles, all_cycles)),
             grouped(lost(l)), decimal(share(l->cycles, l->bound_actual_cycles), 2), l->bound_by,
             stall.cause.empty() ? "-" : cause_text(stall.block, stall.cause) + " " + percent(stall.share, 0)});
    }
    table.print(out, report_width, {"layer", "biggest stall", "bound by"});
}

/// What each term of the bounds sets, over all layers.
void print_bounds(std::ostream& out, const RunResult& run)
{
    std::map<std::string, std::pair<int, std::int64_t>> by; // layers, cycles of their bounds
    for (const LayerResult& l : run.layers) {
        if (!has_cycles(l)) continue;
        by[l.bound_by].first += 1;
        by[l.bound_by].second += l.bound_actual_cycles;
    }
    title(out, "what sets the layers' bounds");
    TextTable table({"<term", "layers", "cycles of their bounds"});
    for (const auto& [term, sum] : by) table.add_row({term, std::to_string(sum.first), grouped(sum.second)});
    table.print(out);
}

} // namespace

const LayerResult& find_result(const RunResult& run, const std::string& name)
{
    std::vector<std::string> names;
    std::int64_t number = -1;
    parse_integer(name, number);
    const LayerResult* numbered = nullptr;
    for (const LayerResult& l : run.layers) {
        if (l.name == name) return l;
        if (number >= 0 && l.position == number) numbered = &l;
        names.push_back(l.name);
    }
    if (numbered) return *numbered;
    throw UserError("--layer: " + quoted(name) + " is no layer of this result" + did_you_mean(names, name) +
                    (names.empty() ? "" : ", which has " + names.front() + " to " + names.back()));
}

void explain_layer(std::ostream& out, const RunReport& report, const LayerResult& l)
{
    if (!has_cycles(l)) throw UserError("--layer: " + l.name + " takes no cycles of its own: " + l.note);
    const RunResult& run = report.run;
    out << l.name << " (" << l.op << ", " << l.shape << "), layer " << l.position << " of " << describe_run(run)
        << "\n\n"
        << grouped(l.cycles) << " cycles";
    if (run.clock_mhz > 0)
        out << " = " << decimal(static_cast<double>(l.cycles) / run.clock_mhz, 3) << " us at " << run.clock_mhz
            << " MHz";
    out << "; " << decimal(share(l.cycles, l.bound_actual_cycles), 2) << " x the bound of "
        << grouped(l.bound_actual_cycles) << " by " << l.bound_by << '\n';
    if (l.macs > 0)
        out << grouped(l.macs) << " MACs; " << percent(l.utilization) << " of PE-cycles compute, the wires allow "
            << percent(l.wire_utilization) << '\n';
    if (!l.note.empty()) out << l.note << '\n';
    print_advice(out, advice(report, l));
    print_bound(out, l);
    print_ledger(out, l);
    print_phases(out, l, run.clock_mhz);
    print_dram(out, l);
    print_accesses(out, l);
    print_hops(out, l);
    print_energy(out, l.energy_pj, l.energy_by_tensor_pj, report.energy_source);
    print_mapping(out, l);
}

void explain_run(std::ostream& out, const RunReport& report)
{
    const RunResult& run = report.run;
    const Totals t = sum_layers(run);
    if (t.layers == 0) throw UserError("explain: no layer of this result took cycles");
    const LayerResult all = sum_of(run);
    out << describe_run(run) << ": " << t.layers << " layers\n\n"
        << grouped(t.cycles) << " cycles = " << decimal(t.latency_ms(), 3) << " ms; "
        << decimal(share(t.cycles, t.bound_actual_cycles), 3) << " x the sum of the bounds; " << percent(t.utilization)
        << " of PE-cycles compute\n";
    print_advice(out, advice(report, all));
    print_losers(out, run, t.cycles);
    print_bounds(out, run);
    print_ledger(out, all);
    print_energy(out, t.energy, t.energy_by_tensor, report.energy_source);
    out << "on chip " << joules(t.on_chip_energy()) << ", off chip " << joules(t.off_chip_energy()) << '\n';
    print_dram_energy(out, t.dram_energy);
    out << "\nheddle explain RESULT --layer NAME explains one layer: its bound, ledger, phases, accesses, mapping\n";
}

} // namespace heddle
