#include "dnn/network.hpp"

#include <stdexcept>

namespace heddle {

const char* op_name(Op op)
{
    switch (op) {
    case Op::input:
        return "input";
    case Op::conv:
        return "conv";
    case Op::max_pool:
        return "max_pool";
    case Op::avg_pool:
        return "avg_pool";
    case Op::add:
        return "add";
    case Op::concat:
        return "concat";
    case Op::clamp:
        return "clamp";
    case Op::reshape:
        return "reshape";
    case Op::softmax:
        return "softmax";
    }
    throw std::logic_error("op_name: not an op");
}

const char* activation_name(Activation activation)
{
    switch (activation) {
    case Activation::none:
        return "none";
    case Activation::relu:
        return "relu";
    case Activation::relu6:
        return "relu6";
    }
    throw std::logic_error("activation_name: not an activation");
}

Shape4 Layer::weight_shape() const
{
    if (op != Op::conv) return {0, 0, 0, 0};
    return {out_shape[1], in_shape[1] / window.groups, window.filter_rows, window.filter_cols};
}

std::int64_t Layer::weight_words() const
{
    return word_count(weight_shape());
}

std::int64_t Layer::macs() const
{
    if (op != Op::conv) return 0;
    return static_cast<std::int64_t>(out_shape[0]) * out_shape[2] * out_shape[3] * weight_words();
}

bool Layer::depthwise() const
{
    return op == Op::conv && window.groups > 1 && window.groups == in_shape[1] && in_shape[1] == out_shape[1];
}

int Network::find(const std::string& layer_name) const
{
    for (std::size_t i = 0; i < layers.size(); ++i)
        if (layers[i].name == layer_name) return static_cast<int>(i);
    return -1;
}

std::vector<int> Network::readers(int layer) const
{
    std::vector<int> found;
    for (std::size_t i = 0; i < layers.size(); ++i)
        for (const int input : layers[i].inputs)
            if (input == layer && (found.empty() || found.back() != static_cast<int>(i)))
                found.push_back(static_cast<int>(i));
    return found;
}

std::int64_t Network::macs() const
{
    std::int64_t sum = 0;
    for (const Layer& layer : layers) sum += layer.macs();
    return sum;
}

std::int64_t Network::weight_words() const
{
    std::int64_t sum = 0;
    for (const Layer& layer : layers) sum += layer.weight_words();
    return sum;
}

void fold_batch_norm(Layer& conv, const std::vector<float>& scale, const std::vector<float>& shift)
{
    const std::size_t channels = scale.size();
    if (conv.op != Op::conv || channels == 0 || shift.size() != channels || conv.weights.size() % channels != 0 ||
        (!conv.bias.empty() && conv.bias.size() != channels))
        throw std::logic_error("fold_batch_norm: sizes of " + conv.name + " differ");
    conv.bias.resize(channels, 0.0f);
    const std::size_t words = conv.weights.size() / channels;
    for (std::size_t k = 0; k < channels; ++k) {
        for (std::size_t i = k * words; i < (k + 1) * words; ++i) conv.weights[i] *= scale[k];
        conv.bias[k] = conv.bias[k] * scale[k] + shift[k];
    }
}

std::vector<std::int64_t> edge_dims(const Network& net, const EdgeArray& edge)
{
    const bool output = &edge == &net.output_array;
    const std::size_t layer = edge.layer >= 0 ? static_cast<std::size_t>(edge.layer)
                              : output        ? net.layers.size() - 1
                                              : 0;
    const Shape4& shape = net.layers.at(layer).out_shape;
    if (edge.dims.empty()) return {shape.begin(), shape.end()};
    std::vector<std::int64_t> dims = edge.dims;
    std::int64_t rest = 1; // words of one picture
    for (std::size_t i = 1; i < dims.size(); ++i) rest *= dims[i];
    dims.front() = word_count(shape) / rest;
    return dims;
}

} // namespace heddle
