#include "dnn/base/error.hpp"
#include "dnn/base/files.hpp"
#include "dnn/base/nearest.hpp"
#include "dnn/base/yaml_scalar.hpp"
#include "dnn/network.hpp"
#include "hw/hardware.hpp"
#include "models/energy.hpp"
#include "sim/command_line.hpp"
#include "sim/commands/commands.hpp"
#include "sim/dataflow.hpp"
#include "sim/text.hpp"

#include <ostream>

namespace heddle {

namespace {

void list_networks(std::ostream& out)
{
    TextTable table({"<network", "layers", "input", "MACs", "weights"});
    for (const std::string& name : shipped_names("dnn/networks")) {
        const Network net = load_network(name);
        const Shape4& in = net.layers.front().out_shape;
        table.add_row({name, std::to_string(net.layers.size() - 1),
                       std::to_string(in[1]) + "x" + std::to_string(in[2]) + "x" + std::to_string(in[3]),
                       grouped(net.macs()), grouped(net.weight_words())});
    }
    table.print(out);
    out << "Also: a width and resolution (mobilenet_v1_0.50_128), a .yaml or .onnx file, gemm:MxNxK.\n";
}

void list_hardware(std::ostream& out)
{
    TextTable table({"<hardware", "PEs", "clock", "buffer", "<off chip", "<dataflows", "<energy table"});
    for (const std::string& name : shipped_names("hw/presets")) {
        const HardwareConfig hw = load_hardware(name);
        std::int64_t bytes = 0;
        for (const BufferMemory& memory : buffer_memories(hw.global_buffer)) bytes += memory.bytes;
        const std::string memory = hw.dram.kind == DramKind::dram    ? hw.dram.timing.name
                                   : hw.dram.kind == DramKind::fixed ? "fixed latency"
                                                                     : "none";
        table.add_row({name, std::to_string(hw.array.rows) + "x" + std::to_string(hw.array.cols),
                       hw.clock_mhz.text() + " MHz", std::to_string(bytes / 1024) + " KB", memory,
                       joined(hw.dataflows, " "), hw.energy_table});
    }
    table.print(out);
}

void list_energy(std::ostream& out)
{
    TextTable table({"<energy table", "<node", "<unit", "<not covered"});
    for (const std::string& name : EnergyTable::shipped()) {
        const EnergyTable energy = EnergyTable::load(name);
        const bool normalised = energy.unit() != "pJ";
        table.add_row({name, energy.node(),
                       normalised ? energy.unit() + " = " + decimal(energy.unit_pj(), 3) + " pJ" : energy.unit(),
                       joined(energy.missing())});
    }
    table.print(out);
}

void list_dataflows(std::ostream& out)
{
    TextTable table({"<dataflow", "<what it fixes"});
    for (const std::string& name : dataflow_names()) table.add_row({name, describe_dataflow(name)});
    table.print(out);
}

} // namespace

int list_command(const std::vector<std::string>& arguments, std::ostream& out)
{
    CommandLine line("list", "networks|hardware|energy|dataflows", "Lists what is shipped.", {"KIND"});
    line.example("heddle list hardware", "machines with their size, memory and dataflows");
    if (!line.parse(arguments, out)) return 0;
    const std::string kind = line.text("KIND");
    if (kind == "networks")
        list_networks(out);
    else if (kind == "hardware")
        list_hardware(out);
    else if (kind == "energy")
        list_energy(out);
    else if (kind == "dataflows")
        list_dataflows(out);
    else
        throw UserError("list: expected networks, hardware, energy or dataflows, got " + quoted(kind) +
                        did_you_mean({"networks", "hardware", "energy", "dataflows"}, kind));
    return 0;
}

} // namespace heddle
