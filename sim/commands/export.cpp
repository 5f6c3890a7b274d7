#include "sim/commands/commands.hpp"
#include "sim/commands/float_model.hpp"
#include "sim/text.hpp"

#include <ostream>

namespace heddle {

int export_command(const std::vector<std::string>& arguments, std::ostream& out)
{
    CommandLine line(
        "export", "NETWORK|MODEL.onnx --out X.onnx [--seed S]",
        "Writes a network as ONNX: what heddle read, batch norms folded, with its weights or seeded ones.\n"
        "Read back it is the same network, layer by layer.",
        {"NETWORK"});
    describe_model_options(line);
    line.example("heddle export mobilenet_v1 --out mobilenet.onnx", "seeded weights, the same for the same seed");
    if (!line.parse(arguments, out)) return 0;
    const FloatModel model = load_float_model(line);
    std::int64_t biases = 0;
    for (const Layer& layer : model.net.layers) biases += static_cast<std::int64_t>(layer.bias.size());
    const std::string written = write_float_model(model, line);
    out << model.net.name << ": " << model.net.layers.size() - 1 << " layers, "
        << grouped(model.net.weight_words() + biases) << " parameters\n"
        << written << '\n';
    return 0;
}

} // namespace heddle
