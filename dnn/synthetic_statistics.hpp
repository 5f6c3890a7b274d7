// How large the values of a network with random weights get, worked out without running it. Internal to dnn/.
#pragma once

#include "dnn/network.hpp"

#include <vector>

namespace heddle {

/// One tensor's values as a normal distribution, its negative part set to zero when `rectified`. Real units.
struct ValueModel {
    double center = 0.0, deviation = 1.0; // of the normal, before rectification
    bool rectified = false;
    double limit = 1e30; // no value exceeds it (ReLU6, pictures)

    double mean() const;
    double variance() const;
    double reach() const; ///< magnitude that few values exceed
};

/// Convs are taken to be normalised to deviation 1 (ReLU6: 2), centred so that a residual sum's ReLU gives half zeros.
std::vector<ValueModel> model_values(const Network& net);

} // namespace heddle
