// Options of the mapper that several subcommands share.
#pragma once

#include "hw/hardware.hpp"
#include "models/energy.hpp"
#include "sim/command_line.hpp"
#include "sim/mapper.hpp"

namespace heddle {

/// --constraints, --objective, --mapper, --simulate-best, --mapping-cache, --no-mapping-cache.
void describe_mapper_options(CommandLine& line);
/// `energy` may be empty: then energy and edp are refused.
MapperOptions read_mapper_options(const CommandLine& line, std::shared_ptr<const EnergyTable> energy);

/// -1 when not given.
int read_simulate_best(const CommandLine& line);
/// "best", or a dataflow that is known; default: that of --constraints, else the hardware's first.
std::string read_dataflow(const CommandLine& line, const HardwareConfig& hw, const MapperOptions& options);

} // namespace heddle
