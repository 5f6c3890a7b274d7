#include "sim/text.hpp"

#include <algorithm>
#include <array>
#include <cctype>
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

std::size_t TextTable::total_width() const
{
    std::size_t total = 0;
    for (const std::size_t width : width_) total += width + 2;
    return total - 2;
}

void TextTable::print(std::ostream& out, std::size_t width, const std::vector<std::string>& elastic) const
{
    constexpr std::size_t least = 8;
    TextTable cut = *this;
    const std::vector<std::string> names = rows_.front().cells;
    while (cut.total_width() > width) {
        std::size_t* widest = nullptr;
        for (std::size_t i = 0; i < names.size(); ++i)
            if (std::find(elastic.begin(), elastic.end(), names[i]) != elastic.end() &&
                cut.width_[i] > std::max(least, names[i].size()) && (!widest || cut.width_[i] > *widest))
                widest = &cut.width_[i];
        if (!widest) break;
        --*widest;
    }
    for (Row& row : cut.rows_)
        for (std::size_t i = 0; i < row.cells.size(); ++i) row.cells[i] = shortened(row.cells[i], cut.width_[i]);
    cut.print(out);
}

void TextTable::print(std::ostream& out) const
{
    for (const Row& row : rows_) {
        std::string line;
        if (row.cells.empty()) line.assign(total_width(), '-');
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

std::string shortened(const std::string& text, std::size_t width)
{
    if (text.size() <= width) return text;
    return width < 2 ? text.substr(0, width) : text.substr(0, width - 2) + "..";
}

std::string wrapped(const std::string& label, const std::string& text, std::size_t indent, std::size_t width)
{
    std::string lines, line = label;
    line.resize(std::max(indent, label.empty() ? 0 : label.size() + 1), ' ');
    std::size_t words = 0; // on this line
    for (std::size_t from = 0; from < text.size();) {
        std::size_t to = std::min(text.find(' ', from), text.size());
        if (to > from && std::isdigit(static_cast<unsigned char>(text[to - 1]))) // a number and its unit stay together
            to = std::min(text.find(' ', to + 1), text.size());
        const std::string word = text.substr(from, to - from);
        if (width > 0 && words > 0 && line.size() + 1 + word.size() > width) {
            lines += line + "\n";
            line.assign(indent, ' ');
            words = 0;
        }
        line += (words > 0 ? " " : "") + word;
        ++words;
        from = to + 1;
    }
    return lines + line + "\n";
}

} // namespace heddle
