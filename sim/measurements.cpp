#include "sim/measurements.hpp"

#include "dnn/base/error.hpp"
#include "dnn/base/files.hpp"
#include "dnn/base/yaml_scalar.hpp"
#include "sim/csv.hpp"
#include "sim/text.hpp"

#include <algorithm>

namespace heddle {

namespace {

constexpr std::uint64_t max_bytes = 64ull << 20;
constexpr std::size_t max_rows = 100000;
constexpr std::int64_t most_cycles = std::int64_t{1} << 50;
const std::vector<std::string> text_columns = {"name", "workload", "dataflow", "mapping"};
const std::vector<std::string> size_columns = {"M", "N", "K"};
const std::vector<std::string> tile_columns = {"tile.M", "tile.N", "tile.K"};

bool contains(const std::vector<std::string>& list, const std::string& word)
{
    return std::find(list.begin(), list.end(), word) != list.end();
}

/// dram.latency_cycles: a key of the hardware's YAML, which is checked when it is applied.
bool is_hardware_key(const std::string& column)
{
    return column.find('.') != std::string::npos && column.compare(0, 5, "tile.") != 0;
}

class Reader {
public:
    Reader(const std::string& file, const CsvLine& header, const ColumnNames& names) : file_(file), header_(header)
    {
        for (const std::string& written : header.cells) {
            const auto renamed = names.ours.find(written);
            const bool ignored = names.ignored.count(written) > 0;
            columns_.push_back(ignored ? "" : renamed != names.ours.end() ? renamed->second : written);
            if (!ignored) check_column(columns_.back());
        }
        for (const auto& [written, ours] : names.ours)
            if (!contains(header.cells, written)) fail(header, "no column " + quoted(written) + " to take as " + ours);
        for (const std::string& written : names.ignored)
            if (!contains(header.cells, written)) fail(header, "no column " + quoted(written) + " to ignore");
        check_complete();
    }

    Measurement row(const CsvLine& line)
    {
        if (line.cells.size() != columns_.size())
            fail(line, "expected " + std::to_string(columns_.size()) + " cells as in the header, got " +
                           std::to_string(line.cells.size()));
        Measurement m;
        m.line = line.line;
        std::array<std::int64_t, 3> size{};
        for (std::size_t i = 0; i < columns_.size(); ++i)
            if (!columns_[i].empty() && !line.cells[i].empty()) take(m, size, columns_[i], line, line.cells[i]);
        set_workload(m, size, line);
        check_tile(m, line);
        check_targets(m, line);
        if (m.name.empty()) m.name = "row " + std::to_string(m.line);
        return m;
    }

    [[noreturn]] void fail(const CsvLine& line, const std::string& message) const
    {
        throw UserError(file_ + ":" + std::to_string(line.line) + ": " + message);
    }

private:
    void check_column(const std::string& c) const
    {
        if (c.empty()) fail(header_, "a column has no name");
        if (std::count(columns_.begin(), columns_.end(), c) > 1) fail(header_, "column " + quoted(c) + " stands twice");
        if (contains(text_columns, c) || contains(size_columns, c) || contains(tile_columns, c) ||
            contains(measured_targets(), c) || is_hardware_key(c))
            return;
        fail(header_, "unknown column " + quoted(c) + ": expected " + joined(text_columns) + "; " +
                          joined(size_columns) + "; " + joined(tile_columns) + "; " + joined(measured_targets()) +
                          "; or a hardware key such as dram.latency_cycles (--columns renames, --ignore leaves out)");
    }

    void check_complete() const
    {
        const auto has = [&](const std::string& c) { return contains(columns_, c); };
        const auto sizes = std::count_if(size_columns.begin(), size_columns.end(), has);
        if (!has("workload") && sizes != 3)
            fail(header_, "missing column: expected workload (gemm:MxNxK, conv:...), or M, N and K");
        if (!has("cycles") && !has("array_cycles"))
            fail(header_, "missing column: expected cycles, array_cycles or both");
        const auto tiles = std::count_if(tile_columns.begin(), tile_columns.end(), has);
        if (tiles != 0 && tiles != 3) fail(header_, "missing column: expected all of tile.M, tile.N and tile.K");
    }

    std::int64_t number(const std::string& column, const CsvLine& line, const std::string& cell, std::int64_t min) const
    {
        std::int64_t value = 0;
        if (!parse_integer(cell, value) || value < min || value > most_cycles)
            fail(line, column + ": expected " + integer_range(min, most_cycles) + ", got " + quoted(cell));
        return value;
    }

    void take(Measurement& m, std::array<std::int64_t, 3>& size, const std::string& c, const CsvLine& line,
              const std::string& cell) const
    {
        const auto index = [&](const std::vector<std::string>& list) {
            return static_cast<std::size_t>(std::find(list.begin(), list.end(), c) - list.begin());
        };
        if (c == "name")
            m.name = cell;
        else if (c == "workload")
            m.workload = cell;
        else if (c == "dataflow")
            m.dataflow = cell;
        else if (c == "mapping")
            m.mapping_file = cell;
        else if (contains(size_columns, c))
            size[index(size_columns)] = number(c, line, cell, 1);
        else if (contains(tile_columns, c))
            m.tile[index(tile_columns)] = number(c, line, cell, 1);
        else if (contains(measured_targets(), c))
            m.measured[c] = number(c, line, cell, c == "cycles" || c == "array_cycles" ? 1 : 0);
        else
            m.keys[c] = cell;
    }

