// Turns counts into energy and blocks into area, by a table of published costs (models/tables, README.md there).
#pragma once

#include "models/cost_curve.hpp"
#include "models/dram_controller.hpp"
#include "models/energy_entries.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace heddle {

/// What static power, clock and area are proportional to.
struct ChipSize {
    double area_mm2 = 0;
    double sram_kb = 0;     ///< KB = 1024 bytes
    double register_kb = 0; ///< register files and operand registers
    double macs = 0;
};

struct DramEnergy {
    double activate_pj = 0, precharge_pj = 0, read_pj = 0, write_pj = 0, refresh_pj = 0;
    double active_standby_pj = 0, precharge_standby_pj = 0;
    double total_pj() const
    {
        return activate_pj + precharge_pj + read_pj + write_pj + refresh_pj + active_standby_pj + precharge_standby_pj;
    }
};

/// Every answer is a pure function of sizes, widths and counts, so saved counts can be priced again by another table.
/// All energies are in pJ: a table normalised to one MAC is converted by its stated `unit_pj`.
///
/// How costs scale (exponents are the table's, their source is stated there):
///  - MAC: a multiplier by the product of its operand widths plus, where the table has one, an accumulator by its
///  width. Gated: a
///    stated fraction of that.
///  - Register file, global buffer: linear in the bits accessed; per bit by the size of the memory, on the power law
///  between the
///    table's points. A register file is never cheaper per bit than an operand register.
///  - Operand register and hop: linear in bits. A hop is one link driven.
///  - Post operations: add and compare as an adder, multiply as a multiplier.
/// No node is ever converted into another by this code. A cost without an entry is a UserError naming component,
/// action, table.
class EnergyTable {
public:
    /// A shipped name or a path to a YAML file.
    static EnergyTable load(const std::string& name_or_path);
    static EnergyTable from_yaml(const YamlReader& yaml);
    static std::vector<std::string> shipped();

    const std::string& name() const { return file_.name; }
    const std::string& node() const { return file_.node; }
    const std::string& source() const { return file_.source; }
    const std::vector<CostEntry>& energies() const { return file_.energies; }
    /// "pJ", or "MAC" for a normalised table; one unit is unit_pj().
    std::string unit() const { return file_.normalised ? "MAC" : "pJ"; }
    double unit_pj() const { return file_.normalised ? file_.unit_pj : 1.0; }
    /// What the table does not cover although a chip has it: static, clock, area parts, and what its author names.
    std::vector<std::string> missing() const;
    /// The same for a machine with this DRAM (DramTiming::name, "any" for another memory, empty without one).
    std::vector<std::string> missing(const std::string& dram) const;

    double mac_pj(int weight_bits, int input_bits, int psum_bits, bool gated) const;
    double operand_register_pj(double bits, bool write) const;                 ///< per word
    double register_file_pj(double size_bytes, double bits, bool write) const; ///< per word
    double global_buffer_pj(double size_bytes, double bits, bool write) const; ///< per beat, `bits` wide
    double hop_pj(double bits) const;                                          ///< per word and link
    double post_op_pj(const std::string& operation, int bits) const;           ///< add, multiply or compare

    /// Whether the table prices the commands of this DRAM (DramTiming::name); else dram_pj_per_bit() is what there is.
    bool has_dram_commands(const std::string& device) const;
    DramEnergy dram_pj(const std::string& device, const DramCounts& counts) const;
    /// Of `device`, or of "any" device.
    double dram_pj_per_bit(const std::string& device) const;

    // Empty where the table has nothing; `missing()` says so.
    std::optional<double> static_mw(const ChipSize& chip) const;
    std::optional<double> clock_pj_per_cycle(const ChipSize& chip) const;
    std::optional<double> mac_mm2(int weight_bits, int input_bits, int psum_bits) const;
    std::optional<double> register_file_mm2(double size_bytes) const;
    std::optional<double> global_buffer_mm2(double size_bytes) const;

private:
    /// component + action, for DRAM also the device.
    using Key = std::string;
    using Curves = std::map<Key, CostCurve>;

    explicit EnergyTable(EnergyFile file) : file_(std::move(file)) {}

    static Key key(const std::string& component, const std::string& action, const std::string& device = "");
    const CostCurve& curve(const std::string& component, const std::string& action,
                           const std::string& device = "") const;
    std::optional<double> per_chip(const std::string& component, const ChipSize& chip) const;
    std::optional<double> storage_mm2(const std::string& component, double size_bytes) const;
    std::vector<std::string> missing_parts() const;
    void add(Curves& curves, const CostEntry& entry, double unit, const YamlReader& yaml) const;

    EnergyFile file_;
    Curves energy_; ///< pJ
    Curves area_;   ///< mm2
};

} // namespace heddle
