// The lines of an energy table (models/tables, README.md there says what each field means).
#pragma once

#include "dnn/base/yaml_reader.hpp"

#include <string>
#include <vector>

namespace heddle {

/// What one action costs, at a reference size, as published.
struct CostEntry {
    std::string component;
    std::string action;
    double value = 0;
    std::string per; ///< what `value` is counted by
    double bits = 0; ///< of the word or beat that `value` is for
    double size_bytes = 0;
    std::string device; ///< DRAM only: name of a DramTiming, or "any"
    std::string source;
};

/// What the table's author leaves out.
struct NotCovered {
    std::string what;
    std::string dram; ///< only with this DRAM (DramTiming::name), with "any", or (empty) whatever the memory
};

struct EnergyFile {
    std::string name, node, source;
    bool normalised = false;
    double unit_pj = 1; ///< pJ of the unit that energies are written in
    double multiplier_exponent = 1, adder_exponent = 1, register_file_exponent = 0, global_buffer_exponent = 0;
    std::vector<CostEntry> energies; ///< in the table's unit
    std::vector<CostEntry> areas;    ///< in um2
    std::vector<NotCovered> not_covered;
};

/// Strict; each entry must have the fields that its component needs, and a source.
EnergyFile read_energy_file(const YamlReader& yaml);

} // namespace heddle
