// Magnitudes of one tensor over all calibration inputs, in one pass. Internal to dnn/.
#pragma once

#include "dnn/tensor.hpp"

#include <cstdint>
#include <vector>

namespace heddle {

class MagnitudeHistogram {
public:
    /// False when a value is not finite.
    bool add(const FloatTensor& tensor);

    double largest() const { return largest_; }
    /// Sum of squared errors when magnitudes are rounded to multiples of threshold / levels and cut at threshold.
    double error(double threshold, int levels) const;

private:
    void widen(double value);

    std::vector<std::int64_t> bins_ = std::vector<std::int64_t>(4096, 0);
    double range_ = 0.0; // a power of two, so that doubling merges pairs of bins
    double largest_ = 0.0;
};

/// Threshold in (0, largest] with the least summed error; 1 when all values are zero.
double best_threshold(const std::vector<const MagnitudeHistogram*>& tensors, int levels);

} // namespace heddle
