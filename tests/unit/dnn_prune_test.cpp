// Which weights stay: against sorting all of them.
#include "dnn/base/error.hpp"
#include "dnn/base/random.hpp"
#include "dnn/prune/prune.hpp"
#include "tests/unit/dnn_network_difference.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>

using namespace heddle;
using heddle_test::difference;

namespace {

using Words = std::vector<float>;

Network network_of(const std::vector<Shape4>& filters)
{
    Network net;
    net.name = "net";
    net.has_weights = true;
    net.layers.resize(1);
    net.layers[0].name = "input";
    net.layers[0].out_shape = {1, filters[0][1], 8, 8};
    for (std::size_t i = 0; i < filters.size(); ++i) {
        Layer layer;
        layer.name = "conv" + std::to_string(i + 1);
        layer.op = Op::conv;
        layer.inputs = {static_cast<int>(i)};
        layer.out_shape[1] = filters[i][0];
        layer.window.filter_rows = filters[i][2];
        layer.window.filter_cols = filters[i][3];
        layer.window.groups = net.layers[i].out_shape[1] / filters[i][1];
        net.layers.push_back(layer);
        infer_layer_shape(net, static_cast<int>(i) + 1);
    }
    return net;
}

Network row(const Words& words)
{
    Network net = network_of({{static_cast<int>(words.size()), 1, 1, 1}});
    net.layers[1].weights = words;
    return net;
}

/// One to four layers, grouped and not. Small integers tie often; zeros of both signs are among them.
Network draw(Random& random, bool ties)
{
    std::vector<Shape4> filters;
    int channels = static_cast<int>(random.range(1, 12));
    for (int n = static_cast<int>(random.range(1, 4)); n > 0; --n) {
        int groups = static_cast<int>(random.range(1, channels));
        while (channels % groups != 0) --groups;
        const int filter_rows = static_cast<int>(random.range(1, 2)),
                  filter_cols = static_cast<int>(random.range(1, 2));
        const int out = groups * static_cast<int>(random.range(1, 5));
        filters.push_back({out, channels / groups, filter_rows, filter_cols});
        channels = out;
    }
    Network net = network_of(filters);
    for (Layer& layer : net.layers) {
        if (layer.op != Op::conv) continue;
        layer.weights.resize(static_cast<std::size_t>(layer.weight_words()));
        for (float& word : layer.weights)
            word = static_cast<float>(ties ? static_cast<double>(random.range(-3, 3)) * (random.below(2) ? 1 : -1)
                                           : random.normal());
        layer.bias.assign(static_cast<std::size_t>(layer.out_shape[1]), 0.001f);
    }
    return net;
}

std::vector<int> convs(const Network& net)
{
    std::vector<int> found;
    for (int i = 1; i < static_cast<int>(net.layers.size()); ++i) found.push_back(i);
    return found;
}

struct Place {
    float magnitude;
    int layer;
    std::size_t index;
};

/// The oracle: sorts all candidates by falling magnitude, stably, and zeroes all but the first `kept`.
void keep_by_sorting(Network& net, std::vector<Place> places, std::size_t kept)
{
    std::stable_sort(places.begin(), places.end(),
                     [](const Place& a, const Place& b) { return a.magnitude > b.magnitude; });
    for (std::size_t i = kept; i < places.size(); ++i)
        net.layers[static_cast<std::size_t>(places[i].layer)].weights[places[i].index] = 0.0f;
}

std::vector<Place> places_of(const Network& net, const std::vector<int>& layers)
{
    std::vector<Place> places;
    for (const int layer : layers) {
        const Words& words = net.layers[static_cast<std::size_t>(layer)].weights;
        for (std::size_t i = 0; i < words.size(); ++i)
            places.push_back({words[i] < 0 ? -words[i] : words[i], layer, i});
    }
    return places;
}

/// round(density * words) in integers: density is `parts` 1/64ths, so halves are exact.
std::size_t rounded(std::int64_t parts, std::size_t words)
{
    return (static_cast<std::size_t>(parts) * words * 2 + 64) / 128;
}

bool emptied(const Network& before, const Network& after)
{
    for (std::size_t i = 1; i < before.layers.size(); ++i)
        if (nonzero_weights(before.layers[i]) > 0 && nonzero_weights(after.layers[i]) == 0) return true;
    return false;
}

} // namespace

TEST_CASE("magnitude keeps exactly the rounded share of each layer, the first of equals")
{
    int refused = 0, done = 0;
    for (std::uint64_t seed = 0; seed < 400; ++seed) {
        CAPTURE(seed);
        Random random(seed);
        Network net = draw(random, seed % 2 == 0);
        Network expected = net;
        std::map<int, double> densities;
        bool none = false;
        for (const int layer : convs(net)) {
            if (random.below(4) == 0) continue; // left alone
            const std::int64_t parts = random.range(0, 64);
            densities[layer] = static_cast<double>(parts) / 64;
            const std::vector<Place> places = places_of(net, {layer});
            none = none || rounded(parts, places.size()) == 0;
            keep_by_sorting(expected, places, rounded(parts, places.size()));
        }
        if (none) {
            const Network before = net;
            REQUIRE_THROWS_AS(prune_by_magnitude(net, densities), UserError);
            REQUIRE(difference(net, before).empty());
            ++refused;
            continue;
        }
        prune_by_magnitude(net, densities);
        REQUIRE(difference(net, expected).empty());
        ++done;
    }
    CHECK(refused > 20);
    CHECK(done > 100);
}

