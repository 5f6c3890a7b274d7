#include "dnn/prune/prune.hpp"

#include "dnn/base/error.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <sstream>
#include <string>

namespace heddle {

namespace {

using Words = std::vector<float>;

/// The k largest magnitudes are those above `magnitude` and the first `equal` that equal it.
struct Cut {
    float magnitude = 0.0f;
    std::int64_t equal = 0;

    bool keeps(float word)
    {
        const float size = std::fabs(word);
        return size > magnitude || (size == magnitude && equal-- > 0);
    }
};

/// `magnitudes` is reordered. 1 <= kept <= its size.
Cut cut_at(Words& magnitudes, std::int64_t kept)
{
    const auto last = magnitudes.begin() + (kept - 1);
    std::nth_element(magnitudes.begin(), last, magnitudes.end(), std::greater<>());
    // What lies before `last` is at least as large; the rest is no larger.
    return {*last, 1 + std::count(magnitudes.begin(), last, *last)};
}

void append_magnitudes(const Words& words, Words& to)
{
    for (const float word : words) to.push_back(std::fabs(word));
}

void apply(Words& words, Cut& cut)
{
    for (float& word : words)
        if (!cut.keeps(word)) word = 0.0f;
}

Layer& layer_of(Network& net, int index)
{
    return net.layers[static_cast<std::size_t>(index)];
}

std::string shown(double value)
{
    std::ostringstream text;
    text << value;
    return text.str();
}

[[noreturn]] void nothing_left(const Layer& layer, const std::string& why)
{
    throw UserError("layer " + layer.name + ": " + why + " would leave none of its " +
                    std::to_string(layer.weight_words()) + " weights");
}

/// Where words of all layers compete, whether one of them loses everything is known only afterwards.
void check_survivors(const Network& net, const std::vector<int>& layers, const std::vector<Words>& pruned,
                     const std::string& why)
{
    for (std::size_t i = 0; i < layers.size(); ++i) {
        const Layer& layer = net.layers[static_cast<std::size_t>(layers[i])];
        const auto zero = [](float word) { return word == 0.0f; };
        if (std::all_of(pruned[i].begin(), pruned[i].end(), zero) && nonzero_weights(layer) > 0)
            nothing_left(layer, why);
    }
}

void replace(Network& net, const std::vector<int>& layers, std::vector<Words>& pruned)
{
    for (std::size_t i = 0; i < layers.size(); ++i) layer_of(net, layers[i]).weights = std::move(pruned[i]);
}

/// Words first, first + step, ... (`count` of them): the n largest stay. `magnitudes` saves an allocation a call.
void keep_largest(float* first, std::int64_t step, int count, int n, Words& magnitudes)
{
    magnitudes.clear();
    for (int i = 0; i < count; ++i) magnitudes.push_back(std::fabs(first[i * step]));
    Cut cut = cut_at(magnitudes, std::min(n, count));
    for (int i = 0; i < count; ++i)
        if (!cut.keeps(first[i * step])) first[i * step] = 0.0f;
}

} // namespace

std::int64_t nonzero_weights(const Layer& layer)
{
    return static_cast<std::int64_t>(layer.weights.size()) -
           std::count(layer.weights.begin(), layer.weights.end(), 0.0f);
}

std::int64_t words_kept(double density, std::int64_t words)
{
    return std::llround(density * static_cast<double>(words));
}

void prune_by_magnitude(Network& net, const std::map<int, double>& densities)
{
    for (const auto& [index, density] : densities) {
        const Layer& layer = layer_of(net, index);
        if (words_kept(density, layer.weight_words()) < 1) nothing_left(layer, "a density of " + shown(density));
    }
    for (const auto& [index, density] : densities) {
        Words& words = layer_of(net, index).weights;
        Words magnitudes;
        magnitudes.reserve(words.size());
        append_magnitudes(words, magnitudes);
        Cut cut = cut_at(magnitudes, words_kept(density, static_cast<std::int64_t>(words.size())));
        apply(words, cut);
    }
}

void prune_by_magnitude_globally(Network& net, const std::vector<int>& layers, double density)
{
    Words magnitudes;
    for (const int index : layers) append_magnitudes(layer_of(net, index).weights, magnitudes);
    if (magnitudes.empty()) return;
    const std::string why = "a density of " + shown(density) + " over all layers";
    const std::int64_t kept = words_kept(density, static_cast<std::int64_t>(magnitudes.size()));
    if (kept < 1) nothing_left(layer_of(net, layers.front()), why);
    Cut cut = cut_at(magnitudes, kept);
    std::vector<Words> pruned;
    for (const int index : layers) {
        pruned.push_back(layer_of(net, index).weights);
        apply(pruned.back(), cut);
    }
    check_survivors(net, layers, pruned, why);
    replace(net, layers, pruned);
}

void prune_below(Network& net, const std::vector<int>& layers, double threshold)
{
    std::vector<Words> pruned;
    for (const int index : layers) {
        pruned.push_back(layer_of(net, index).weights);
        for (float& word : pruned.back())
            if (std::fabs(word) < threshold) word = 0.0f;
    }
    check_survivors(net, layers, pruned, "a threshold of " + shown(threshold));
    replace(net, layers, pruned);
}

void prune_n_of_m(Network& net, const std::vector<int>& layers, int n, int m)
{
    Words magnitudes;
    for (const int index : layers) {
        Layer& layer = layer_of(net, index);
        const Shape4 shape = layer.weight_shape();
        const std::int64_t taps = std::int64_t{shape[2]} * shape[3];
        float* filter = layer.weights.data();
        for (int k = 0; k < shape[0]; ++k, filter += shape[1] * taps)
            for (int c = 0; c < shape[1]; c += std::min(m, shape[1] - c))
                for (std::int64_t tap = 0; tap < taps; ++tap)
                    keep_largest(filter + c * taps + tap, taps, std::min(m, shape[1] - c), n, magnitudes);
    }
}

} // namespace heddle
