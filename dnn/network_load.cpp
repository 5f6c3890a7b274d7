#include "dnn/base/error.hpp"
#include "dnn/base/files.hpp"
#include "dnn/base/nearest.hpp"
#include "dnn/base/yaml_scalar.hpp"
#include "dnn/network.hpp"

#include <algorithm>
#include <limits>

namespace heddle {

namespace {

bool ends_with(const std::string& text, const std::string& end)
{
    return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

struct ShippedName {
    std::string base;
    double width = 1.0;
    int resolution = 0;
};

/// Cuts `_TAIL` off `name`; false when there is no underscore.
bool cut_tail(std::string& name, std::string& tail)
{
    const std::size_t at = name.rfind('_');
    if (at == std::string::npos) return false;
    tail = name.substr(at + 1);
    name.resize(at);
    return true;
}

/// NAME, NAME_WIDTH, NAME_RES or NAME_WIDTH_RES with NAME shipped; an empty base when it is none of them.
ShippedName parse_shipped(const std::string& text, const std::vector<std::string>& known)
{
    ShippedName parsed{text, 1.0, 0};
    const auto done = [&] { return std::binary_search(known.begin(), known.end(), parsed.base); };
    std::string tail;
    std::int64_t resolution = 0;
    if (done()) return parsed;
    if (std::string base = text; cut_tail(base, tail) && parse_integer(tail, resolution) && resolution >= 1) {
        if (resolution > 1 << 14) return {};
        parsed.base = base;
        parsed.resolution = static_cast<int>(resolution);
        if (done()) return parsed;
    }
    const bool has_width = cut_tail(parsed.base, tail) && tail.find('.') != std::string::npos &&
                           parse_real(tail, parsed.width) && parsed.width >= 0.01 && parsed.width <= 16;
    return has_width && done() ? parsed : ShippedName{};
}

std::string list(const std::vector<std::string>& names)
{
    std::string text;
    for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
    return text;
}

} // namespace

Network gemm_network(const std::string& text, int batch)
{
    if (batch < 1) throw UserError("batch: expected integer of at least 1, got " + std::to_string(batch));
    const std::string dims = text.rfind("gemm:", 0) == 0 ? text.substr(5) : text;
    std::int64_t size[3] = {0, 0, 0}; // M, N, K
    std::size_t from = 0;
    for (int i = 0; i < 3; ++i) {
        const std::size_t to = i < 2 ? std::min(dims.find('x', from), dims.size()) : dims.size();
        if (from > dims.size() || !parse_integer(dims.substr(from, to - from), size[i]) || size[i] < 1 ||
            size[i] > std::numeric_limits<int>::max())
            throw UserError("network " + quoted(text) + ": expected gemm:MxNxK with three positive integers");
        from = to + 1;
    }
    Network net;
    net.name = "gemm_" + dims;
    Layer input;
    input.name = "input";
    input.out_shape = {batch, static_cast<int>(size[2]), static_cast<int>(size[0]), 1};
    Layer gemm;
    gemm.name = "gemm";
    gemm.op = Op::conv;
    gemm.fully_connected = true;
    gemm.inputs = {0};
    gemm.out_shape[1] = static_cast<int>(size[1]);
    net.layers = {input, gemm};
    infer_shapes(net);
    return net;
}

Network load_network_for(const std::string& name_or_path, const std::vector<std::int64_t>& input_dims)
{
    const auto largest = static_cast<std::int64_t>(std::numeric_limits<int>::max());
    if (input_dims.empty()) throw UserError("network " + quoted(name_or_path) + ": expected an input with a batch");
    for (std::size_t i = 0; i < input_dims.size(); ++i)
        if (input_dims[i] < (i == 0 ? 0 : 1) || input_dims[i] > largest)
            throw UserError("network " + quoted(name_or_path) + ": expected input dimensions of at least 1, got " +
                            std::to_string(input_dims[i]));
    const int batch = static_cast<int>(input_dims.front());
    if (ends_with(name_or_path, ".onnx")) return read_network_onnx(name_or_path, batch, input_dims);
    Network net = load_network(name_or_path, batch);
    const auto without_ones = [](auto first, auto last) {
        std::vector<std::int64_t> dims;
        std::copy_if(first, last, std::back_inserter(dims), [](std::int64_t extent) { return extent != 1; });
        return dims;
    };
    const Shape4& in = net.layers.front().out_shape;
    if (without_ones(input_dims.begin() + 1, input_dims.end()) != without_ones(in.begin() + 1, in.end())) {
        std::string got;
        for (const std::int64_t extent : input_dims)
            got += (got.empty() ? "" : ",") + (extent == 0 ? "N" : std::to_string(extent));
        throw UserError("network " + net.name + ": expected an input of shape (N," + std::to_string(in[1]) + "," +
                        std::to_string(in[2]) + "," + std::to_string(in[3]) + "), batch first, got (" + got + ")");
    }
    return net;
}

Network load_network(const std::string& name_or_path, int batch)
{
    if (ends_with(name_or_path, ".onnx")) return read_network_onnx(name_or_path, batch);
    batch = std::max(batch, 1);
    if (name_or_path.rfind("gemm:", 0) == 0) return gemm_network(name_or_path, batch);
    if (ends_with(name_or_path, ".yaml") || ends_with(name_or_path, ".yml"))
        return read_network_yaml(name_or_path, batch);
    const std::vector<std::string> known = shipped_names("dnn/networks");
    const ShippedName shipped = parse_shipped(name_or_path, known);
    if (shipped.base.empty())
        throw UserError("network " + quoted(name_or_path) + did_you_mean(known, name_or_path) +
                        ": expected a .yaml or .onnx file, gemm:MxNxK, or one of " + list(known) +
                        " (with width and resolution: mobilenet_v1_0.50_128)");
    Network net = read_network_yaml(data_root() + "/dnn/networks/" + shipped.base + ".yaml", batch, shipped.width,
                                    shipped.resolution);
    net.name = name_or_path;
    return net;
}

} // namespace heddle
