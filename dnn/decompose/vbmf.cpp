#include "dnn/decompose/vbmf.hpp"

#include <algorithm>
#include <boost/math/tools/minima.hpp>
#include <cmath>
#include <limits>

namespace heddle {

namespace {

/// Zero of phi(tau) + phi(tau / alpha), phi(z) = log(z + 1) / z - 1/2: below it a component costs more than it
/// explains.
double least_tau(double alpha)
{
    const auto phi = [](double z) { return std::log1p(z) / z - 0.5; };
    double below = 1e-9, above = 16.0; // about 2.5129 sqrt(alpha), alpha in (0, 1]
    for (int i = 0; i < 200; ++i) {
        const double middle = 0.5 * (below + above);
        (phi(middle) + phi(middle / alpha) > 0.0 ? below : above) = middle;
    }
    return below;
}

double threshold(double alpha)
{
    const double tau = least_tau(alpha);
    return (1.0 + tau) * (1.0 + alpha / tau);
}

/// The free energy, up to a constant, as a function of the noise's variance: every component at its best.
class FreeEnergy {
public:
    FreeEnergy(const Vector& squares, Eigen::Index larger)
        : squares_(squares), larger_(static_cast<double>(larger)),
          alpha_(static_cast<double>(squares.size()) / larger_), threshold_(heddle::threshold(alpha_))
    {
    }

    double threshold() const { return threshold_; }

    double operator()(double variance) const
    {
        double sum = 0.0;
        for (Eigen::Index i = 0; i < squares_.size(); ++i) {
            const double x = squares_[i] / (larger_ * variance);
            sum += x - std::log(x);
            if (x <= threshold_) continue;
            const double b = x - (1.0 + alpha_);
            const double tau = 0.5 * (b + std::sqrt(b * b - 4.0 * alpha_));
            sum += std::log(tau + 1.0) + alpha_ * std::log(tau / alpha_ + 1.0) - tau;
        }
        return sum;
    }

private:
    const Vector& squares_;
    double larger_, alpha_, threshold_;
};

/// The global minimum over log(variance): the best of a grid, then Brent's method between its neighbours. The objective
/// has a kink wherever a component appears.
double noise_variance(const FreeEnergy& energy, double low, double high)
{
    constexpr int points = 200;
    const double from = std::log(low), step = (std::log(high) - from) / (points - 1);
    const auto at = [&](double exponent) { return energy(std::exp(exponent)); };
    int best = 0;
    double least = std::numeric_limits<double>::infinity();
    for (int i = 0; i < points; ++i) {
        const double value = at(from + i * step);
        if (value >= least) continue;
        least = value;
        best = i;
    }
    constexpr int bits = 40;
    const double left = from + std::max(best - 1, 0) * step, right = from + std::min(best + 1, points - 1) * step;
    const auto [exponent, value] = boost::math::tools::brent_find_minima(at, left, right, bits);
    return std::exp(value < least ? exponent : from + best * step);
}

} // namespace

double vbmf_threshold(Eigen::Index rows, Eigen::Index cols)
{
    return threshold(static_cast<double>(std::min(rows, cols)) / static_cast<double>(std::max(rows, cols)));
}

int vbmf_rank(const Matrix& matrix)
{
    Vector squares = squared_singular_values(matrix);
    if (squares.size() == 0 || squares[0] <= 0.0) return 0;
    const double rounding = 1e-14 * squares[0]; // an exact zero would explain itself with no noise at all
    squares = squares.cwiseMax(rounding);
    const Eigen::Index smaller = squares.size(), larger = std::max(matrix.rows(), matrix.cols());
    const double alpha = static_cast<double>(smaller) / static_cast<double>(larger), m = static_cast<double>(larger);
    const FreeEnergy energy(squares, larger);
    // At most this many components can stand out; the variance lies between what the others say and noise alone.
    const auto most = static_cast<Eigen::Index>(std::ceil(static_cast<double>(smaller) / (1.0 + alpha))) - 1;
    const Eigen::Index rest = smaller - std::max<Eigen::Index>(most, 0);
    const double high = squares.sum() / (static_cast<double>(smaller) * m);
    const double low = std::max(squares[smaller - rest] / (m * energy.threshold()), squares.tail(rest).mean() / m);
    const double variance = low < high ? noise_variance(energy, low, high) : high;
    return static_cast<int>((squares.array() > m * variance * energy.threshold()).count());
}

} // namespace heddle
