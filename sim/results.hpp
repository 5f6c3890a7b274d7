// The files of a run: report.json (complete, can be read back), layers.csv, manifest.json.
#pragma once

#include "sim/result.hpp"

#include <string>
#include <utility>
#include <vector>

namespace heddle {

inline constexpr const char* report_file_name = "report.json";

/// A run with what is needed to price it again and to read it without the machine's files at hand.
struct RunReport {
    RunResult run;
    std::string energy_source; ///< the table for people: node, unit of a normalised one
    std::string hardware_file; ///< where the description came from
    std::string hardware_yaml; ///< its text
    std::string coverage;      ///< the coverage line, for people
};

/// Layers with cycles stand in `layers`, the others in `untimed`. README describes the names.
std::string report_json(const RunReport& report);
/// A report.json or the folder that holds it; UserError `file: layers[3].cycles: expected …`.
RunReport read_report(const std::string& path);
RunReport parse_report(const std::string& text, const std::string& file_name);

/// One row per layer with cycles.
std::string layers_csv(const RunResult& run);

/// First field of `a` that differs in `b`, as a path ("ledger.dma.busy"), energies left out; empty when equal.
std::string first_difference(const LayerResult& a, const LayerResult& b);

/// How the results came about.
struct Manifest {
    std::vector<std::string> command;
    std::vector<std::pair<std::string, std::string>> config_hashes; ///< file or name -> content hash
    std::uint64_t seed = 0, stall_seed = 0;
};
std::string manifest_json(const Manifest& manifest);
std::string heddle_version();

} // namespace heddle
