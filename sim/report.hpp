// Tables for people: one run, the difference of two, class scores.
#pragma once

#include "sim/results.hpp"

#include <iosfwd>
#include <string>
#include <vector>

namespace heddle {

/// "mobilenet_v1 on tpu_like, dataflow ws, batch 1".
std::string describe_run(const RunResult& run);

/// A row per layer, what the columns mean, and the totals. Unless it may be `wide`, it fits a terminal of 100 columns.
void print_report(std::ostream& out, const RunReport& report, bool wide = false);

/// Per layer what differs; returns whether anything did (counts, cycles or energies).
bool print_difference(std::ostream& out, const RunReport& a, const RunReport& b);

/// The `count` highest of the network's last values, with names where there is one per value.
void print_top_classes(std::ostream& out, const std::vector<float>& scores, const std::vector<std::string>& labels,
                       int count);

} // namespace heddle
