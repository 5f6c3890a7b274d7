#include "dnn/decompose/groups.hpp"

#include "dnn/base/error.hpp"
#include "dnn/base/yaml_scalar.hpp"
#include "dnn/decompose/method.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <cmath>
#include <set>

namespace heddle {

namespace json = boost::json;

namespace {

[[noreturn]] void fail(const std::string& group, const std::string& message)
{
    throw UserError("group " + quoted(group) + ": " + message);
}

bool equal(const Window& a, const Window& b)
{
    return a.filter_rows == b.filter_rows && a.filter_cols == b.filter_cols && a.stride_rows == b.stride_rows &&
           a.stride_cols == b.stride_cols && a.dilation_rows == b.dilation_rows && a.dilation_cols == b.dilation_cols &&
           a.pad_top == b.pad_top && a.pad_bottom == b.pad_bottom && a.pad_left == b.pad_left &&
           a.pad_right == b.pad_right && a.groups == b.groups;
}

std::string show(const Layer& part)
{
    const Window& w = part.window;
    const auto text = [](int x) { return std::to_string(x); };
    return text(part.in_shape[1]) + " -> " + text(part.out_shape[1]) + ", filter " + text(w.filter_rows) + "x" +
           text(w.filter_cols) + ", stride " + text(w.stride_rows) + "x" + text(w.stride_cols) + ", dilation " +
           text(w.dilation_rows) + "x" + text(w.dilation_cols) + ", padding " + text(w.pad_top) + "," +
           text(w.pad_left) + "," + text(w.pad_bottom) + "," + text(w.pad_right) + ", " + text(w.groups) + " groups";
}

void check_part(const Network& net, const Group& group, std::size_t i, const Layer& expected, bool last)
{
    const int index = group.parts[i];
    const Layer& part = net.layers[static_cast<std::size_t>(index)];
    if (part.op != Op::conv)
        fail(group.name, "expected its part " + part.name + " to be a conv, it is " + op_name(part.op));
    if (i > 0 && index != group.parts[i - 1] + 1) fail(group.name, "expected parts that follow each other");
    if (i > 0 && part.inputs != std::vector<int>{index - 1})
        fail(group.name, "expected its part " + part.name + " to read the part before it");
    if (!equal(part.window, expected.window) || part.in_shape != expected.in_shape ||
        part.out_shape != expected.out_shape)
        fail(group.name, "expected its part " + part.name + " to be " + show(expected) + ", it is " + show(part));
    if (last) return;
    if (net.readers(index) != std::vector<int>{index + 1})
        fail(group.name, "the output of its part " + part.name + " is read outside of it");
    if (part.activation != Activation::none || !part.bias.empty())
        fail(group.name, "expected no bias or activation inside, its part " + part.name + " has one");
}

void check_group(const Network& net, const Group& group, int index)
{
    const int layers = static_cast<int>(net.layers.size());
    for (const int part : group.parts) {
        if (part < 1 || part >= layers) fail(group.name, "expected parts that are layers");
        if (net.layers[static_cast<std::size_t>(part)].group != index)
            fail(group.name, "its part " + net.layers[static_cast<std::size_t>(part)].name + " is in another group");
    }
    const Layer& original = group.original;
    const Method method = parse_method(group.method);
    if (const std::string why = misfit(original, method); !why.empty()) fail(group.name, "its layer: " + why);
    check_ranks(original, method, group.ranks);
    const std::vector<Layer> expected = part_layers(original, method, group.ranks);
    if (expected.size() != group.parts.size())
        fail(group.name, "expected " + std::to_string(expected.size()) + " parts for " + group.method + ", got " +
                             std::to_string(group.parts.size()));
    for (std::size_t i = 0; i < expected.size(); ++i) check_part(net, group, i, expected[i], i + 1 == expected.size());
    for (const float error : {group.weight_error, group.output_error})
        if (!std::isfinite(error) || error < 0.0) fail(group.name, "expected errors of at least 0");
}

json::array pair(int a, int b)
{
    return {a, b};
}

json::object original_json(const Layer& layer)
{
    const Window& w = layer.window;
    return {{"filter", pair(w.filter_rows, w.filter_cols)},
            {"stride", pair(w.stride_rows, w.stride_cols)},
            {"dilation", pair(w.dilation_rows, w.dilation_cols)},
            {"pad", json::array{w.pad_top, w.pad_left, w.pad_bottom, w.pad_right}},
            {"groups", w.groups},
            {"fully_connected", layer.fully_connected}};
}

/// Members of one group's JSON object, with errors that name the group.
class Fields {
public:
    Fields(const json::object& object, std::string group) : object_(object), group_(std::move(group)) {}

