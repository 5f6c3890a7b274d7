#include "dnn/decompose/decomposition.hpp"

#include "dnn/base/error.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace heddle {

Decomposition by_group(const Layer& layer, Method method, const Ranks& ranks,
                       const std::function<Factors(const Filters&, int)>& factorise)
{
    const std::vector<Layer> parts = part_layers(layer, method, ranks);
    const auto groups = static_cast<std::size_t>(layer.window.groups);
    Decomposition all;
    all.method = method;
    all.ranks = ranks;
    all.weights.resize(parts.size());
    double squared_norm = 0.0, squared_error = 0.0;
    for (std::size_t group = 0; group < groups; ++group) {
        const Filters filters = group_filters(layer, static_cast<int>(group));
        const double norm = filters.by_output.squaredNorm();
        const Factors factors = norm > 0.0 ? factorise(filters, static_cast<int>(group)) : Factors{};
        squared_norm += norm;
        squared_error += factors.squared_error;
        all.sweeps = std::max(all.sweeps, factors.sweeps);
        all.converged = all.converged && factors.converged;
        for (std::size_t i = 0; i < parts.size(); ++i) {
            const std::size_t words = static_cast<std::size_t>(parts[i].weight_words()) / groups;
            std::vector<double>& to = all.weights[i];
            if (norm == 0.0) {
                to.resize(to.size() + words, 0.0);
                continue;
            }
            const Matrix& from = factors.parts.at(i);
            if (static_cast<std::size_t>(from.size()) != words)
                throw std::logic_error("by_group: part " + parts[i].name + " of another size");
            if (!from.allFinite())
                throw UserError("layer " + layer.name + ": " + method_name(method) + " of rank " + ranks_text(ranks) +
                                " gives factors that are not finite");
            to.insert(to.end(), from.data(), from.data() + from.size());
        }
    }
    all.weight_error = squared_norm > 0.0 ? std::sqrt(std::max(squared_error, 0.0) / squared_norm) : 0.0;
    return all;
}

Decomposition decompose_layer(const Layer& layer, Method method, const Ranks& ranks, const DecomposeOptions& options)
{
    check_ranks(layer, method, ranks);
    switch (method) {
    case Method::svd:
        return decompose_svd(layer, ranks, options);
    case Method::jaderberg1:
        return decompose_jaderberg1(layer, ranks, options);
    case Method::jaderberg2:
        return decompose_jaderberg2(layer, ranks, options);
    case Method::cp:
        return decompose_cp(layer, ranks, options);
    case Method::tucker1:
        return decompose_tucker1(layer, ranks, options);
    case Method::tucker2:
        return decompose_tucker2(layer, ranks, options);
    }
    throw std::logic_error("decompose_layer: not a method");
}

} // namespace heddle
