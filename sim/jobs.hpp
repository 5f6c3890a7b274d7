// Layers in parallel processes: exact, because every layer starts from a canonical machine and takes its inputs from
// the reference.
#pragma once

#include "sim/driver.hpp"

#include <functional>
#include <string>

namespace heddle {

/// Calls `work` in a process of its own, which ends with it: what is elaborated there does not count here. `work` hands
/// back its text by calling what it is given; empty when it threw, died or gave none.
std::string in_process_apart(const std::function<void(const std::function<void(const std::string&)>&)>& work);

/// Calls `report` for every layer, in the order in which they finish; returns the reference's seconds (slowest
/// process). Errors of a process are thrown here as what they were there.
double run_in_processes(const RunOptions& options, const std::vector<int>& layers,
                        const std::function<void(int, const LayerResult&)>& report);

} // namespace heddle
