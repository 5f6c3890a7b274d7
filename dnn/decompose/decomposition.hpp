// A convolution's filters as the weights of smaller convolutions. Doubles inside; deterministic, one thread.
#pragma once

#include "dnn/decompose/filters.hpp"
#include "dnn/decompose/method.hpp"

#include <cstdint>
#include <functional>
#include <vector>

namespace heddle {

struct DecomposeOptions {
    std::uint64_t seed = 1; ///< of the starts of alternating least squares
};

struct Decomposition {
    Method method = Method::svd;
    Ranks ranks;
    std::vector<std::vector<double>> weights; ///< of each part (part_layers), in its layer's order
    double weight_error = 0.0;                ///< relative, Euclidean
    int sweeps = 0;                           ///< of the iterative methods, the most of any group or channel; else 0
    bool converged = true;                    ///< false: ended at its limit of sweeps
};

/// The methods, each on the whole layer, group by group. Ranks must be in range (check_ranks). UserError when a weight
/// or a factor is not finite.
Decomposition decompose_svd(const Layer& layer, const Ranks& ranks, const DecomposeOptions& options);
Decomposition decompose_jaderberg1(const Layer& layer, const Ranks& ranks, const DecomposeOptions& options);
Decomposition decompose_jaderberg2(const Layer& layer, const Ranks& ranks, const DecomposeOptions& options);
Decomposition decompose_cp(const Layer& layer, const Ranks& ranks, const DecomposeOptions& options);
Decomposition decompose_tucker1(const Layer& layer, const Ranks& ranks, const DecomposeOptions& options);
Decomposition decompose_tucker2(const Layer& layer, const Ranks& ranks, const DecomposeOptions& options);

/// Checks the ranks and calls one of them.
Decomposition decompose_layer(const Layer& layer, Method method, const Ranks& ranks,
                              const DecomposeOptions& options = {});

/// What a method finds for the filters of one group.
struct Factors {
    std::vector<Matrix> parts; ///< each row major in the order of its part's weights
    double squared_error = 0.0;
    int sweeps = 0;
    bool converged = true;
};

/// Runs `factorise(filters, group)` on every group that is not all zero and joins the parts.
Decomposition by_group(const Layer& layer, Method method, const Ranks& ranks,
                       const std::function<Factors(const Filters&, int)>& factorise);

} // namespace heddle
