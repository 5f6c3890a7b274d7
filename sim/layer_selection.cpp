#include "sim/layer_selection.hpp"

#include "dnn/base/error.hpp"
#include "dnn/base/nearest.hpp"
#include "dnn/base/yaml_scalar.hpp"

#include <algorithm>
#include <set>

namespace heddle {

namespace {

/// A few names that look like `name`, for the message.
std::string similar_names(const Network& net, const std::string& name)
{
    std::string list;
    std::vector<std::string> names;
    int found = 0;
    for (const Layer& layer : net.layers) {
        names.push_back(layer.name);
        const bool related = layer.name.find(name) != std::string::npos || name.find(layer.name) != std::string::npos;
        if (related && !name.empty() && found++ < 5) list += (list.empty() ? "" : ", ") + layer.name;
    }
    if (!list.empty()) return "like " + list;
    return "from " + net.layers.front().name + " to " + net.layers.back().name + did_you_mean(names, name);
}

int layer_at(const Network& net, std::int64_t number, const std::string& option)
{
    const auto count = static_cast<std::int64_t>(net.layers.size());
    if (number < 0 || number >= count)
        throw UserError(option + ": " + std::to_string(number) + " is no layer of " + net.name + ", which has 0.." +
                        std::to_string(count - 1));
    return static_cast<int>(number);
}

/// A layer's name (which may be all digits, or hold dots) wins over a number or a range.
void add_part(const Network& net, const std::string& part, const std::string& option, std::set<int>& selected)
{
    if (const int layer = net.find(part); layer >= 0) {
        selected.insert(layer);
        return;
    }
    std::int64_t first = 0, last = 0;
    const std::size_t dots = part.find("..");
    const bool range = dots != std::string::npos;
    const bool numbers = range
                             ? parse_integer(part.substr(0, dots), first) && parse_integer(part.substr(dots + 2), last)
                             : parse_integer(part, first);
    if (!numbers)
        throw UserError(option + ": " + quoted(part) + " is no layer of " + net.name +
                        " (expected FIRST..LAST or names " + similar_names(net, part) + ")");
    if (!range) last = first;
    if (first > last) throw UserError(option + ": range " + quoted(part) + " is descending");
    for (int i = layer_at(net, first, option); i <= layer_at(net, last, option); ++i) selected.insert(i);
}

} // namespace

std::vector<int> select_layers(const Network& net, const std::string& text, const std::string& option)
{
    std::set<int> selected;
    for (std::size_t from = 0; from <= text.size();) {
        const std::size_t to = std::min(text.find(',', from), text.size());
        add_part(net, text.substr(from, to - from), option, selected);
        from = to + 1;
    }
    return {selected.begin(), selected.end()};
}

} // namespace heddle
