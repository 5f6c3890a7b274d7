#include "sim/csv.hpp"

#include "dnn/base/error.hpp"

#include <sstream>

namespace heddle {

namespace {

std::string trimmed(const std::string& text)
{
    const std::size_t from = text.find_first_not_of(" \t\r");
    if (from == std::string::npos) return "";
    return text.substr(from, text.find_last_not_of(" \t\r") + 1 - from);
}

std::vector<std::string> split(const std::string& line, const std::string& where)
{
    std::vector<std::string> cells;
    std::string cell;
    bool inside = false, was_quoted = false;
    const auto close = [&] {
        cells.push_back(was_quoted ? cell : trimmed(cell));
        cell.clear();
        was_quoted = false;
    };
    for (std::size_t i = 0; i < line.size(); ++i) {
        const char c = line[i];
        if (inside && c == '"' && i + 1 < line.size() && line[i + 1] == '"')
            cell += line[++i];
        else if (c == '"' && (inside || trimmed(cell).empty())) {
            if (!inside) cell.clear();
            inside = !inside;
            was_quoted = true;
        } else if (c == ',' && !inside)
            close();
        else if (!was_quoted || inside)
            cell += c;
        else if (c != ' ' && c != '\t' && c != '\r')
            throw UserError(where + "expected a comma after a quoted cell");
    }
    if (inside) throw UserError(where + "a quote does not end");
    close();
    return cells;
}

} // namespace

std::vector<CsvLine> parse_csv(const std::string& text, const std::string& file)
{
    std::vector<CsvLine> lines;
    std::istringstream in(text.compare(0, 3, "\xef\xbb\xbf") == 0 ? text.substr(3) : text);
    int number = 0;
    for (std::string line; std::getline(in, line);) {
        ++number;
        const std::string content = trimmed(line);
        if (content.empty() || content.front() == '#') continue;
        lines.push_back({number, split(content, file + ":" + std::to_string(number) + ": ")});
    }
    return lines;
}

} // namespace heddle
