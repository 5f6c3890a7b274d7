// Which parameters the measurements tell, alone and together.
#include "sim/calibrate_analysis.hpp"
#include "sim/calibrate_columns.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

namespace heddle {

namespace {

bool within(const FitProblem& p, const Point& a)
{
    for (std::size_t i = 0; i < a.size(); ++i)
        if (a[i] < 0 || a[i] > p.parameters()[i].last()) return false;
    return true;
}

bool fits_equally(FitProblem& p, const Point& a, double cost)
{
    return within(p, a) && p.cost(a) <= cost + 1e-15 + 1e-6 * cost;
}

/// The last index from the fitted one in a direction that fits equally; effects are taken to be monotone.
std::int64_t equal_until(FitProblem& p, const Point& fitted, std::size_t i, int direction, double cost)
{
    std::int64_t good = 0, step = 1;
    const std::int64_t room = direction > 0 ? p.parameters()[i].last() - fitted[i] : fitted[i];
    const auto fits = [&](std::int64_t distance) {
        Point a = fitted;
        a[i] += direction * distance;
        return fits_equally(p, a, cost);
    };
    while (good + step <= room && fits(good + step)) {
        good += step;
        step *= 2;
    }
    for (; step > 0; step /= 2)
        if (good + step <= room && fits(good + step)) good += step;
    return fitted[i] + direction * good;
}

/// Integer steps along the direction of least change, as small as they come; empty when they are no small integers.
std::vector<std::int64_t> as_steps(const std::vector<double>& direction)
{
    for (int times = 1; times <= 8; ++times) {
        std::vector<std::int64_t> steps;
        bool good = true;
        for (double d : direction) {
            steps.push_back(std::lround(d * times));
            good = good && std::fabs(d * times - static_cast<double>(steps.back())) < 0.05;
        }
        if (good) return steps;
    }
    return {};
}

/// A direction that changes nothing to first order, walked by whole steps; none when a walk shows that it does.
std::optional<TradeOff> make_trade_off(FitProblem& p, const Point& fitted, const std::vector<double>& direction,
                                       const Columns& j)
{
    TradeOff t;
    std::vector<std::int64_t> steps = as_steps(direction);
    const double cost = p.cost(fitted);
    if (!steps.empty()) {
        double alone = 0.0, least = std::numeric_limits<double>::infinity(); // what it costs: each step, all together
        for (std::size_t i = 0; i < steps.size(); ++i)
            alone += static_cast<double>(steps[i] * steps[i]) * dot(j[i], j[i]);
        for (const int sign : {1, -1}) {
            Point moved = fitted;
            for (std::size_t i = 0; i < moved.size(); ++i) moved[i] += sign * steps[i];
            if (!within(p, moved)) continue;
            least = std::min(least, p.cost(moved) - cost);
            t.exact = t.exact || fits_equally(p, moved, cost);
        }
        if (!t.exact && least > 0.01 * alone) return std::nullopt;
    } else {
        for (double d : direction) steps.push_back(std::lround(d * 8)); // to read, not to walk
    }
    for (std::size_t i = 0; i < steps.size(); ++i)
        if (steps[i] != 0) t.steps.emplace_back(p.parameters()[i].key, steps[i]);
    return t;
}

} // namespace

std::vector<ParameterFinding> find_effects(FitProblem& p, const Point& fitted)
{
    std::vector<ParameterFinding> list;
    const double cost = p.cost(fitted);
    const auto main = [&](const Point& at, std::size_t row) {
        const Measurement& m = p.simulator().set().rows[row];
        const RowOutcome& o = p.simulator().outcome(values_of(p.parameters(), at), row);
        if (!o.error.empty()) return -1.0;
        return static_cast<double>(o.simulated.at(m.has("cycles") ? "cycles" : "array_cycles"));
    };
    for (std::size_t i = 0; i < fitted.size(); ++i) {
        ParameterFinding f;
        f.parameter = p.parameters()[i];
        f.value = f.parameter.value(fitted[i]);
        for (const std::size_t row : p.rows()) {
            double effect = 0.0;
            for (const Point& n : p.neighbours(fitted, i, 1)) {
                p.run({n});
                if (main(n, row) > 0)
                    effect = std::max(effect, std::fabs(main(n, row) - main(fitted, row)) / main(fitted, row));
            }
            f.mean_effect += effect / static_cast<double>(p.rows().size());
            f.max_effect = std::max(f.max_effect, effect);
        }
        f.lo = f.parameter.value(equal_until(p, fitted, i, -1, cost));
        f.hi = f.parameter.value(equal_until(p, fitted, i, 1, cost));
        list.push_back(f);
    }
    return list;
}

namespace {

/// Two single steps that undo each other, by simulation.
std::vector<TradeOff> find_pairs(FitProblem& p, const Point& fitted)
{
    const std::vector<double> here = p.residuals(fitted);
    const double cost = p.cost(fitted);
    struct Step {
        std::size_t parameter;
        Point point;
        std::vector<double> change;
    };
    std::vector<Step> steps;
    for (std::size_t i = 0; i < fitted.size(); ++i)
        for (const Point& n : p.neighbours(fitted, i, 1)) {
            std::vector<double> change = p.residuals(n);
            for (std::size_t t = 0; t < change.size(); ++t) change[t] -= here[t];
            if (dot(change, change) > 0.0) steps.push_back({i, n, std::move(change)});
        }
    std::vector<TradeOff> found;
    for (const Step& a : steps)
        for (const Step& b : steps) {
            std::vector<double> sum = a.change;
            for (std::size_t t = 0; t < sum.size(); ++t) sum[t] += b.change[t];
            if (b.parameter <= a.parameter || dot(sum, sum) > 0.04 * dot(a.change, a.change)) continue;
            Point both = a.point;
            both[b.parameter] = b.point[b.parameter];
            if (!fits_equally(p, both, cost)) continue;
            const auto step = [&](const Step& s) {
                return std::make_pair(p.parameters()[s.parameter].key, s.point[s.parameter] - fitted[s.parameter]);
            };
            const bool mirrored = !found.empty() && found.back().steps[0].first == step(a).first &&
                                  found.back().steps[1].first == step(b).first;
            if (!mirrored) found.push_back({{step(a), step(b)}, true});
        }
    return found;
}

bool same_parameters(const TradeOff& a, const TradeOff& b)
{
    return a.steps.size() == b.steps.size() &&
           std::equal(a.steps.begin(), a.steps.end(), b.steps.begin(),
                      [](const auto& x, const auto& y) { return x.first == y.first; });
}

} // namespace

std::vector<TradeOff> find_trade_offs(FitProblem& p, const Point& fitted)
{
    constexpr double dependent = 1e-3; // of a column's length: what the columns before leave of it
    const Columns j = jacobian(p, fitted);
    std::vector<TradeOff> found = find_pairs(p, fitted);
    Columns basis, combination; // each basis vector as a combination of columns
    for (std::size_t i = 0; i < j.size(); ++i) {
        const double length = std::sqrt(dot(j[i], j[i]));
        if (length == 0.0) continue; // has no effect at all: told by its range
        std::vector<double> mix(j.size(), 0.0);
        mix[i] = 1.0;
        std::vector<double> rest = j[i];
        for (std::size_t b = 0; b < basis.size(); ++b) {
            const double part = dot(rest, basis[b]);
            for (std::size_t t = 0; t < rest.size(); ++t) rest[t] -= part * basis[b][t];
            for (std::size_t k = 0; k < mix.size(); ++k) mix[k] -= part * combination[b][k];
        }
        const double left = std::sqrt(dot(rest, rest));
        if (left < dependent * length) {
            std::optional<TradeOff> t = make_trade_off(p, fitted, mix, j);
            if (t &&
                std::none_of(found.begin(), found.end(), [&](const TradeOff& o) { return same_parameters(o, *t); }))
                found.push_back(std::move(*t));
        } else {
            basis.push_back(scaled(rest, 1 / left));
            combination.push_back(scaled(mix, 1 / left));
        }
    }
    return found;
}

} // namespace heddle
