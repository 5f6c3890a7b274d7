// A few lines to write down an ONNX model in a test.
#pragma once

#include "dnn/onnx_proto.hpp"

#include <string>
#include <vector>

namespace heddle_test {

class OnnxBuilder {
public:
    explicit OnnxBuilder(const std::vector<std::int64_t>& input, std::int64_t opset = 13)
    {
        model_.set_ir_version(7);
        model_.add_opset_import()->set_version(opset);
        auto* info = model_.mutable_graph()->add_input();
        info->set_name("x");
        auto* type = info->mutable_type()->mutable_tensor_type();
        type->set_elem_type(onnx::TensorProto::FLOAT);
        for (const std::int64_t extent : input) type->mutable_shape()->add_dim()->set_dim_value(extent);
    }

    OnnxBuilder& floats(const std::string& name, const std::vector<std::int64_t>& dims, const std::vector<float>& data)
    {
        auto* tensor = model_.mutable_graph()->add_initializer();
        tensor->set_name(name);
        tensor->set_data_type(onnx::TensorProto::FLOAT);
        for (const std::int64_t extent : dims) tensor->add_dims(extent);
        for (const float value : data) tensor->add_float_data(value);
        return *this;
    }
    OnnxBuilder& ints(const std::string& name, const std::vector<std::int64_t>& data)
    {
        auto* tensor = model_.mutable_graph()->add_initializer();
        tensor->set_name(name);
        tensor->set_data_type(onnx::TensorProto::INT64);
        tensor->add_dims(static_cast<std::int64_t>(data.size()));
        for (const std::int64_t value : data) tensor->add_int64_data(value);
        return *this;
    }
    /// Attributes go to the node added last.
    OnnxBuilder& node(const std::string& op, const std::vector<std::string>& inputs, const std::string& output)
    {
        node_ = model_.mutable_graph()->add_node();
        node_->set_op_type(op);
        node_->set_name(output + "_node");
        for (const std::string& input : inputs) node_->add_input(input);
        node_->add_output(output);
        return *this;
    }
    OnnxBuilder& with(const std::string& name, const std::vector<std::int64_t>& values)
    {
        auto* attribute = add(name, onnx::AttributeProto::INTS);
        for (const std::int64_t value : values) attribute->add_ints(value);
        return *this;
    }
    OnnxBuilder& with(const std::string& name, std::int64_t value)
    {
        add(name, onnx::AttributeProto::INT)->set_i(value);
        return *this;
    }
    OnnxBuilder& text(const std::string& name, const std::string& value)
    {
        add(name, onnx::AttributeProto::STRING)->set_s(value);
        return *this;
    }
    OnnxBuilder& output(const std::string& name)
    {
        model_.mutable_graph()->add_output()->set_name(name);
        return *this;
    }
    onnx::ModelProto& model() { return model_; }

private:
    onnx::AttributeProto* add(const std::string& name, onnx::AttributeProto::AttributeType type)
    {
        auto* attribute = node_->add_attribute();
        attribute->set_name(name);
        attribute->set_type(type);
        return attribute;
    }
    onnx::ModelProto model_;
    onnx::NodeProto* node_ = nullptr;
};

} // namespace heddle_test
