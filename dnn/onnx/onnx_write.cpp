#include "dnn/onnx/onnx_write.hpp"

#include "dnn/base/error.hpp"
#include "dnn/base/files.hpp"
#include "dnn/decompose/groups.hpp"
#include "dnn/onnx_graph.hpp"
#include "dnn/onnx_window.hpp"

#include <algorithm>
#include <set>
#include <stdexcept>

namespace heddle {

namespace {

using onnx_detail::Dims;

constexpr std::int64_t ir_version = 7; // the first that knows operator set 14
constexpr std::int64_t operator_set = 14;
constexpr std::int64_t largest_file_bytes = (std::int64_t{1} << 31) - 1; // protobuf's own limit

std::int64_t parameter_bytes(const Network& net)
{
    std::int64_t words = 0;
    for (const Layer& layer : net.layers)
        if (layer.op == Op::conv) words += layer.weight_words() + layer.out_shape[1];
    return words * static_cast<std::int64_t>(sizeof(float));
}

[[noreturn]] void too_large(const Network& net)
{
    throw UserError("network " + net.name + ": needs " + std::to_string(parameter_bytes(net)) +
                    " bytes of weights; an ONNX file holds less than 2 GB");
}

/// Covers the whole map and nothing else: what a Gemm over the flattened map or a global pool computes.
bool is_whole_map(const Layer& layer)
{
    const Window& w = layer.window;
    return w.filter_rows == layer.in_shape[2] && w.filter_cols == layer.in_shape[3] && w.stride_rows == 1 &&
           w.stride_cols == 1 && w.dilation_rows == 1 && w.dilation_cols == 1 && w.pad_top == 0 && w.pad_bottom == 0 &&
           w.pad_left == 0 && w.pad_right == 0 && !w.count_padding;
}

bool is_gemm(const Layer& layer)
{
    return layer.op == Op::conv && layer.fully_connected && layer.window.groups == 1 && is_whole_map(layer);
}

class Writer {
public:
    explicit Writer(const Network& net) : net_(net), graph_(*model_.mutable_graph()), values_(net.layers.size())
    {
        for (const Layer& layer : net.layers) names_.insert(layer.name);
    }

    onnx::ModelProto run(const OnnxMetadata& metadata)
    {
        model_.set_ir_version(ir_version);
        model_.set_producer_name(onnx_detail::own_producer);
        model_.add_opset_import()->set_version(operator_set);
        graph_.set_name(net_.name.empty() ? "network" : net_.name);
        for (std::size_t i = 0; i < net_.layers.size(); ++i) write_layer(static_cast<int>(i));
        for (std::size_t i = 0; i < net_.layers.size(); ++i)
            if (net_.readers(static_cast<int>(i)).empty()) describe(*graph_.add_output(), static_cast<int>(i));
        for (const auto& [key, value] : metadata) describe_model(key, value);
        if (!net_.groups.empty()) describe_model(groups_key, groups_json(net_));
        return std::move(model_);
    }

private:
    /// A layer's output under its two shapes, each named once some node makes it.
    struct Value {
        std::string map;        ///< (N,C,H,W)
        std::string flat;       ///< (N,C*H*W)
        bool made_flat = false; ///< then it has one position, or only Gemms read it
    };

    void describe_model(const std::string& key, const std::string& value)
    {
        auto* entry = model_.add_metadata_props();
        entry->set_key(key);
        entry->set_value(value);
    }

    const Layer& layer(int i) const { return net_.layers[static_cast<std::size_t>(i)]; }
    Value& value(int i) { return values_[static_cast<std::size_t>(i)]; }

    /// A name that no layer and no other value has.
    std::string unused(std::string name)
    {
        while (!names_.insert(name).second) name += '_';
        return name;
    }

    // Attributes.
    static void set(onnx::NodeProto& node, const char* name, const Dims& values)
    {
        auto* attribute = node.add_attribute();
        attribute->set_name(name);
        attribute->set_type(onnx::AttributeProto::INTS);
        for (const std::int64_t value : values) attribute->add_ints(value);
    }
    static void set(onnx::NodeProto& node, const char* name, std::int64_t value)
    {
        auto* attribute = node.add_attribute();
        attribute->set_name(name);
        attribute->set_type(onnx::AttributeProto::INT);
        attribute->set_i(value);
    }

    // Initialisers: each returns its name.
    template <typename T> std::string constant(const std::string& name, int type, const Dims& dims, const T* data)
    {
        auto* tensor = graph_.add_initializer();
        tensor->set_name(unused(name));
        tensor->set_data_type(type);
        std::size_t words = 1;
        for (const std::int64_t extent : dims) {
            tensor->add_dims(extent);
            words *= static_cast<std::size_t>(extent);
        }
        tensor->set_raw_data(data, words * sizeof(T)); // little-endian, as the machines that Heddle supports
        return tensor->name();
    }
    std::string floats(const std::string& name, const Dims& dims, const std::vector<float>& data)
    {
        return constant(name, onnx::TensorProto::FLOAT, dims, data.data());
    }
    /// The target of a Reshape: the batch is copied.
    std::string map_dims(const Layer& layer)
    {
        const std::int64_t dims[] = {0, layer.out_shape[1], layer.out_shape[2], layer.out_shape[3]};
        return constant(layer.name + ".shape", onnx::TensorProto::INT64, {4}, dims);
    }