    void set_workload(Measurement& m, const std::array<std::int64_t, 3>& size, const CsvLine& line) const
    {
        const auto given = std::count_if(size.begin(), size.end(), [](std::int64_t s) { return s > 0; });
        if (given > 0 && !m.workload.empty()) fail(line, "workload and M, N, K are both given: expected one of them");
        if (given > 0 && given < 3) fail(line, "expected all of M, N and K, got " + std::to_string(given) + " of them");
        if (given == 0 && m.workload.empty()) fail(line, "workload: expected gemm:MxNxK or conv:..., got nothing");
        if (given == 3)
            m.workload =
                "gemm:" + std::to_string(size[0]) + "x" + std::to_string(size[1]) + "x" + std::to_string(size[2]);
        std::replace(m.workload.begin(), m.workload.end(), ',', 'x');
        try {
            workload_network(m.workload);
        } catch (const UserError& e) {
            fail(line, std::string("workload: ") + e.what());
        }
    }

    void check_tile(const Measurement& m, const CsvLine& line) const
    {
        const auto given = std::count_if(m.tile.begin(), m.tile.end(), [](std::int64_t s) { return s > 0; });
        if (given != 0 && given != 3) fail(line, "expected all of tile.M, tile.N and tile.K");
        if (given == 3 && !m.mapping_file.empty()) fail(line, "tile.M and mapping are both given: expected one");
    }

    void check_targets(const Measurement& m, const CsvLine& line) const
    {
        if (!m.has("cycles") && !m.has("array_cycles"))
            fail(line, "expected cycles, array_cycles or both, got neither");
        const std::vector<std::string> phases(measured_targets().begin() + 2, measured_targets().end());
        std::string before;
        for (const std::string& p : phases) {
            if (!m.has(p)) continue;
            if (!before.empty() && m.measured.at(p) < m.measured.at(before))
                fail(line, p + ": expected at least " + before + " (" + std::to_string(m.measured.at(before)) +
                               "), got " + std::to_string(m.measured.at(p)));
            before = p;
        }
        if (m.has("cycles") && !before.empty() && m.measured.at(before) >= m.measured.at("cycles"))
            fail(line, before + ": expected less than cycles (" + std::to_string(m.measured.at("cycles")) +
                           "; phases count from 0), got " + std::to_string(m.measured.at(before)));
        if (m.has("cycles") && m.has("array_cycles") && m.measured.at("array_cycles") > m.measured.at("cycles"))
            fail(line, "array_cycles: expected at most cycles (" + std::to_string(m.measured.at("cycles")) + "), got " +
                           std::to_string(m.measured.at("array_cycles")));
        if (m.has("array_cycles") && m.has("first_operand") && m.has("last_result")) {
            const std::int64_t window = m.measured.at("last_result") - m.measured.at("first_operand") + 1;
            if (window != m.measured.at("array_cycles"))
                fail(line, "array_cycles: expected last_result - first_operand + 1 = " + std::to_string(window) +
                               ", got " + std::to_string(m.measured.at("array_cycles")));
        }
    }

    std::string file_;
    const CsvLine& header_;
    std::vector<std::string> columns_; ///< ours; empty: ignored
};

/// What two rows must not share: everything but what was measured and the name.
std::string setting(const Measurement& m)
{
    std::string s = m.workload + "|" + m.dataflow + "|" + m.mapping_file;
    for (std::int64_t t : m.tile) s += "|" + std::to_string(t);
    for (const auto& [key, value] : m.keys) s += "|" + key + "=" + value;
    return s;
}

} // namespace

const std::vector<std::string>& measured_targets()
{
    static const std::vector<std::string> all = {"cycles",        "array_cycles", "first_request",
                                                 "first_operand", "last_result",  "last_write"};
    return all;
}

std::vector<Measurement> parse_measurements(const std::string& text, const std::string& file, const ColumnNames& names)
{
    const std::vector<CsvLine> lines = parse_csv(text, file);
    if (lines.empty()) throw UserError(file + ":1: expected a line with the names of the columns");
    Reader reader(file, lines.front(), names);
    if (lines.size() == 1) reader.fail(lines.front(), "expected rows behind the names of the columns");
    if (lines.size() > max_rows) reader.fail(lines.back(), "expected at most " + std::to_string(max_rows) + " rows");
    std::vector<Measurement> rows;
    std::map<std::string, int> seen;
    for (std::size_t i = 1; i < lines.size(); ++i) {
        rows.push_back(reader.row(lines[i]));
        const auto [other, is_new] = seen.emplace(setting(rows.back()), lines[i].line);
        if (!is_new)
            reader.fail(lines[i],
                        "duplicated row: the same workload and setting as line " + std::to_string(other->second));
    }
    return rows;
}

std::vector<Measurement> read_measurements(const std::string& path, const ColumnNames& names)
{
    return parse_measurements(read_file(path, max_bytes), path, names);
}

} // namespace heddle
