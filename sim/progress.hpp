// What the user sees while a run goes on: a bar on a terminal, one plain line per finished layer otherwise.
#pragma once

#include "sim/driver.hpp"

#include <chrono>
#include <iosfwd>
#include <string>

namespace heddle {

/// "[#####-----] 14/28 conv7  12.3 Mcycles  3.1 Mcycles/s  0:04 left", at most `columns` wide.
std::string progress_bar(const Progress& progress, double seconds, int columns);
/// "14/28 layers, 12.3 Mcycles, 3.1 Mcycles/s, 0:04 left: conv7".
std::string progress_line(const Progress& progress, double seconds);

class ProgressPrinter {
public:
    using Seconds = double;

    /// `terminal`: redraws one line, at most ten times a second; else one line at most every second, and none for
    /// runs shorter than that.
    ProgressPrinter(std::ostream& out, bool terminal, int columns);
    ~ProgressPrinter() { finish(); }
    ProgressPrinter(const ProgressPrinter&) = delete;
    ProgressPrinter& operator=(const ProgressPrinter&) = delete;

    void show(const Progress& progress);
    /// Clears the bar; done once, also by the destructor.
    void finish();

private:
    std::ostream& out_;
    const bool terminal_;
    const int columns_;
    const std::chrono::steady_clock::time_point start_;
    Seconds last_shown_ = 0.0;
    int last_layers_ = 0;
    bool bar_visible_ = false;
};

} // namespace heddle