    /// A node that is part of a layer and no layer itself.
    onnx::NodeProto& part(const char* type, const std::vector<std::string>& inputs, const std::string& output)
    {
        auto* node = graph_.add_node();
        node->set_op_type(type);
        for (const std::string& input : inputs) node->add_input(input);
        node->add_output(output);
        return *node;
    }

    const std::string& as_map(int i)
    {
        Value& v = value(i);
        if (v.map.empty()) {
            v.map = unused(layer(i).name + ".map");
            part("Reshape", {v.flat, map_dims(layer(i))}, v.map);
        }
        return v.map;
    }
    const std::string& as_flat(int i)
    {
        Value& v = value(i);
        if (v.flat.empty()) {
            v.flat = unused(layer(i).name + ".flat");
            set(part("Flatten", {v.map}, v.flat), "axis", std::int64_t{1});
        }
        return v.flat;
    }
    /// All inputs flat if they were made so, else all as maps. Returns which.
    bool read_alike(const Layer& l, std::vector<std::string>& inputs)
    {
        const bool flat = std::all_of(l.inputs.begin(), l.inputs.end(), [&](int i) { return value(i).made_flat; });
        for (const int i : l.inputs) inputs.push_back(flat ? as_flat(i) : as_map(i));
        return flat;
    }

    /// Appends Relu or Clip; `name` is empty where it belongs to the layer before.
    void add_activation(Activation activation, const std::string& input, const std::string& output,
                        const std::string& name)
    {
        std::vector<std::string> inputs = {input};
        if (activation == Activation::relu6) {
            const float bounds[] = {0.0f, 6.0f};
            for (int i = 0; i < 2; ++i) {
                std::string& bound = bounds_[static_cast<std::size_t>(i)];
                if (bound.empty()) bound = constant(i == 0 ? "zero" : "six", onnx::TensorProto::FLOAT, {}, bounds + i);
                inputs.push_back(bound);
            }
        }
        part(activation == Activation::relu6 ? "Clip" : "Relu", inputs, output).set_name(name);
    }

    /// The node that carries the layer's name, and behind it the layer's activation.
    onnx::NodeProto& add_layer(int i, const char* type, const std::vector<std::string>& inputs, bool flat)
    {
        const Layer& l = layer(i);
        Value& v = value(i);
        v.made_flat = flat;
        (flat ? v.flat : v.map) = l.name;
        const bool active = l.activation != Activation::none;
        onnx::NodeProto& node = part(type, inputs, active ? unused(l.name + ".sum") : l.name);
        node.set_name(l.name);
        if (active) add_activation(l.activation, node.output(0), l.name, "");
        return node;
    }

    void describe(onnx::ValueInfoProto& info, int i)
    {
        const Shape4& shape = layer(i).out_shape;
        const bool flat = value(i).made_flat;
        info.set_name(layer(i).name);
        auto* type = info.mutable_type()->mutable_tensor_type();
        type->set_elem_type(onnx::TensorProto::FLOAT);
        type->mutable_shape()->add_dim()->set_dim_param("batch");
        const Dims dims =
            flat ? Dims{std::int64_t{shape[1]} * shape[2] * shape[3]} : Dims{shape[1], shape[2], shape[3]};
        for (const std::int64_t extent : dims) type->mutable_shape()->add_dim()->set_dim_value(extent);
    }

    bool read_by_gemms_only(int i) const
    {
        const std::vector<int> readers = net_.readers(i);
        return !readers.empty() &&
               std::all_of(readers.begin(), readers.end(), [&](int reader) { return is_gemm(layer(reader)); });
    }

    void write_layer(int i)
    {
        const Layer& l = layer(i);
        std::vector<std::string> inputs;
        switch (l.op) {
        case Op::input:
            value(i).made_flat = l.out_shape[2] == 1 && l.out_shape[3] == 1 && read_by_gemms_only(i);
            (value(i).made_flat ? value(i).flat : value(i).map) = l.name;
            describe(*graph_.add_input(), i);
            return;
        case Op::conv:
            write_conv(i);
            return;
        case Op::max_pool:
        case Op::avg_pool:
            write_pool(i);
            return;
        case Op::add: {
            const bool flat = read_alike(l, inputs);
            add_layer(i, "Add", inputs, flat);
            return;
        }
        case Op::concat: {
            const bool flat = read_alike(l, inputs);
            set(add_layer(i, "Concat", inputs, flat), "axis", std::int64_t{1});
            return;
        }
        case Op::clamp:
            write_clamp(i);
            return;
        case Op::reshape:
            write_reshape(i);
            return;
        case Op::softmax: {
            const bool flat = read_alike(l, inputs);
            set(add_layer(i, "Softmax", inputs, flat), "axis", std::int64_t{1});
            return;
        }
        }
        throw std::logic_error("onnx_write: not an op");
    }

