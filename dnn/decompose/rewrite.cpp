#include "dnn/decompose/rewrite.hpp"

#include "dnn/decompose/groups.hpp"
#include "dnn/reference.hpp"

#include <algorithm>
#include <cmath>
#include <set>

namespace heddle {

namespace {

constexpr double most_gain = 1 << 20; // a channel weaker than this is rounding, and must not leave the range of floats

std::vector<float> as_floats(const std::vector<double>& words)
{
    return {words.begin(), words.end()};
}

std::vector<Layer> weighted_parts(const Layer& layer, const Decomposition& decomposition)
{
    std::vector<Layer> parts = part_layers(layer, decomposition.method, decomposition.ranks);
    for (std::size_t i = 0; i < parts.size(); ++i) parts[i].weights = as_floats(decomposition.weights.at(i));
    parts.back().bias = layer.bias;
    return parts;
}

class Rewriter {
public:
    Rewriter(const Network& net, const std::map<int, Replacement>& replacements)
        : net_(net), replacements_(replacements), now_(net.layers.size(), -1)
    {
        for (const Layer& layer : net.layers) names_.insert(layer.name);
    }

    Network run()
    {
        result_.name = net_.name;
        result_.has_weights = net_.has_weights;
        const std::set<int> gone = unread_flattens();
        for (int i = 0; i < static_cast<int>(net_.layers.size()); ++i) {
            if (gone.count(i) != 0) continue;
            const auto found = replacements_.find(i);
            if (found == replacements_.end())
                keep(i);
            else
                replace(i, found->second);
        }
        result_.input_array = net_.input_array;
        result_.output_array = net_.output_array;
        if (result_.output_array.layer >= 0)
            result_.output_array.layer = now_[static_cast<std::size_t>(result_.output_array.layer)];
        infer_shapes(result_);
        check_groups(result_);
        return std::move(result_);
    }

private:
    const Layer& layer(int i) const { return net_.layers[static_cast<std::size_t>(i)]; }

    bool is_flatten(int i) const { return layer(i).op == Op::reshape && layer(i).in_shape == layer(i).out_shape; }

    /// A convolution reads the map itself, not the flatten that a fully connected layer needs.
    int source_of(int i) const
    {
        int from = layer(i).inputs[0];
        const Decomposition& decomposition = replacements_.at(i).decomposition;
        if (part_layers(layer(i), decomposition.method, decomposition.ranks).front().fully_connected) return from;
        while (is_flatten(from)) from = layer(from).inputs[0];
        return from;
    }

    std::set<int> unread_flattens() const
    {
        std::set<int> gone;
        for (int i = static_cast<int>(net_.layers.size()) - 1; i > 0; --i) {
            if (!is_flatten(i)) continue;
            const std::vector<int> readers = net_.readers(i);
            const auto passes_by = [&](int reader) {
                return gone.count(reader) != 0 || (replacements_.count(reader) != 0 && source_of(reader) != i);
            };
            if (i != net_.output_array.layer && !readers.empty() &&
                std::all_of(readers.begin(), readers.end(), passes_by))
                gone.insert(i);
        }
        return gone;
    }

    int append(Layer layer)
    {
        result_.layers.push_back(std::move(layer));
        return static_cast<int>(result_.layers.size()) - 1;
    }

    void keep(int i)
    {
        Layer copy = layer(i);
        for (int& input : copy.inputs) input = now_[static_cast<std::size_t>(input)];
        const int at = append(std::move(copy));
        now_[static_cast<std::size_t>(i)] = at;
        const int old_group = layer(i).group;
        if (old_group < 0) return;
        const Group& old = net_.groups[static_cast<std::size_t>(old_group)];
        if (old.parts.front() == i) {
            result_.groups.push_back(old);
            result_.groups.back().parts.clear();
            result_.groups.back().original.inputs = result_.layers.back().inputs;
        }
        result_.groups.back().parts.push_back(at);
        result_.layers.back().group = static_cast<int>(result_.groups.size()) - 1;
    }

    std::string unused(std::string name)
    {
        while (!names_.insert(name).second) name += '_';
        return name;
    }

