// What files of mappings and of constraints have in common: the index of a loop, and what a level keeps.
#pragma once

#include "dnn/base/yaml_reader.hpp"
#include "hw/plan.hpp"

#include <vector>

namespace heddle {

struct NamedIndex {
    std::vector<Dim> dims; ///< outermost first
    bool by_input = false; ///< H (dims P) or W (dims Q)
};

/// `loop: C*R*S` of a map.
NamedIndex read_index(const YamlReader& loop);
/// `keep: [weights, outputs]` of a level, sorted; empty when there is none.
std::vector<Tensors> read_keep(const YamlReader& level);

} // namespace heddle
