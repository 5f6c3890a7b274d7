#include "sim/progress.hpp"

#include "sim/text.hpp"

#include <algorithm>
#include <cmath>
#include <ostream>

namespace heddle {

namespace {

std::string time_left(const Progress& progress, double seconds)
{
    if (progress.fraction <= 0.0) return "--:--";
    return clock_time(seconds / progress.fraction * std::max(0.0, 1.0 - progress.fraction));
}

std::string speed(const Progress& progress, double seconds)
{
    return with_prefix(seconds > 0.0 ? static_cast<double>(progress.cycles) / seconds : 0.0, "cycles/s");
}

std::string layers_done(const Progress& progress)
{
    return std::to_string(progress.layers_done) + "/" + std::to_string(progress.layers_total);
}

} // namespace

std::string progress_bar(const Progress& progress, double seconds, int columns)
{
    constexpr int bar_width = 24;
    const double fraction = std::min(1.0, std::max(0.0, progress.fraction));
    const int filled = static_cast<int>(std::lround(fraction * bar_width));
    std::string line = "[" + std::string(static_cast<std::size_t>(filled), '#') +
                       std::string(static_cast<std::size_t>(bar_width - filled), '-') + "] " + layers_done(progress) +
                       "  " + with_prefix(static_cast<double>(progress.cycles), "cycles") + "  " +
                       speed(progress, seconds) + "  " + time_left(progress, seconds) + " left  " + progress.layer;
    line.resize(std::min(line.size(), static_cast<std::size_t>(std::max(columns, 1))));
    return line;
}

std::string progress_line(const Progress& progress, double seconds)
{
    return layers_done(progress) + " layers, " + with_prefix(static_cast<double>(progress.cycles), "cycles") + ", " +
           speed(progress, seconds) + ", " + time_left(progress, seconds) + " left: " + progress.layer;
}

ProgressPrinter::ProgressPrinter(std::ostream& out, bool terminal, int columns)
    : out_(out), terminal_(terminal), columns_(columns), start_(std::chrono::steady_clock::now())
{
}

void ProgressPrinter::show(const Progress& progress)
{
    const Seconds now = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
    const Seconds interval = terminal_ ? 0.1 : 1.0;
    if (now - last_shown_ < interval) return;
    if (!terminal_ && progress.layers_done == last_layers_) return;
    last_shown_ = now;
    last_layers_ = progress.layers_done;
    if (terminal_) {
        out_ << "\r\033[K" << progress_bar(progress, now, columns_ - 1) << std::flush;
        bar_visible_ = true;
    } else {
        out_ << progress_line(progress, now) << std::endl;
    }
}

void ProgressPrinter::finish()
{
    if (bar_visible_) out_ << "\r\033[K" << std::flush;
    bar_visible_ = false;
}

} // namespace heddle
