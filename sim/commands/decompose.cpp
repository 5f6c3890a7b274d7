#include "dnn/decompose/decompose.hpp"

#include "dnn/base/error.hpp"
#include "dnn/base/yaml_scalar.hpp"
#include "sim/commands/commands.hpp"
#include "sim/commands/float_model.hpp"
#include "sim/inputs.hpp"
#include "sim/layer_selection.hpp"
#include "sim/text.hpp"

#include <chrono>
#include <filesystem>
#include <iostream>
#include <limits>
#include <ostream>
#include <unistd.h>

namespace heddle {

namespace {

constexpr int largest_align = 1 << 16;

std::vector<std::string> split(const std::string& text)
{
    std::vector<std::string> parts;
    for (std::size_t from = 0; from <= text.size();) {
        const std::size_t to = std::min(text.find(',', from), text.size());
        parts.push_back(text.substr(from, to - from));
        from = to + 1;
    }
    return parts;
}

std::vector<Method> read_methods(const std::string& text)
{
    std::vector<Method> methods;
    for (const std::string& name : split(text)) {
        try {
            methods.push_back(parse_method(name));
        } catch (const UserError& error) {
            throw UserError(std::string("--method: ") + error.what());
        }
    }
    return methods;
}

Ranks read_ranks(const std::string& text)
{
    Ranks ranks;
    for (const std::string& part : split(text)) {
        std::int64_t rank = 0;
        if (!parse_integer(part, rank) || rank < std::numeric_limits<int>::min() ||
            rank > std::numeric_limits<int>::max() || ranks.size() == 2)
            throw UserError("--rank: expected one rank or R3,R4, got " + quoted(text));
        ranks.push_back(static_cast<int>(rank));
    }
    return ranks;
}

double read_share(const CommandLine& line, const std::string& name)
{
    double share = 0.0;
    if (!parse_real(line.text(name), share) || !(share > 0.0) || share > 1.0)
        throw UserError("--" + name + ": expected number above 0, at most 1, got " + quoted(line.text(name)));
    return share;
}

RankRule read_rule(const CommandLine& line)
{
    const int given = static_cast<int>(line.has("rank")) + static_cast<int>(line.has("keep")) +
                      static_cast<int>(line.has("vbmf")) + static_cast<int>(line.has("macs"));
    if (given != 1) throw UserError("decompose: expected one of --rank, --keep, --vbmf and --macs");
    RankRule rule;
    rule.align = static_cast<int>(line.integer("align", 1, largest_align, 1));
    if (line.has("rank")) {
        rule.kind = RankRule::Kind::given;
        rule.given = read_ranks(line.text("rank"));
    } else if (line.has("keep")) {
        rule.kind = RankRule::Kind::energy;
        rule.share = read_share(line, "keep");
    } else if (line.has("macs")) {
        rule.kind = RankRule::Kind::macs;
        rule.share = read_share(line, "macs");
    }
    return rule;
}

std::string rule_words(const CommandLine& line)
{
    std::string words = line.has("rank")   ? "ranks " + line.text("rank")
                        : line.has("keep") ? "ranks that keep " + line.text("keep") + " of the energy"
                        : line.has("macs") ? "ranks within " + line.text("macs") + " of the MACs"
                                           : std::string("ranks by VBMF");
    if (line.has("align")) words += ", rounded up to multiples of " + line.text("align");
    return words;
}

/// On a terminal one line that is drawn again; else a line for every second that has passed.
class LayerProgress {
public:
    void show(int done, int of, const std::string& layer)
    {
        const auto now = std::chrono::steady_clock::now();
        const std::string text = std::to_string(done) + "/" + std::to_string(of) + " layers: " + layer;
        if (terminal_) {
            std::cerr << "\r\033[K" << text << std::flush;
        } else if (now - shown_ >= std::chrono::seconds(1)) {
            std::cerr << text << '\n';
            shown_ = now;
        }
    }
    ~LayerProgress()
    {
        if (terminal_) std::cerr << "\r\033[K" << std::flush;
    }

private:
    const bool terminal_ = ::isatty(STDERR_FILENO) != 0;
    std::chrono::steady_clock::time_point shown_ = std::chrono::steady_clock::now();
};

void print_layers(const Decomposed& result, std::ostream& out)
{
    TextTable table({"<layer", "<method", "ranks", "dense parameters", "parameters", "dense MACs", "MACs",
                     "weight error", "output error", "sweeps", "<converged"});
    DecomposedLayer sum;
    for (const DecomposedLayer& layer : result.layers) {
        const bool iterative = layer.sweeps > 0;
        table.add_row({layer.name, method_name(layer.method), ranks_text(layer.ranks), grouped(layer.dense_parameters),
                       grouped(layer.parameters), grouped(layer.dense_macs), grouped(layer.macs),
                       percent(layer.weight_error, 2), percent(layer.output_error, 2),
                       iterative ? std::to_string(layer.sweeps) : "-",
                       !iterative        ? "-"
                       : layer.converged ? "yes"
                                         : "no, at its limit"});
        sum.dense_parameters += layer.dense_parameters;
        sum.parameters += layer.parameters;
        sum.dense_macs += layer.dense_macs;
        sum.macs += layer.macs;
    }
    table.add_rule();
    table.add_row({"these", "", "", grouped(sum.dense_parameters), grouped(sum.parameters), grouped(sum.dense_macs),
                   grouped(sum.macs), "", "", "", ""});
    table.print(out);
}

std::int64_t parameters(const Network& net)
{
    std::int64_t sum = 0;
    for (const Layer& layer : net.layers) sum += static_cast<std::int64_t>(layer.weights.size() + layer.bias.size());
    return sum;
}

void print_network(const Network& before, const Decomposed& result, std::ostream& out)
{
    const std::int64_t was = parameters(before), is = parameters(result.net);
    const std::int64_t macs_were = before.macs(), macs_are = result.net.macs();
    const auto share = [](std::int64_t now, std::int64_t then) {
        return percent(static_cast<double>(now) / static_cast<double>(then));
    };
    out << "network   parameters " << grouped(was) << " -> " << grouped(is) << " (" << share(is, was) << "), MACs "
        << grouped(macs_were) << " -> " << grouped(macs_are) << " (" << share(macs_are, macs_were) << "), output error "
        << percent(result.output_error, 2) << '\n';
    for (const DecomposedLayer& layer : result.layers)
        if (!layer.note.empty()) out << "note      " << layer.name << ": " << layer.note << '\n';
    for (const auto& [name, why] : result.kept) out << "kept      " << name << ": " << why << '\n';
}

} // namespace

int decompose_command(const std::vector<std::string>& arguments, std::ostream& out)
{
    CommandLine line(
        "decompose", "NETWORK|MODEL.onnx --method M[,M...] --rank R|--keep E|--vbmf|--macs S --out X.onnx [options]",
        "Replaces convolutions by sequences of smaller ones and writes the network as ONNX. A network without weights\n"
        "gets seeded ones first. Errors are relative, in the Euclidean norm: of a layer's weights, and of what it "
        "gives\n"
        "on the calibration pictures (in the folder pictures beside the model, else one of seeded noise).",
        {"NETWORK"});
    line.required("method", "M",
                  "svd, jaderberg1, jaderberg2, cp, tucker1, tucker2, or a list: of each layer the first that fits")
        .option("layers", "L", "only these: 3..7, conv1 or a list; default: all that a method fits")
        .option("rank", "R",
                "by hand; tucker2: R3,R4 for input and output side; jaderberg1: M filters for each input channel")
        .option("keep", "E", "fewest MACs that keep at least this share of the squared weights, 0..1; not cp")
        .flag("vbmf", "by empirical variational Bayes; not cp and jaderberg1")
        .option("macs", "S", "what keeps the most within this share of a layer's MACs, 0..1")
        .option("align", "N", "ranks are rounded up to multiples of N, at most to a layer's largest")
        .flag("no-equalise", "leave inner channels their ranges; by default all reach equally far, which one scale "
                             "for a map needs")
        .required("out,o", "X.onnx", "the file to write")
        .option("seed", "S",
                "of the starts of cp and jaderberg1, of the weights that a network without them gets, and of the noise "
                "(1)");
    line.example("heddle decompose model.onnx --method tucker2,svd --vbmf --align 16 --out small.onnx",
                 "ranks from the weights, rounded up to what an array of 16 rows takes at once");
    line.example("heddle decompose resnet18 --method cp --rank 32 --layers conv1 --out small.onnx",
                 "one layer, by hand");
    if (!line.parse(arguments, out)) return 0;
    DecomposeRequest request;
    request.methods = read_methods(line.text("method"));
    request.rule = read_rule(line);
    request.equalise = !line.has("no-equalise");
    request.options.seed =
        static_cast<std::uint64_t>(line.integer("seed", 0, std::numeric_limits<std::int64_t>::max(), 1));
    FloatModel model = load_float_model(line);
    if (line.has("layers")) request.layers = select_layers(model.net, line.text("layers"));
    const Calibration calibration =
        calibrate_on(line.text("NETWORK"), model.net.layers.front().out_shape, "", request.options.seed);
    Decomposed result;
    {
        LayerProgress progress;
        request.progress = [&](int done, int of, const std::string& layer) { progress.show(done, of, layer); };
        result = decompose(model.net, request, calibration.inputs);
    }
    const std::string done = line.text("method") + ", " + rule_words(line);
    const Network before = std::move(model.net);
    model.net = std::move(result.net);
    const std::string written = write_float_model(model, line, {{"heddle.decomposition", done}});
    result.net = std::move(model.net);
    out << before.name << ": " << done << "; " << calibration.words << "\n\n";
    print_layers(result, out);
    out << '\n';
    print_network(before, result, out);
    out << '\n' << written << '\n';
    return 0;
}

} // namespace heddle
