#include "sim/calibrate_search.hpp"

#include <algorithm>
#include <limits>

namespace heddle {

void FitProblem::run(const std::vector<Point>& points)
{
    std::vector<KeyValues> values;
    values.reserve(points.size());
    for (const Point& p : points) values.push_back(values_of(parameters_, p));
    simulator_.run(values, rows_);
}

std::vector<double> FitProblem::residuals(const Point& point)
{
    run({point});
    const KeyValues values = values_of(parameters_, point);
    std::vector<double> list;
    for (const std::size_t row : rows_) {
        const RowOutcome& o = simulator_.outcome(values, row);
        if (!o.error.empty()) return {};
        const Measurement& m = simulator_.set().rows[row];
        const auto scale = static_cast<double>(m.measured.at(m.has("cycles") ? "cycles" : "array_cycles"));
        for (const auto& [target, measured] : m.measured) {
            const auto it = o.simulated.find(target);
            const std::int64_t simulated = it == o.simulated.end() ? 0 : it->second;
            list.push_back(static_cast<double>(simulated - measured) / scale);
        }
    }
    return list;
}

double FitProblem::cost(const Point& point)
{
    const std::vector<double> r = residuals(point);
    if (r.empty()) return std::numeric_limits<double>::infinity();
    double sum = 0.0;
    for (double x : r) sum += x * x;
    return sum;
}

std::string FitProblem::error(const Point& point)
{
    run({point});
    for (const std::size_t row : rows_)
        if (const RowOutcome& o = simulator_.outcome(values_of(parameters_, point), row); !o.error.empty())
            return simulator_.set().rows[row].where() + o.error;
    return "";
}

std::vector<Point> FitProblem::neighbours(const Point& point, std::size_t i, std::int64_t step) const
{
    std::vector<Point> list;
    for (const std::int64_t s : {-step, step}) {
        Point p = point;
        p[i] += s;
        if (p[i] >= 0 && p[i] <= parameters_[i].last()) list.push_back(std::move(p));
    }
    return list;
}

std::vector<double> jacobian_column(FitProblem& problem, const Point& point, std::size_t i)
{
    const std::vector<double> here = problem.residuals(point);
    std::vector<double> column(here.size(), 0.0);
    int sides = 0;
    for (const Point& p : problem.neighbours(point, i, 1)) {
        const std::vector<double> there = problem.residuals(p);
        if (there.empty()) continue;
        const double sign = p[i] > point[i] ? 1.0 : -1.0;
        for (std::size_t t = 0; t < here.size(); ++t) column[t] += sign * (there[t] - here[t]);
        ++sides;
    }
    for (double& x : column) x /= std::max(1, sides);
    return column;
}

std::vector<std::vector<double>> jacobian(FitProblem& problem, const Point& point)
{
    std::vector<Point> all{point};
    for (std::size_t i = 0; i < point.size(); ++i)
        for (const Point& p : problem.neighbours(point, i, 1)) all.push_back(p);
    problem.run(all);
    std::vector<std::vector<double>> columns;
    for (std::size_t i = 0; i < point.size(); ++i) columns.push_back(jacobian_column(problem, point, i));
    return columns;
}

} // namespace heddle
