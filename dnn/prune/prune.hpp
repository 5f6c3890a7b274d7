// Pruning: which weights of a network with floats stay, all others become zero. Biases stay.
//
// Every function throws a UserError, and changes nothing, when a layer that has weights would be left without any.
#pragma once

#include "dnn/network.hpp"

#include <cstdint>
#include <map>
#include <vector>

namespace heddle {

/// Words that are not zero.
std::int64_t nonzero_weights(const Layer& layer);

/// The words that a density keeps: round(density * words), halves upwards.
std::int64_t words_kept(double density, std::int64_t words);

/// Per layer (index to density in 0..1) the words_kept() weights of largest magnitude; of equal ones the first.
void prune_by_magnitude(Network& net, const std::map<int, double>& densities);

/// The same over all words of `layers` together; of equal ones the first of the first layer.
void prune_by_magnitude_globally(Network& net, const std::vector<int>& layers, double density);

/// Keeps what is at least `threshold` in magnitude.
void prune_below(Network& net, const std::vector<int>& layers, double threshold);

/// Of each m consecutive input channels (of one filter, group and tap) the n weights of largest magnitude; of equal
/// ones the first. A last group of r < m channels keeps min(n, r).
void prune_n_of_m(Network& net, const std::vector<int>& layers, int n, int m);

} // namespace heddle
