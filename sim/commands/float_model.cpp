#include "sim/commands/float_model.hpp"

#include "dnn/base/error.hpp"
#include "dnn/base/files.hpp"
#include "dnn/base/yaml_scalar.hpp"
#include "dnn/quantize/he_normal.hpp"
#include "sim/text.hpp"

#include <filesystem>
#include <limits>

namespace heddle {

void describe_model_options(CommandLine& line)
{
    line.required("out,o", "X.onnx", "the file to write")
        .option("seed", "S", "of the He-normal weights that a network without weights gets (1)");
}

FloatModel load_float_model(const CommandLine& line)
{
    if (std::filesystem::path(line.text("out")).extension() != ".onnx")
        throw UserError("--out: expected a name that ends in .onnx, got " + quoted(line.text("out")));
    const std::int64_t seed = line.integer("seed", 0, std::numeric_limits<std::int64_t>::max(), 1);
    const std::string name = line.text("NETWORK");
    // The file's name without its folders: what is written must not depend on where things lie.
    FloatModel model{load_network(name), "weights of " + std::filesystem::path(name).filename().string()};
    check_onnx_size(model.net); // before gigabytes are drawn
    if (model.net.has_weights) return model;
    fill_he_normal(model.net, static_cast<std::uint64_t>(seed));
    model.weights = "He-normal weights, seed " + std::to_string(seed);
    return model;
}

std::string write_float_model(const FloatModel& model, const CommandLine& line, OnnxMetadata metadata)
{
    metadata["heddle.weights"] = model.weights;
    const std::string bytes = onnx_bytes(model.net, metadata);
    write_file_atomically(line.text("out"), bytes);
    return line.text("out") + ": " + with_prefix(static_cast<double>(bytes.size()), "B") + ", " + model.weights;
}

} // namespace heddle
