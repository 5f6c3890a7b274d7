#include "dnn/onnx_import.hpp"

#include "dnn/base/error.hpp"

#include <algorithm>
#include <cmath>

namespace heddle::onnx_detail {

Shape4 map_shape(const Dims& dims)
{
    const auto at = [&](std::size_t i) { return static_cast<int>(dims[i]); };
    switch (dims.size()) {
    case 0:
        return {1, 1, 1, 1};
    case 1:
        return {1, at(0), 1, 1};
    case 2:
        return {at(0), at(1), 1, 1};
    case 3:
        return {at(0), at(1), 1, at(2)};
    case 4:
        return {at(0), at(1), at(2), at(3)};
    default:
        return {0, 0, 0, 0}; // equals no layer's shape
    }
}

int resolve_axis(const Node& node, std::int64_t axis, std::size_t rank)
{
    const auto extent = static_cast<std::int64_t>(rank);
    if (axis < -extent || axis >= extent) {
        node.fail("axis " + std::to_string(axis) + " does not exist in " + std::to_string(rank) + " dimensions");
    }
    return static_cast<int>(axis < 0 ? axis + extent : axis);
}

bool Importer::is_constant(const std::string& value) const
{
    return constants_.count(value) != 0 || graph_.initialisers.count(value) != 0;
}

const Constant& Importer::constant(const Node& node, int input)
{
    const std::string& name = node.input(input);
    const auto folded = constants_.find(name);
    if (folded != constants_.end()) return folded->second;
    const auto stored = graph_.initialisers.find(name);
    if (stored == graph_.initialisers.end()) {
        node.fail("input " + printable(name) + " must be a constant (an initialiser), but is computed");
    }
    if (is_left_out(*stored->second)) net_.has_weights = false;
    return constants_.emplace(name, decode(*stored->second, "initialiser " + printable(name))).first->second;
}

const std::vector<float>& Importer::finite_floats(const Node& node, int input)
{
    const Constant& found = constant(node, input);
    if (found.integral) node.fail("input " + printable(node.input(input)) + " must hold floats, holds integers");
    const bool finite = std::all_of(found.floats.begin(), found.floats.end(), [](float x) { return std::isfinite(x); });
    if (!finite) node.fail("input " + printable(node.input(input)) + " holds a value that is not finite");
    return found.floats;
}

const Value& Importer::padded_map(const Node& node, int input) const
{
    const auto found = values_.find(node.input(input));
    if (found == values_.end()) node.fail("input " + printable(node.input(input)) + " must be computed, not constant");
    const Value& value = found->second;
    if (value.channels_last) node.fail("its input is transposed to channels last, which is not supported here");
    if (map_shape(value.dims) != net_.layers[static_cast<std::size_t>(value.layer)].out_shape) {
        node.fail("its input " + dims_text(value.dims) +
                  " was reshaped so that channels and positions mix, which is not supported here");
    }
    return value;
}

const Value& Importer::map(const Node& node, int input) const
{
    value(node, input);
    return padded_map(node, input);
}

const Value& Importer::value(const Node& node, int input) const
{
    const auto found = values_.find(node.input(input));
    if (found == values_.end()) node.fail("input " + printable(node.input(input)) + " must be computed, not constant");
    if (found->second.padded) node.fail("reads the output of a Pad; a Pad must be followed by a conv or a pool");
    return found->second;
}

bool Importer::sole_reader(const Node& node, int input) const
{
    return readers_.at(node.input(input)) == 1;
}

namespace {

/// Letters, digits and single underscores of the node's name, or its output's.
std::string readable_name(const Node& node)
{
    std::string name;
    for (const char c : !node.name().empty() ? node.name() : node.output(0)) {
        const bool fit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (fit) {
            name += c;
        } else if (!name.empty() && name.back() != '_') {
            name += '_';
        }
    }
    while (!name.empty() && name.back() == '_') name.pop_back();
    name = name.substr(0, 60);
    // A bare number would read as an index in --layers.
    if (name.find_first_not_of("0123456789") == std::string::npos) name = node.op() + (name.empty() ? "" : "_" + name);
    return name;
}

} // namespace

std::string Importer::layer_name(const Node& node) const
{
    std::string name = own() ? node.name() : "";
    const bool keeps =
        !name.empty() && std::none_of(name.begin(), name.end(), [](unsigned char c) { return c < 0x20; });
    if (!keeps) name = readable_name(node);
    std::string unique = name;
    for (int i = 2; net_.find(unique) >= 0; ++i) unique = name + "_" + std::to_string(i);
    return unique;
}

void Importer::add_layer(const Node& node, Layer layer, Dims dims)
{
    layer.name = layer_name(node);
    net_.layers.push_back(std::move(layer));
    const int index = static_cast<int>(net_.layers.size()) - 1;
    infer_layer_shape(net_, index);
    Value made;
    made.layer = index;
    made.dims = std::move(dims);
    bind(node, made);
}

void Importer::add_reshape(const Node& node, const Value& from, Dims dims, bool channels_last)
{
    const Shape4& held = layer(from).out_shape;
    const Shape4 wanted = map_shape(dims);
    Layer made;
    made.op = Op::reshape;
    made.inputs = {from.layer};
    // Where channels and positions would mix the layer keeps its shape: a fully connected reader takes it as it is.
    const bool keeps = own() ? dims.size() == 4 : !channels_last && wanted[0] == held[0] && wanted[1] == held[1];
    if (keeps && word_count(wanted) == word_count(held)) made.out_shape = wanted;
    add_layer(node, std::move(made), std::move(dims));
    values_[node.output(0)].channels_last = channels_last;
}

void Importer::reshape_graph_input(const Shape4& shape, bool channels_last)
{
    net_.input_array.channels_last = channels_last;
    net_.layers[0].in_shape = shape;
    net_.layers[0].out_shape = shape;
}

void Importer::count_readers()
{
    for (const Node& node : graph_.nodes) {
        for (int i = 0; i < node.inputs(); ++i) ++readers_[node.input(i)];
    }
    for (const std::string& output : graph_.outputs) ++readers_[output];
}

void Importer::import_node(const Node& node)
{
    if (node.output(0).empty()) node.fail("has no output");
    const auto found = operators().find(node.op());
    const bool ours = node.domain().empty() || node.domain() == "ai.onnx";
    if (ours && fold_constants(*this, node)) return;
    if (!ours || found == operators().end()) {
        std::string known;
        for (const auto& [name, handler] : operators()) known += (known.empty() ? "" : ", ") + name;
        node.fail("this operator is not supported; supported are " + known);
    }
    found->second(*this, node);
}

Network Importer::run(const std::string& network_name)
{
    net_.name = network_name;
    net_.has_weights = true;
    count_readers();
    Layer input;
    input.name = "input";
    input.out_shape = map_shape(graph_.input_dims);
    net_.layers.push_back(std::move(input));
    infer_layer_shape(net_, 0);
    values_[graph_.input].dims = graph_.input_dims;
    for (const Node& node : graph_.nodes) {
        for (int i = 0; graph_.input_integral && i < node.inputs(); ++i) // integer arithmetic wraps around
            if (node.input(i) == graph_.input && node.op() != "Cast" && node.op() != "Shape")
                node.fail("reads the input " + printable(graph_.input) + " of 8-bit integers, which only a Cast may");
        import_node(node);
    }
    for (const std::string& output : graph_.outputs) {
        const auto found = values_.find(output);
        if (found == values_.end()) throw UserError("output " + printable(output) + " is a constant");
        if (found->second.padded) throw UserError("output " + printable(output) + " is the output of a Pad");
    }
    for (Layer& layer : net_.layers)
        if (!net_.has_weights) layer.weights = layer.bias = {}; // seeded ones take their place, in all layers
    net_.input_array.dims = graph_.input_dims;
    const Value& answer = values_.at(graph_.outputs.front());
    net_.output_array = {answer.layer, answer.dims, answer.channels_last};
    return std::move(net_);
}

const std::map<std::string, Operator>& operators()
{
    static const std::map<std::string, Operator> table = {
        {"Add", import_add},
        {"AveragePool", import_pool},
        {"BatchNormalization", import_batch_norm},
        {"Cast", import_cast},
        {"Clip", import_clip},
        {"Concat", import_concat},
        {"Constant", [](Importer&, const Node& node) { node.fail("a constant that does not fold"); }},
        {"Conv", import_conv},
        {"Dropout", import_dropout},
        {"Flatten", import_flatten},
        {"Gemm", import_gemm},
        {"Div", import_scale},
        {"GlobalAveragePool", import_global_pool},
        {"GlobalMaxPool", import_global_pool},
        {"Identity", import_identity},
        {"MatMul", import_matmul},
        {"MaxPool", import_pool},
        {"Min", import_min},
        {"Mul", import_scale},
        {"Pad", import_pad},
        {"ReduceMean", import_reduce_mean},
        {"Relu", import_relu},
        {"Reshape", import_reshape},
        {"Softmax", import_softmax},
        {"Squeeze", import_squeeze},
        {"Sub", import_scale},
        {"Sum", import_sum},
        {"Transpose", import_transpose},
        {"Unsqueeze", import_unsqueeze},
    };
    return table;
}

} // namespace heddle::onnx_detail