TEST_CASE("magnitude over all layers keeps the largest of all, the first of equals")
{
    int refused = 0, done = 0;
    for (std::uint64_t seed = 0; seed < 400; ++seed) {
        CAPTURE(seed);
        Random random(seed);
        Network net = draw(random, seed % 2 == 0);
        Network expected = net;
        std::vector<int> layers = convs(net);
        if (layers.size() > 1 && random.below(2)) layers.erase(layers.begin());
        const std::int64_t parts = random.range(0, 64);
        const std::vector<Place> places = places_of(net, layers);
        const std::size_t kept = rounded(parts, places.size());
        keep_by_sorting(expected, places, kept);
        if (kept == 0 || emptied(net, expected)) {
            const Network before = net;
            REQUIRE_THROWS_AS(prune_by_magnitude_globally(net, layers, static_cast<double>(parts) / 64), UserError);
            REQUIRE(difference(net, before).empty());
            ++refused;
            continue;
        }
        prune_by_magnitude_globally(net, layers, static_cast<double>(parts) / 64);
        REQUIRE(difference(net, expected).empty());
        ++done;
    }
    CHECK(refused > 20);
    CHECK(done > 100);
}

TEST_CASE("n of m keeps the n largest of each m consecutive channels of a filter at one tap")
{
    for (std::uint64_t seed = 0; seed < 400; ++seed) {
        CAPTURE(seed);
        Random random(seed);
        Network net = draw(random, seed % 2 == 0);
        Network expected = net;
        const int m = static_cast<int>(random.range(1, 9)), n = static_cast<int>(random.range(1, m));
        for (const int index : convs(net)) {
            const Layer& layer = net.layers[static_cast<std::size_t>(index)];
            const Shape4 shape = layer.weight_shape();
            // A word's group, from its index alone: filter, channel / m, tap.
            std::map<std::array<int, 3>, std::vector<Place>> groups;
            for (const Place& place : places_of(net, {index})) {
                const int at = static_cast<int>(place.index), taps = shape[2] * shape[3];
                groups[{at / (shape[1] * taps), at / taps % shape[1] / m, at % taps}].push_back(place);
            }
            for (const auto& [key, places] : groups)
                keep_by_sorting(expected, places, std::min(places.size(), static_cast<std::size_t>(n)));
        }
        prune_n_of_m(net, convs(net), n, m);
        REQUIRE(difference(net, expected).empty());
    }
}

TEST_CASE("ties are broken by index, halves round up and biases stay")
{
    Network net = row({1, -2, 2, -1, 1, 2, 0});
    net.layers[1].bias.assign(7, 0.001f);
    prune_by_magnitude(net, {{1, 0.5}}); // 3.5 words: 4
    CHECK(net.layers[1].weights == Words{1, -2, 2, 0, 0, 2, 0});
    CHECK(net.layers[1].bias == Words(7, 0.001f));
    CHECK(words_kept(0.38, 307200) == 116736); // AlexNet's conv2 in Han et al.
    CHECK(words_kept(1.0, 3) == 3);
    CHECK(words_kept(0.49, 1) == 0);
    Network dense = row({1, -2, 2});
    prune_by_magnitude(dense, {{1, 1.0}});
    CHECK(dense.layers[1].weights == Words{1, -2, 2});
}

TEST_CASE("2 of 4: the last channels of a filter are a smaller group")
{
    // One filter of 6 channels and 1 x 2 taps, channel by channel: groups {c0..c3} and {c4, c5} at each of two taps.
    Network net = network_of({{1, 6, 1, 2}});
    net.layers[1].weights = {1, 8, 2, 7, 3, 6, 4, 5, 9, 1, 1, 9};
    prune_n_of_m(net, {1}, 2, 4);
    CHECK(net.layers[1].weights == Words{0, 8, 0, 7, 3, 0, 4, 0, 9, 1, 1, 9});
    prune_n_of_m(net, {1}, 1, 4);
    CHECK(net.layers[1].weights == Words{0, 8, 0, 0, 0, 0, 4, 0, 9, 0, 0, 9});
}

TEST_CASE("a threshold keeps what is at least as large")
{
    Network net = row({1, -2, 0.5f, -0.5f, 3});
    prune_below(net, {1}, 0.5);
    CHECK(net.layers[1].weights == Words{1, -2, 0.5f, -0.5f, 3});
    prune_below(net, {1}, 2);
    CHECK(net.layers[1].weights == Words{0, -2, 0, 0, 3});
    CHECK_THROWS_WITH(prune_below(net, {1}, 3.5), "layer conv1: a threshold of 3.5 would leave none of its 5 weights");
}

TEST_CASE("a layer that would be left without weights is refused by name")
{
    Network net = network_of({{2, 1, 1, 1}, {3, 2, 1, 1}});
    net.layers[1].weights = {5, 6};
    net.layers[2].weights = {1, 1, 1, 1, 1, 1};
    CHECK_THROWS_WITH(prune_by_magnitude(net, {{1, 0.5}, {2, 0.05}}),
                      "layer conv2: a density of 0.05 would leave none of its 6 weights");
    CHECK_THROWS_WITH(prune_by_magnitude_globally(net, {1, 2}, 0.25),
                      "layer conv2: a density of 0.25 over all layers would leave none of its 6 weights");
    CHECK_THROWS_AS(prune_by_magnitude_globally(net, {1, 2}, 0), UserError);
    CHECK(nonzero_weights(net.layers[1]) + nonzero_weights(net.layers[2]) == 8);
    // One that held zeros only loses nothing.
    net.layers[2].weights.assign(6, 0.0f);
    CHECK_NOTHROW(prune_by_magnitude_globally(net, {1, 2}, 0.25));
}
