// The options by which commands load a network, and the network they give.
#pragma once

#include "dnn/network.hpp"
#include "sim/command_line.hpp"

namespace heddle {

/// --batch and --input-shape.
void describe_network_options(CommandLine& line);
/// NETWORK of the command line. A batch that is not given is the model's own.
Network read_network(const CommandLine& line);

} // namespace heddle
