#include "sim/calibrate_report.hpp"
#include "sim/text.hpp"

#include <algorithm>
#include <cmath>
#include <sstream>

namespace heddle {

namespace {

constexpr double left = 80, top = 40, side = 480; // of the square that holds the points

std::string escaped(const std::string& text)
{
    std::string out;
    for (char c : text) {
        if (c == '<')
            out += "&lt;";
        else if (c == '>')
            out += "&gt;";
        else if (c == '&')
            out += "&amp;";
        else
            out += c == '"' ? '\'' : c;
    }
    return out;
}

/// Whole powers of ten around all values.
struct LogAxis {
    double lo = 0, hi = 1;

    double at(double value) const { return (std::log10(value) - lo) / (hi - lo) * side; }
};

LogAxis axis_of(const std::vector<RowError>& rows)
{
    double least = 1e300, most = 1;
    for (const RowError& e : rows)
        for (const std::int64_t v : {e.measured, e.simulated}) {
            least = std::min(least, std::max(1.0, static_cast<double>(v)));
            most = std::max(most, static_cast<double>(v));
        }
    LogAxis a{std::floor(std::log10(least)), std::ceil(std::log10(most))};
    if (a.hi <= a.lo) a.hi = a.lo + 1;
    return a;
}

void draw_axes(std::ostringstream& svg, const LogAxis& a)
{
    svg << "<rect x=\"" << left << "\" y=\"" << top << "\" width=\"" << side << "\" height=\"" << side
        << "\" fill=\"none\" stroke=\"#444\"/>\n";
    for (double p = a.lo; p <= a.hi; p += 1) {
        const double at = a.at(std::pow(10.0, p));
        svg << "<path d=\"M" << left + at << ' ' << top << "v" << side << "M" << left << ' ' << top + side - at << "h"
            << side << "\" stroke=\"#ddd\"/>\n"
            << "<text x=\"" << left + at << "\" y=\"" << top + side + 18 << "\" text-anchor=\"middle\">1e" << p
            << "</text><text x=\"" << left - 8 << "\" y=\"" << top + side - at + 4 << "\" text-anchor=\"end\">1e" << p
            << "</text>\n";
    }
    svg << "<path d=\"M" << left << ' ' << top + side << 'L' << left + side << ' ' << top
        << "\" stroke=\"#888\" stroke-dasharray=\"4 3\"/>\n";
}

} // namespace

std::string calibration_plot(const MeasuredSet& set, const Analysis& analysis)
{
    const LogAxis a = axis_of(analysis.rows);
    std::ostringstream svg;
    svg << "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"600\" height=\"600\" font-family=\"sans-serif\" "
           "font-size=\"12\">\n<rect width=\"600\" height=\"600\" fill=\"white\"/>\n";
    draw_axes(svg, a);
    for (const RowError& e : analysis.rows) {
        const double x = left + a.at(std::max<double>(1, static_cast<double>(e.measured)));
        const double y = top + side - a.at(std::max<double>(1, static_cast<double>(e.simulated)));
        svg << "<g><title>" << escaped(set.rows[e.row].name) << ": measured " << e.measured << ", simulated "
            << e.simulated << " (" << decimal(e.error * 100, 2) << " %)</title><circle cx=\"" << decimal(x, 1)
            << "\" cy=\"" << decimal(y, 1) << "\" r=\"4\" fill=\"" << (e.held_out ? "#d55e00" : "none")
            << "\" stroke=\"" << (e.held_out ? "#d55e00" : "#0072b2") << "\"/></g>\n";
    }
    svg << "<text x=\"" << left + side / 2 << "\" y=\"" << top + side + 42
        << "\" text-anchor=\"middle\">measured cycles</text>\n"
        << "<text transform=\"translate(24 " << top + side / 2
        << ") rotate(-90)\" text-anchor=\"middle\">simulated cycles</text>\n"
        << "<text x=\"" << left << "\" y=\"26\">" << escaped(set.file) << "</text>\n"
        << "<text x=\"400\" y=\"26\" fill=\"#0072b2\">o fitted</text>\n"
        << "<text x=\"480\" y=\"26\" fill=\"#d55e00\">held out</text>\n</svg>\n";
    return svg.str();
}

} // namespace heddle
