// A cost that grows with a size, known at a few sizes.
#pragma once

#include <utility>
#include <vector>

namespace heddle {

/// Between two known points the cost follows the power law through them (a straight line on log-log paper); outside it
/// follows cost ~ size^exponent from the nearest point. One point and an exponent is thus a plain scaling rule,
/// exponent 0 a constant. Known points are returned exactly.
class CostCurve {
public:
    explicit CostCurve(double exponent_outside = 1.0) : exponent_(exponent_outside) {}

    /// Sizes > 0 and each only once, costs >= 0; false (and nothing added) otherwise. A cost of 0 must stay the only
    /// point.
    bool add(double size, double cost);
    bool empty() const { return points_.empty(); }
    double at(double size) const;

private:
    double exponent_;
    std::vector<std::pair<double, double>> points_; ///< by size
};

} // namespace heddle
