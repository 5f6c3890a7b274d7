// What a fit is worth: residuals apart, parameters that the data cannot tell, differences that no parameter can mend.
// Internal to heddle calibrate.
#pragma once

#include "sim/calibrate_energy.hpp"
#include "sim/calibrate_search.hpp"

#include <string>
#include <utility>
#include <vector>

namespace heddle {

/// Errors of one quantity over some rows: of times in shares of the row's measured cycles, of energies in shares of
/// what was measured, of counts in shares of their mean over the rows.
struct ResidualStats {
    std::string what;
    int rows = 0;
    double mean = 0.0, max = 0.0; ///< of absolute values
    double bias = 0.0;            ///< mean with sign; positive: the model is slower
    double correlation = 0.0;     ///< Pearson's, of measured and simulated; NaN when it has no meaning
    std::string worst;            ///< row of the largest
};

struct ParameterFinding {
    FitParameter parameter;
    std::int64_t value = 0;
    double mean_effect = 0.0, max_effect = 0.0; ///< of one step on the training rows' cycles, in shares
    std::int64_t lo = 0, hi = 0;                ///< values that fit equally well, the others as fitted
};

/// Steps that together leave every training row as it is: parameter -> steps.
struct TradeOff {
    std::vector<std::pair<std::string, std::int64_t>> steps;
    bool exact = false; ///< simulated, and nothing changed; else to first order only
};

/// The residual grows with a quantity of the layer.
struct Structure {
    std::string quantity;
    double correlation = 0.0;
    double slope = 0.0; ///< cycles per unit
};

struct RowError {
    std::size_t row = 0;
    bool held_out = false;
    std::int64_t measured = 0, simulated = 0;
    double error = 0.0; ///< (simulated - measured) / measured
    double stall = 0.0; ///< share of the array's time, by the model
};

struct Analysis {
    std::vector<RowError> rows; ///< end to end, or the array's window where only that was measured
    std::vector<ResidualStats> fitted_on, held_out;
    std::vector<EnergyFactor> energy; ///< empty: no energies measured
    std::vector<ParameterFinding> parameters;
    std::vector<TradeOff> trade_offs;
    double rest = 0.0; ///< largest absolute error of all rows
    std::vector<Structure> structures;
    std::vector<std::pair<std::string, double>> omitted; ///< key not fitted -> share of the residual it could explain

    /// What is off was not there to be fitted: nothing is known against the structure.
    bool only_held_out_rows_are_off() const;
};

/// Residuals below this share are taken for what integer parameters leave.
constexpr double negligible_error = 0.005;

Analysis analyse(FitProblem& training, const Point& fitted, const std::vector<std::size_t>& held_out);

// Parts of it, in calibrate_identify.cpp and calibrate_omitted.cpp.
std::vector<ParameterFinding> find_effects(FitProblem& training, const Point& fitted);
std::vector<TradeOff> find_trade_offs(FitProblem& training, const Point& fitted);
/// A parameter that is not fitted.
struct Candidate {
    FitParameter parameter;
    double explained = 0.0;  ///< share of the residual (sum of squares) that it could take away
    bool has_effect = false; ///< of one step on some row
};
/// Best first: to first order, bandwidths also at some other values; `thorough`: all at more values.
std::vector<Candidate> candidates(FitProblem& training, const Point& fitted, bool thorough);
/// Keys that are not fitted, and the share of the residual (sum of squares) that each could take away.
std::vector<std::pair<std::string, double>> find_omitted(FitProblem& training, const Point& fitted);

/// NaN for less than two values or when one side does not vary.
double correlation(const std::vector<double>& x, const std::vector<double>& y);

} // namespace heddle
