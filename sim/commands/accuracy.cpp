#include "dnn/accuracy.hpp"
#include "sim/command_line.hpp"
#include "sim/commands/commands.hpp"
#include "sim/overlay.hpp"
#include "sim/text.hpp"

#include <limits>
#include <ostream>

namespace heddle {

int accuracy_command(const std::vector<std::string>& arguments, std::ostream& out)
{
    CommandLine line(
        "accuracy", "MODEL [--hw H] [--limit N]",
        "Top-1 of a trained ONNX model on the Fashion-MNIST test set (Debian's dataset-fashion-mnist), computed by\n"
        "the plain reference in floats and in the integers of the hardware.",
        {"MODEL"});
    line.option("hw", "H", "take the integer widths from this hardware; default 8-bit operands, 32-bit psums")
        .option("limit", "N", "only the first N pictures of the test set")
        .example("heddle accuracy dnn/trained/mobilenet_fashion_mnist.onnx",
                 "the shipped model, in floats and in 8-bit integers");
    if (!line.parse(arguments, out)) return 0;
    AccuracyOptions options;
    options.limit = line.integer("limit", 1, std::numeric_limits<int>::max(), 0);
    if (line.has("hw")) options.precision = load_overlaid_hardware(line.text("hw"), "").config.precision;
    const Network net = load_network(line.text("MODEL"));
    const Accuracy result = measure_accuracy(net, read_fashion_mnist("train"), read_fashion_mnist("t10k"), options);
    out << net.name << " on " << grouped(result.pictures) << " pictures of Fashion-MNIST's test set\n"
        << "  float      " << percent(result.float_top1(), 2) << '\n'
        << "  quantised  " << percent(result.quantised_top1(), 2) << " (" << options.precision.weight_bits
        << "-bit weights, " << options.precision.input_bits << "-bit activations, " << options.precision.psum_bits
        << "-bit psums)\n"
        << "  same class " << grouped(result.agreed) << ", exact sums that did not fit " << grouped(result.overflows)
        << '\n';
    return 0;
}

} // namespace heddle
