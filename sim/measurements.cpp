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
const std::string stall_column = "stall_cycles"; // what cycles and array_cycles leave

bool contains(const std::vector<std::string>& list, const std::string& word)
{
    return std::find(list.begin(), list.end(), word) != list.end();
}

class Reader {
public:
    Reader(const std::string& file, const CsvLine& header, const ColumnNames& names) : file_(file), header_(header)
    {
        for (const std::string& written : header.cells) {
            const auto renamed = names.ours.find(written);
            const bool ignored = names.ignored.count(written) > 0;
            const std::string ours = canonical_column(renamed != names.ours.end() ? renamed->second : written);
            if (!ignored) check_column(written, ours);
            columns_.push_back(ignored ? "" : ours);
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
        std::map<std::string, std::int64_t> shape;
        for (std::size_t i = 0; i < columns_.size(); ++i)
            if (!columns_[i].empty() && !line.cells[i].empty()) take(m, shape, columns_[i], line, line.cells[i]);
        set_workload(m, shape, line);
        settle_measurement(m);
        return m;
    }

    [[noreturn]] void fail(const CsvLine& line, const std::string& message) const
    {
        throw UserError(file_ + ":" + std::to_string(line.line) + ": " + message);
    }

private:
    void check_column(const std::string& written, const std::string& ours) const
    {
        if (written.empty()) fail(header_, "a column has no name");
        const auto other = std::find(columns_.begin(), columns_.end(), ours);
        if (other != columns_.end()) {
            const std::string& before = header_.cells[static_cast<std::size_t>(other - columns_.begin())];
            if (before == written) fail(header_, "column " + quoted(written) + " stands twice");
            fail(header_, "columns " + quoted(before) + " and " + quoted(written) + " both mean " + ours +
                              ": expected one (--ignore leaves the other out)");
        }
        if (!is_known_column(ours))
            fail(header_, "unknown column " + quoted(written) + ": expected " + known_columns() +
                              " (--columns renames, --ignore leaves out)");
    }

    void check_complete() const
    {
        const auto has = [&](const std::string& c) { return contains(columns_, c); };
        if (!has("workload")) check_shape();
        if (!has("cycles") && !has("array_cycles"))
            fail(header_, "missing column: expected cycles, array_cycles or both");
        const auto tiles = std::count_if(tile_columns().begin(), tile_columns().end(), has);
        if (tiles != 0 && tiles != 3) fail(header_, "missing column: expected all of tile.M, tile.N and tile.K");
    }

    /// Without workload, columns for GEMMs, convs or both.
    void check_shape() const
    {
        const auto missing = [&](const std::vector<std::string>& needed) {
            std::vector<std::string> list;
            for (const std::string& c : needed)
                if (!contains(columns_, c)) list.push_back(c);
            return list;
        };
        const std::vector<std::string> of_gemm = missing({"M", "N", "K"});
        const std::vector<std::string> of_conv = missing({"C", "H", "W", "K", "R", "S"});
        if (of_gemm.empty() || of_conv.empty()) return;
        std::string lacks;
        if (of_gemm.size() < 3 && contains(columns_, "M")) lacks = "; a GEMM lacks " + joined(of_gemm);
        if (contains(columns_, "C") || contains(columns_, "H")) lacks = "; a conv lacks " + joined(of_conv);
        fail(header_,
             "missing column: expected workload (gemm:MxNxK, conv:..., layer:...), or M, N and K of a GEMM, or "
             "C, H, W, K, R and S of a conv" +
                 lacks);
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

    void take(Measurement& m, std::map<std::string, std::int64_t>& shape, const std::string& c, const CsvLine& line,
              const std::string& cell) const
    {
        if (c == "name")
            m.name = cell;
        else if (c == "workload")
            m.workload = cell;
        else if (c == "dataflow")
            m.dataflow = cell;
        else if (c == "mapping")
            m.mapping_file = cell;
        else if (contains(shape_columns(), c))
            shape[c] = number(c, line, cell, c == "padding" ? 0 : 1);
        else if (contains(tile_columns(), c))
            m.tile[static_cast<std::size_t>(c == "tile.M" ? 0 : c == "tile.N" ? 1 : 2)] = number(c, line, cell, 1);
        else if (is_compared(c))
            m.compared[c] = real(c, line, cell);
        else if (contains(measured_targets(), c) || c == stall_column)
            m.measured[c] = number(c, line, cell, c == "cycles" || c == "array_cycles" ? 1 : 0);
        else
            m.keys[c] = cell;
    }

    void set_workload(Measurement& m, const std::map<std::string, std::int64_t>& shape, const CsvLine& line) const
    {
        if (shape.empty() && m.workload.empty())
            fail(line, "workload: expected gemm:MxNxK or conv:..., or a shape in columns, got nothing");
        if (shape.empty()) return;
        if (!m.workload.empty())
            fail(line, "workload and " + shape.begin()->first + " are both given: expected one of them");
        try {
            m.workload = shape_workload(shape);
        } catch (const UserError& e) {
            fail(line, e.what());
        }
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
