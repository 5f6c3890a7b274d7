#include "dnn/decompose/cp.hpp"

#include "dnn/base/random.hpp"

#include <Eigen/Cholesky>
#include <algorithm>
#include <cmath>

namespace heddle {

namespace {

constexpr int random_starts = 5;
constexpr int most_sweeps = 200, trial_sweeps = 50;
constexpr double drop_above = 1.01; // of the best error
constexpr int window_sweeps = 10;
constexpr double least_gain = 1e-6; // of the error, over window_sweeps
constexpr double damping = 1e-10;   // of the trace
constexpr double exact = 1e-7;      // relative error that is rounding: no other start can be better

std::array<int, 4> extents(const Filters& f)
{
    return {f.k, f.c, f.r, f.s};
}

Matrix normal_matrix(Eigen::Index rows, Eigen::Index cols, Random& random)
{
    Matrix m(rows, cols);
    for (Eigen::Index i = 0; i < m.size(); ++i) m.data()[i] = random.normal();
    return m;
}

/// Mode-n unfolding; the order of its columns does not matter to its left singular vectors.
Matrix unfolding(const Filters& f, int mode)
{
    if (mode == 0) return f.by_output;
    if (mode == 1) return by_input(f);
    const Eigen::Index maps = static_cast<Eigen::Index>(f.k) * f.c;
    const int rows = mode == 2 ? f.r : f.s, cols = mode == 2 ? f.s : f.r;
    Matrix m(rows, maps * cols);
    for (Eigen::Index map = 0; map < maps; ++map)
        for (int i = 0; i < rows; ++i)
            for (int j = 0; j < cols; ++j)
                m(i, map * cols + j) = f.by_output.data()[map * f.taps() + (mode == 2 ? i * f.s + j : j * f.s + i)];
    return m;
}

/// Khatri-Rao product of the factors of c, r and s: (C R S) x rank.
Matrix inner_products(const CpFactors& f)
{
    const Matrix &b = f.mode[1], &v = f.mode[2], &h = f.mode[3];
    Matrix all(b.rows() * v.rows() * h.rows(), b.cols());
    Eigen::Index row = 0;
    for (Eigen::Index c = 0; c < b.rows(); ++c)
        for (Eigen::Index r = 0; r < v.rows(); ++r)
            for (Eigen::Index s = 0; s < h.rows(); ++s)
                all.row(row++) = b.row(c).array() * v.row(r).array() * h.row(s).array();
    return all;
}

/// The norm of every term shared evenly by its four factors.
void balance(CpFactors& f)
{
    for (Eigen::Index t = 0; t < f.mode[0].cols(); ++t) {
        std::array<double, 4> norms{};
        for (std::size_t m = 0; m < 4; ++m) norms[m] = f.mode[m].col(t).norm();
        const double all = norms[0] * norms[1] * norms[2] * norms[3];
        if (!(all > 0.0)) continue;
        const double share = std::sqrt(std::sqrt(all));
        for (std::size_t m = 0; m < 4; ++m) f.mode[m].col(t) *= share / norms[m];
    }
}

/// Every slice along the largest mode is a term: the other modes hold unit vectors.
CpFactors unit_factors(const Filters& f)
{
    const std::array<int, 4> extent = extents(f);
    const auto largest = static_cast<std::size_t>(std::max_element(extent.begin(), extent.end()) - extent.begin());
    const Eigen::Index terms = f.by_output.size() / extent[largest];
    CpFactors factors;
    for (std::size_t m = 0; m < 4; ++m) factors.mode[m] = Matrix::Zero(extent[m], terms);
    for (Eigen::Index word = 0; word < f.by_output.size(); ++word) {
        std::array<Eigen::Index, 4> at{};
        Eigen::Index rest = word, term = 0;
        for (int m = 3; m >= 0; --m) {
            const auto i = static_cast<std::size_t>(m);
            at[i] = rest % extent[i];
            rest /= extent[i];
        }
        for (std::size_t m = 0; m < 4; ++m)
            if (m != largest) term = term * extent[m] + at[m];
        for (std::size_t m = 0; m < 4; ++m)
            factors.mode[m](at[m], term) = m == largest ? f.by_output.data()[word] : 1.0;
    }
    return factors;
}

} // namespace

Matrix compose(const CpFactors& factors)
{
    return factors.mode[0] * inner_products(factors).transpose();
}

CpFactors hosvd_start(const Filters& filters, int rank, std::uint64_t seed)
{
    CpFactors start = random_start(filters, rank, seed);
    for (int m = 0; m < 4; ++m) {
        Matrix& factor = start.mode[static_cast<std::size_t>(m)];
        const int known = static_cast<int>(std::min(factor.rows(), factor.cols()));
        factor.leftCols(known) = leading_vectors(unfolding(filters, m), known);
    }
    return start;
}

CpFactors random_start(const Filters& filters, int rank, std::uint64_t seed)
{
    Random random(seed);
    CpFactors start;
    for (std::size_t m = 0; m < 4; ++m) start.mode[m] = normal_matrix(extents(filters)[m], rank, random);
    return start;
}

CpSweeps::CpSweeps(const Filters& filters, CpFactors start)
    : filters_(filters), factors_(std::move(start)), squared_norm_(filters.by_output.squaredNorm())
{
}

/// Proximal: damping pulls towards the last factor instead of zero, so that no sweep makes the error larger.
void CpSweeps::solve(int mode, const Matrix& products)
{
    const Eigen::Index rank = products.cols();
    Eigen::MatrixXd gram = Eigen::MatrixXd::Ones(rank, rank);
    for (int m = 0; m < 4; ++m) {
        const Matrix& other = factors_.mode[static_cast<std::size_t>(m)];
        if (m != mode) gram.array() *= (other.transpose() * other).array();
    }
    Matrix& factor = factors_.mode[static_cast<std::size_t>(mode)];
    const double lambda = damping * gram.trace();
    gram.diagonal().array() += lambda;
    factor = gram.ldlt().solve((products + lambda * factor).transpose()).transpose();
}

void CpSweeps::sweep()
{
    const int r = filters_.r, s = filters_.s, taps = filters_.taps();
    const Eigen::Index rank = factors_.mode[0].cols();
    // What K's factor leaves, (C R S) x rank, serves the three other modes.
    const Matrix left = filters_.by_output.transpose() * factors_.mode[0];
    Matrix products = Matrix::Zero(filters_.c, rank);
    for (int c = 0; c < filters_.c; ++c)
        for (int tap = 0; tap < taps; ++tap)
            products.row(c).array() += left.row(c * taps + tap).array() * factors_.mode[2].row(tap / s).array() *
                                       factors_.mode[3].row(tap % s).array();
    solve(1, products);
    Matrix window = Matrix::Zero(taps, rank); // (R S) x rank: C's factor taken out too
    for (int c = 0; c < filters_.c; ++c)
        for (int tap = 0; tap < taps; ++tap)
            window.row(tap).array() += left.row(c * taps + tap).array() * factors_.mode[1].row(c).array();
    products = Matrix::Zero(r, rank);
    for (int tap = 0; tap < taps; ++tap)
        products.row(tap / s).array() += window.row(tap).array() * factors_.mode[3].row(tap % s).array();
    solve(2, products);
    products = Matrix::Zero(s, rank);
    for (int tap = 0; tap < taps; ++tap)
        products.row(tap % s).array() += window.row(tap).array() * factors_.mode[2].row(tap / s).array();
    solve(3, products);
    products = filters_.by_output * inner_products(factors_);
    solve(0, products);
    Eigen::MatrixXd gram = Eigen::MatrixXd::Ones(rank, rank);
    for (const Matrix& factor : factors_.mode) gram.array() *= (factor.transpose() * factor).array();
    const double squared = squared_norm_ - 2.0 * products.cwiseProduct(factors_.mode[0]).sum() + gram.sum();
    errors_.push_back(std::sqrt(std::max(squared, 0.0) / squared_norm_));
    balance(factors_);
}

void CpSweeps::run(int limit)
{
    while (!converged_ && sweeps() < limit) {
        sweep();
        const double now = errors_.back();
        converged_ = now < exact;
        if (sweeps() <= window_sweeps) continue;
        const double before = errors_[errors_.size() - 1 - window_sweeps];
        converged_ = converged_ || before - now <= least_gain * before;
    }
}

Factors cp(const Filters& filters, int rank, std::uint64_t seed)
{
    Factors best;
    CpFactors factors;
    const std::array<int, 4> extent = extents(filters);
    if (rank == filters.by_output.size() / *std::max_element(extent.begin(), extent.end())) {
        factors = unit_factors(filters);
        balance(factors);
    } else {
        double least = 0.0;
        for (int i = 0; i <= random_starts && (i == 0 || least >= exact); ++i) {
            const std::uint64_t stream = derive_seed(seed, static_cast<std::uint64_t>(i));
            CpSweeps sweeps(filters, i == 0 ? hosvd_start(filters, rank, stream) : random_start(filters, rank, stream));
            sweeps.run(trial_sweeps);
            if (i > 0 && sweeps.errors().back() > drop_above * least) continue;
            sweeps.run(most_sweeps);
            if (i > 0 && !(sweeps.errors().back() < least)) continue;
            least = sweeps.errors().back();
            factors = sweeps.factors();
            best.sweeps = sweeps.sweeps();
            best.converged = sweeps.converged();
        }
    }
    best.squared_error = (filters.by_output - compose(factors)).squaredNorm();
    best.parts.assign(factors.mode.begin(), factors.mode.end());
    return best;
}

Decomposition decompose_cp(const Layer& layer, const Ranks& ranks, const DecomposeOptions& options)
{
    return by_group(layer, Method::cp, ranks, [&](const Filters& filters, int group) {
        Factors factors = cp(filters, ranks.at(0), derive_seed(options.seed, static_cast<std::uint64_t>(group)));
        Matrix output = std::move(factors.parts[0]);
        for (std::size_t i = 0; i < 3; ++i) factors.parts[i] = Matrix(factors.parts[i + 1].transpose());
        factors.parts[3] = std::move(output);
        return factors;
    });
}

} // namespace heddle
