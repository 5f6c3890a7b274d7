#include "dnn/synthetic_statistics.hpp"

#include <algorithm>
#include <cmath>

namespace heddle {

namespace {

constexpr double pi = 3.14159265358979323846;
constexpr double picture_reach = 2.64; // of a picture normalised by ImageNet's mean and deviation

double density(double x)
{
    return std::exp(-0.5 * x * x) / std::sqrt(2.0 * pi);
}
double below(double x)
{
    return 0.5 * std::erfc(-x / std::sqrt(2.0));
}

struct Moments {
    double mean, square;
};

Moments rectified_moments(double center, double deviation)
{
    if (deviation <= 0.0) return {std::max(center, 0.0), std::max(center, 0.0) * std::max(center, 0.0)};
    const double z = center / deviation;
    const double mean = center * below(z) + deviation * density(z);
    const double square = (center * center + deviation * deviation) * below(z) + center * deviation * density(z);
    return {mean, square};
}

/// Largest of `count` independent values of x.
ValueModel largest_of(const ValueModel& x, int count)
{
    constexpr int steps = 800;
    const double span = 6.0 * x.deviation, step = 2.0 * span / steps;
    double mean = 0.0, square = 0.0, previous = 0.0;
    for (int i = 0; i <= steps; ++i) {
        const double value = x.center - span + i * step;
        const double reached = std::pow(below((value - x.center) / x.deviation), count);
        const double kept = x.rectified ? std::max(value, 0.0) : value;
        mean += kept * (reached - previous);
        square += kept * kept * (reached - previous);
        previous = reached;
    }
    return {mean, std::sqrt(std::max(square - mean * mean, 1e-9))};
}

/// Neighbouring values are alike, so an average of many keeps part of their spread.
ValueModel average_of(const ValueModel& x, int count)
{
    constexpr double shared = 0.6;
    return {x.mean(), std::sqrt(x.variance() * (shared + (1.0 - shared) / count))};
}

/// A conv that ends a residual branch is centred against the shortcut, as a trained batch norm does.
double residual_center(const Network& net, int index, const std::vector<ValueModel>& known)
{
    const std::vector<int> readers = net.readers(index);
    if (readers.size() != 1) return 0.0;
    const Layer& add = net.layers[static_cast<std::size_t>(readers[0])];
    if (add.op != Op::add || add.activation == Activation::none) return 0.0;
    const int other = add.inputs[0] == index ? add.inputs[1] : add.inputs[0];
    return other < index ? -known[static_cast<std::size_t>(other)].mean() : 0.0;
}

ValueModel model_layer(const Network& net, int index, const std::vector<ValueModel>& known)
{
    const Layer& layer = net.layers[static_cast<std::size_t>(index)];
    const int words = layer.window.filter_rows * layer.window.filter_cols;
    if (layer.op == Op::input) return {0.0, picture_reach / std::sqrt(3.0), false, picture_reach}; // uniform
    const ValueModel& in = known[static_cast<std::size_t>(layer.inputs[0])];
    switch (layer.op) {
    case Op::conv: {
        if (layer.activation == Activation::none) return {residual_center(net, index, known), 1.0};
        if (layer.activation == Activation::relu6) return {0.0, 2.0, true, 6.0};
        return {0.0, 1.0, true};
    }
    case Op::max_pool:
        return largest_of(in, words);
    case Op::avg_pool:
        return average_of(in, words);
    case Op::add: {
        const ValueModel& other = known[static_cast<std::size_t>(layer.inputs[1])];
        return {in.mean() + other.mean(), std::sqrt(in.variance() + other.variance()),
                layer.activation != Activation::none};
    }
    case Op::concat: {
        ValueModel widest = in;
        for (const int i : layer.inputs)
            if (known[static_cast<std::size_t>(i)].deviation > widest.deviation)
                widest = known[static_cast<std::size_t>(i)];
        return widest;
    }
    case Op::clamp:
        return {in.center, in.deviation, true};
    default:
        return in;
    }
}

} // namespace

double ValueModel::mean() const
{
    return rectified ? rectified_moments(center, deviation).mean : center;
}

double ValueModel::variance() const
{
    if (!rectified) return deviation * deviation;
    const Moments m = rectified_moments(center, deviation);
    return std::max(m.square - m.mean * m.mean, 1e-9);
}

double ValueModel::reach() const
{
    return std::min(std::abs(center) + 4.0 * deviation, limit);
}

std::vector<ValueModel> model_values(const Network& net)
{
    std::vector<ValueModel> models;
    models.reserve(net.layers.size());
    for (std::size_t i = 0; i < net.layers.size(); ++i) {
        ValueModel model = model_layer(net, static_cast<int>(i), models);
        models.push_back(model);
    }
    return models;
}

} // namespace heddle
