// Constant folding: Constant nodes, and the chains of Shape, Gather, Concat that exporters put before a Reshape.
#include "dnn/onnx_import.hpp"

#include <algorithm>
#include <cmath>

namespace heddle::onnx_detail {

namespace {

constexpr std::int64_t largest_fold = 1 << 28; // words; more is no bookkeeping but a forged size

void fold_constant(Importer& importer, const Node& node)
{
    Constant out;
    if (const auto* tensor = node.tensor("value")) {
        out = decode(*tensor, node.label());
    } else if (node.has("value_float")) {
        out.floats = {node.real("value_float", 0)};
    } else if (node.has("value_int")) {
        out.integral = true;
        out.integers = {node.integer("value_int", 0)};
    } else if (node.has("value_floats")) {
        out.floats = node.reals("value_floats");
        out.dims = {out.size()};
    } else if (node.has("value_ints")) {
        out.integral = true;
        out.integers = node.integers("value_ints");
        out.dims = {out.size()};
    } else {
        node.fail("only numeric constants are supported");
    }
    importer.set_constant(node, std::move(out));
}

void fold_shape(Importer& importer, const Node& node)
{
    Constant out;
    out.integral = true;
    const bool constant = importer.is_constant(node.input(0));
    out.integers = constant ? importer.constant(node, 0).dims : importer.value(node, 0).dims;
    const std::int64_t rank = out.size();
    const auto place = [&](std::int64_t at) { return std::clamp<std::int64_t>(at < 0 ? at + rank : at, 0, rank); };
    const std::int64_t start = place(node.integer("start", 0)), end = place(node.integer("end", rank));
    out.integers = Dims(out.integers.begin() + start, out.integers.begin() + std::max(start, end));
    out.dims = {out.size()};
    importer.set_constant(node, std::move(out));
}

/// Along axis 0, as for one dimension of a shape.
void fold_gather(Importer& importer, const Node& node)
{
    node.expect_inputs(2, 2);
    const Constant& data = importer.constant(node, 0);
    const Constant& indices = importer.constant(node, 1);
    if (data.dims.size() != 1 || node.integer("axis", 0) != 0 || !indices.integral || !data.integral) {
        node.fail("only a Gather of a shape's dimensions is supported");
    }
    Constant out;
    out.integral = true;
    out.dims = indices.dims;
    for (std::int64_t index : indices.integers) {
        if (index < 0) index += data.size();
        if (index < 0 || index >= data.size()) node.fail("index is out of range");
        out.integers.push_back(data.integers[static_cast<std::size_t>(index)]);
    }
    importer.set_constant(node, std::move(out));
}

void fold_concat(Importer& importer, const Node& node)
{
    Constant out;
    out.integral = importer.constant(node, 0).integral;
    for (int i = 0; i < node.inputs(); ++i) {
        const Constant& part = importer.constant(node, i);
        if (part.dims.size() != 1 || part.integral != out.integral) node.fail("only one-dimensional constants fold");
        out.integers.insert(out.integers.end(), part.integers.begin(), part.integers.end());
        out.floats.insert(out.floats.end(), part.floats.begin(), part.floats.end());
        if (out.size() > largest_fold) node.fail("the constant is too large");
    }
    out.dims = {out.size()};
    importer.set_constant(node, std::move(out));
}

void fold_cast(Importer& importer, const Node& node)
{
    Constant out = importer.constant(node, 0);
    const std::int64_t to = node.integer("to", 0);
    const bool integral = to == onnx::TensorProto::INT64 || to == onnx::TensorProto::INT32;
    if (!integral && to != onnx::TensorProto::FLOAT) node.fail("only casts to float, int32 and int64 fold");
    if (integral != out.integral) {
        out.integral = integral;
        for (const float word : out.floats) {
            if (!(std::abs(word) < 1e15f)) node.fail("a float does not fit an integer");
            out.integers.push_back(static_cast<std::int64_t>(word));
        }
        if (!integral) out.floats.assign(out.integers.begin(), out.integers.end());
        if (integral) {
            out.floats.clear();
        } else {
            out.integers.clear();
        }
    }
    importer.set_constant(node, std::move(out));
}

void fold_transpose(Importer& importer, const Node& node)
{
    const Constant& in = importer.constant(node, 0);
    importer.set_constant(node, transpose(in, permutation(node, in.dims.size())));
}

using ShapeRule = Dims (*)(Importer&, const Node&, const Dims&);

void fold_shape_change(Importer& importer, const Node& node, ShapeRule rule)
{
    Constant out = importer.constant(node, 0);
    out.dims = rule(importer, node, out.dims);
    importer.set_constant(node, std::move(out));
}

Dims same_shape(Importer&, const Node&, const Dims& dims)
{
    return dims;
}

} // namespace

bool fold_constants(Importer& importer, const Node& node)
{
    if (node.op() == "Constant") {
        fold_constant(importer, node);
        return true;
    }
    if (node.op() == "Shape" && node.inputs() == 1) {
        fold_shape(importer, node);
        return true;
    }
    bool constant = node.inputs() > 0;
    for (int i = 0; i < node.inputs(); ++i) {
        constant = constant && (node.input(i).empty() || importer.is_constant(node.input(i)));
    }
    if (!constant) return false;
    static const std::map<std::string, Operator> folds = {
        {"Gather", fold_gather},
        {"Concat", fold_concat},
        {"Cast", fold_cast},
        {"Transpose", fold_transpose},
        {"Identity", [](Importer& i, const Node& n) { fold_shape_change(i, n, same_shape); }},
        {"Reshape", [](Importer& i, const Node& n) { fold_shape_change(i, n, reshape_target); }},
        {"Squeeze", [](Importer& i, const Node& n) { fold_shape_change(i, n, squeeze_target); }},
        {"Unsqueeze", [](Importer& i, const Node& n) { fold_shape_change(i, n, unsqueeze_target); }},
    };
    for (const auto* table : {&folds, &arithmetic_folds()})
        if (const auto fold = table->find(node.op()); fold != table->end()) {
            fold->second(importer, node);
            return true;
        }
    return false;
}

} // namespace heddle::onnx_detail
