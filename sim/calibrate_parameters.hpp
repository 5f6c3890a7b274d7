// What `heddle calibrate` may fit: integer keys of a hardware description within bounds.
#pragma once

#include "sim/calibrate_rows.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace heddle {

/// Values lo, lo + 1, …, hi, or lo, 2 lo, 4 lo, …, hi. A point of the search is an index into them per parameter.
struct FitParameter {
    std::string key;
    std::int64_t lo = 0, hi = 0;
    bool doubling = false;
    std::int64_t start = 0; ///< value in the description

    std::int64_t last() const;                       ///< index of hi
    std::int64_t value(std::int64_t index) const;    ///< of an index
    std::int64_t index(std::int64_t of_value) const; ///< nearest
};
using Point = std::vector<std::int64_t>;

/// "a,b=1..64": keys with bounds, which known keys need not have. UserError naming key and reason.
std::vector<FitParameter> choose_parameters(const std::string& fit, const MeasuredSet& set);
/// Known keys of the description that are not among `chosen` and that no column sets.
std::vector<FitParameter> other_parameters(const std::vector<FitParameter>& chosen, const MeasuredSet& set);
/// True when one of them changes what a memory or port moves per cycle.
bool fits_bandwidth(const std::vector<FitParameter>& parameters);

KeyValues values_of(const std::vector<FitParameter>& parameters, const Point& point);
Point start_of(const std::vector<FitParameter>& parameters);

} // namespace heddle
