// Relu, Clip, Concat and Softmax.
#include "dnn/onnx_import.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace heddle::onnx_detail {

namespace {

bool takes_activation(Op op)
{
    return op == Op::conv || op == Op::add || op == Op::max_pool || op == Op::avg_pool;
}

void activate(Importer& importer, const Node& node, Activation activation, int input = 0)
{
    const Value in = importer.value(node, input);
    Layer& producer = importer.layer(in);
    const bool own_layer = importer.own() && !importer.is_part(node);
    const bool fuses = importer.is_part(node) || (takes_activation(producer.op) && !own_layer);
    if (fuses && importer.sole_reader(node, input)) {
        const bool fresh = producer.activation == Activation::none;
        // A ReLU after a ReLU6 changes nothing; a ReLU6 after a ReLU is a ReLU6.
        if (fresh || activation == Activation::relu6) producer.activation = activation;
        importer.bind(node, in);
        return;
    }
    Layer layer;
    layer.op = Op::clamp;
    layer.inputs = {in.layer};
    layer.activation = activation;
    importer.add_layer(node, std::move(layer), in.dims);
    Value out = importer.value_of(node.output(0));
    out.channels_last = in.channels_last;
    importer.bind(node, out);
}

bool behind_relu(Importer& importer, const Node& node)
{
    return importer.layer(importer.value(node, 0)).activation != Activation::none;
}

/// A bound of Clip: an attribute before operator set 11, an input since.
float bound(Importer& importer, const Node& node, const std::string& attribute, int input, float fallback)
{
    if (node.opset() < 11) return node.real(attribute, fallback);
    if (node.input(input).empty()) return fallback;
    const Constant& given = importer.constant(node, input);
    if (given.integral || given.size() != 1) node.fail("bound " + attribute + " must be one float");
    return given.floats[0];
}

} // namespace

void import_relu(Importer& importer, const Node& node)
{
    node.expect_inputs(1, 1);
    activate(importer, node, Activation::relu);
}

/// Values are floats here whatever their type in the file; a cast that rounds them would change them.
void import_cast(Importer& importer, const Node& node)
{
    node.expect_inputs(1, 1);
    const std::int64_t to = node.integer("to", 0);
    if (to != onnx::TensorProto::FLOAT && to != onnx::TensorProto::DOUBLE)
        node.fail("a cast of a map to type " + std::to_string(to) +
                  " rounds, which is not supported; casts to float and double move nothing");
    import_identity(importer, node);
}

void import_clip(Importer& importer, const Node& node)
{
    node.expect_inputs(1, 3);
    constexpr float huge = std::numeric_limits<float>::max();
    const float low = bound(importer, node, "min", 1, -huge);
    const float high = bound(importer, node, "max", 2, huge);
    if (low <= -huge && high >= huge) {
        import_identity(importer, node);
    } else if (low == 0.0f && high >= huge) {
        activate(importer, node, Activation::relu);
    } else if (high == 6.0f && (low == 0.0f || (low <= -huge && behind_relu(importer, node)))) {
        activate(importer, node, Activation::relu6);
    } else {
        node.fail("bounds " + std::to_string(low) + " and " + std::to_string(high) +
                  " are not supported; 0 and 6 (ReLU6) or 0 and none (ReLU) are");
    }
}

/// With 6, behind a ReLU.
void import_min(Importer& importer, const Node& node)
{
    node.expect_inputs(2, 2);
    const int computed = importer.is_constant(node.input(0)) ? 1 : 0;
    const std::vector<float>& bounds = importer.finite_floats(node, 1 - computed);
    const bool six = std::all_of(bounds.begin(), bounds.end(), [](float b) { return b == 6.0f; });
    const Value in = importer.value(node, computed);
    if (!six || bounds.size() != 1 || importer.layer(in).activation == Activation::none)
        node.fail("only the smaller of 6 and the output of a ReLU is supported");
    activate(importer, node, Activation::relu6, computed);
}

void import_concat(Importer& importer, const Node& node)
{
    if (node.inputs() < 1) node.fail("has no inputs");
    Layer layer;
    layer.op = Op::concat;
    Dims dims;
    for (int i = 0; i < node.inputs(); ++i) {
        const Value& in = importer.map(node, i);
        if (i == 0) {
            dims = in.dims;
            if (resolve_axis(node, node.integer("axis", 1), dims.size()) != 1) {
                node.fail("only concatenation along channels (axis 1) is supported");
            }
            if (dims.size() < 2) node.fail("expects (N,C,...), got " + dims_text(dims));
        } else {
            Dims same = in.dims;
            if (same.size() == dims.size()) same[1] = dims[1];
            if (same != dims) node.fail(dims_text(in.dims) + " and " + dims_text(dims) + " differ beyond channels");
            dims[1] += in.dims[1];
        }
        layer.inputs.push_back(in.layer);
    }
    importer.add_layer(node, std::move(layer), std::move(dims));
}

void import_softmax(Importer& importer, const Node& node)
{
    node.expect_inputs(1, 1);
    const Value& in = importer.value(node, 0);
    const int axis = resolve_axis(node, node.integer("axis", node.opset() < 13 ? 1 : -1), in.dims.size());
    const Shape4& held = importer.layer(in).out_shape;
    // Before operator set 13 the input is flattened from `axis` on; with one position that is the channel axis too.
    const bool channels = axis == 1 && map_shape(in.dims) == held && !in.channels_last &&
                          (node.opset() >= 13 || (held[2] == 1 && held[3] == 1));
    if (!channels) node.fail("a softmax of " + dims_text(in.dims) + " that is not over channels is not supported");
    Layer layer;
    layer.op = Op::softmax;
    layer.inputs = {in.layer};
    importer.add_layer(node, std::move(layer), in.dims);
}

} // namespace heddle::onnx_detail
