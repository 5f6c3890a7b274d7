// Changes of the residuals as columns of numbers. Internal to heddle calibrate.
#pragma once

#include <numeric>
#include <vector>

namespace heddle {

using Columns = std::vector<std::vector<double>>;

inline double dot(const std::vector<double>& a, const std::vector<double>& b)
{
    return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

/// Takes from `v` what the orthonormal `basis` spans; twice, against rounding.
inline std::vector<double> without(std::vector<double> v, const Columns& basis)
{
    for (int pass = 0; pass < 2; ++pass)
        for (const std::vector<double>& b : basis) {
            const double part = dot(v, b);
            for (std::size_t i = 0; i < v.size(); ++i) v[i] -= part * b[i];
        }
    return v;
}

inline std::vector<double> scaled(std::vector<double> v, double by)
{
    for (double& x : v) x *= by;
    return v;
}

} // namespace heddle
