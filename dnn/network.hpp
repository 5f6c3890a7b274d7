// A network as a DAG of layers in topological order, with shapes inferred and checked.
#pragma once

#include "dnn/tensor.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace heddle {

enum class Op {
    input, ///< the picture; no inputs of its own
    conv,  ///< also depthwise, grouped and fully connected (R = H, S = W, P = Q = 1)
    max_pool,
    avg_pool, ///< also global (R = H, S = W)
    add,      ///< residual: two inputs of equal shape
    concat,   ///< along channels: moves no data, inputs are written side by side
    clamp,    ///< a ReLU/ReLU6 that could not be fused into its producer
    reshape,  ///< flatten, reshape, squeeze, dropout, identity: moves no data
    softmax,  ///< left to the host, listed as not timed
};
const char* op_name(Op op);

enum class Activation { none, relu, relu6 };
const char* activation_name(Activation activation);

/// Window and grouping of a conv or pool. For pools groups == C == K and there are no weights.
/// Conv dimensions as in the literature (design.md §2).
struct Window {
    int filter_rows = 1, filter_cols = 1; // R, S
    int stride_rows = 1, stride_cols = 1;
    int dilation_rows = 1, dilation_cols = 1;
    int pad_top = 0, pad_bottom = 0, pad_left = 0, pad_right = 0;
    int groups = 1;             // G; depthwise: G == C
    bool count_padding = false; // avg_pool: padded zeros count in the divisor
};

struct Layer {
    std::string name;
    Op op = Op::input;
    std::vector<int> inputs;                  ///< indices of earlier layers
    Window window;                            ///< conv and pools
    Activation activation = Activation::none; ///< fused: conv, add, pools
    bool fully_connected = false;             ///< declared as fc/gemm; report it so
    Shape4 in_shape{};                        ///< (N,C,H,W) of inputs[0]
    Shape4 out_shape{};                       ///< (N,K,P,Q)
    // Float parameters; empty in a network without weights. BN is folded in.
    std::vector<float> weights; ///< (K,C/G,R,S)
    std::vector<float> bias;    ///< (K)
    int group = -1;             ///< index into Network::groups of the layer it is a part of

    Shape4 weight_shape() const; ///< (K,C/G,R,S), zeros unless conv
    std::int64_t macs() const;   ///< of conv, whole batch; 0 otherwise
    std::int64_t weight_words() const;
    bool depthwise() const; ///< groups == C == K > 1
};

/// An array at an edge of the network as the model's file has it, where a layer holds (N,C,H,W).
struct EdgeArray {
    int layer = -1;                 ///< -1: the first (inputs), the last (outputs)
    std::vector<std::int64_t> dims; ///< batch first; empty: those of the layer
    bool channels_last = false;     ///< (N,H,W,C) in the file, flattened or not
};

/// Consecutive layers that together stand for one layer of the original network (dnn/decompose/). Inner maps are read
/// once, by the next part.
struct Group {
    std::string name;       ///< of the layer they replace
    std::string method;     ///< as `heddle decompose --method` names it
    std::vector<int> ranks; ///< of one group of a grouped conv; of two ranks the input side comes first
    std::vector<int> parts; ///< layers, in order
    Layer original;         ///< without weights
    float weight_error = 0.0F,
          output_error = 0.0F; ///< relative, Euclidean; as exact as a file's decimals bring them back
};

struct Network {
    std::string name;
    std::vector<Layer> layers; ///< [0] is the input
    std::vector<Group> groups; ///< in the order of their parts; empty unless layers were decomposed
    bool has_weights = false;
    EdgeArray input_array, output_array; ///< of the model's first output

    int find(const std::string& layer_name) const; ///< -1 when absent
    std::vector<int> readers(int layer) const;     ///< layers that read it
    std::int64_t macs() const;
    std::int64_t weight_words() const;
};

/// No tensor may hold more words: addresses and counts stay in 32 bits.
constexpr std::int64_t max_tensor_words = std::int64_t{1} << 31;

/// Fills in_shape/out_shape from the input layer's out_shape; UserError naming the layer on any mismatch.
/// Set before: the input's out_shape; out_shape[1] (K) of every conv (or its weights, then K follows from their count);
/// out_shape[1..3] of a reshape that changes the shape (zeros: keeps it). groups of pools are set to C.
void infer_shapes(Network& net);
/// The same for one layer whose inputs are done: for readers that need shapes while they build the network.
void infer_layer_shape(Network& net, int layer);

/// Grows pad_bottom/pad_right of a pool so that floor division gives the size of ceil mode (PyTorch, Caffe: a window
/// that would start beyond the picture and its leading padding is dropped). Padding is neither averaged nor compared.
void apply_ceil_mode(Window& window, int in_rows, int in_cols);

/// Folds y = scale[k] * x + shift[k] into the conv's float weights and bias (both of size K, bias may still be empty).
void fold_batch_norm(Layer& conv, const std::vector<float>& scale, const std::vector<float>& shift);

/// The shape of an edge's array; of a file's, the batch is that of the layers.
std::vector<std::int64_t> edge_dims(const Network& net, const EdgeArray& edge);

/// Shipped name (`mobilenet_v1`, with multipliers `mobilenet_v1_0.50_128`), a YAML or ONNX path, or `gemm:MxNxK`.
/// UserError when unknown (listing the known), malformed, or when batch makes a tensor exceed 2^31 words.
/// Batch 0: the ONNX model's own where it states one, else 1.
Network load_network(const std::string& name_or_path, int batch = 1);
/// For an input array of this shape, batch first (0 as above): it sets the sizes that the model leaves open. UserError
/// when it is not the model's input.
Network load_network_for(const std::string& name_or_path, const std::vector<std::int64_t>& input_dims);

/// The YAML form (format in dnn/networks/README.md). `width_multiplier` scales channels, `resolution` replaces the
/// input's height and width. UserError `file:line:col: ...`.
Network read_network_yaml(const std::string& path, int batch, double width_multiplier = 1.0, int resolution = 0);

/// `gemm:MxNxK`: (M by K) times (K by N) as a 1x1 conv over M pixels; UserError unless three positive integers.
Network gemm_network(const std::string& text, int batch);

/// ONNX file with its weights (dnn/onnx_import.cpp). `input_dims`, where given, are those of its input, batch first.
Network read_network_onnx(const std::string& path, int batch, const std::vector<std::int64_t>& input_dims = {});

} // namespace heddle
