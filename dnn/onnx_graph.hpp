// An ONNX file parsed, checked and put in order, before anything is translated.
#pragma once

#include "dnn/onnx_proto.hpp"
#include "dnn/onnx_tensor.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace heddle::onnx_detail {

/// What Heddle's own writer (dnn/onnx/onnx_write) states as the producer. In its files a node with a name is a layer of
/// that name, one without is part of its neighbour.
constexpr const char* own_producer = "heddle";
/// Its note on a Conv that the network declares as fully connected, for which ONNX has no word.
constexpr const char* fully_connected_note = "fully connected";

/// Text from a file made fit for a one-line message: no control characters, at most 80 characters.
std::string printable(const std::string& text);

/// A node with typed access to its attributes. A wrong attribute type is a UserError naming the node.
class Node {
public:
    Node(const onnx::NodeProto& proto, std::int64_t opset) : proto_(&proto), opset_(opset) {}

    const std::string& op() const { return proto_->op_type(); }
    const std::string& domain() const { return proto_->domain(); }
    const std::string& name() const { return proto_->name(); }
    const std::string& note() const { return proto_->doc_string(); }
    std::int64_t opset() const { return opset_; } ///< version of the default operator set
    std::string label() const;                    ///< `node conv1 (Conv)`, for messages
    [[noreturn]] void fail(const std::string& message) const;

    int inputs() const { return proto_->input_size(); }
    int outputs() const { return proto_->output_size(); }
    const std::string& input(int i) const;  ///< "" when absent
    const std::string& output(int i) const; ///< "" when absent
    /// UserError unless the node has between `least` and `most` inputs and names the first `least`.
    void expect_inputs(int least, int most) const;

    bool has(const std::string& attribute) const { return find(attribute, 0) != nullptr; }
    std::int64_t integer(const std::string& attribute, std::int64_t fallback) const;
    float real(const std::string& attribute, float fallback) const;
    std::string text(const std::string& attribute, const std::string& fallback) const;
    Dims integers(const std::string& attribute) const; ///< empty when absent
    std::vector<float> reals(const std::string& attribute) const;
    const onnx::TensorProto* tensor(const std::string& attribute) const; ///< nullptr when absent

private:
    const onnx::AttributeProto* find(const std::string& attribute, int type) const;
    const onnx::NodeProto* proto_;
    std::int64_t opset_;
};

/// The live part of a graph: nodes that some output depends on, in topological order.
/// Points into the ModelProto, which must outlive it.
struct Graph {
    std::string name;
    std::string input;           ///< the one input that is no initialiser
    bool input_integral = false; ///< holds uint8 or int8
    Dims input_dims;             ///< a symbolic or missing first dimension (the batch) is 1
    std::vector<std::string> outputs;
    std::map<std::string, const onnx::TensorProto*> initialisers;
    std::vector<Node> nodes;
    bool own = false; ///< Heddle wrote it
};

/// UserError for a file that is missing, empty, larger than 2 GB or no ONNX model.
onnx::ModelProto parse_model(const std::string& path);

/// Reads what tensors keep in files of the model's folder into the model; tensors whose file is absent stay as they are
/// (is_left_out). UserError for a file that is too short, or outside that folder: such a one is never opened.
void read_external_data(onnx::ModelProto& model, const std::string& path);

/// UserError on cycles, undefined or doubly defined values, other than one input, dimensions that are left open and not
/// given. Of `given` the first, the batch, is not looked at; the others must be the file's where it states them.
Graph read_graph(const onnx::ModelProto& model, const Dims& given = {});

} // namespace heddle::onnx_detail
