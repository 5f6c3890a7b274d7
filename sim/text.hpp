// Text for people: aligned tables and short numbers.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>
#include <vector>

namespace heddle {

/// Columns as wide as their widest cell, two blanks apart. Names that start with '<' align left, others right.
class TextTable {
public:
    explicit TextTable(const std::vector<std::string>& columns);

    /// As many cells as columns (std::logic_error).
    void add_row(const std::vector<std::string>& cells);
    void add_rule();
    void print(std::ostream& out) const;
    /// At most `width` columns of the terminal, as far as the `elastic` columns can give them: the widest of these is
    /// cut first, cells that no longer fit end in "..".
    void print(std::ostream& out, std::size_t width, const std::vector<std::string>& elastic) const;

private:
    std::size_t total_width() const;
    struct Row {
        std::vector<std::string> cells; ///< empty: a rule
    };
    std::vector<bool> left_;
    std::vector<std::size_t> width_;
    std::vector<Row> rows_;
};

/// 1234567 -> "1,234,567".
std::string grouped(std::int64_t value);
/// Fixed decimals, "n/a" when not finite.
std::string decimal(double value, int decimals);
/// Three to four significant digits with an SI prefix: (0.0123, "J") -> "12.3 mJ".
std::string with_prefix(double value, const std::string& unit);
/// 0.1234 -> "12.3 %".
std::string percent(double share, int decimals = 1);
/// 75 -> "1:15".
std::string clock_time(double seconds);
std::string joined(const std::vector<std::string>& words, const std::string& separator = ", ");
/// At most `width` letters: what is cut ends in "..".
std::string shortened(const std::string& text, std::size_t width);
/// `label` padded to `indent`, then the text, broken at blanks (but for that behind a number) into lines of at most
/// `width`, each indented alike; ends its last line. Width 0: one line.
std::string wrapped(const std::string& label, const std::string& text, std::size_t indent, std::size_t width);

} // namespace heddle
