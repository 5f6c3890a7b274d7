#include "dnn/quantize_histogram.hpp"

#include <algorithm>
#include <cmath>

namespace heddle {

void MagnitudeHistogram::widen(double value)
{
    if (range_ == 0.0) range_ = std::ldexp(1.0, std::ilogb(value) + 1);
    while (value >= range_) {
        const std::size_t half = bins_.size() / 2;
        for (std::size_t i = 0; i < half; ++i) bins_[i] = bins_[2 * i] + bins_[2 * i + 1];
        std::fill(bins_.begin() + static_cast<std::ptrdiff_t>(half), bins_.end(), 0);
        range_ *= 2.0;
    }
}

bool MagnitudeHistogram::add(const FloatTensor& tensor)
{
    double largest = 0.0;
    for (const float x : tensor.data) {
        if (!std::isfinite(x)) return false;
        largest = std::max<double>(largest, std::fabs(x));
    }
    largest_ = std::max(largest_, largest);
    if (largest_ == 0.0) return true;
    widen(largest_);
    const double bins_per_unit = static_cast<double>(bins_.size()) / range_;
    for (const float x : tensor.data) // zeros cost nothing at any threshold
        if (x != 0.0f) ++bins_[static_cast<std::size_t>(std::fabs(x) * bins_per_unit)];
    return true;
}

double MagnitudeHistogram::error(double threshold, int levels) const
{
    const double step = threshold / levels, rounding = step * step / 12.0;
    const double width = range_ / static_cast<double>(bins_.size());
    double sum = 0.0;
    for (std::size_t i = 0; i < bins_.size(); ++i) {
        const double excess = (static_cast<double>(i) + 0.5) * width - threshold;
        sum += static_cast<double>(bins_[i]) * (excess > 0.0 ? excess * excess : rounding);
    }
    return sum;
}

double best_threshold(const std::vector<const MagnitudeHistogram*>& tensors, int levels)
{
    double largest = 0.0;
    for (const MagnitudeHistogram* tensor : tensors) largest = std::max(largest, tensor->largest());
    if (largest == 0.0) return 1.0;
    constexpr int candidates = 80;
    double best = largest, least = -1.0;
    for (int i = candidates; i >= candidates / 5; --i) {
        const double threshold = largest * i / candidates;
        double error = 0.0;
        for (const MagnitudeHistogram* tensor : tensors) error += tensor->error(threshold, levels);
        if (least >= 0.0 && error >= least) continue;
        least = error;
        best = threshold;
    }
    return best;
}

} // namespace heddle
