#include "dnn/infer.hpp"
#include "dnn/base/error.hpp"
#include "dnn/base/files.hpp"
#include "dnn/base/yaml_scalar.hpp"
#include "dnn/npy.hpp"
#include "sim/command_line.hpp"
#include "sim/commands/commands.hpp"
#include "sim/inputs.hpp"
#include "sim/overlay.hpp"
#include "sim/text.hpp"

#include <chrono>
#include <filesystem>
#include <iostream>
#include <limits>
#include <unistd.h>

namespace heddle {

namespace fs = std::filesystem;

namespace {

constexpr const char* summary =
    "Computes the output of MODEL (a .onnx or .yaml file, a shipped name, or gemm:MxNxK) for an array, by the plain\n"
    "reference alone: no hardware, no timing. X.npy has the shape of the model's first input, batch first, any batch,\n"
    "and sets the sizes that the model leaves open; Y.npy gets the shape of its first output, float32.\n"
    "With --float the model is computed in floats as it stands; without, it is quantised as for heddle run and the\n"
    "integers are scaled back. Networks without weights get seeded ones.";

/// Where the result goes: refused before anything is computed.
std::string output_file(const CommandLine& line)
{
    const fs::path path = line.text("output");
    const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
    if (!path.has_filename()) throw UserError("--output: expected a file name, got " + quoted(path.string()));
    if (!fs::is_directory(folder)) throw UserError("--output: no such folder: " + folder.string());
    if (fs::is_directory(path) || ::access(folder.c_str(), W_OK) != 0)
        throw UserError("--output: cannot write to " + path.string());
    return path.string();
}

std::string shape_text(const std::vector<std::int64_t>& dims)
{
    std::string text;
    for (const std::int64_t extent : dims) text += (text.empty() ? "" : "x") + std::to_string(extent);
    return text;
}

FloatArray read_input(const std::string& file)
{
    const NpyArray array = read_npy(file);
    if (array.size() == 0) throw UserError(file + ": expected an array of a batch with at least one picture, got none");
    return {array.shape, array.floats()};
}

void show_progress(std::int64_t done, std::int64_t all)
{
    if (all < 2 || ::isatty(STDERR_FILENO) != 1) return;
    std::cerr << (done == all ? "\r\033[K" : "\r" + grouped(done) + " of " + grouped(all) + " pictures") << std::flush;
}

/// The pictures beside the model, else the array itself, at the array's batch either way.
QuantizedNetwork quantized(const Network& net, const std::string& model, const Precision& precision,
                           const FloatTensor& input, std::string& words)
{
    Shape4 one = net.layers.front().out_shape;
    one[0] = 1;
    Calibration calibration = calibration_beside(model, one);
    if (calibration.inputs.empty()) {
        constexpr std::int64_t most = 64; // pictures: more change no scale by much
        const std::int64_t size = word_count(one), count = std::min<std::int64_t>(most, input.shape[0]);
        for (std::int64_t n = 0; n < count; ++n) {
            FloatTensor picture(one);
            std::copy_n(input.data.begin() + n * size, size, picture.data.begin());
            calibration.inputs.push_back(std::move(picture));
        }
        calibration.words = "calibrated on the input itself";
    }
    words = std::to_string(precision.weight_bits) + "-bit weights, " + std::to_string(precision.input_bits) +
            "-bit maps, " + calibration.words;
    Network single = net;
    single.layers.front().out_shape[0] = 1;
    infer_shapes(single);
    QuantizedNetwork quantized = quantize(single, precision, calibration.inputs);
    quantized.net.layers.front().out_shape[0] = net.layers.front().out_shape[0];
    infer_shapes(quantized.net);
    return quantized;
}

} // namespace

int infer_command(const std::vector<std::string>& arguments, std::ostream& out)
{
    CommandLine line("infer", "MODEL --input X.npy [--float] -o Y.npy [options]", summary, {"MODEL"});
    line.required("input", "X.npy", "the model's input, batch first; numbers are taken as they are")
        .option("output,o", "Y.npy", "where the model's first output goes")
        .flag("float", "floats as the model says, nothing quantised")
        .option("hw", "H", "take the integer widths from this hardware; default 8-bit operands, 32-bit psums")
        .option("seed", "S", "of synthetic weights (1)")
        .example("heddle infer model.onnx --input x.npy --float -o y.npy",
                 "what the imported model computes, to compare with another runtime");
    if (!line.parse(arguments, out)) return 0;
    if (!line.has("output")) throw UserError("heddle infer: --output is missing (see heddle infer --help)");
    const std::string model = line.text("MODEL"), file = line.text("input"), target = output_file(line);
    const bool floats = line.has("float");
    const auto seed = static_cast<std::uint64_t>(line.integer("seed", 0, std::numeric_limits<std::int64_t>::max(), 1));
    const Precision precision =
        line.has("hw") ? load_overlaid_hardware(line.text("hw"), "").config.precision : Precision();

    const FloatArray array = read_input(file);
    Network net;
    try {
        net = load_network_for(model, array.dims);
    } catch (const UserError& e) {
        throw UserError(std::string(e.what()) + " (input " + file + ")");
    }
    const FloatTensor input = input_of(net, array);
    const auto start = std::chrono::steady_clock::now();
    std::string words = "floats";
    FloatArray answer;
    if (net.has_weights) {
        answer = floats ? infer_float(net, input, show_progress)
                        : infer_quantized(quantized(net, model, precision, input, words), input, show_progress);
    } else {
        const QuantizedNetwork synthetic = synthesize(net, precision, seed);
        answer = floats ? infer_float(dequantized(synthetic), input, show_progress)
                        : infer_quantized(synthetic, input, show_progress);
        if (!floats)
            words = std::to_string(precision.weight_bits) + "-bit weights, " + std::to_string(precision.input_bits) +
                    "-bit maps";
        words += ", synthetic weights (seed " + std::to_string(seed) + ")";
    }
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    write_file_atomically(target, npy_content(answer.dims, answer.words));
    out << net.name << ": " << shape_text(array.dims) << " -> " << shape_text(answer.dims) << " in " << target << ", "
        << words << ", " << decimal(seconds, 2) << " s\n";
    return 0;
}

} // namespace heddle
