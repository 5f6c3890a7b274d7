// What heddle calibrate leaves: the overlay, the text, the plot. Internal to heddle calibrate.
#pragma once

#include "sim/calibrate_analysis.hpp"

#include <iosfwd>
#include <string>

namespace heddle {

/// The fitted values as an overlay for --overlay, with where they come from as comments.
std::string overlay_text(const MeasuredSet& set, const Analysis& analysis, const SearchResult& found);

void print_calibration(std::ostream& out, const MeasuredSet& set, const Analysis& analysis, const SearchResult& found,
                       std::int64_t simulations);

/// Measured against simulated cycles of every row, on logarithmic axes, as SVG.
std::string calibration_plot(const MeasuredSet& set, const Analysis& analysis);

} // namespace heddle
