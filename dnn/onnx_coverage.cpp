#include "dnn/onnx_coverage.hpp"

#include <cstdio>

namespace heddle {

namespace {

std::string listed(const char* title, const std::vector<std::string>& names)
{
    constexpr std::size_t most = 8; // a line stays readable for networks with hundreds of layers
    if (names.empty()) return "";
    std::string text = std::string("; ") + title + ": ";
    for (std::size_t i = 0; i < names.size() && i < most; ++i) text += (i == 0 ? "" : ", ") + names[i];
    if (names.size() > most) text += " and " + std::to_string(names.size() - most) + " more";
    return text;
}

std::string number(const char* format, double value)
{
    char text[32];
    std::snprintf(text, sizeof text, format, value);
    return text;
}

} // namespace

Coverage coverage_of(const Network& net)
{
    Coverage sum;
    for (const Layer& layer : net.layers) {
        if (layer.op == Op::input) continue;
        const std::string label = layer.name + " (" + op_name(layer.op) + ")";
        if (layer.op == Op::reshape || layer.op == Op::concat) {
            sum.no_data.push_back(label);
            continue;
        }
        std::int64_t words = layer.weight_words() + word_count(layer.out_shape);
        for (const int input : layer.inputs) words += word_count(net.layers[static_cast<std::size_t>(input)].out_shape);
        sum.words += words;
        sum.macs += layer.macs();
        if (layer.op == Op::softmax) {
            sum.host.push_back(label);
            continue;
        }
        sum.timed_words += words;
        sum.timed_macs += layer.macs();
    }
    return sum;
}

std::string coverage_line(const Coverage& coverage, int bits)
{
    const double megabytes = static_cast<double>(coverage.words) * bits / 8e6;
    return "timed: " + number("%.2f", 100 * coverage.macs_share()) + " % of " +
           number("%.2f", static_cast<double>(coverage.macs) / 1e6) + " M MACs, " +
           number("%.2f", 100 * coverage.words_share()) + " % of " + number("%.2f", megabytes) + " MB" +
           listed("no data moved", coverage.no_data) + listed("left to the host", coverage.host);
}

} // namespace heddle