    const json::value& at(const char* key) const
    {
        const json::value* value = object_.if_contains(key);
        if (value == nullptr) fail(group_, std::string("has no ") + key);
        return *value;
    }
    std::string text(const char* key) const
    {
        const json::string* value = at(key).if_string();
        if (value == nullptr) fail(group_, std::string("expected text for ") + key);
        return std::string(value->data(), value->size());
    }
    double real(const char* key) const
    {
        const json::value& value = at(key);
        json::error_code error;
        const auto number = value.to_number<double>(error);
        if (error) fail(group_, std::string("expected a number for ") + key);
        return number;
    }
    std::int64_t integer(const json::value& value, const char* key) const
    {
        const std::int64_t* number = value.if_int64();
        if (number == nullptr || *number < 0 || *number > max_tensor_words * max_tensor_words)
            fail(group_, std::string("expected an integer of at least 0 for ") + key);
        return *number;
    }
    std::vector<int> integers(const char* key, std::size_t count) const
    {
        const json::array* list = at(key).if_array();
        if (list == nullptr || (count > 0 && list->size() != count))
            fail(group_,
                 std::string("expected ") + (count > 0 ? std::to_string(count) : "a list of") + " integers for " + key);
        std::vector<int> numbers;
        for (const json::value& item : *list) {
            const std::int64_t number = integer(item, key);
            if (number > max_tensor_words / 2) fail(group_, std::string("expected smaller integers for ") + key);
            numbers.push_back(static_cast<int>(number));
        }
        return numbers;
    }
    const json::array& list(const char* key) const
    {
        const json::array* value = at(key).if_array();
        if (value == nullptr) fail(group_, std::string("expected a list for ") + key);
        return *value;
    }
    Fields object(const char* key) const
    {
        const json::object* value = at(key).if_object();
        if (value == nullptr) fail(group_, std::string("expected an object for ") + key);
        return {*value, group_};
    }

private:
    const json::object& object_;
    std::string group_;
};

void read_window(const Fields& y, Window& w)
{
    const auto both = [&](const char* key, int& rows, int& cols) {
        const std::vector<int> values = y.integers(key, 2);
        rows = values[0];
        cols = values[1];
    };
    both("filter", w.filter_rows, w.filter_cols);
    both("stride", w.stride_rows, w.stride_cols);
    both("dilation", w.dilation_rows, w.dilation_cols);
    const std::vector<int> pad = y.integers("pad", 4);
    w.pad_top = pad[0];
    w.pad_left = pad[1];
    w.pad_bottom = pad[2];
    w.pad_right = pad[3];
    w.groups = static_cast<int>(std::min<std::int64_t>(y.integer(y.at("groups"), "groups"), max_tensor_words / 2));
}

Group read_group(const Network& net, const json::value& item)
{
    const json::object* object = item.if_object();
    if (object == nullptr) throw UserError("expected groups that are JSON objects");
    Group group;
    group.name = Fields(*object, "?").text("layer");
    const auto control = [](unsigned char c) { return c < 0x20 || c == 0x7f; };
    if (std::any_of(group.name.begin(), group.name.end(), control))
        fail(group.name, "expected a name without control characters");
    const Fields fields(*object, group.name);
    group.method = fields.text("method");
    group.ranks = fields.integers("ranks", 0);
    group.weight_error = static_cast<float>(fields.real("weight_error"));
    group.output_error = static_cast<float>(fields.real("output_error"));
    for (const json::value& part : fields.list("parts")) {
        const json::string* name = part.if_string();
        if (name == nullptr) fail(group.name, "expected names of layers for parts");
        const std::string text(name->data(), name->size());
        const int index = net.find(text);
        if (index < 0) fail(group.name, "its part " + quoted(text) + " is no layer of the file");
        group.parts.push_back(index);
    }
    if (group.parts.empty()) fail(group.name, "has no parts");
    const Layer& first = net.layers[static_cast<std::size_t>(group.parts.front())];
    const Layer& last = net.layers[static_cast<std::size_t>(group.parts.back())];
    Layer& original = group.original;
    original.name = group.name;
    original.op = Op::conv;
    original.inputs = first.inputs;
    original.activation = last.activation;
    original.in_shape = first.in_shape;
    const Fields layer = fields.object("original");
    read_window(layer, original.window);
    const bool* fully_connected = layer.at("fully_connected").if_bool();
    if (fully_connected == nullptr) fail(group.name, "expected true or false for fully_connected");
    original.fully_connected = *fully_connected;
    // Shapes of its own, so that an output that the window does not give is found.
    Network alone;
    Layer input;
    input.name = group.name;
    input.out_shape = original.in_shape;
    original.out_shape[1] = last.out_shape[1];
    alone.layers = {input, original};
    alone.layers[1].inputs = {0};
    infer_shapes(alone);
    original.out_shape = alone.layers[1].out_shape;
    const std::int64_t dense = fields.integer(fields.at("dense_macs"), "dense_macs");
    const std::int64_t own = original.macs() / original.out_shape[0];
    if (dense != own)
        fail(group.name, "states " + std::to_string(dense) + " dense_macs, its layer has " + std::to_string(own));
    return group;
}

} // namespace

void check_groups(const Network& net)
{
    for (std::size_t i = 0; i < net.groups.size(); ++i) check_group(net, net.groups[i], static_cast<int>(i));
    const int groups = static_cast<int>(net.groups.size());
    for (std::size_t i = 0; i < net.layers.size(); ++i) {
        const int group = net.layers[i].group;
        if (group < 0) continue;
        const auto holds = [&](const Group& g) {
            return std::count(g.parts.begin(), g.parts.end(), static_cast<int>(i)) == 1;
        };
        if (group >= groups || !holds(net.groups[static_cast<std::size_t>(group)]))
            throw UserError("layer " + net.layers[i].name + ": its group does not hold it");
    }
}

std::string groups_json(const Network& net)
{
    json::array list;
    for (const Group& group : net.groups) {
        json::array ranks(group.ranks.begin(), group.ranks.end()), parts;
        for (const int part : group.parts)
            parts.emplace_back(json::string(net.layers[static_cast<std::size_t>(part)].name));
        list.push_back(json::object{{"layer", json::string(group.name)},
                                    {"method", json::string(group.method)},
                                    {"ranks", std::move(ranks)},
                                    {"parts", std::move(parts)},
                                    {"weight_error", group.weight_error},
                                    {"output_error", group.output_error},
                                    {"dense_macs", group.original.macs() / group.original.out_shape[0]},
                                    {"original", original_json(group.original)}});
    }
    return json::serialize(list);
}

void read_groups(Network& net, const std::string& text)
{
    json::error_code error;
    const json::value root = json::parse(text, error);
    if (error || root.if_array() == nullptr)
        throw UserError(std::string("metadata ") + groups_key + ": expected a JSON list of groups");
    net.groups.clear();
    for (const json::value& item : root.get_array()) {
        Group group = read_group(net, item);
        for (const int part : group.parts) {
            int& owner = net.layers[static_cast<std::size_t>(part)].group;
            if (owner >= 0)
                fail(group.name,
                     "its part " + net.layers[static_cast<std::size_t>(part)].name + " is part of another group too");
            owner = static_cast<int>(net.groups.size());
        }
        net.groups.push_back(std::move(group));
    }
    check_groups(net);
}

} // namespace heddle
