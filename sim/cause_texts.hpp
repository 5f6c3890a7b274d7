// What the causes of the ledgers and the terms of the bound mean, and what would make them smaller.
#pragma once

#include "hw/hardware.hpp"

#include <string>

namespace heddle {

/// One line for people; empty for a cause that is not known (a result of another version).
std::string cause_meaning(const std::string& block, const std::string& cause);

/// "wait for the request window": follows "of 8,024 cycles 4,900"; the same for all tensors; empty for work and rest.
std::string cause_phrase(const std::string& block, const std::string& cause);
/// "weights" or "inputs" where the cause is that these are missing, else empty.
std::string missing_tensor(const std::string& cause);

/// What would have to change for fewer cycles of this cause, with the machine's present values; empty where nothing is
/// known to help.
std::string cause_advice(const std::string& block, const std::string& cause, const HardwareConfig& hw);

/// The same for a term that sets the bound: "compute", "dram", "weights port", …
std::string bound_advice(const std::string& term, const HardwareConfig& hw);

} // namespace heddle
