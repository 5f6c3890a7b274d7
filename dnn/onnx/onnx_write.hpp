// A network with its weights as an ONNX file, for pruned, decomposed and seeded networks alike.
//
// Operator set 14, weights as raw floats, the batch left open. Read back by read_network_onnx it is the same network,
// layer by layer: a node with a name is the layer of that name, a node without one is part of its neighbour (the ReLU
// of a conv, the flatten in front of a fully connected layer). Other tools see a plain ONNX model.
#pragma once

#include "dnn/network.hpp"

#include <map>
#include <string>

namespace heddle {

/// The file's metadata_props: what a tool wants to say about the model, under keys such as "heddle.pruning". The groups
/// of a decomposed network are among them on their own.
using OnnxMetadata = std::map<std::string, std::string>;

/// UserError when the float parameters of `net` (present or not) do not fit the 2 GB that an ONNX file can hold.
void check_onnx_size(const Network& net);

/// The file's content: the same network and metadata give the same bytes. UserError naming the layer that ONNX cannot
/// express (a dilated average pool), or for a network that has no layers or is too large.
std::string onnx_bytes(const Network& net, const OnnxMetadata& metadata = {});

/// Either the whole file or none; UserError as above or when `path` cannot be written.
void write_network_onnx(const Network& net, const std::string& path, const OnnxMetadata& metadata = {});

} // namespace heddle
