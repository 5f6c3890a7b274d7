#include "sim/calibrate_analysis.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <set>

namespace heddle {

namespace {

constexpr double waits = 0.25;            // share of stalls from which a row counts as waiting for memory
constexpr double clear_correlation = 0.8; // of a residual with a quantity
constexpr std::size_t rows_to_correlate = 6;

double share(std::int64_t difference, std::int64_t of)
{
    return static_cast<double>(difference) / static_cast<double>(of);
}

bool is_energy(const std::string& column)
{
    return column.rfind("energy_pj", 0) == 0;
}

/// A measured and a simulated number of one row, and what their difference is a share of.
struct Pair {
    std::string name;
    double measured, simulated, of;
};

ResidualStats stats_of(const std::string& what, const std::vector<Pair>& pairs)
{
    ResidualStats s;
    s.what = what;
    s.rows = static_cast<int>(pairs.size());
    std::vector<double> x, y;
    for (const Pair& p : pairs) {
        const double error = (p.simulated - p.measured) / p.of;
        s.bias += error / s.rows;
        s.mean += std::fabs(error) / s.rows;
        if (std::fabs(error) > s.max || s.worst.empty()) s.worst = p.name;
        s.max = std::max(s.max, std::fabs(error));
        x.push_back(p.measured);
        y.push_back(p.simulated);
    }
    s.correlation = correlation(x, y);
    return s;
}

class Residuals {
public:
    Residuals(RowSimulator& simulator, const KeyValues& values, const std::vector<EnergyFactor>& energy)
        : simulator_(simulator), values_(values), energy_(energy)
    {
    }

    std::vector<ResidualStats> of(const std::vector<std::size_t>& rows) const
    {
        std::vector<ResidualStats> list;
        const auto add = [&](const std::string& what, const std::vector<Pair>& pairs) {
            if (!pairs.empty()) list.push_back(stats_of(what, pairs));
        };
        add("end to end (cycles)", pairs(rows, "cycles"));
        add("compute (array_cycles)", pairs(rows, "array_cycles"));
        add("stall (cycles - array_cycles)", outside(rows));
        for (std::size_t i = 2; i < measured_targets().size(); ++i)
            add("phase " + measured_targets()[i], pairs(rows, measured_targets()[i]));
        std::vector<std::size_t> waiting, busy;
        for (const std::size_t r : rows) (outcome(r).stall_share >= waits ? waiting : busy).push_back(r);
        add("cycles of rows that compute", pairs(busy, "cycles"));
        add("cycles of rows that wait for memory", pairs(waiting, "cycles"));
        std::set<std::string> columns;
        for (const std::size_t r : rows)
            for (const auto& [column, value] : simulator_.set().rows[r].compared) columns.insert(column);
        for (const std::string& column : columns) {
            add(column, compared(rows, column, {}));
            if (is_energy(column)) add(column + ", scaled", compared(rows, column, energy_));
        }
        return list;
    }

private:
    const RowOutcome& outcome(std::size_t row) const { return simulator_.outcome(values_, row); }

    std::vector<Pair> pairs(const std::vector<std::size_t>& rows, const std::string& target) const
    {
        std::vector<Pair> list;
        for (const std::size_t r : rows) {
            const Measurement& m = simulator_.set().rows[r];
            if (!m.has(target)) continue;
            const std::int64_t measured = m.measured.at(target);
            const std::int64_t of = m.has("cycles") ? m.measured.at("cycles") : m.measured.at("array_cycles");
            const auto it = outcome(r).simulated.find(target);
            const std::int64_t simulated = it == outcome(r).simulated.end() ? 0 : it->second;
            list.push_back({m.name, static_cast<double>(measured), static_cast<double>(simulated),
                            static_cast<double>(target == "array_cycles" ? measured : of)});
        }
        return list;
    }

    std::vector<Pair> outside(const std::vector<std::size_t>& rows) const
    {
        std::vector<Pair> list;
        for (const std::size_t r : rows) {
            const Measurement& m = simulator_.set().rows[r];
            if (!m.has("cycles") || !m.has("array_cycles")) continue;
            const std::int64_t total = m.measured.at("cycles");
            const auto& s = outcome(r).simulated;
            list.push_back({m.name, static_cast<double>(total - m.measured.at("array_cycles")),
                            static_cast<double>(s.at("cycles") - s.at("array_cycles")), static_cast<double>(total)});
        }
        return list;
    }

    /// Energies under the factors, and counts.
    std::vector<Pair> compared(const std::vector<std::size_t>& rows, const std::string& column,
                               const std::vector<EnergyFactor>& factors) const
    {
        std::vector<Pair> list;
        double mean = 0.0;
        for (const std::size_t r : rows) {
            const Measurement& m = simulator_.set().rows[r];
            const auto measured = m.compared.find(column);
            if (measured == m.compared.end()) continue;
            const double simulated =
                is_energy(column) ? scaled_energy(outcome(r), column, factors) : outcome(r).compared.at(column);
            list.push_back({m.name, measured->second, simulated, measured->second});
            mean += measured->second;
        }
        mean /= static_cast<double>(std::max<std::size_t>(1, list.size()));
        for (Pair& p : list)
            if (!is_energy(column) || p.of <= 0.0) p.of = mean > 0.0 ? mean : 1.0; // counts may be zero in a row
        return list;
    }

