// The layers that --layers (or another option) names.
#pragma once

#include "dnn/network.hpp"

#include <string>
#include <vector>

namespace heddle {

/// What `option` of the command line names: "3..7", "5", "conv1" or a list of them, numbers as in the report (the input
/// is 0). Sorted, without repetition. UserError for an unknown name, a number that is no layer, or a descending range.
std::vector<int> select_layers(const Network& net, const std::string& text, const std::string& option = "--layers");

} // namespace heddle
