#include "sim/calibrate_report.hpp"

#include "dnn/base/files.hpp"
#include "sim/text.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <ostream>
#include <sstream>

namespace heddle {

namespace {

constexpr std::size_t shown_rows = 8;

std::string fixed_percent(double share)
{
    return decimal(share * 100.0, 2) + " %";
}

std::string with_sign(double share)
{
    return (share > 0 ? "+" : "") + fixed_percent(share);
}

std::string range_text(std::int64_t lo, std::int64_t hi)
{
    return lo == hi ? std::to_string(lo) : std::to_string(lo) + ".." + std::to_string(hi);
}

void print_stats(std::ostream& out, const std::string& title, const std::vector<ResidualStats>& list)
{
    TextTable table({"<" + title, "rows", "mean error", "max error", "bias", "correlation", "<largest at"});
    for (const ResidualStats& s : list)
        table.add_row({s.what, std::to_string(s.rows), fixed_percent(s.mean), fixed_percent(s.max), with_sign(s.bias),
                       decimal(s.correlation, 6), s.max > 0 ? s.worst : "-"});
    table.print(out);
    out << '\n';
}

void print_parameters(std::ostream& out, const Analysis& a)
{
    TextTable table({"<parameter", "was", "fitted", "bounds", "one step: mean", "max", "fit equally well"});
    for (const ParameterFinding& f : a.parameters)
        table.add_row({f.parameter.key, std::to_string(f.parameter.start), std::to_string(f.value),
                       range_text(f.parameter.lo, f.parameter.hi), fixed_percent(f.mean_effect),
                       fixed_percent(f.max_effect), range_text(f.lo, f.hi)});
    table.print(out);
    out << '\n';
}

/// "a +1 with b x2": steps of doubling parameters are factors.
std::string steps_text(const Analysis& a, const TradeOff& t)
{
    std::vector<std::string> words;
    for (const auto& [key, steps] : t.steps) {
        const std::string& k = key;
        const bool doubling = std::any_of(a.parameters.begin(), a.parameters.end(), [&](const ParameterFinding& f) {
            return f.parameter.key == k && f.parameter.doubling;
        });
        const std::string size = std::to_string(doubling ? std::int64_t{1} << std::abs(steps) : std::abs(steps));
        words.push_back(key + (doubling ? steps > 0 ? " x" : " /" : steps > 0 ? " +" : " -") + size);
    }
    return joined(words, " with ");
}

void print_identification(std::ostream& out, const Analysis& a)
{
    std::vector<std::string> lines;
    const bool misses = a.rest > 0.0;
    for (const ParameterFinding& f : a.parameters) {
        if (misses && f.value == f.parameter.lo && f.lo == f.hi)
            lines.push_back(f.parameter.key + " stands at its lower bound; the data may want less");
        else if (misses && f.value == f.parameter.hi && f.lo == f.hi)
            lines.push_back(f.parameter.key + " stands at its upper bound; the data may want more");
        if (f.lo == f.hi) continue;
        const bool all = f.lo == f.parameter.lo && f.hi == f.parameter.hi;
        lines.push_back(f.parameter.key + (f.max_effect == 0.0 && all
                                               ? ": no training row depends on it, so it stays as it was"
                                               : ": " + range_text(f.lo, f.hi) + " fit equally well"));
    }
    for (const TradeOff& t : a.trade_offs)
        lines.push_back(steps_text(a, t) + (t.exact
                                                ? ": changes no training row, so only what they make together is known"
                                                : ": nearly cancel on the training rows, so each alone is uncertain"));
    out << "identified  " << (lines.empty() ? "every parameter, alone and together\n" : "not all of it:\n");
    for (const std::string& line : lines) out << "  " << line << '\n';
}

void print_structure(std::ostream& out, const MeasuredSet& set, const Analysis& a)
{
    if (a.rest <= negligible_error) {
        out << "structure   no row is off by more than " << fixed_percent(a.rest) << '\n';
        return;
    }
    std::vector<RowError> worst = a.rows;
    std::stable_sort(worst.begin(), worst.end(),
                     [](const RowError& x, const RowError& y) { return std::fabs(x.error) > std::fabs(y.error); });
    std::vector<std::string> names;
    for (const RowError& e : worst)
        if (std::fabs(e.error) > negligible_error && names.size() < shown_rows)
            names.push_back(set.rows[e.row].name + " (line " + std::to_string(set.rows[e.row].line) + ", " +
                            with_sign(e.error) + ")");
    out << "warning     these parameters leave up to " << fixed_percent(a.rest) << ": " << joined(names) << '\n';
    for (const Structure& s : a.structures)
        out << "  the rest goes with \"" << s.quantity << "\": correlation " << decimal(s.correlation, 3) << ", "
            << decimal(s.slope, 3) << " cycles per unit (measured less simulated)\n";
    for (const auto& [key, share] : a.omitted)
        out << "  " << key << " is not fitted and could take away " << percent(share) << " of it: try --fit ..." << ','
            << key << '\n';
    if (a.only_held_out_rows_are_off())
        out << "  only held-out rows are off: the fitted rows do not tell what these need; fit more rows like them\n";
    else if (a.omitted.empty())
        out << "  no other known parameter, changed alone, takes away half of it: the measured machine may be built "
               "differently there (dataflow, passes.*, port widths, tiling)\n";
}

/// What is scaled, and what is compared only.
void print_energy(std::ostream& out, const MeasuredSet& set, const Analysis& a)
{
    for (const EnergyFactor& f : a.energy)
        out << "energy      " << joined(f.parts) << (f.parts.size() > 1 ? " (together)" : "") << ": x "
            << decimal(f.factor, 4) << " on the table's values, from " << f.rows << " fitted rows\n";
    const bool counts = std::any_of(set.rows.begin(), set.rows.end(), [](const Measurement& m) {
        return std::any_of(m.compared.begin(), m.compared.end(),
                           [](const auto& c) { return c.first.rfind("energy_pj", 0) != 0; });
    });
    if (counts) out << "not fitted  counts and ledgers: they are compared, and say where a difference comes from\n";
}

} // namespace

std::string overlay_text(const MeasuredSet& set, const Analysis& a, const SearchResult& found)
{
    std::ostringstream text;
    std::vector<std::string> sources;
    for (const std::string& s : set.sources) sources.push_back(s + " (" + content_hash(read_file(s)) + ")");
    text << "# Fitted by heddle calibrate to " << joined(sources) << ":\n"
         << "#   heddle run NETWORK --hw " << set.hardware_name << " --overlay THIS_FILE\n";
    const std::vector<ResidualStats>& stats = a.held_out.empty() ? a.fitted_on : a.held_out;
    for (const ResidualStats& s : stats)
        text << "# " << (a.held_out.empty() ? "fitted" : "held-out") << " rows, " << s.what << ": mean error "
             << fixed_percent(s.mean) << ", max " << fixed_percent(s.max) << " over " << s.rows << '\n';
    if (!found.complete) text << "# The search was stopped before its end.\n";
    for (const TradeOff& t : a.trade_offs) text << "# Not identified: " << steps_text(a, t) << '\n';
    const auto is_fitted = [&](const std::string& key) {
        return std::any_of(a.parameters.begin(), a.parameters.end(),
                           [&](const ParameterFinding& f) { return f.parameter.key == key; });
    };
    for (const OverlayEntry& e : set.base_overlay)
        if (!is_fitted(e.key)) text << e.key << ": " << e.value << " # as given to calibrate\n";
    for (const ParameterFinding& f : a.parameters) {
        text << f.parameter.key << ": " << f.value;
        if (f.lo != f.hi) text << " # not identified: " << range_text(f.lo, f.hi) << " fit equally well";
        text << '\n';
    }
    return text.str();
}

void print_calibration(std::ostream& out, const MeasuredSet& set, const Analysis& a, const SearchResult& found,
                       std::int64_t simulations)
{
    const auto held = std::count_if(a.rows.begin(), a.rows.end(), [](const RowError& e) { return e.held_out; });
    out << "rows        " << a.rows.size() << " of " << set.file << ": "
        << static_cast<std::ptrdiff_t>(a.rows.size()) - held << " to fit, " << held << " held out\n"
        << "search      " << grouped(simulations) << " simulations, " << found.starts
        << (found.starts == 1 ? " start" : " starts")
        << (found.complete ? "" : ", stopped by --simulations before its end") << "\n\n";
    print_parameters(out, a);
    if (a.held_out.empty())
        out << "Nothing is held out: these errors are of the rows that were fitted, and say little of others.\n";
    else
        print_stats(out, "held-out rows", a.held_out);
    print_stats(out, "fitted rows", a.fitted_on);
    const bool apart = std::any_of(a.fitted_on.begin(), a.fitted_on.end(),
                                   [](const ResidualStats& s) { return s.what.rfind("stall", 0) == 0; });
    if (!apart) out << "Compute and stall are not measured apart: that takes both cycles and array_cycles.\n";
    const auto free = std::count_if(set.rows.begin(), set.rows.end(),
                                    [](const Measurement& m) { return !m.tiled() && m.mapping_file.empty(); });
    if (free > 0)
        out << "tiling      " << free
            << " rows give none: the mapper's choice is simulated, and it may change with the parameters\n";
    print_energy(out, set, a);
    print_identification(out, a);
    print_structure(out, set, a);
}

} // namespace heddle
