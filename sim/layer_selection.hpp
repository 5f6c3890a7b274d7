// The layers that --layers names.
#pragma once

#include "dnn/network.hpp"

#include <string>
#include <vector>

namespace heddle {

/// "3..7", "5", "conv1" or a list of them, numbers as in the report (the input is 0). Sorted, without repetition.
/// UserError for an unknown name, a number that is no layer, or a descending range.
std::vector<int> select_layers(const Network& net, const std::string& text);

} // namespace heddle
