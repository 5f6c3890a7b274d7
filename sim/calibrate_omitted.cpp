// Which parameters that were not fitted could take the rest away.
#include "sim/calibrate_analysis.hpp"
#include "sim/calibrate_columns.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace heddle {

namespace {

/// Least cost with one more parameter at other values, the others as in one of `bases`: effects of bandwidths are far
/// from straight.
double scan(FitProblem& with, const std::vector<Point>& bases, const std::vector<std::int64_t>& values)
{
    const FitParameter& other = with.parameters().back();
    std::vector<Point> points;
    for (const Point& base : bases)
        for (const std::int64_t value : values) {
            if (value < other.lo || value > other.hi) continue;
            Point point = base;
            point.push_back(other.index(value));
            points.push_back(point);
        }
    with.run(points);
    double least = std::numeric_limits<double>::infinity();
    for (const Point& point : points) least = std::min(least, with.cost(point));
    return least;
}

/// The share of the residual that the parameter's straight line takes away, if its best value is one it can take.
double first_order(FitProblem& with, const Point& point, const Columns& basis, const std::vector<double>& residual)
{
    const std::vector<double> column = without(jacobian_column(with, point, point.size() - 1), basis);
    const double both = dot(column, residual), length = dot(column, column);
    if (length <= 0.0 || dot(residual, residual) <= 0.0) return 0.0;
    const double best = static_cast<double>(point.back()) - both / length;
    if (best < -0.5 || best > static_cast<double>(with.parameters().back().last()) + 0.5) return 0.0;
    return both * both / (length * dot(residual, residual));
}

} // namespace

std::vector<Candidate> candidates(FitProblem& p, const Point& fitted, bool thorough)
{
    Columns basis;
    for (const std::vector<double>& column : jacobian(p, fitted)) {
        const std::vector<double> rest = without(column, basis);
        const double left = std::sqrt(dot(rest, rest));
        if (left > 1e-6 * std::sqrt(dot(column, column)) && left > 0) basis.push_back(scaled(rest, 1 / left));
    }
    const std::vector<double> residual = without(p.residuals(fitted), basis);
    const double cost = p.cost(fitted);
    std::vector<Candidate> found;
    for (const FitParameter& other : other_parameters(p.parameters(), p.simulator().set())) {
        std::vector<FitParameter> more = p.parameters();
        more.push_back(other);
        FitProblem with(p.simulator(), more, p.rows());
        Point point = fitted;
        point.push_back(other.index(other.start));
        if (with.residuals(point).empty()) continue;
        const std::int64_t s = other.start;
        std::vector<Point> bases{fitted};
        std::vector<std::int64_t> values{s * 2, s * 4, s / 2, s / 4};
        if (thorough) {
            bases.push_back(start_of(p.parameters()));
            values.insert(values.end(), {s * 3, s * 8, s + 4, s + 32});
        }
        const std::vector<double> column = jacobian_column(with, point, point.size() - 1);
        double explained = first_order(with, point, basis, residual);
        if (thorough || fits_bandwidth({other}))
            explained = std::max(explained, 1.0 - scan(with, bases, values) / cost);
        found.push_back({other, explained, dot(column, column) > 0.0});
    }
    std::stable_sort(found.begin(), found.end(),
                     [](const Candidate& a, const Candidate& b) { return a.explained > b.explained; });
    return found;
}

std::vector<std::pair<std::string, double>> find_omitted(FitProblem& p, const Point& fitted)
{
    std::vector<std::pair<std::string, double>> found;
    for (const Candidate& c : candidates(p, fitted, true))
        if (c.explained >= 0.5) found.emplace_back(c.parameter.key, c.explained);
    return found;
}

} // namespace heddle
