#include "dnn/base/error.hpp"
#include "dnn/base/yaml_reader.hpp"
#include "dnn/network.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

namespace heddle {

namespace {

constexpr std::int64_t max_extent = 1 << 20; // of any number in a network file

/// Channels under a width multiplier: the nearest multiple of 8, not more than 10 % below (as MobileNet's authors do).
int scaled_channels(int channels, double width)
{
    if (width == 1.0) return channels;
    const double exact = channels * width;
    int rounded = std::max(8, static_cast<int>(exact + 4) / 8 * 8);
    if (rounded < 0.9 * exact) rounded += 8;
    return rounded;
}

/// A key that is one integer or a list of `count` of them.
std::vector<int> integers(const YamlReader& layer, const std::string& key, std::vector<std::size_t> counts, int min,
                          int fallback)
{
    if (!layer.has(key)) return {fallback, fallback};
    const YamlReader value = layer.child(key);
    if (!value.is_sequence()) {
        const int both = static_cast<int>(value.as_integer(min, max_extent));
        return {both, both};
    }
    std::vector<int> list;
    for (const YamlReader& item : value.items()) list.push_back(static_cast<int>(item.as_integer(min, max_extent)));
    if (std::find(counts.begin(), counts.end(), list.size()) == counts.end())
        value.fail("expected one integer or a list of " + std::to_string(counts.front()) +
                   (counts.size() > 1 ? " or " + std::to_string(counts.back()) : "") + ", got a list of " +
                   std::to_string(list.size()));
    return list;
}

class NetworkBuilder {
public:
    NetworkBuilder(int batch, double width, int resolution) : batch_(batch), width_(width), resolution_(resolution) {}

    Network build(const YamlReader& file)
    {
        net_.name = file.text("name");
        if (net_.name.empty()) file.fail_at("name", "expected text, got \"\"");
        add_input(file.child("input"));
        const YamlReader layers = file.child("layers");
        if (!layers.is_sequence()) layers.fail("expected a list of layers");
        for (const YamlReader& layer : layers.items()) add_layer(layer);
        file.finish();
        return std::move(net_);
    }

private:
    const Layer& at(int index) const { return net_.layers[static_cast<std::size_t>(index)]; }

    void add_input(const YamlReader& input)
    {
        const std::vector<YamlReader> extents = input.items();
        if (extents.size() != 3) input.fail("expected [channels, height, width]");
        Layer layer;
        layer.name = "input";
        layer.out_shape[0] = batch_;
        for (std::size_t i = 0; i < 3; ++i)
            layer.out_shape[i + 1] = static_cast<int>(extents[i].as_integer(1, max_extent));
        if (resolution_ > 0) layer.out_shape[2] = layer.out_shape[3] = resolution_;
        append(std::move(layer), input);
    }

    /// Appends and infers the shape, which later layers of the file may need.
    void append(Layer layer, const YamlReader& place)
    {
        visible_[layer.name] = static_cast<int>(net_.layers.size());
        net_.layers.push_back(std::move(layer));
        try {
            infer_layer_shape(net_, static_cast<int>(net_.layers.size()) - 1);
        } catch (const UserError& e) {
            place.fail(e.what());
        }
        last_ = static_cast<int>(net_.layers.size()) - 1;
    }

    int lookup(const YamlReader& place, const std::string& name) const
    {
        if (const auto folded = folded_.find(name); folded != folded_.end())
            place.fail(name + " is folded with " + folded->second + ": read that one");
        const auto found = visible_.find(name);
        if (found == visible_.end()) place.fail("expected the name of an earlier layer, got \"" + name + "\"");
        return found->second;
    }

    std::vector<int> read_inputs(const YamlReader& y) const
    {
        if (!y.has("from")) return {last_};
        const YamlReader from = y.child("from");
        if (!from.is_sequence()) return {lookup(from, from.as_text())};
        std::vector<int> inputs;
        for (const YamlReader& item : from.items()) inputs.push_back(lookup(item, item.as_text()));
        if (inputs.empty()) from.fail("expected at least one layer");
        return inputs;
    }

    void add_layer(const YamlReader& y)
    {
        static const std::vector<std::string> ops = {"conv",    "depthwise",  "fc",     "max_pool", "avg_pool",
                                                     "add",     "concat",     "relu",   "relu6",    "global_avg_pool",
                                                     "reshape", "batch_norm", "softmax"};
        Layer layer;
        layer.name = y.text("name");
        if (layer.name.empty() || !names_.insert(layer.name).second)
            y.fail_at("name", "expected a name of its own, got \"" + layer.name + "\"");
        const std::string op = ops[static_cast<std::size_t>(y.choice("op", ops))];
        layer.inputs = read_inputs(y);
        const Shape4 in = at(layer.inputs[0]).out_shape;
        if (op == "conv" || op == "depthwise" || op == "fc") read_conv(layer, y, op, in);
        if (op == "max_pool" || op == "avg_pool" || op == "global_avg_pool") read_pool(layer, y, op, in);
        if (op == "concat") layer.op = Op::concat;
        if (op == "softmax") layer.op = Op::softmax;
        if (op == "add") layer.op = Op::add;
        if (op == "relu" || op == "relu6") {
            layer.op = Op::clamp;
            layer.activation = op == "relu" ? Activation::relu : Activation::relu6;
        }
        if (op == "reshape") read_reshape(layer, y, in);
        if (layer.op == Op::conv || layer.op == Op::add || op == "batch_norm")
            layer.activation = static_cast<Activation>(y.choice("activation", {"none", "relu", "relu6"}, "none"));
        if (op == "batch_norm")
            fold(layer, y);
        else
            append(std::move(layer), y);
    }

