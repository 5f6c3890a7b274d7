#include "dnn/base/files.hpp"
#include "dnn/network.hpp"
#include "hw/hardware.hpp"
#include "sim/choose_mappings.hpp"
#include "sim/command_line.hpp"
#include "sim/commands/commands.hpp"
#include "sim/commands/mapper_flags.hpp"
#include "sim/commands/network_flags.hpp"
#include "sim/layer_selection.hpp"
#include "sim/overlay.hpp"
#include "sim/text.hpp"

#include <ostream>
#include <sstream>

namespace heddle {

namespace {

void print_choice(std::ostream& out, const std::string& name, const MapChoice& choice, const HardwareConfig& hw)
{
    out << name << "  (" << choice.mapping.dataflow << ")\n";
    std::istringstream nest(describe(choice.mapping));
    for (std::string text; std::getline(nest, text);) out << "    " << text << '\n';
    out << "  why    " << choice.why << '\n';
    const double work = static_cast<double>(choice.plan.macs()) / hw.macs();
    std::vector<std::string> parts;
    for (const auto& [part, cycles] : choice.bound.parts) parts.push_back(part + " " + grouped(cycles));
    out << "  bound  " << grouped(choice.bound.cycles) << " cycles by " << choice.bound.by << " (" << joined(parts)
        << ")\n";
    out << "  search " << grouped(choice.counts.visited) << " tilings, " << choice.counts.describe() << ", "
        << decimal(choice.seconds, 3) << " s; estimate " << grouped(choice.estimate_cycles) << " cycles";
    if (choice.estimate_pj > 0.0) out << ", " << with_prefix(choice.estimate_pj * 1e-12, "J");
    out << '\n';
    if (choice.plan.macs() > 0 && choice.bound.cycles > 0)
        out << "  utilisation at most " << percent(work / static_cast<double>(choice.bound.cycles)) << " by the bound, "
            << percent(choice.wire_utilization) << " by the wires\n";
    const DataflowSwitch& change = choice.change;
    if (!change.from.empty())
        out << "  switch from " << change.from << ": " << grouped(change.mode_cycles)
            << " cycles of mode registers; with layers that do not overlap, flush " << grouped(change.flush_cycles)
            << " and reload " << grouped(change.reload_cycles) << " are paid anyway\n";
}

void print_dataflows(std::ostream& out, const DataflowChoice& choice)
{
    std::vector<std::string> all;
    for (const auto& [dataflow, cycles] : choice.candidates) all.push_back(dataflow + " " + grouped(cycles));
    out << "  best   " << choice.chosen << " of " << joined(all) << " cycles";
    if (all.size() > 1) out << ", " << percent(choice.margin) << " before the next";
    out << '\n';
}

RunOptions read_options(const CommandLine& line)
{
    RunOptions o;
    o.hardware = load_overlaid_hardware(line.text("hw"), line.text("overlay")).config;
    const std::string table = line.text("energy", o.hardware.energy_table);
    o.mapper = read_mapper_options(line, table.empty() ? nullptr
                                                       : std::make_shared<const EnergyTable>(EnergyTable::load(table)));
    o.dataflow = read_dataflow(line, o.hardware, o.mapper);
    o.simulate_best = read_simulate_best(line);
    const Network net = read_network(line);
    if (line.has("layers"))
        o.layers = select_layers(net, line.text("layers"));
    else
        for (int i = 0; i < static_cast<int>(net.layers.size()); ++i) o.layers.push_back(i);
    if (o.simulate_best != 0)
        o.network = synthesize(net, o.hardware.precision, 1); // any weights: no values are moved
    else
        o.network.net = net;
    return o;
}

} // namespace

int map_command(const std::vector<std::string>& arguments, std::ostream& out)
{
    CommandLine line("map", "NETWORK --hw H [--dataflow D] [--layers L] [--batch N] [--out FILE]",
                     "Shows the mapping of each layer, why it was chosen, and what the closed-form bound says.",
                     {"NETWORK"});
    line.required("hw", "H", "hardware: a shipped name or a YAML file")
        .option("dataflow", "D",
                "ws, os, is, ... (heddle list dataflows), or best: of the hardware's, layer by layer; "
                "default: the hardware's first")
        .option("layers", "L", "only these: 3..7, conv1 or a list")
        .option("overlay", "FILE", "changes to the hardware, as heddle calibrate writes them: dram.latency_cycles: 40")
        .option("energy", "T", "energy table; default: the hardware's")
        .option("out,o", "FILE", "write the mappings as YAML, to edit and to give to heddle run --mapping");
    describe_network_options(line);
    describe_mapper_options(line);
    line.example("heddle map tiny --hw tpu_like --layers conv2",
                 "one layer's loop nest, its bound, and why it was chosen")
        .example("heddle map tiny --hw tpu_like -o m.yaml", "to edit and to give to heddle run --mapping m.yaml");
    if (!line.parse(arguments, out)) return 0;
    RunOptions o = read_options(line);
    const Network& net = o.network.net;
    const HardwareConfig& hw = o.hardware;
    std::vector<int> planned;
    for (const int i : o.layers)
        if (has_plan(net, hw, i)) planned.push_back(i);
    const std::map<int, DataflowChoice> dataflows = choose_mappings(o, planned);

    std::vector<NamedMapping> chosen;
    std::int64_t bound_cycles = 0, estimate_cycles = 0;
    for (const int i : o.layers) {
        const std::string& name = net.layers[static_cast<std::size_t>(i)].name;
        if (!has_plan(net, hw, i)) {
            const int host = fused_into(net, hw, i);
            out << name << "  "
                << (host >= 0 ? "fused into " + net.layers[static_cast<std::size_t>(host)].name : "nothing to map")
                << "\n\n";
            continue;
        }
        const MapChoice& choice = o.chosen.at(i);
        print_choice(out, name, choice, hw);
        if (const auto among = dataflows.find(i); among != dataflows.end()) print_dataflows(out, among->second);
        out << '\n';
        bound_cycles += choice.bound.cycles;
        estimate_cycles += choice.estimate_cycles;
        chosen.push_back({name, choice.mapping});
    }
    out << "bounds of " << chosen.size() << " layers: " << grouped(bound_cycles) << " cycles; estimate "
        << grouped(estimate_cycles) << " cycles\n";
    if (line.has("out")) {
        write_file_atomically(line.text("out"), to_yaml(chosen));
        out << "mappings in " << line.text("out") << '\n';
    }
    return 0;
}

} // namespace heddle
