// The search of heddle calibrate: least squares over integer parameters whose effect only simulation tells.
//
// From each start: bandwidths, and parameters whose single steps change nothing, at values over their whole range, as
// long as that helps; a Gauss-Newton step on differences of one index (three dampings, rounded), as long as it helps;
// then a pattern search, all axes at once, whose steps shrink from an eighth of the range to 1; then all pairs of
// single steps, which follow valleys along which two parameters trade off. What improves anywhere starts over; the end
// is a point none of whose neighbours is better. The first start is the description's values, the others are random; a
// residual of zero ends everything. Deterministic for a seed.
#pragma once

#include "sim/calibrate_parameters.hpp"
#include "sim/calibrate_simulator.hpp"

#include <functional>

namespace heddle {

/// Residuals of rows under points. A residual is (simulated - measured) / the row's measured cycles.
class FitProblem {
public:
    FitProblem(RowSimulator& simulator, std::vector<FitParameter> parameters, std::vector<std::size_t> rows)
        : simulator_(simulator), parameters_(std::move(parameters)), rows_(std::move(rows))
    {
    }
    const std::vector<FitParameter>& parameters() const { return parameters_; }
    const std::vector<std::size_t>& rows() const { return rows_; }
    RowSimulator& simulator() { return simulator_; }

    /// Simulates them together, which is faster than one by one.
    void run(const std::vector<Point>& points);
    std::vector<double> residuals(const Point& point); ///< empty: the machine cannot run some row
    double cost(const Point& point);                   ///< sum of squares; infinite when it cannot run
    std::string error(const Point& point);             ///< why not: the first row's reason
    /// Every point within the bounds that differs from `point` by `step` in coordinate `i`.
    std::vector<Point> neighbours(const Point& point, std::size_t i, std::int64_t step) const;

private:
    RowSimulator& simulator_;
    std::vector<FitParameter> parameters_;
    std::vector<std::size_t> rows_;
};

struct SearchOptions {
    int starts = 4;
    std::int64_t simulations = 8000; ///< no further step beyond
    std::uint64_t seed = 1;
    std::function<void(const Point&, double cost)> improved; ///< may be empty
};

struct SearchResult {
    Point point;
    double cost = 0.0;
    int starts = 0;       ///< tried
    bool complete = true; ///< false: stopped by the number of simulations
};
/// UserError when the description's own values cannot be simulated.
SearchResult search(FitProblem& problem, const SearchOptions& options);

/// Puts back the description's value where another fits no better.
Point without_needless_changes(FitProblem& problem, Point point);

/// Change of the residuals per index of a parameter, central where both neighbours exist; of all parameters.
std::vector<double> jacobian_column(FitProblem& problem, const Point& point, std::size_t parameter);
std::vector<std::vector<double>> jacobian(FitProblem& problem, const Point& point);

} // namespace heddle
