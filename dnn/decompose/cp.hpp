// Canonical polyadic decomposition of the filters of one group by alternating least squares.
#pragma once

#include "dnn/decompose/decomposition.hpp"

#include <array>
#include <vector>

namespace heddle {

/// filters[k,c,r,s] = sum over terms t of mode[0](k,t) mode[1](c,t) mode[2](r,t) mode[3](s,t).
struct CpFactors {
    std::array<Matrix, 4> mode;
};

/// K x (C R S).
Matrix compose(const CpFactors& factors);

/// Leading singular vectors of every unfolding, filled up by seeded normal columns where an extent is below the rank.
CpFactors hosvd_start(const Filters& filters, int rank, std::uint64_t seed);
/// Seeded normal factors.
CpFactors random_start(const Filters& filters, int rank, std::uint64_t seed);

/// Alternating least squares from one start.
class CpSweeps {
public:
    CpSweeps(const Filters& filters, CpFactors start);

    /// Up to `limit` sweeps in all; ends earlier when ten of them gained less than 1e-6 of the error.
    void run(int limit);

    const CpFactors& factors() const { return factors_; }
    /// Relative, Euclidean, after each sweep. A difference of squares: not below 1e-8.
    const std::vector<double>& errors() const { return errors_; }
    int sweeps() const { return static_cast<int>(errors_.size()); }
    bool converged() const { return converged_; }

private:
    void sweep();
    /// The least-squares factor of one mode, the others held; `products` is the unfolding times their Khatri-Rao
    /// product.
    void solve(int mode, const Matrix& products);

    const Filters& filters_;
    CpFactors factors_;
    double squared_norm_;
    std::vector<double> errors_;
    bool converged_ = false;
};

/// The best of a start from the higher-order SVD and five seeded ones, at most 200 sweeps each; a start that is 1 %
/// worse than the best after 50 sweeps is dropped. Closed form at the largest rank. `parts` of the result: the four
/// factors, in the order of CpFactors.
Factors cp(const Filters& filters, int rank, std::uint64_t seed);

} // namespace heddle
