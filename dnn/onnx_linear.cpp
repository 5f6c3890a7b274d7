// Gemm, MatMul, BatchNormalization and Add: fully connected layers and what folds into a producer.
#include "dnn/base/error.hpp"
#include "dnn/onnx_import.hpp"

#include <cmath>

namespace heddle::onnx_detail {

namespace {

/// Weights (K,F) read a flattened (H,W,C); the layer holds (C,H,W).
std::vector<float> channels_first(const std::vector<float>& weights, const Shape4& in)
{
    std::vector<float> out(weights.size());
    const std::size_t channels = static_cast<std::size_t>(in[1]);
    const std::size_t positions = static_cast<std::size_t>(in[2]) * static_cast<std::size_t>(in[3]);
    const std::size_t words = channels * positions;
    for (std::size_t k = 0; k < weights.size() / words; ++k) {
        for (std::size_t c = 0; c < channels; ++c) {
            for (std::size_t p = 0; p < positions; ++p) {
                out[k * words + c * positions + p] = weights[k * words + p * channels + c];
            }
        }
    }
    return out;
}

/// A fully connected layer over whatever map its input was flattened from: R = H, S = W.
/// `weights` is (K, inputs).
void add_fully_connected(Importer& importer, const Node& node, std::vector<float> weights, std::vector<float> bias)
{
    const Value& in = importer.value(node, 0);
    const Shape4 held = importer.layer(in).out_shape;
    const std::int64_t features = std::int64_t{held[1]} * held[2] * held[3];
    if (in.dims.size() != 2 || in.dims[0] != held[0] || in.dims[1] != features) {
        node.fail("expects an input of (N, features), got " + dims_text(in.dims));
    }
    Layer layer;
    layer.op = Op::conv;
    layer.fully_connected = true;
    layer.inputs = {in.layer};
    layer.window.filter_rows = held[2];
    layer.window.filter_cols = held[3];
    layer.weights = in.channels_last ? channels_first(weights, held) : std::move(weights);
    layer.bias = std::move(bias);
    const auto outputs = static_cast<std::int64_t>(layer.weights.size()) / features;
    layer.out_shape[1] = static_cast<int>(outputs);
    importer.add_layer(node, std::move(layer), {in.dims[0], outputs});
}

/// The constant (features, K), or (K, features) when `transposed`, as (K, features).
std::vector<float> matrix(Importer& importer, const Node& node, bool transposed)
{
    const Value& in = importer.value(node, 0);
    const Constant& weights = importer.constant(node, 1);
    importer.finite_floats(node, 1);
    const std::string shape = dims_text(weights.dims);
    if (in.dims.size() != 2) node.fail("expects an input of (N, features), got " + dims_text(in.dims));
    if (weights.dims.size() != 2 || weights.size() == 0 || weights.dims[transposed ? 1 : 0] != in.dims[1]) {
        node.fail("weights of shape " + shape + " do not fit an input of " + dims_text(in.dims));
    }
    return transposed ? weights.floats : transpose(weights, {1, 0}).floats;
}

/// A constant broadcast to `dims` that depends on the channel (axis 1) only, as one value per channel.
/// UserError when it depends on anything else.
std::vector<float> per_channel(Importer& importer, const Node& node, int input, const Dims& dims)
{
    const std::vector<float>& values = importer.finite_floats(node, input);
    const Dims& shape = importer.constant(node, input).dims;
    const bool fits = shape.size() <= dims.size();
    const std::size_t offset = fits ? dims.size() - shape.size() : 0;
    const auto channels = static_cast<std::size_t>(dims.size() > 1 ? dims[1] : dims.empty() ? 1 : dims[0]);
    const std::size_t axis = dims.size() > 1 ? 1 : 0;
    for (std::size_t i = 0; i < shape.size(); ++i) {
        const bool channel = fits && i + offset == axis && shape[i] == static_cast<std::int64_t>(channels);
        if (!channel && shape[i] != 1) {
            node.fail("a constant of shape " + dims_text(shape) + " cannot be added to " + dims_text(dims) +
                      "; one value or one per channel can");
        }
    }
    if (!fits) node.fail("a constant of shape " + dims_text(shape) + " cannot be added to " + dims_text(dims));
    return values.size() == 1 ? std::vector<float>(channels, values[0]) : values;
}

/// y = scale * x + shift per channel: into the conv that made x if nobody else reads x, else a depthwise 1x1 conv.
void scale_and_shift(Importer& importer, const Node& node, int input, const std::vector<float>& scale,
                     const std::vector<float>& shift)
{
    const Value in = importer.map(node, input);
    Layer& producer = importer.layer(in);
    if (producer.op == Op::conv && producer.activation == Activation::none && importer.sole_reader(node, input)) {
        fold_batch_norm(producer, scale, shift);
        importer.bind(node, in);
        return;
    }
    Layer layer;
    layer.op = Op::conv;
    layer.inputs = {in.layer};
    layer.window.groups = producer.out_shape[1];
    layer.out_shape[1] = producer.out_shape[1];
    layer.weights = scale;
    layer.bias = shift;
    importer.add_layer(node, std::move(layer), in.dims);
}

void check_bias_rows(const Node& node, const Dims& shape, std::int64_t rows)
{
    // One bias row per picture would be a second operand, not a bias.
    if (shape.size() == 2 && shape[0] != 1) {
        node.fail("a bias of shape " + dims_text(shape) + " differs between the " + std::to_string(rows) + " rows");
    }
}

} // namespace

void import_gemm(Importer& importer, const Node& node)
{
    node.expect_inputs(2, 3);
    if (node.integer("transA", 0) != 0) node.fail("transA is not supported");
    std::vector<float> weights = matrix(importer, node, node.integer("transB", 0) != 0);
    for (float& weight : weights) weight *= node.real("alpha", 1.0f);
    std::vector<float> bias;
    if (!node.input(2).empty()) {
        const std::int64_t features = importer.value(node, 0).dims[1];
        const std::int64_t rows = importer.value(node, 0).dims[0];
        check_bias_rows(node, importer.constant(node, 2).dims, rows);
        bias = per_channel(importer, node, 2, {rows, static_cast<std::int64_t>(weights.size()) / features});
        for (float& value : bias) value *= node.real("beta", 1.0f);
    }
    add_fully_connected(importer, node, std::move(weights), std::move(bias));
}

void import_matmul(Importer& importer, const Node& node)
{
    node.expect_inputs(2, 2);
    add_fully_connected(importer, node, matrix(importer, node, false), {});
}

void import_batch_norm(Importer& importer, const Node& node)
{
    node.expect_inputs(5, 5);
    // Operator set 14 has the attribute training_mode; before, naming a further output (running or saved statistics)
    // asks for training, as is_test 0 does in set 6 and older.
    int named = 0;
    for (int i = 0; i < node.outputs(); ++i) named += node.output(i).empty() ? 0 : 1;
    const bool training =
        named > 1 || node.integer("training_mode", 0) != 0 || (node.opset() < 7 && node.integer("is_test", 1) == 0);
    if (training) {
        node.fail("is in training mode (" + std::to_string(named) + (named == 1 ? " output" : " outputs") +
                  ", statistics of the batch); only inference is supported: export the model for inference");
    }
    if (node.integer("spatial", 1) == 0) node.fail("spatial 0: only statistics over channels are supported");
    const auto channels = static_cast<std::size_t>(importer.layer(importer.map(node, 0)).out_shape[1]);
    for (int i = 1; i < 5; ++i) {
        const std::size_t count = importer.finite_floats(node, i).size();
        if (count != channels) {
            node.fail("input " + printable(node.input(i)) + " holds " + std::to_string(count) + " values for " +
                      std::to_string(channels) + " channels");
        }
    }
    const auto& gamma = importer.finite_floats(node, 1);
    const auto& beta = importer.finite_floats(node, 2);
    const auto& mean = importer.finite_floats(node, 3);
    const auto& variance = importer.finite_floats(node, 4);
    const float epsilon = node.real("epsilon", 1e-5f);
    std::vector<float> scale(channels);
    std::vector<float> shift(channels);
    for (std::size_t c = 0; c < channels; ++c) {
        const double deviation = std::sqrt(static_cast<double>(variance[c]) + epsilon);
        if (!(deviation > 0)) node.fail("variance " + std::to_string(variance[c]) + " is not positive");
        const double factor = gamma[c] / deviation;
        scale[c] = static_cast<float>(factor);
        shift[c] = static_cast<float>(beta[c] - mean[c] * factor);
    }
    scale_and_shift(importer, node, 0, scale, shift);
}

namespace {

/// The sum of two maps of equal shape, bound to the node's output.
void add_maps(Importer& importer, const Node& node, const Value& a, const Value& b)
{
    if (a.dims != b.dims || a.channels_last != b.channels_last) {
        node.fail("adds " + dims_text(a.dims) + " and " + dims_text(b.dims) + "; only equal shapes are supported");
    }
    Layer layer;
    layer.op = Op::add;
    layer.inputs = {a.layer, b.layer};
    const bool channels_last = a.channels_last;
    importer.add_layer(node, std::move(layer), a.dims);
    Value out = importer.value_of(node.output(0));
    out.channels_last = channels_last;
    importer.bind(node, out);
}

} // namespace

void import_add(Importer& importer, const Node& node)
{
    node.expect_inputs(2, 2);
    const bool first_constant = importer.is_constant(node.input(0));
    if (first_constant || importer.is_constant(node.input(1))) {
        const int computed = first_constant ? 1 : 0;
        const Dims& dims = importer.map(node, computed).dims;
        const auto shift = per_channel(importer, node, 1 - computed, dims);
        scale_and_shift(importer, node, computed, std::vector<float>(shift.size(), 1.0f), shift);
        return;
    }
    add_maps(importer, node, Value(importer.value(node, 0)), Value(importer.value(node, 1)));
}

void import_sum(Importer& importer, const Node& node)
{
    if (node.inputs() == 2) return import_add(importer, node);
    if (node.inputs() == 1) return import_identity(importer, node);
    if (node.inputs() == 0) node.fail("has no inputs");
    Value sum = importer.value(node, 0);
    for (int i = 1; i < node.inputs(); ++i) {
        add_maps(importer, node, sum, Value(importer.value(node, i)));
        sum = importer.value_of(node.output(0));
    }
}

void import_scale(Importer& importer, const Node& node)
{
    node.expect_inputs(2, 2);
    const bool first_constant = importer.is_constant(node.input(0));
    if (!first_constant && !importer.is_constant(node.input(1)))
        node.fail("of two computed maps is not supported; with a constant it is");
    const int computed = first_constant ? 1 : 0;
    if (node.op() == "Div" && first_constant) node.fail("a constant divided by a map is not supported");
    std::vector<float> given = per_channel(importer, node, 1 - computed, importer.map(node, computed).dims);
    std::vector<float> scale(given.size(), 1.0f), shift(given.size(), 0.0f);
    for (std::size_t c = 0; c < given.size(); ++c) {
        if (node.op() == "Mul") {
            scale[c] = given[c];
        } else if (node.op() == "Div") {
            if (given[c] == 0.0f) node.fail("divides by zero");
            scale[c] = 1.0f / given[c];
        } else {
            scale[c] = first_constant ? -1.0f : 1.0f; // c - x, or x - c
            shift[c] = first_constant ? given[c] : -given[c];
        }
    }
    scale_and_shift(importer, node, computed, scale, shift);
}

} // namespace heddle::onnx_detail
