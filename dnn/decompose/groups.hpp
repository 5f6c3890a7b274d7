// Decomposed layers as groups of a network: their invariants, and the text that an ONNX file carries.
#pragma once

#include "dnn/network.hpp"

#include <string>

namespace heddle {

/// Key of the ONNX file's metadata_props.
constexpr const char* groups_key = "heddle.groups";

/// Throws UserError naming the group and what contradicts: a method or ranks that its layer cannot have, parts that are
/// not consecutive or whose windows and channels are not those of method and ranks, an inner map that is read
/// elsewhere, a part that belongs to no or another group.
void check_groups(const Network& net);

/// JSON: [{layer, method, ranks, parts, weight_error, output_error, dense_macs, original: {window, fully connected}}].
std::string groups_json(const Network& net);

/// Sets the groups of a network whose layers are complete, and checks them. UserError also for text that is not this
/// JSON.
void read_groups(Network& net, const std::string& text);

} // namespace heddle
