#include "models/cost_curve.hpp"

#include <algorithm>
#include <cmath>

namespace heddle {

bool CostCurve::add(double size, double cost)
{
    if (!(size > 0) || !(cost >= 0)) return false;
    if (!points_.empty() && (cost == 0 || points_.front().second == 0)) return false;
    const auto place = std::lower_bound(points_.begin(), points_.end(), std::make_pair(size, 0.0));
    if (place != points_.end() && place->first == size) return false;
    points_.insert(place, {size, cost});
    return true;
}

double CostCurve::at(double size) const
{
    const auto above = std::lower_bound(points_.begin(), points_.end(), std::make_pair(size, 0.0));
    if (above != points_.end() && above->first == size) return above->second;
    if (above == points_.begin() || above == points_.end()) {
        const auto& [known, cost] = above == points_.end() ? points_.back() : points_.front();
        return cost * std::pow(size / known, exponent_);
    }
    const auto& [x0, y0] = *(above - 1);
    const auto& [x1, y1] = *above;
    return y0 * std::pow(y1 / y0, std::log(size / x0) / std::log(x1 / x0));
}

} // namespace heddle
