// The layer of a measured row, from one word.
#include "dnn/base/error.hpp"
#include "dnn/base/yaml_scalar.hpp"
#include "sim/measurements.hpp"

#include <algorithm>
#include <limits>

namespace heddle {

namespace {

const std::string layer_prefix = "layer:";

/// layer:NETWORK/LAYER: the layer alone, with its own padding and activation.
Network layer_network(const std::string& workload)
{
    const std::size_t slash = workload.rfind('/');
    if (slash == std::string::npos || slash + 1 == workload.size() || slash <= layer_prefix.size())
        throw UserError("expected layer:NETWORK/LAYER such as layer:mobilenet_v1/pw1, got " + quoted(workload));
    const std::string name = workload.substr(layer_prefix.size(), slash - layer_prefix.size());
    const Network all = load_network(name);
    const int index = all.find(workload.substr(slash + 1));
    if (index < 0) throw UserError("network " + name + " has no layer " + quoted(workload.substr(slash + 1)));
    Layer layer = all.layers[static_cast<std::size_t>(index)];
    if (layer.op != Op::conv)
        throw UserError(quoted(workload) + " is no conv, depthwise or fully connected layer but " + op_name(layer.op));
    Network net;
    net.name = workload;
    Layer input;
    input.name = "input";
    input.out_shape = layer.in_shape;
    layer.inputs = {0};
    layer.weights.clear();
    layer.bias.clear();
    net.layers = {input, layer};
    infer_shapes(net);
    return net;
}

} // namespace

std::string shape_workload(const std::map<std::string, std::int64_t>& cells)
{
    static const std::vector<std::string> of_conv = {"C",      "H",       "W",        "R",     "S",
                                                     "stride", "padding", "dilation", "groups"};
    const auto given = [&](const std::string& c) { return cells.count(c) > 0; };
    const auto conv = std::find_if(of_conv.begin(), of_conv.end(), given);
    if (given("M") && conv != of_conv.end())
        throw UserError("M is a GEMM's size and " + *conv +
                        " a conv's: expected M, N, K alone, or C, H, W, K (filters), "
                        "R, S without M");
    const bool gemm = conv == of_conv.end();
    const std::vector<std::string> needed =
        gemm ? std::vector<std::string>{"M", "N", "K"} : std::vector<std::string>{"C", "K", "H", "W", "R", "S"};
    std::string text = gemm ? "gemm:" : "conv:";
    for (const std::string& c : needed) {
        if (!given(c))
            throw UserError(std::string("expected all of ") + (gemm ? "M, N and K" : "C, H, W, K (filters), R and S") +
                            ", but " + c + " is empty or has no column");
        text += (text.size() > 5 ? "x" : "") + std::to_string(cells.at(c));
    }
    if (gemm) return text;
    const auto or_else = [&](const char* c, std::int64_t otherwise) { return given(c) ? cells.at(c) : otherwise; };
    for (const char* c : {"stride", "padding", "groups", "dilation", "N"})
        text += "x" + std::to_string(or_else(c, std::string(c) == "padding" ? 0 : 1));
    return text;
}

Network workload_network(const std::string& workload)
{
    if (workload.rfind("gemm:", 0) == 0) return gemm_network(workload, 1);
    if (workload.rfind(layer_prefix, 0) == 0) return layer_network(workload);
    const char* form = "expected gemm:MxNxK, conv:CxKxHxWxRxSxSTRIDExPAD[xGROUPS[xDILATION[xBATCH]]] with "
                       "positive integers or layer:NETWORK/LAYER, got ";
    std::vector<std::int64_t> n;
    for (std::size_t from = 5; workload.rfind("conv:", 0) == 0 && from <= workload.size();) {
        const std::size_t to = std::min(workload.find('x', from), workload.size());
        std::int64_t value = 0;
        const bool may_be_zero = n.size() == 7; // padding
        if (!parse_integer(workload.substr(from, to - from), value) || value < (may_be_zero ? 0 : 1) ||
            value > std::numeric_limits<int>::max())
            throw UserError(form + quoted(workload));
        n.push_back(value);
        from = to + 1;
    }
    if (n.size() < 8 || n.size() > 11) throw UserError(form + quoted(workload));
    n.resize(11, 1);
    const auto at = [&](std::size_t i) { return static_cast<int>(n[i]); };
    Network net;
    net.name = workload;
    Layer input, conv;
    input.name = "input";
    input.out_shape = {at(10), at(0), at(2), at(3)};
    conv.name = "conv";
    conv.op = Op::conv;
    conv.inputs = {0};
    conv.out_shape[1] = at(1);
    Window& w = conv.window;
    w.filter_rows = at(4);
    w.filter_cols = at(5);
    w.stride_rows = w.stride_cols = at(6);
    w.pad_top = w.pad_bottom = w.pad_left = w.pad_right = at(7);
    w.groups = at(8);
    w.dilation_rows = w.dilation_cols = at(9);
    net.layers = {input, conv};
    infer_shapes(net);
    return net;
}

} // namespace heddle
