#include "sim/text.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <ostream>
#include <stdexcept>

namespace heddle {

TextTable::TextTable(const std::vector<std::string>& columns)
{
    Row names;
    for (const std::string& column : columns) {
        left_.push_back(!column.empty() && column.front() == '<');
        names.cells.push_back(left_.back() ? column.substr(1) : column);
        width_.push_back(names.cells.back().size());
    }
    rows_.push_back(names);
    add_rule();
}

void TextTable::add_row(const std::vector<std::string>& cells)
{
    if (cells.size() != width_.size()) throw std::logic_error("TextTable: wrong number of cells");
    for (std::size_t i = 0; i < cells.size(); ++i) width_[i] = std::max(width_[i], cells[i].size());
    rows_.push_back({cells});
}

void TextTable::add_rule()
{
    rows_.push_back({});
}

void TextTable::print(std::ostream& out) const
{
    std::size_t total = 0;
    for (const std::size_t width : width_) total += width + 2;
    for (const Row& row : rows_) {
        std::string line;
        if (row.cells.empty()) line.assign(total - 2, '-');
        for (std::size_t i = 0; i < row.cells.size(); ++i) {
            const std::string blanks(width_[i] - row.cells[i].size(), ' ');
            line += left_[i] ? row.cells[i] + blanks : blanks + row.cells[i];
            line += "  ";
        }
        line.erase(line.find_last_not_of(' ') + 1);
        out << line << '\n';
    }
}

std::string grouped(std::int64_t value)
{
    std::string digits = std::to_string(value);
    const int first = value < 0 ? 1 : 0;
    for (int at = static_cast<int>(digits.size()) - 3; at > first; at -= 3)
        digits.insert(static_cast<std::size_t>(at), ",");
    return digits;
}

std::string decimal(double value, int decimals)
{
    if (!std::isfinite(value)) return "n/a";
    std::array<char, 64> text{};
    const int length = std::snprintf(text.data(), text.size(), "%.*f", decimals, value);
    // Only absurdly large values do not fit in fixed form.
    if (length >= static_cast<int>(text.size())) std::snprintf(text.data(), text.size(), "%.3e", value);
    return text.data();
}

std::string with_prefix(double value, const std::string& unit)
{
    if (!std::isfinite(value)) return "n/a";
    if (value == 0.0) return "0 " + unit;
    static constexpr std::array<const char*, 9> prefixes{"f", "p", "n", "u", "m", "", "k", "M", "G"};
    int index = 5;
    double scaled = value;
    while (std::abs(scaled) >= 999.5 && index < 8) {
        scaled /= 1000.0;
        ++index;
    }
    while (std::abs(scaled) < 0.9995 && index > 0) {
        scaled *= 1000.0;
        --index;
    }
    const int decimals = std::abs(scaled) >= 99.95 ? 0 : std::abs(scaled) >= 9.995 ? 1 : 2;
    return decimal(scaled, decimals) + " " + prefixes[static_cast<std::size_t>(index)] + unit;
}

std::string percent(double share, int decimals)
{
    return decimal(100.0 * share, decimals) + " %";
}

std::string clock_time(double seconds)
{
    if (!std::isfinite(seconds) || seconds > 360000.0) return "--:--";
    const int whole = static_cast<int>(std::ceil(std::max(0.0, seconds)));
    std::array<char, 32> text{};
    if (whole >= 3600)
        std::snprintf(text.data(), text.size(), "%d:%02d:%02d", whole / 3600, whole / 60 % 60, whole % 60);
    else
        std::snprintf(text.data(), text.size(), "%d:%02d", whole / 60, whole % 60);
    return text.data();
}

std::string joined(const std::vector<std::string>& words, const std::string& separator)
{
    std::string text;
    for (const std::string& word : words) text += (text.empty() ? "" : separator) + word;
    return text;
}

} // namespace heddle
