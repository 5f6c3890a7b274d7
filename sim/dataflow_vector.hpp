// Dataflows on PEs with vector MACs, register files that hold a tile of every operand, and collectors (MAGNet, ICCAD
// 2019, fig. 5): input channels along the vector, output channels along the lanes, the dataflow's loops in the PE.
#pragma once

#include "sim/dataflow.hpp"

namespace heddle {

/// Do its PEs hold tiles of all operands?
bool vector_machine(const HardwareConfig& hw);

/// As spreads().
std::vector<Spread> vector_spreads(const std::string& dataflow, const LayerShape& shape, const HardwareConfig& hw);

} // namespace heddle
