// Mappings to run again: of a mapping file, or those that a result was simulated with.
#pragma once

#include "sim/mapping.hpp"

#include <string>
#include <vector>

namespace heddle {

/// `path`: a file as `heddle map --out` writes it, or the folder or report.json of a run. UserError where a result
/// holds no mapping.
std::vector<NamedMapping> load_mappings(const std::string& path);

} // namespace heddle
