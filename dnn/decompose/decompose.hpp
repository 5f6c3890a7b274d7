// Decomposes the layers of a network with weights: the first method that fits, ranks by a rule, errors measured.
#pragma once

#include "dnn/decompose/ranks.hpp"

#include <functional>
#include <string>
#include <vector>

namespace heddle {

struct DecomposeRequest {
    std::vector<Method> methods; ///< of each layer the first that fits
    std::vector<int> layers;     ///< empty: all that some method fits
    RankRule rule;
    DecomposeOptions options;
    bool equalise = true;
    std::function<void(int done, int of, const std::string& layer)> progress; ///< before each layer; may be empty
};

struct DecomposedLayer {
    std::string name;
    Method method = Method::svd;
    Ranks ranks;
    std::string note; ///< of the choice of ranks
    std::int64_t dense_macs = 0, macs = 0;
    std::int64_t dense_parameters = 0, parameters = 0; ///< weights and biases
    double weight_error = 0.0;                         ///< relative, Euclidean
    double output_error = 0.0; ///< the same of what the layer gives on the original network's maps
    int sweeps = 0;
    bool converged = true;
};

struct Decomposed {
    Network net;
    std::vector<DecomposedLayer> layers;
    std::vector<std::pair<std::string, std::string>> kept; ///< convolutions that were left as they are, and why
    double output_error = 0.0; ///< relative, Euclidean, of the whole network's answer (before a softmax)
};

/// `pictures`: calibration inputs, at least one. UserError when a layer that was asked for fits no method or is already
/// part of a group, when no layer fits, for ranks out of range, or for weights that are not finite.
Decomposed decompose(const Network& net, const DecomposeRequest& request, const std::vector<FloatTensor>& pictures);

} // namespace heddle
