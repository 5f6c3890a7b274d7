#include "models/energy.hpp"

#include "dnn/base/error.hpp"
#include "dnn/base/files.hpp"
#include "dnn/base/nearest.hpp"

#include <algorithm>

namespace heddle {

namespace {

constexpr double mm2_per_um2 = 1e-6;

bool by_memory_size(const CostEntry& entry)
{
    return entry.size_bytes > 0;
}
bool by_bit_product(const CostEntry& entry)
{
    return entry.action == "multiply";
}
bool by_adder_width(const CostEntry& entry)
{
    return entry.bits > 0 && (entry.component == "mac" || entry.component == "post");
}

/// All four names of what ChipSize counts, as an entry's `per` has them.
double amount(const ChipSize& chip, const std::string& per)
{
    if (per == "mm2") return chip.area_mm2;
    if (per == "sram_kb") return chip.sram_kb;
    return per == "mac" ? chip.macs : chip.register_kb;
}

} // namespace

std::vector<std::string> EnergyTable::shipped()
{
    std::vector<std::string> names = shipped_names("models/tables");
    // DRAM timings share the folder.
    const auto is_dram = [](const std::string& name) { return name.rfind("dram_", 0) == 0; };
    names.erase(std::remove_if(names.begin(), names.end(), is_dram), names.end());
    return names;
}

EnergyTable EnergyTable::load(const std::string& name_or_path)
{
    if (name_or_path.find('/') != std::string::npos || name_or_path.find(".yaml") != std::string::npos) {
        return from_yaml(YamlReader::load_file(name_or_path));
    }
    std::string known;
    const std::vector<std::string> names = shipped();
    for (const std::string& name : names) {
        if (name == name_or_path)
            return from_yaml(YamlReader::load_file(data_root() + "/models/tables/" + name + ".yaml"));
        known += (known.empty() ? "" : ", ") + name;
    }
    throw UserError("unknown energy table \"" + name_or_path + "\"" + did_you_mean(names, name_or_path) +
                    "; known: " + known);
}

EnergyTable EnergyTable::from_yaml(const YamlReader& yaml)
{
    EnergyTable table(read_energy_file(yaml));
    for (const CostEntry& entry : table.file_.energies) {
        const bool in_units = entry.component != "static" && entry.action != "gated";
        table.add(table.energy_, entry, in_units ? table.unit_pj() : 1.0, yaml.child("energies"));
    }
    for (const CostEntry& entry : table.file_.areas) table.add(table.area_, entry, mm2_per_um2, yaml.child("areas"));
    return table;
}

void EnergyTable::add(Curves& curves, const CostEntry& entry, double unit, const YamlReader& yaml) const
{
    double size = 1, cost = entry.value * unit, exponent = 1;
    if (by_memory_size(entry)) {
        size = entry.size_bytes;
        cost /= entry.bits;
        exponent = entry.component == "register_file" ? file_.register_file_exponent : file_.global_buffer_exponent;
    } else if (by_bit_product(entry)) {
        size = entry.bits * entry.bits;
        exponent = file_.multiplier_exponent;
    } else if (by_adder_width(entry)) {
        size = entry.bits;
        exponent = file_.adder_exponent;
    } else if (entry.bits > 0) {
        cost /= entry.bits;
    }
    const bool per_chip = entry.component == "static" || entry.component == "clock";
    const Key name = key(entry.component, per_chip ? entry.per : entry.action, entry.device);
    CostCurve& curve = curves.try_emplace(name, CostCurve(exponent)).first->second;
    if (!curve.add(size, cost)) {
        yaml.fail("more than one entry for \"" + name + "\" at the same size, or several of which one costs 0");
    }
}

EnergyTable::Key EnergyTable::key(const std::string& component, const std::string& action, const std::string& device)
{
    return component + " " + action + (device.empty() ? "" : " of " + device);
}

const CostCurve& EnergyTable::curve(const std::string& component, const std::string& action,
                                    const std::string& device) const
{
    const auto found = energy_.find(key(component, action, device));
    if (found != energy_.end()) return found->second;
    throw UserError("energy table " + file_.name + ": no entry for component \"" + component + "\", action \"" +
                    action + "\"" + (device.empty() ? "" : ", device \"" + device + "\""));
}

double EnergyTable::mac_pj(int weight_bits, int input_bits, int psum_bits, bool gated) const
{
    double pj = curve("mac", "multiply").at(static_cast<double>(weight_bits) * input_bits);
    // A table normalised to whole MACs has no separate accumulator.
    const auto accumulate = energy_.find(key("mac", "accumulate"));
    if (accumulate != energy_.end()) pj += accumulate->second.at(psum_bits);
    return gated ? pj * curve("mac", "gated").at(1) : pj;
}

double EnergyTable::operand_register_pj(double bits, bool write) const
{
    return curve("operand_register", write ? "write" : "read").at(1) * bits;
}

double EnergyTable::register_file_pj(double size_bytes, double bits, bool write) const
{
    const double pj = curve("register_file", write ? "write" : "read").at(size_bytes) * bits;
    const auto floor = energy_.find(key("operand_register", write ? "write" : "read"));
    return floor == energy_.end() ? pj : std::max(pj, floor->second.at(1) * bits);
}

double EnergyTable::global_buffer_pj(double size_bytes, double bits, bool write) const
{
    return curve("global_buffer", write ? "write" : "read").at(size_bytes) * bits;
}

double EnergyTable::hop_pj(double bits) const
{
    return curve("network", "hop").at(1) * bits;
}

double EnergyTable::post_op_pj(const std::string& operation, int bits) const
{
    const double width = bits;
    return curve("post", operation).at(operation == "multiply" ? width * width : width);
}

bool EnergyTable::has_dram_commands(const std::string& device) const
{
    return energy_.count(key("dram", "act", device)) > 0;
}

DramEnergy EnergyTable::dram_pj(const std::string& device, const DramCounts& counts) const
{
    const auto cost = [&](const char* action, std::uint64_t count) {
        return curve("dram", action, device).at(1) * static_cast<double>(count);
    };
    DramEnergy energy;
    energy.activate_pj = cost("act", counts.act);
    energy.precharge_pj = cost("pre", counts.pre);
    energy.read_pj = cost("rd", counts.rd);
    energy.write_pj = cost("wr", counts.wr);
    energy.refresh_pj = cost("ref", counts.ref);
    energy.active_standby_pj = cost("active_standby", counts.active_standby_clocks);
    energy.precharge_standby_pj = cost("precharge_standby", counts.precharge_standby_clocks);
    return energy;
}

double EnergyTable::dram_pj_per_bit(const std::string& device) const
{
    const auto own = energy_.find(key("dram", "access", device));
    return own != energy_.end() ? own->second.at(1) : curve("dram", "access", "any").at(1);
}

std::optional<double> EnergyTable::per_chip(const std::string& component, const ChipSize& chip) const
{
    std::optional<double> sum;
    for (const char* per : {"mm2", "sram_kb", "register_kb", "mac"}) {
        const auto found = energy_.find(key(component, per));
        if (found != energy_.end()) sum = sum.value_or(0.0) + found->second.at(1) * amount(chip, per);
    }
    return sum;
}

std::optional<double> EnergyTable::static_mw(const ChipSize& chip) const
{
    return per_chip("static", chip);
}

std::optional<double> EnergyTable::clock_pj_per_cycle(const ChipSize& chip) const
{
    return per_chip("clock", chip);
}

std::optional<double> EnergyTable::mac_mm2(int weight_bits, int input_bits, int psum_bits) const
{
    const auto multiply = area_.find(key("mac", "multiply"));
    const auto accumulate = area_.find(key("mac", "accumulate"));
    if (multiply == area_.end() || accumulate == area_.end()) return std::nullopt;
    return multiply->second.at(static_cast<double>(weight_bits) * input_bits) + accumulate->second.at(psum_bits);
}

std::optional<double> EnergyTable::register_file_mm2(double size_bytes) const
{
    return storage_mm2("register_file", size_bytes);
}

std::optional<double> EnergyTable::global_buffer_mm2(double size_bytes) const
{
    return storage_mm2("global_buffer", size_bytes);
}

std::optional<double> EnergyTable::storage_mm2(const std::string& component, double size_bytes) const
{
    const auto found = area_.find(key(component, "storage"));
    if (found == area_.end()) return std::nullopt;
    return found->second.at(1) * size_bytes * 8;
}

std::vector<std::string> EnergyTable::missing_parts() const
{
    std::vector<std::string> names;
    if (!static_mw({})) names.push_back("static");
    if (!clock_pj_per_cycle({})) names.push_back("clock");
    if (!mac_mm2(8, 8, 32)) names.push_back("area of mac");
    if (!register_file_mm2(1)) names.push_back("area of register_file");
    if (!global_buffer_mm2(1)) names.push_back("area of global_buffer");
    return names;
}

std::vector<std::string> EnergyTable::missing() const
{
    std::vector<std::string> names = missing_parts();
    for (const NotCovered& n : file_.not_covered)
        names.push_back(n.dram.empty() || n.dram == "any" ? n.what : n.what + " of " + n.dram);
    return names;
}

std::vector<std::string> EnergyTable::missing(const std::string& dram) const
{
    std::vector<std::string> names = missing_parts();
    for (const NotCovered& n : file_.not_covered)
        if (n.dram.empty() || (!dram.empty() && (n.dram == "any" || n.dram == dram))) names.push_back(n.what);
    return names;
}

} // namespace heddle
