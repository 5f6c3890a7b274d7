#include "sim/measurements.hpp"

#include "dnn/base/error.hpp"
#include "dnn/base/files.hpp"
#include "dnn/base/yaml_scalar.hpp"
#include "sim/csv.hpp"
#include "sim/text.hpp"
#include "sim/totals.hpp"

#include <algorithm>

namespace heddle {

namespace {

constexpr std::uint64_t max_bytes = 64ull << 20;
constexpr std::size_t max_rows = 100000;
constexpr std::int64_t most_cycles = std::int64_t{1} << 50;
const std::vector<std::string> text_columns = {"name", "workload", "dataflow", "mapping"};
const std::vector<std::string> size_columns = {"M", "N", "K"};
const std::vector<std::string> tile_columns = {"tile.M", "tile.N", "tile.K"};
const std::string stall_column = "stall_cycles"; // what cycles and array_cycles leave

bool contains(const std::vector<std::string>& list, const std::string& word)
{
    return std::find(list.begin(), list.end(), word) != list.end();
}

/// dram.latency_cycles: a key of the hardware's YAML, which is checked when it is applied.
bool is_hardware_key(const std::string& column)
{
    static const std::vector<std::string> others = {"tile", "phases", "energy_pj", "ledger", "counts"};
    return column.find('.') != std::string::npos && !contains(others, column.substr(0, column.find('.')));
}

class Reader {
public:
    Reader(const std::string& file, const CsvLine& header, const ColumnNames& names) : file_(file), header_(header)
    {
        for (const std::string& written : header.cells) {
            const auto renamed = names.ours.find(written);
            const bool ignored = names.ignored.count(written) > 0;
            columns_.push_back(ignored ? ""
                                       : canonical_column(renamed != names.ours.end() ? renamed->second : written));
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
        m.file = file_;
        m.line = line.line;
        std::array<std::int64_t, 3> size{};
        for (std::size_t i = 0; i < columns_.size(); ++i)
            if (!columns_[i].empty() && !line.cells[i].empty()) take(m, size, columns_[i], line, line.cells[i]);
        set_workload(m, size, line);
        settle_measurement(m);
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
            contains(measured_targets(), c) || c == stall_column || is_compared(c) || is_hardware_key(c))
            return;
        fail(header_, "unknown column " + quoted(c) + ": expected " + joined(text_columns) + "; " +
                          joined(size_columns) + "; " + joined(tile_columns) + "; " + joined(measured_targets()) +
                          ", stall_cycles; energy_pj, energy_pj.PART (" +
                          joined({energy_parts.begin(), energy_parts.end()}) +
                          "), ledger.BLOCK.CAUSE, counts.PATH; or a hardware key such as dram.latency_cycles "
                          "(--columns renames, --ignore leaves out)");
    }

    void check_complete() const
    {
        const auto has = [&](const std::string& c) { return contains(columns_, c); };
        const auto sizes = std::count_if(size_columns.begin(), size_columns.end(), has);
        if (!has("workload") && sizes != 3)
            fail(header_, "missing column: expected workload (gemm:MxNxK, conv:..., layer:...), or M, N and K");
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

    double real(const std::string& column, const CsvLine& line, const std::string& cell) const
    {
        double value = 0;
        if (!parse_real(cell, value) || value < 0)
            fail(line, column + ": expected a number of at least 0, got " + quoted(cell));
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
        else if (is_compared(c))
            m.compared[c] = real(c, line, cell);
        else if (contains(measured_targets(), c) || c == stall_column)
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
    }

    std::string file_;
    const CsvLine& header_;
    std::vector<std::string> columns_; ///< ours; empty: ignored
};

} // namespace

std::vector<Measurement> parse_measurements(const std::string& text, const std::string& file, const ColumnNames& names)
{
    const std::vector<CsvLine> lines = parse_csv(text, file);
    if (lines.empty()) throw UserError(file + ":1: expected a line with the names of the columns");
    Reader reader(file, lines.front(), names);
    if (lines.size() == 1) reader.fail(lines.front(), "expected rows behind the names of the columns");
    if (lines.size() > max_rows) reader.fail(lines.back(), "expected at most " + std::to_string(max_rows) + " rows");
    std::vector<Measurement> rows;
    for (std::size_t i = 1; i < lines.size(); ++i) rows.push_back(reader.row(lines[i]));
    refuse_duplicates(rows);
    return rows;
}

std::vector<Measurement> read_measurements(const std::string& path, const ColumnNames& names)
{
    return parse_measurements(read_file(path, max_bytes), path, names);
}

} // namespace heddle
