#include "dnn/prune/prune.hpp"

#include "dnn/base/error.hpp"
#include "dnn/base/files.hpp"
#include "dnn/base/yaml_scalar.hpp"
#include "sim/commands/commands.hpp"
#include "sim/commands/float_model.hpp"
#include "sim/csv.hpp"
#include "sim/layer_run.hpp"
#include "sim/layer_selection.hpp"
#include "sim/text.hpp"

#include <algorithm>
#include <filesystem>
#include <limits>
#include <ostream>
#include <set>

namespace heddle {

namespace {

constexpr int magnitude_method = 0;
constexpr int largest_m = 1 << 16;

double real_option(const CommandLine& line, const std::string& name, double max)
{
    double value = 0;
    if (!parse_real(line.text(name), value) || value < 0 || value > max)
        throw UserError("--" + name + ": expected " + real_range(0, max) + ", got " + quoted(line.text(name)));
    return value;
}

/// A CSV with the columns layer and weight_kept_pct; layers that it does not name are left alone.
class DensityReader {
public:
    DensityReader(const std::string& file, const Network& net, const std::set<int>& keep)
        : file_(file), net_(net), keep_(keep)
    {
    }

    std::map<int, double> read()
    {
        const std::vector<CsvLine> lines = parse_csv(read_file(file_, 1 << 24), file_);
        if (lines.empty()) throw UserError(file_ + ": expected a header with layer, weight_kept_pct, found no line");
        const std::size_t layer = column(lines[0], "layer"), kept = column(lines[0], "weight_kept_pct");
        std::map<int, double> densities;
        for (std::size_t i = 1; i < lines.size(); ++i) {
            const CsvLine& line = lines[i];
            if (line.cells.size() != lines[0].cells.size())
                fail(line, "expected " + std::to_string(lines[0].cells.size()) + " cells as in the header, found " +
                               std::to_string(line.cells.size()));
            const int index = find_layer(line, line.cells[layer]);
            if (!densities.emplace(index, density(line, line.cells[kept], index)).second)
                fail(line, "layer: expected each layer once, found " + quoted(line.cells[layer]) + " again");
        }
        if (densities.empty()) throw UserError(file_ + ": expected a row for a layer, found none");
        return densities;
    }

private:
    [[noreturn]] void fail(const CsvLine& line, const std::string& message) const
    {
        throw UserError(file_ + ":" + std::to_string(line.line) + ": " + message);
    }

    std::size_t column(const CsvLine& header, const std::string& name) const
    {
        const auto found = std::find(header.cells.begin(), header.cells.end(), name);
        if (found == header.cells.end()) fail(header, "expected a column " + name + ", found " + joined(header.cells));
        return static_cast<std::size_t>(found - header.cells.begin());
    }

    int find_layer(const CsvLine& line, const std::string& name) const
    {
        const int index = net_.find(name);
        if (index < 0 || net_.layers[static_cast<std::size_t>(index)].op != Op::conv) {
            std::vector<std::string> known;
            for (const Layer& layer : net_.layers)
                if (layer.op == Op::conv) known.push_back(layer.name);
            fail(line, "layer: expected a layer of " + net_.name + " that has weights (" + joined(known) + "), found " +
                           quoted(name));
        }
        if (keep_.count(index)) fail(line, "layer: " + quoted(name) + " is also in --keep");
        return index;
    }

    double density(const CsvLine& line, const std::string& cell, int index) const
    {
        double percent = 0;
        if (!parse_real(cell, percent) || percent < 0 || percent > 100)
            fail(line, "weight_kept_pct: expected a number from 0 to 100, found " + quoted(cell));
        const Layer& layer = net_.layers[static_cast<std::size_t>(index)];
        if (words_kept(percent / 100, layer.weight_words()) < 1)
            fail(line, "weight_kept_pct: " + cell + " would leave none of the " + grouped(layer.weight_words()) +
                           " weights of " + layer.name);
        return percent / 100;
    }