    RowSimulator& simulator_;
    const KeyValues& values_;
    const std::vector<EnergyFactor>& energy_;
};

std::vector<RowError> errors_of(RowSimulator& simulator, const KeyValues& values, const std::vector<std::size_t>& rows,
                                bool held_out)
{
    std::vector<RowError> list;
    for (const std::size_t r : rows) {
        const Measurement& m = simulator.set().rows[r];
        const RowOutcome& o = simulator.outcome(values, r);
        const char* target = m.has("cycles") ? "cycles" : "array_cycles";
        RowError e{r, held_out, m.measured.at(target), o.simulated.at(target), 0.0, o.stall_share};
        e.error = share(e.simulated - e.measured, e.measured);
        list.push_back(e);
    }
    return list;
}

std::vector<Structure> find_structures(RowSimulator& simulator, const KeyValues& values,
                                       const std::vector<RowError>& rows)
{
    std::vector<Structure> found;
    if (rows.size() < rows_to_correlate) return found;
    std::vector<double> y;
    std::set<std::string> names;
    for (const RowError& e : rows) {
        y.push_back(static_cast<double>(e.measured - e.simulated));
        for (const auto& [name, value] : simulator.outcome(values, e.row).shape) names.insert(name);
    }
    const double mean_y = std::accumulate(y.begin(), y.end(), 0.0) / static_cast<double>(y.size());
    for (const std::string& name : names) {
        std::vector<double> x;
        for (const RowError& e : rows) {
            const auto& shape = simulator.outcome(values, e.row).shape;
            x.push_back(shape.count(name) > 0 ? shape.at(name) : 0.0);
        }
        const double r = correlation(x, y);
        if (!(std::fabs(r) >= clear_correlation)) continue;
        const double mean_x = std::accumulate(x.begin(), x.end(), 0.0) / static_cast<double>(x.size());
        double xy = 0.0, xx = 0.0;
        for (std::size_t i = 0; i < x.size(); ++i) {
            xy += (x[i] - mean_x) * (y[i] - mean_y);
            xx += (x[i] - mean_x) * (x[i] - mean_x);
        }
        found.push_back({name, r, xy / xx});
    }
    std::stable_sort(found.begin(), found.end(), [](const Structure& a, const Structure& b) {
        return std::fabs(a.correlation) > std::fabs(b.correlation);
    });
    if (found.size() > 3) found.resize(3);
    return found;
}

} // namespace

double correlation(const std::vector<double>& x, const std::vector<double>& y)
{
    const auto n = static_cast<double>(x.size());
    const double mean_x = std::accumulate(x.begin(), x.end(), 0.0) / n;
    const double mean_y = std::accumulate(y.begin(), y.end(), 0.0) / n;
    double xx = 0.0, yy = 0.0, xy = 0.0;
    for (std::size_t i = 0; i < x.size(); ++i) {
        xx += (x[i] - mean_x) * (x[i] - mean_x);
        yy += (y[i] - mean_y) * (y[i] - mean_y);
        xy += (x[i] - mean_x) * (y[i] - mean_y);
    }
    if (x.size() < 2 || xx <= 0.0 || yy <= 0.0) return std::numeric_limits<double>::quiet_NaN();
    return xy / std::sqrt(xx * yy);
}

bool Analysis::only_held_out_rows_are_off() const
{
    return rest > negligible_error && std::all_of(rows.begin(), rows.end(), [](const RowError& e) {
               return e.held_out || std::fabs(e.error) <= negligible_error;
           });
}

Analysis analyse(FitProblem& training, const Point& fitted, const std::vector<std::size_t>& held_out)
{
    Analysis a;
    RowSimulator& simulator = training.simulator();
    const KeyValues values = values_of(training.parameters(), fitted);
    simulator.run({values}, training.rows());
    simulator.run({values}, held_out);
    a.rows = errors_of(simulator, values, training.rows(), false);
    const std::vector<RowError> others = errors_of(simulator, values, held_out, true);
    a.rows.insert(a.rows.end(), others.begin(), others.end());
    std::sort(a.rows.begin(), a.rows.end(), [](const RowError& x, const RowError& y) { return x.row < y.row; });
    for (const RowError& e : a.rows) a.rest = std::max(a.rest, std::fabs(e.error));
    a.energy = fit_energy(simulator, values, training.rows());
    const Residuals residuals(simulator, values, a.energy);
    a.fitted_on = residuals.of(training.rows());
    a.held_out = residuals.of(held_out);
    a.parameters = find_effects(training, fitted);
    a.trade_offs = find_trade_offs(training, fitted);
    if (a.rest > negligible_error) {
        a.structures = find_structures(simulator, values, a.rows);
        // With nothing left on the fitted rows, no parameter has anything to take away.
        if (!a.only_held_out_rows_are_off()) a.omitted = find_omitted(training, fitted);
    }
    return a;
}

} // namespace heddle
