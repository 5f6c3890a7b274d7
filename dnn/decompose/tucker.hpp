// Tucker-2 of the filters of one group by higher-order orthogonal iteration.
#pragma once

#include "dnn/decompose/decomposition.hpp"

#include <vector>

namespace heddle {

struct TuckerSweeps {
    Matrix input_basis;         ///< C x r3, orthonormal columns
    Matrix output_basis;        ///< K x r4
    Filters core;               ///< (r4,r3,R,S)
    std::vector<double> errors; ///< Euclidean: of the start, the truncated higher-order SVD, then after each sweep
    int sweeps = 0;
    bool converged = false;
};

/// Sweeps until the error changes by less than 1e-9 of itself, at most 50.
TuckerSweeps tucker2(const Filters& filters, int rank_in, int rank_out);

} // namespace heddle
