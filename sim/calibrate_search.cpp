#include "sim/calibrate_search.hpp"

#include "dnn/base/error.hpp"
#include "dnn/base/random.hpp"
#include "sim/calibrate_columns.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace heddle {

namespace {

constexpr double exact = 1e-18; // a sum of squares that is zero but for rounding

/// x of A x = b by elimination with pivots; false when A is singular.
bool solve(std::vector<std::vector<double>> a, std::vector<double> b, std::vector<double>& x)
{
    const std::size_t n = b.size();
    for (std::size_t c = 0; c < n; ++c) {
        std::size_t pivot = c;
        for (std::size_t r = c + 1; r < n; ++r)
            if (std::fabs(a[r][c]) > std::fabs(a[pivot][c])) pivot = r;
        if (std::fabs(a[pivot][c]) < 1e-300) return false;
        std::swap(a[c], a[pivot]);
        std::swap(b[c], b[pivot]);
        for (std::size_t r = c + 1; r < n; ++r) {
            const double f = a[r][c] / a[c][c];
            for (std::size_t k = c; k < n; ++k) a[r][k] -= f * a[c][k];
            b[r] -= f * b[c];
        }
    }
    x.assign(n, 0.0);
    for (std::size_t c = n; c-- > 0;) {
        double sum = b[c];
        for (std::size_t k = c + 1; k < n; ++k) sum -= a[c][k] * x[k];
        x[c] = sum / a[c][c];
    }
    return true;
}

class Descent {
public:
    Descent(FitProblem& problem, const SearchOptions& options) : problem_(problem), options_(options) {}

    /// A local optimum from `at`.
    Point run(Point at)
    {
        point_ = std::move(at);
        cost_ = problem_.cost(point_);
        while (!done() && leave_plateaus()) {
        }
        while (!done() && (gauss_newton() || pattern() || pairs())) {
        }
        return point_;
    }
    double cost() const { return cost_; }
    bool out_of_time() const { return problem_.simulator().simulations() >= options_.simulations; }

private:
    bool done() const { return cost_ < exact || out_of_time(); }
    std::size_t size() const { return point_.size(); }

    /// Moves to the best of the candidates if it is better.
    bool take_best(const std::vector<Point>& candidates)
    {
        problem_.run(candidates);
        const Point* best = nullptr;
        double least = cost_ * (1 - 1e-12);
        for (const Point& c : candidates)
            if (const double cost = problem_.cost(c); cost < least) {
                least = cost;
                best = &c;
            }
        if (!best) return false;
        cost_ = least;
        point_ = *best;
        if (options_.improved) options_.improved(point_, cost_);
        return true;
    }

    /// Bandwidths, depths of queues and parameters whose single steps change nothing here, over their whole range: a
    /// slope does not lead there, and the other parameters would be bent to make up for them.
    bool leave_plateaus()
    {
        const std::vector<std::vector<double>> j = jacobian(problem_, point_);
        std::vector<Point> candidates;
        for (std::size_t i = 0; i < size(); ++i) {
            const FitParameter& parameter = problem_.parameters()[i];
            if (!fits_bandwidth({parameter}) && dot(j[i], j[i]) > 0.0) continue;
            for (std::int64_t index = parameter.last(); index > 0; index = parameter.doubling ? index - 1 : index / 2) {
                candidates.push_back(point_);
                candidates.back()[i] = index;
            }
            candidates.push_back(point_);
            candidates.back()[i] = 0;
        }
        return take_best(candidates);
    }

    bool gauss_newton()
    {
        const std::vector<std::vector<double>> j = jacobian(problem_, point_);
        const std::vector<double> r = problem_.residuals(point_);
        if (r.empty()) return false;
        std::vector<std::vector<double>> a(size(), std::vector<double>(size(), 0.0));
        std::vector<double> b(size(), 0.0);
        for (std::size_t i = 0; i < size(); ++i)
            for (std::size_t t = 0; t < r.size(); ++t) {
                b[i] -= j[i][t] * r[t];
                for (std::size_t k = 0; k < size(); ++k) a[i][k] += j[i][t] * j[k][t];
            }
        std::vector<Point> candidates;
        for (const double damping : {1e-9, 1e-3, 1e-1}) {
            auto damped = a;
            for (std::size_t i = 0; i < size(); ++i) damped[i][i] = a[i][i] * (1 + damping) + 1e-30;
            std::vector<double> step;
            if (!solve(damped, b, step)) continue;
            Point p = point_;
            for (std::size_t i = 0; i < size(); ++i) {
                const double last = static_cast<double>(problem_.parameters()[i].last());
                p[i] = std::lround(std::clamp(static_cast<double>(p[i]) + std::clamp(step[i], -last, last), 0.0, last));
            }
            if (p != point_) candidates.push_back(p);
        }
        return take_best(candidates);
    }

    bool pattern()
    {
        std::vector<std::int64_t> step;
        for (const FitParameter& p : problem_.parameters()) step.push_back(std::max<std::int64_t>(1, p.last() / 8));
        while (!out_of_time()) {
            std::vector<Point> candidates;
            for (std::size_t i = 0; i < size(); ++i)
                for (Point& p : problem_.neighbours(point_, i, step[i])) candidates.push_back(std::move(p));
            if (take_best(candidates)) return true;
            if (std::all_of(step.begin(), step.end(), [](std::int64_t s) { return s == 1; })) return false;
            for (std::int64_t& s : step) s = std::max<std::int64_t>(1, s / 2);
        }
        return false;
    }

    bool pairs()
    {
        for (std::size_t i = 0; i < size() && !out_of_time(); ++i) {
            std::vector<Point> candidates;
            for (const Point& p : problem_.neighbours(point_, i, 1))
                for (std::size_t k = i + 1; k < size(); ++k)
                    for (Point& q : problem_.neighbours(p, k, 1)) candidates.push_back(std::move(q));
            if (take_best(candidates)) return true;
        }
        return false;
    }

    FitProblem& problem_;
    const SearchOptions& options_;
    Point point_;
    double cost_ = 0.0;
};

} // namespace

Point without_needless_changes(FitProblem& problem, Point point)
{
    const Point start = start_of(problem.parameters());
    const double cost = problem.cost(point);
    for (std::size_t i = 0; i < point.size(); ++i) {
        Point back = point;
        back[i] = start[i];
        if (problem.cost(back) <= cost) point = back;
    }
    return point;
}

SearchResult search(FitProblem& problem, const SearchOptions& options)
{
    const Point first = start_of(problem.parameters());
    if (const std::string error = problem.error(first); !error.empty()) throw UserError(error);
    Random random(options.seed);
    SearchResult best;
    best.cost = std::numeric_limits<double>::infinity();
    for (int s = 0; s < options.starts && best.cost > exact; ++s) {
        Point start = first;
        for (std::size_t i = 0; s > 0 && i < start.size(); ++i)
            start[i] = random.range(0, problem.parameters()[i].last());
        if (s > 0 && !std::isfinite(problem.cost(start))) continue;
        Descent descent(problem, options);
        const Point end = descent.run(start);
        ++best.starts;
        if (descent.cost() < best.cost) {
            best.cost = descent.cost();
            best.point = end;
        }
        best.complete = !descent.out_of_time();
        if (!best.complete) break;
    }
    best.point = without_needless_changes(problem, best.point);
    return best;
}

} // namespace heddle
