// Where results go: a default folder whose name tells runs apart, and what is said when results are replaced.
#pragma once

#include "sim/output_folder.hpp"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace heddle {

/// What a run's results depend on. Texts and file contents; empty where nothing is to be told apart.
struct RunIdentity {
    std::string network;          ///< its name
    std::string network_content;  ///< when it is a file of the user's
    std::string hardware;         ///< its name
    std::string hardware_content; ///< when it is not a shipped preset
    std::string dataflow;
    int batch = 1;
    std::string objective;       ///< unless it is latency
    std::string overlay_name;    ///< file name
    std::string overlay_content; ///< text
    std::string energy;          ///< unless it is the hardware's own table
    /// Every other option that was given and may change a result: name, and value or content of the file that it names.
    std::vector<std::pair<std::string, std::string>> options;
};

/// heddle_out/NETWORK-HARDWARE-DATAFLOW, then -batchN, -OBJECTIVE, -OVERLAY.hash, -ENERGY, -options.hash where they are
/// not the default; names of the user's files carry eight digits of their content's hash. Equal names: equal runs.
std::string default_folder(const RunIdentity& run);

/// Writes a run's files; returns the line that says where, and whose results they replaced.
std::string write_results(const OutputFolder& folder, const std::vector<std::pair<std::string, std::string>>& files);

} // namespace heddle
