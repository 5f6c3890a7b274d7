// Puts decompositions into a network, and evens out the ranges of what flows inside of them.
#pragma once

#include "dnn/decompose/decomposition.hpp"

#include <map>
#include <vector>

namespace heddle {

/// What replaces a layer.
struct Replacement {
    Decomposition decomposition;
    double output_error = 0.0; ///< for the record of the group
};

/// The network with the layers of `replacements` (by index) as groups, named `conv2/in`, `conv2/core`, `conv2/out`;
/// groups that were there stay. A flatten that only fed a layer which is now a convolution on the map is gone.
Network replace_layers(const Network& net, const std::map<int, Replacement>& replacements);

/// The parts alone, with an input of the layer's: what it computes now.
Network parts_network(const Layer& layer, const Decomposition& decomposition);

/// Scales every inner channel of every group so that its largest magnitude over `pictures` is that of the inner map,
/// and the next part back. Channels that are always zero are left. Changes nothing but rounding in floats; in integers
/// with one scale per tensor weak channels keep their bits.
void equalise(Network& net, const std::vector<FloatTensor>& pictures);

} // namespace heddle