    void replace(int i, const Replacement& replacement)
    {
        const Layer& old = layer(i);
        Group group;
        group.name = old.name;
        group.method = method_name(replacement.decomposition.method);
        group.ranks = replacement.decomposition.ranks;
        group.weight_error = static_cast<float>(replacement.decomposition.weight_error);
        group.output_error = static_cast<float>(replacement.output_error);
        int from = now_[static_cast<std::size_t>(source_of(i))];
        for (Layer& part : weighted_parts(old, replacement.decomposition)) {
            part.name = unused(old.name + "/" + part.name);
            part.inputs = {from};
            part.group = static_cast<int>(result_.groups.size());
            group.parts.push_back(from = append(std::move(part)));
        }
        now_[static_cast<std::size_t>(i)] = from;
        group.original = old;
        group.original.weights.clear();
        group.original.bias.clear();
        group.original.inputs = result_.layers[static_cast<std::size_t>(group.parts.front())].inputs;
        result_.groups.push_back(std::move(group));
    }

    const Network& net_;
    const std::map<int, Replacement>& replacements_;
    std::vector<int> now_; ///< of an old layer: the new one that gives its output
    std::set<std::string> names_;
    Network result_;
};

/// Per channel, grown to what `values` reach.
void grow(std::vector<float>& largest, const FloatTensor& values)
{
    const Shape4& shape = values.shape;
    const std::size_t plane = static_cast<std::size_t>(shape[2]) * static_cast<std::size_t>(shape[3]);
    const auto channels = static_cast<std::size_t>(shape[1]);
    largest.resize(channels, 0.0f);
    for (std::size_t i = 0; i < values.data.size(); ++i) {
        float& reach = largest[i / plane % channels];
        reach = std::max(reach, std::fabs(values.data[i]));
    }
}

/// Multiplies what `layer` gives for channel k by gain[k].
void scale_outputs(Layer& layer, const std::vector<double>& gain)
{
    const std::size_t words = layer.weights.size() / gain.size();
    for (std::size_t i = 0; i < layer.weights.size(); ++i)
        layer.weights[i] = static_cast<float>(layer.weights[i] * gain[i / words]);
}

/// Divides what `layer` reads of channel c by gain[c].
void scale_inputs(Layer& layer, const std::vector<double>& gain)
{
    const Shape4 shape = layer.weight_shape(); // (K,C/G,R,S)
    const int filters = shape[0] / layer.window.groups, taps = shape[2] * shape[3];
    auto word = layer.weights.begin();
    for (int k = 0; k < shape[0]; ++k)
        for (int c = 0; c < shape[1]; ++c)
            for (int tap = 0; tap < taps; ++tap, ++word)
                *word = static_cast<float>(*word / gain[static_cast<std::size_t>(k / filters * shape[1] + c)]);
}

} // namespace

Network replace_layers(const Network& net, const std::map<int, Replacement>& replacements)
{
    return Rewriter(net, replacements).run();
}

Network parts_network(const Layer& layer, const Decomposition& decomposition)
{
    Network net;
    net.name = layer.name;
    net.has_weights = true;
    Layer input;
    input.name = "input";
    input.out_shape = layer.in_shape;
    net.layers.push_back(std::move(input));
    for (Layer& part : weighted_parts(layer, decomposition)) {
        part.inputs = {static_cast<int>(net.layers.size()) - 1};
        net.layers.push_back(std::move(part));
    }
    infer_shapes(net);
    return net;
}

void equalise(Network& net, const std::vector<FloatTensor>& pictures)
{
    std::vector<std::vector<float>> largest(net.layers.size());
    for (const FloatTensor& picture : pictures) {
        const std::vector<FloatTensor> values = run_float(net, picture);
        for (const Group& group : net.groups)
            for (std::size_t i = 0; i + 1 < group.parts.size(); ++i) {
                const auto part = static_cast<std::size_t>(group.parts[i]);
                grow(largest[part], values[part]);
            }
    }
    for (std::size_t i = 0; i < largest.size(); ++i) {
        if (largest[i].empty()) continue;
        const double all = *std::max_element(largest[i].begin(), largest[i].end());
        std::vector<double> gain;
        for (const float reach : largest[i]) gain.push_back(reach > 0.0f ? std::min(all / reach, most_gain) : 1.0);
        scale_outputs(net.layers[i], gain);
        scale_inputs(net.layers[i + 1], gain); // parts are consecutive
    }
}

} // namespace heddle
