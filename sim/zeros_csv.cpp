#include "dnn/base/error.hpp"
#include "dnn/base/yaml_scalar.hpp"
#include "sim/csv.hpp"
#include "sim/text.hpp"
#include "sim/zeros.hpp"

#include <algorithm>
#include <cctype>

namespace heddle {

namespace {

std::string lower(std::string text)
{
    for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return text;
}

class Reader {
public:
    Reader(const std::string& file, const CsvLine& header, const Network& net)
        : file_(file), header_(header), net_(net), layer_(column("layer")), inputs_(column("ifmap_zeros_pct")),
          outputs_(column("ofmap_zeros_pct"))
    {
    }

    void read(const CsvLine& line, std::map<int, ZeroShares>& zeros) const
    {
        if (line.cells.size() != header_.cells.size())
            fail(line, "expected " + std::to_string(header_.cells.size()) + " cells as in the header, found " +
                           std::to_string(line.cells.size()));
        if (lower(line.cells[layer_]) == "total") return;
        const ZeroShares shares{share(line, inputs_), share(line, outputs_)};
        if (!zeros.emplace(find_layer(line), shares).second)
            fail(line, "layer: expected each layer once, found " + quoted(line.cells[layer_]) + " again");
    }

private:
    [[noreturn]] void fail(const CsvLine& line, const std::string& message) const
    {
        throw UserError(file_ + ":" + std::to_string(line.line) + ": " + message);
    }

    std::size_t column(const std::string& name) const
    {
        const auto found = std::find(header_.cells.begin(), header_.cells.end(), name);
        if (found == header_.cells.end())
            fail(header_, "expected a column " + name + ", found " + joined(header_.cells));
        return static_cast<std::size_t>(found - header_.cells.begin());
    }

    int find_layer(const CsvLine& line) const
    {
        std::vector<std::string> convs;
        for (std::size_t i = 0; i < net_.layers.size(); ++i) {
            if (net_.layers[i].op != Op::conv) continue;
            if (lower(net_.layers[i].name) == lower(line.cells[layer_])) return static_cast<int>(i);
            convs.push_back(net_.layers[i].name);
        }
        fail(line, "layer: expected a conv of " + net_.name + " (" + joined(convs) + "), found " +
                       quoted(line.cells[layer_]));
    }

    double share(const CsvLine& line, std::size_t column) const
    {
        const std::string& cell = line.cells[column];
        if (cell.empty()) return -1;
        double percent = 0;
        if (!parse_real(cell, percent) || !(percent >= 0 && percent <= 100))
            fail(line, header_.cells[column] + ": expected a number from 0 to 100, found " + quoted(cell));
        return percent / 100;
    }

    const std::string& file_;
    const CsvLine& header_;
    const Network& net_;
    std::size_t layer_, inputs_, outputs_;
};

} // namespace

std::map<int, ZeroShares> read_zeros(const std::string& text, const std::string& file, const Network& net)
{
    const std::vector<CsvLine> lines = parse_csv(text, file);
    if (lines.empty())
        throw UserError(file + ": expected a header with layer, ifmap_zeros_pct, ofmap_zeros_pct, found no line");
    const Reader reader(file, lines.front(), net);
    std::map<int, ZeroShares> zeros;
    for (std::size_t i = 1; i < lines.size(); ++i) reader.read(lines[i], zeros);
    if (zeros.empty()) throw UserError(file + ": expected a row for a layer, found none");
    return zeros;
}

} // namespace heddle
