// Translation of an ONNX graph into our layers. Internal to dnn/; users call read_network_onnx (network.hpp).
//
// An ONNX value of any rank up to 4 lives in a layer whose output has the same words in the same row-major order.
// Operators that only change the shape are kept as reshape layers, so that the report can list them.
#pragma once

#include "dnn/network.hpp"
#include "dnn/onnx_graph.hpp"

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace heddle::onnx_detail {

/// (N,C,H,W) of a value: rank 2 is (N,C), rank 3 (N,C,W), rank 1 (C), rank 0 one word.
Shape4 map_shape(const Dims& dims);

/// Negative axes count from the end; UserError naming the node when out of range.
int resolve_axis(const Node& node, std::int64_t axis, std::size_t rank);

/// What a value of the graph is in the network.
struct Value {
    int layer = 0;
    Dims dims;                  ///< its shape in the file, batch included
    bool channels_last = false; ///< transposed (0,2,3,1) in the file; the layer still holds (N,C,H,W)
    bool padded = false;        ///< read through a Pad: its zeros belong to the next window
    int top = 0, bottom = 0, left = 0, right = 0;
};

class Importer {
public:
    explicit Importer(const Graph& graph) : graph_(graph) {}

    /// The whole graph, at the file's batch.
    Network run(const std::string& network_name);

    /// A file of Heddle's own writer, which states its layers exactly: a named node is a layer, others are parts of
    /// one.
    bool own() const { return graph_.own; }
    bool is_part(const Node& node) const { return own() && node.name().empty(); }

    // For the operators (the other onnx_*.cpp files). All errors are UserErrors that name the node.
    bool is_constant(const std::string& value) const;
    const Constant& constant(const Node& node, int input);
    /// Floats of a constant input, all finite.
    const std::vector<float>& finite_floats(const Node& node, int input);
    void set_constant(const Node& node, Constant constant) { constants_[node.output(0)] = std::move(constant); }

    /// Any computed value; an error when its Pad cannot be absorbed here.
    const Value& value(const Node& node, int input) const;
    /// Its (N,C,H,W) must be what the layer holds: an error after a flatten that mixed channels and positions.
    const Value& map(const Node& node, int input) const;
    const Value& padded_map(const Node& node, int input) const; ///< map(), with a Pad
    /// Of a value that is known to be bound.
    const Value& value_of(const std::string& name) const { return values_.at(name); }

    Layer& layer(const Value& value) { return net_.layers[static_cast<std::size_t>(value.layer)]; }
    bool is_read(const std::string& value) const { return !value.empty() && readers_.count(value) != 0; }
    /// True when this node's input has no other reader, so that work on it can move into the layer that made it.
    bool sole_reader(const Node& node, int input) const;

    /// Names the layer after the node, infers its shape and binds it to output 0.
    void add_layer(const Node& node, Layer layer, Dims dims);
    /// Output 0 is this existing layer's (now changed) output.
    void bind(const Node& node, Value value) { values_[node.output(0)] = std::move(value); }
    /// A layer that moves no data. It takes the shape of `dims` where that keeps batch and channels, or is stated by
    /// us.
    void add_reshape(const Node& node, const Value& from, Dims dims, bool channels_last);
    /// What the graph's first nodes make of its input is what the network reads.
    void reshape_graph_input(const Shape4& shape, bool channels_last);

private:
    void import_node(const Node& node);
    void count_readers();
    std::string layer_name(const Node& node) const;

    const Graph& graph_;
    Network net_;
    std::map<std::string, Value> values_;
    std::map<std::string, Constant> constants_;
    std::map<std::string, int> readers_; ///< of a value, graph outputs included
};

using Operator = std::function<void(Importer&, const Node&)>;
const std::map<std::string, Operator>& operators();

/// Arithmetic on constants, by operator.
const std::map<std::string, Operator>& arithmetic_folds();

/// Evaluates a node all of whose inputs are constants; false when this op does not fold.
bool fold_constants(Importer& importer, const Node& node);

void import_conv(Importer& importer, const Node& node);
void import_pool(Importer& importer, const Node& node);
void import_global_pool(Importer& importer, const Node& node);
void import_reduce_mean(Importer& importer, const Node& node);
void import_gemm(Importer& importer, const Node& node);
void import_matmul(Importer& importer, const Node& node);
void import_batch_norm(Importer& importer, const Node& node);
void import_add(Importer& importer, const Node& node);
void import_scale(Importer& importer, const Node& node); // Mul, Sub and Div with a constant
void import_sum(Importer& importer, const Node& node);
void import_min(Importer& importer, const Node& node);
void import_relu(Importer& importer, const Node& node);
void import_cast(Importer& importer, const Node& node);
void import_clip(Importer& importer, const Node& node);
void import_concat(Importer& importer, const Node& node);
void import_softmax(Importer& importer, const Node& node);
void import_identity(Importer& importer, const Node& node);
void import_dropout(Importer& importer, const Node& node);
void import_flatten(Importer& importer, const Node& node);
void import_reshape(Importer& importer, const Node& node);
void import_squeeze(Importer& importer, const Node& node);
void import_unsqueeze(Importer& importer, const Node& node);
void import_transpose(Importer& importer, const Node& node);
void import_pad(Importer& importer, const Node& node);

/// A parsed model at the given batch (0: the file's own); `input_dims`, where given, set the sizes that the file leaves
/// open. Errors do not name the file.
Network import_model(const onnx::ModelProto& model, const std::string& network_name, int batch,
                     const Dims& input_dims = {});

// Shape arithmetic shared by folding and import.
Dims reshape_target(Importer& importer, const Node& node, const Dims& from);
Dims squeeze_target(Importer& importer, const Node& node, const Dims& from);
Dims unsqueeze_target(Importer& importer, const Node& node, const Dims& from);
std::vector<int> permutation(const Node& node, std::size_t rank);

} // namespace heddle::onnx_detail