    int read_channels(const YamlReader& y, const Shape4& in) const
    {
        if (y.has("expand") && y.has("k")) y.fail_at("expand", "expected either k or expand, got both");
        if (y.has("expand")) {
            const std::int64_t k = y.integer("expand", 1, max_extent) * in[1];
            if (k > max_tensor_words / 2) y.fail_at("expand", "expected at most 2^30 output channels");
            return static_cast<int>(k);
        }
        const int k = static_cast<int>(y.integer("k", 1, max_extent));
        switch (y.choice("scale", {"width", "grow", "fixed"}, "width")) {
        case 0:
            return scaled_channels(k, width_);
        case 1:
            return scaled_channels(k, std::max(1.0, width_));
        default:
            return k;
        }
    }

    void read_conv(Layer& layer, const YamlReader& y, const std::string& op, const Shape4& in)
    {
        layer.op = Op::conv;
        layer.fully_connected = op == "fc";
        layer.out_shape[1] = op == "depthwise" ? in[1] : read_channels(y, in);
        if (op == "fc") {
            layer.window.filter_rows = in[2];
            layer.window.filter_cols = in[3];
            return;
        }
        read_window(layer.window, y, "filter", op == "conv" ? 1 : 0);
        const std::vector<int> dilation = integers(y, "dilation", {2}, 1, 1);
        layer.window.dilation_rows = dilation[0];
        layer.window.dilation_cols = dilation[1];
        layer.window.groups = op == "depthwise" ? in[1] : static_cast<int>(y.integer("groups", 1, max_extent, 1));
    }

    /// `fallback` 0: the filter's extent must be given.
    void read_window(Window& w, const YamlReader& y, const std::string& filter_key, int fallback)
    {
        if (fallback == 0) y.child(filter_key);
        const std::vector<int> filter = integers(y, filter_key, {2}, 1, fallback);
        const std::vector<int> stride = integers(y, "stride", {2}, 1, 1);
        const std::vector<int> pad = integers(y, "pad", {2, 4}, 0, 0);
        w.filter_rows = filter[0];
        w.filter_cols = filter[1];
        w.stride_rows = stride[0];
        w.stride_cols = stride[1];
        w.pad_top = pad[0];
        w.pad_left = pad[1];
        w.pad_bottom = pad.size() == 4 ? pad[2] : pad[0];
        w.pad_right = pad.size() == 4 ? pad[3] : pad[1];
    }

    void read_pool(Layer& layer, const YamlReader& y, const std::string& op, const Shape4& in)
    {
        layer.op = op == "max_pool" ? Op::max_pool : Op::avg_pool;
        Window& w = layer.window;
        if (op == "global_avg_pool") {
            w.filter_rows = in[2];
            w.filter_cols = in[3];
            return;
        }
        read_window(w, y, "filter", 0);
        if (op == "avg_pool") w.count_padding = y.boolean("count_padding", false);
        if (!y.boolean("ceil_mode", false)) return;
        if (w.count_padding) y.fail_at("ceil_mode", "expected false where count_padding is true");
        apply_ceil_mode(w, in[2], in[3]);
    }

    /// `to: [channels, height, width]`; without it a flatten.
    void read_reshape(Layer& layer, const YamlReader& y, const Shape4& in)
    {
        layer.op = Op::reshape;
        const std::int64_t words = std::int64_t{in[1]} * in[2] * in[3];
        layer.out_shape = {in[0], static_cast<int>(words), 1, 1};
        if (!y.has("to")) return;
        const std::vector<YamlReader> extents = y.child("to").items();
        if (extents.size() != 3) y.fail_at("to", "expected [channels, height, width]");
        for (std::size_t i = 0; i < 3; ++i)
            layer.out_shape[i + 1] = static_cast<int>(extents[i].as_integer(1, max_extent));
    }

    /// A batch norm has no numbers here (shapes only), so folding leaves its name and activation to the conv.
    void fold(const Layer& norm, const YamlReader& y)
    {
        const int index = norm.inputs[0];
        Layer& conv = net_.layers[static_cast<std::size_t>(index)];
        if (norm.inputs.size() != 1 || conv.op != Op::conv || conv.activation != Activation::none ||
            !net_.readers(index).empty())
            y.fail("expected to follow a conv without activation or other readers");
        conv.activation = norm.activation;
        for (auto it = visible_.begin(); it != visible_.end();) {
            const bool hidden = it->second == index;
            if (hidden) folded_[it->first] = norm.name;
            it = hidden ? visible_.erase(it) : std::next(it);
        }
        visible_[norm.name] = index;
    }

    Network net_;
    int batch_;
    double width_;
    int resolution_;
    int last_ = 0;
    std::map<std::string, int> visible_;        // names that later layers may read
    std::map<std::string, std::string> folded_; // conv -> its batch norm
    std::set<std::string> names_ = {"input"};
};

} // namespace

Network read_network_yaml(const std::string& path, int batch, double width_multiplier, int resolution)
{
    if (batch < 1) throw UserError("batch: expected integer of at least 1, got " + std::to_string(batch));
    return NetworkBuilder(batch, width_multiplier, resolution).build(YamlReader::load_file(path));
}

} // namespace heddle