    const std::string& file_;
    const Network& net_;
    const std::set<int>& keep_;
};

void refuse(const CommandLine& line, const std::vector<std::string>& options, const std::string& why)
{
    for (const std::string& option : options)
        if (line.has(option)) throw UserError("--" + option + ": " + why);
}

void check_magnitude_options(const CommandLine& line)
{
    refuse(line, {"n", "m"}, "belongs to --method nm");
    const int given = static_cast<int>(line.has("density")) + static_cast<int>(line.has("densities")) +
                      static_cast<int>(line.has("threshold"));
    if (given != 1) throw UserError("--method magnitude: expected one of --density, --densities and --threshold");
}

/// Prunes all layers with weights but those of `keep`; returns what was done in words.
std::string prune_magnitude(Network& net, const CommandLine& line, const std::vector<int>& layers,
                            const std::set<int>& keep)
{
    check_magnitude_options(line);
    const bool global = line.choice("scope", {"layer", "global"}, 0) == 1;
    if (global && !line.has("density")) throw UserError("--scope global: needs --density");
    if (line.has("densities")) {
        const std::string file = line.text("densities");
        prune_by_magnitude(net, DensityReader(file, net, keep).read());
        return "magnitude, densities of " + std::filesystem::path(file).filename().string();
    }
    if (line.has("threshold")) {
        prune_below(net, layers, real_option(line, "threshold", std::numeric_limits<double>::max()));
        return "magnitude, at least " + line.text("threshold");
    }
    const double density = real_option(line, "density", 1);
    if (global) {
        prune_by_magnitude_globally(net, layers, density);
    } else {
        std::map<int, double> densities;
        for (const int layer : layers) densities[layer] = density;
        prune_by_magnitude(net, densities);
    }
    return "magnitude, density " + line.text("density") + (global ? " over all layers" : " in each layer");
}

std::string prune_pattern(Network& net, const CommandLine& line, const std::vector<int>& layers)
{
    refuse(line, {"density", "densities", "threshold", "scope"}, "belongs to --method magnitude");
    const int m = static_cast<int>(line.integer("m", 1, largest_m, 4));
    const int n = static_cast<int>(line.integer("n", 1, m, std::min(2, m)));
    prune_n_of_m(net, layers, n, m);
    return std::to_string(n) + " of " + std::to_string(m) + " input channels";
}

void print_layers(const Network& net, std::ostream& out)
{
    TextTable table({"<layer", "<op", "words", "kept", "density", "parameters"});
    const auto add = [&](const std::string& name, const std::string& op, std::int64_t words, std::int64_t kept,
                         std::int64_t biases) {
        const double density = static_cast<double>(kept) / static_cast<double>(words);
        table.add_row({name, op, grouped(words), grouped(kept), percent(density, 2), grouped(kept + biases)});
    };
    std::int64_t words = 0, kept = 0, biases = 0;
    for (const Layer& layer : net.layers) {
        if (layer.op != Op::conv) continue;
        const std::int64_t stays = nonzero_weights(layer), bias = static_cast<std::int64_t>(layer.bias.size());
        add(layer.name, describe_op(layer), layer.weight_words(), stays, bias);
        words += layer.weight_words();
        kept += stays;
        biases += bias;
    }
    table.add_rule();
    add("total", "", words, kept, biases);
    table.print(out);
}

} // namespace

int prune_command(const std::vector<std::string>& arguments, std::ostream& out)
{
    CommandLine line("prune", "NETWORK|MODEL.onnx --method magnitude|nm --out X.onnx [options]",
                     "Sets weights of a network to zero and writes it as ONNX. Biases stay. A network without weights\n"
                     "gets seeded ones first, and a density of 1 writes those: the dense model to compare with.",
                     {"NETWORK"});
    line.required("method", "M",
                  "magnitude: the largest weights stay; nm: of each m consecutive input channels at one filter "
                  "position the n largest stay")
        .option("density", "D", "magnitude: share of the weights that stays, 0..1: exactly round(D * words)")
        .option("densities", "FILE",
                "magnitude: CSV of layer, weight_kept_pct, with # comments; layers not named are left alone")
        .option("threshold", "T", "magnitude: weights of at least this magnitude stay")
        .option("scope", "S", "layer: the density holds in each layer (default); global: over all of them together")
        .option("n", "N", "nm: weights that stay (2)")
        .option("m", "M", "nm: of so many (4)")
        .option("keep", "LAYERS", "leave these alone: 3..7, conv1 or a list");
    describe_model_options(line);
    line.example("heddle prune mobilenet_v1 --method magnitude --density 0.3 --out pruned.onnx",
                 "the largest 30 % of the weights of every layer stay");
    line.example("heddle prune model.onnx --method nm --n 2 --m 4 --keep conv1 --out pruned.onnx",
                 "two of four input channels, but for the first layer");
    if (!line.parse(arguments, out)) return 0;
    const bool magnitude = line.choice("method", {"magnitude", "nm"}, 0) == magnitude_method;
    FloatModel model = load_float_model(line);
    Network& net = model.net;
    std::set<int> keep;
    if (line.has("keep"))
        for (const int layer : select_layers(net, line.text("keep"), "--keep")) keep.insert(layer);
    std::vector<int> layers;
    for (int i = 0; i < static_cast<int>(net.layers.size()); ++i)
        if (net.layers[static_cast<std::size_t>(i)].op == Op::conv && keep.count(i) == 0) layers.push_back(i);
    std::string done = magnitude ? prune_magnitude(net, line, layers, keep) : prune_pattern(net, line, layers);
    if (!keep.empty()) done += "; left alone: " + line.text("keep");
    const std::string written = write_float_model(model, line, {{"heddle.pruning", done}});
    out << net.name << ": " << done << "\n\n";
    print_layers(net, out);
    out << '\n' << written << '\n';
    return 0;
}

} // namespace heddle
