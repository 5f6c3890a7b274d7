// heddle calibrate without --fit: which parameters the data ask for, one after the other. Internal to heddle calibrate.
//
// Greedy forward selection. Each step screens every known parameter by what it could take away of the residual, fits
// the three most promising together with those chosen before, and takes the one that leaves least. It is kept when the
// error on rows left out of the fit (in turn, all or a fifth of them at a time) falls by a fifth at least; else the
// selection ends.
#pragma once

#include "sim/calibrate_search.hpp"

#include <iosfwd>

namespace heddle {

struct SelectionStep {
    std::string key;                 ///< empty: nothing fitted yet
    double fitted = 0.0, left = 0.0; ///< root mean square error of fitted rows, and of rows left out of the fit
    std::vector<std::string> equals; ///< parameters that would have fitted as well in its place
    bool kept = true;
};

struct Selection {
    std::vector<FitParameter> parameters;
    SearchResult found;
    std::vector<SelectionStep> steps;
    std::vector<std::string> without_effect; ///< no row depends on them
    int folds = 0;
    std::int64_t candidates = 0;
};

Selection select_parameters(RowSimulator& simulator, const std::vector<std::size_t>& training,
                            const SearchOptions& options);
void print_selection(std::ostream& out, const Selection& selection);

} // namespace heddle