    void set_window(onnx::NodeProto& node, const Layer& l)
    {
        const Window& w = l.window;
        const int largest = std::max({w.filter_rows, w.filter_cols, w.stride_rows, w.stride_cols, w.dilation_rows,
                                      w.dilation_cols, w.pad_top, w.pad_bottom, w.pad_left, w.pad_right});
        if (largest > onnx_detail::largest_window_extent)
            throw UserError("layer " + l.name + ": its window has an extent of " + std::to_string(largest) +
                            "; written as ONNX it could not be read back, which takes at most " +
                            std::to_string(onnx_detail::largest_window_extent));
        set(node, "kernel_shape", Dims{w.filter_rows, w.filter_cols});
        set(node, "strides", Dims{w.stride_rows, w.stride_cols});
        set(node, "pads", Dims{w.pad_top, w.pad_left, w.pad_bottom, w.pad_right});
        if (w.dilation_rows != 1 || w.dilation_cols != 1)
            set(node, "dilations", Dims{w.dilation_rows, w.dilation_cols});
    }

    void write_conv(int i)
    {
        const Layer& l = layer(i);
        const bool gemm = is_gemm(l);
        const Shape4 shape = l.weight_shape();
        const std::int64_t features = std::int64_t{shape[1]} * shape[2] * shape[3];
        std::vector<std::string> inputs = {gemm ? as_flat(l.inputs[0]) : as_map(l.inputs[0])};
        const Dims dims = gemm ? Dims{shape[0], features} : Dims(shape.begin(), shape.end());
        inputs.push_back(floats(l.name + ".weight", dims, l.weights));
        if (!l.bias.empty()) inputs.push_back(floats(l.name + ".bias", {shape[0]}, l.bias));
        onnx::NodeProto& node = add_layer(i, gemm ? "Gemm" : "Conv", inputs, gemm);
        if (gemm) {
            set(node, "transB", std::int64_t{1});
            return;
        }
        set_window(node, l);
        set(node, "group", std::int64_t{l.window.groups});
        if (l.fully_connected) node.set_doc_string(onnx_detail::fully_connected_note);
    }

    void write_pool(int i)
    {
        const Layer& l = layer(i);
        const std::string input = as_map(l.inputs[0]);
        const bool average = l.op == Op::avg_pool;
        if (average && is_whole_map(l)) {
            add_layer(i, "GlobalAveragePool", {input}, false);
            return;
        }
        if (average && (l.window.dilation_rows != 1 || l.window.dilation_cols != 1))
            throw UserError("layer " + l.name + ": an average pool with a dilation cannot be written as ONNX");
        onnx::NodeProto& node = add_layer(i, average ? "AveragePool" : "MaxPool", {input}, false);
        set_window(node, l);
        if (average && l.window.count_padding) set(node, "count_include_pad", std::int64_t{1});
    }

    void write_clamp(int i)
    {
        const Layer& l = layer(i);
        std::vector<std::string> inputs;
        const bool flat = read_alike(l, inputs);
        value(i).made_flat = flat;
        (flat ? value(i).flat : value(i).map) = l.name;
        add_activation(l.activation, inputs[0], l.name, l.name);
    }

    /// A layer that keeps its shape is a Flatten where only Gemms read it (as most exporters have it), else an
    /// Identity.
    void write_reshape(int i)
    {
        const Layer& l = layer(i);
        const int from = l.inputs[0];
        if (l.out_shape != l.in_shape) {
            const std::string input = as_map(from);
            add_layer(i, "Reshape", {input, map_dims(l)}, false);
        } else if (read_by_gemms_only(i)) {
            const std::string input = as_map(from);
            set(add_layer(i, "Flatten", {input}, true), "axis", std::int64_t{1});
        } else {
            std::vector<std::string> inputs;
            const bool flat = read_alike(l, inputs);
            add_layer(i, "Identity", inputs, flat);
        }
    }

    const Network& net_;
    onnx::ModelProto model_;
    onnx::GraphProto& graph_;
    std::vector<Value> values_; ///< of each layer
    std::set<std::string> names_;
    std::string bounds_[2]; ///< of ReLU6, once there is one
};

} // namespace

void check_onnx_size(const Network& net)
{
    if (parameter_bytes(net) > largest_file_bytes) too_large(net);
}

std::string onnx_bytes(const Network& net, const OnnxMetadata& metadata)
{
    if (net.layers.size() < 2) throw UserError("network " + net.name + ": has no layers to write");
    if (!net.has_weights) throw std::logic_error("onnx_write: " + net.name + " has no weights");
    check_onnx_size(net);
    const onnx::ModelProto model = Writer(net).run(metadata);
    std::string bytes;
    if (static_cast<std::int64_t>(model.ByteSizeLong()) > largest_file_bytes || !model.SerializeToString(&bytes))
        too_large(net);
    return bytes;
}

void write_network_onnx(const Network& net, const std::string& path, const OnnxMetadata& metadata)
{
    write_file_atomically(path, onnx_bytes(net, metadata));
}

} // namespace heddle
