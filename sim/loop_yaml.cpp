#include "sim/loop_yaml.hpp"

#include <algorithm>

namespace heddle {

namespace {

const std::vector<std::string> tensor_choices = {"weights", "inputs", "outputs"};

/// "C*R*S": dimension letters, each at most once.
std::vector<Dim> read_dims(const YamlReader& loop)
{
    const std::string text = loop.text("loop");
    std::vector<Dim> dims;
    std::size_t at = 0;
    bool good = !text.empty();
    while (good && at < text.size()) {
        const auto* letter = std::find_if(std::begin(dim_names), std::end(dim_names),
                                          [&](const char* name) { return name[0] == text[at]; });
        const Dim d = static_cast<Dim>(letter - std::begin(dim_names));
        good = d != dim_count && std::find(dims.begin(), dims.end(), d) == dims.end();
        if (good) dims.push_back(d);
        const bool last = at + 1 == text.size();
        good = good && (last || (text[at + 1] == '*' && at + 2 < text.size()));
        at += 2;
    }
    if (!good)
        loop.fail_at("loop",
                     "expected dimensions of N G K C P Q R S joined by *, such as P*Q, or H or W alone, got \"" + text +
                         "\"");
    return dims;
}

} // namespace

NamedIndex read_index(const YamlReader& loop)
{
    const std::string text = loop.text("loop");
    if (text == "H") return {{dim_p}, true};
    if (text == "W") return {{dim_q}, true};
    return {read_dims(loop), false};
}

std::vector<Tensors> read_keep(const YamlReader& level)
{
    std::vector<Tensors> keep;
    if (!level.has("keep")) return keep;
    const YamlReader list = level.child("keep");
    if (!list.is_sequence()) list.fail("expected a list of weights, inputs, outputs");
    for (const YamlReader& item : list.items()) {
        const std::string text = item.as_text();
        const auto found = std::find(tensor_choices.begin(), tensor_choices.end(), text);
        if (found == tensor_choices.end()) item.fail("expected weights, inputs or outputs, got \"" + text + "\"");
        const auto t = static_cast<Tensors>(found - tensor_choices.begin());
        if (std::find(keep.begin(), keep.end(), t) != keep.end()) item.fail("expected each tensor once, got " + text);
        keep.push_back(t);
    }
    std::sort(keep.begin(), keep.end());
    return keep;
}

} // namespace heddle
