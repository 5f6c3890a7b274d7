#include "dnn/decompose/method.hpp"

#include "dnn/base/error.hpp"
#include "dnn/base/yaml_scalar.hpp"

#include <algorithm>
#include <limits>
#include <stdexcept>

namespace heddle {

namespace {

constexpr const char* names[method_count] = {"svd", "jaderberg1", "jaderberg2", "cp", "tucker1", "tucker2"};
constexpr int picture_channels = 4; // grey, RGB, with transparency: nothing to compress on that side

int bounded(std::int64_t rank)
{
    return static_cast<int>(std::min<std::int64_t>(rank, std::numeric_limits<int>::max()));
}

/// Of a tensor: the product of its other extents when every slice along the largest is a term of its own.
int largest_cp_rank(std::int64_t k, std::int64_t c, std::int64_t r, std::int64_t s)
{
    return bounded(k * c * r * s / std::max({k, c, r, s}));
}

bool reads_input(const Layer& layer)
{
    return layer.inputs.size() == 1 && layer.inputs[0] == 0;
}

Window pointwise(int groups)
{
    Window w;
    w.groups = groups;
    return w;
}

Window rows_only(const Window& w, int groups)
{
    Window rows = pointwise(groups);
    rows.filter_rows = w.filter_rows;
    rows.stride_rows = w.stride_rows;
    rows.dilation_rows = w.dilation_rows;
    rows.pad_top = w.pad_top;
    rows.pad_bottom = w.pad_bottom;
    return rows;
}

Window cols_only(const Window& w, int groups)
{
    Window cols = pointwise(groups);
    cols.filter_cols = w.filter_cols;
    cols.stride_cols = w.stride_cols;
    cols.dilation_cols = w.dilation_cols;
    cols.pad_left = w.pad_left;
    cols.pad_right = w.pad_right;
    return cols;
}

} // namespace

const char* method_name(Method method)
{
    return names[static_cast<int>(method)];
}

std::vector<std::string> method_names()
{
    return {std::begin(names), std::end(names)};
}

Method parse_method(const std::string& name)
{
    const auto found = std::find(std::begin(names), std::end(names), name);
    if (found == std::end(names)) {
        std::string known;
        for (const char* one : names) known += (known.empty() ? "" : ", ") + std::string(one);
        throw UserError("method " + quoted(name) + ": expected one of " + known);
    }
    return static_cast<Method>(found - std::begin(names));
}

std::string ranks_text(const Ranks& ranks)
{
    std::string text;
    for (const int rank : ranks) text += (text.empty() ? "" : ",") + std::to_string(rank);
    return text;
}

std::string misfit(const Layer& layer, Method method)
{
    if (layer.op != Op::conv) return std::string("is no convolution (") + op_name(layer.op) + ")";
    const Window& w = layer.window;
    if (w.groups > 1 && w.groups == layer.in_shape[1])
        return "is depthwise (" + std::to_string(w.groups) + " groups of one channel), which has no decomposition here";
    const std::string filter = std::to_string(w.filter_rows) + "x" + std::to_string(w.filter_cols);
    const bool point = w.filter_rows == 1 && w.filter_cols == 1;
    switch (method) {
    case Method::svd:
        if (!point && !layer.fully_connected) return "svd fits 1x1 and fully connected layers, its filter is " + filter;
        return "";
    case Method::jaderberg1:
    case Method::jaderberg2:
    case Method::cp:
        if (layer.fully_connected) return std::string(method_name(method)) + " does not fit fully connected layers";
        if (w.filter_rows == 1 || w.filter_cols == 1)
            return std::string(method_name(method)) + " fits filters of at least two rows and columns, its is " +
                   filter;
        return "";
    case Method::tucker1:
        if (point) return "tucker1 fits filters larger than 1x1 (svd fits those)";
        if (!reads_input(layer) && !layer.fully_connected)
            return "tucker1 fits a layer that reads the network's input or is fully connected on a map";
        return "";
    case Method::tucker2:
        if (point) return "tucker2 fits filters larger than 1x1 (svd fits those)";
        if (reads_input(layer) && layer.in_shape[1] <= picture_channels)
            return "tucker2 does not fit a layer that reads a picture (" + std::to_string(layer.in_shape[1]) +
                   " channel" + (layer.in_shape[1] == 1 ? "" : "s") + "; tucker1 does)";
        return "";
    }
    throw std::logic_error("misfit: not a method");
}

Ranks largest_ranks(const Layer& layer, Method method)
{
    const Window& w = layer.window;
    const std::int64_t k = layer.out_shape[1] / w.groups, c = layer.in_shape[1] / w.groups;
    const std::int64_t r = w.filter_rows, s = w.filter_cols;
    switch (method) {
    case Method::svd:
    case Method::tucker1:
        return {bounded(std::min(k, c * r * s))};
    case Method::jaderberg1:
        return {largest_cp_rank(k, 1, r, s)};
    case Method::jaderberg2:
        return {bounded(std::min(c * r, k * s))};
    case Method::cp:
        return {largest_cp_rank(k, c, r, s)};
    case Method::tucker2:
        return {bounded(std::min(c, k * r * s)), bounded(std::min(k, c * r * s))};
    }
    throw std::logic_error("largest_ranks: not a method");
}

void check_ranks(const Layer& layer, Method method, const Ranks& ranks)
{
    const Ranks largest = largest_ranks(layer, method);
    const std::string where = "layer " + layer.name + ": " + method_name(method);
    if (ranks.size() != largest.size())
        throw UserError(where + " has " + (largest.size() == 1 ? "one rank" : "two ranks, R3,R4") + ", got " +
                        ranks_text(ranks));
    const int groups = layer.window.groups;
    for (std::size_t i = 0; i < ranks.size(); ++i) {
        if (ranks[i] >= 1 && ranks[i] <= largest[i]) continue;
        const std::string which = ranks.size() == 1 ? "rank " : i == 0 ? "rank R3 " : "rank R4 ";
        throw UserError(where + " " + which + std::to_string(ranks[i]) + ", expected 1 to " +
                        std::to_string(largest[i]) +
                        (groups > 1 ? " (ranks are those of one of its " + std::to_string(groups) + " groups)" : ""));
    }
}

std::vector<PartShape> part_shapes(const Layer& layer, Method method, const Ranks& ranks)
{
    const Window& w = layer.window;
    const int groups = w.groups, k = layer.out_shape[1], inner = groups * ranks.at(0);
    switch (method) {
    case Method::svd:
    case Method::tucker1:
        return {{"in", w, inner}, {"out", pointwise(groups), k}};
    case Method::jaderberg1: {
        const int maps = layer.in_shape[1] * ranks[0];
        return {{"rows", rows_only(w, layer.in_shape[1]), maps},
                {"cols", cols_only(w, maps), maps},
                {"out", pointwise(groups), k}};
    }
    case Method::jaderberg2:
        return {{"rows", rows_only(w, groups), inner}, {"cols", cols_only(w, groups), k}};
    case Method::cp:
        return {{"in", pointwise(groups), inner},
                {"rows", rows_only(w, inner), inner},
                {"cols", cols_only(w, inner), inner},
                {"out", pointwise(groups), k}};
    case Method::tucker2:
        return {{"in", pointwise(groups), inner}, {"core", w, groups * ranks.at(1)}, {"out", pointwise(groups), k}};
    }
    throw std::logic_error("part_shapes: not a method");
}

std::vector<Layer> part_layers(const Layer& layer, Method method, const Ranks& ranks)
{
    Network net;
    Layer input;
    input.name = layer.name + " input";
    input.out_shape = layer.in_shape;
    net.layers.push_back(std::move(input));
    // The other methods' parts are convolutions on the map that a fully connected layer reads as one vector.
    const bool fully_connected = layer.fully_connected && (method == Method::svd || method == Method::tucker1);
    for (const PartShape& shape : part_shapes(layer, method, ranks)) {
        Layer part;
        part.name = shape.suffix;
        part.op = Op::conv;
        part.inputs = {static_cast<int>(net.layers.size()) - 1};
        part.window = shape.window;
        part.fully_connected = fully_connected;
        part.out_shape[1] = shape.channels;
        net.layers.push_back(std::move(part));
        infer_layer_shape(net, static_cast<int>(net.layers.size()) - 1);
    }
    net.layers.erase(net.layers.begin());
    for (std::size_t i = 0; i < net.layers.size(); ++i)
        net.layers[i].inputs = i == 0 ? layer.inputs : std::vector<int>{static_cast<int>(i) - 1};
    net.layers.back().activation = layer.activation;
    return std::move(net.layers);
}

std::int64_t total_macs(const std::vector<Layer>& parts)
{
    std::int64_t sum = 0;
    for (const Layer& part : parts) sum += part.macs();
    return sum;
}

std::int64_t total_weight_words(const std::vector<Layer>& parts)
{
    std::int64_t sum = 0;
    for (const Layer& part : parts) sum += part.weight_words();
    return sum;
}

} // namespace heddle
