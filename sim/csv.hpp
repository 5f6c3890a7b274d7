// Comma-separated values with quotes, comment lines and line numbers.
#pragma once

#include <string>
#include <vector>

namespace heddle {

struct CsvLine {
    int line = 0;                   ///< of the file, from 1
    std::vector<std::string> cells; ///< blanks around a cell are dropped
};

/// Lines that are blank or start with '#' are left out; a cell in double quotes may hold commas, and "" for a quote.
/// UserError `file:line: …` when a quote does not end on its line.
std::vector<CsvLine> parse_csv(const std::string& text, const std::string& file);

} // namespace heddle
