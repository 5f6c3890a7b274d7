// The strict reader of mapping files; the format stands in mapping.hpp.
#include "dnn/base/yaml_reader.hpp"
#include "sim/mapping.hpp"

#include <algorithm>
#include <cstdint>
#include <set>

namespace heddle {

namespace {

constexpr std::int64_t largest_step = INT32_MAX;
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

std::vector<MapLoop> read_loops(const YamlReader& level, const std::string& key, const std::string& name)
{
    const std::string axis = name == "lanes" ? "lane" : name == "vector" ? "vector" : "";
    std::vector<MapLoop> loops;
    if (!level.has(key)) return loops;
    const YamlReader list = level.child(key);
    if (!list.is_sequence()) list.fail("expected a list of loops");
    for (const YamlReader& item : list.items()) {
        if (!item.is_map()) item.fail("expected a loop such as {loop: K, step: 16}");
        MapLoop loop;
        const std::string index = item.text("loop");
        loop.by_input = index == "H" || index == "W";
        loop.dims = loop.by_input ? std::vector<Dim>{index == "H" ? dim_p : dim_q} : read_dims(item);
        loop.step = static_cast<int>(item.integer("step", 1, largest_step));
        if (key == "spatial") {
            const std::vector<std::string> places = {"y", "x", "diagonal", "lane", "vector"};
            loop.place =
                static_cast<Place>(axis.empty() ? item.choice("axis", places) : item.choice("axis", places, axis));
            loop.count = static_cast<int>(item.integer("count", 1, 1 << 20));
        }
        item.finish();
        loops.push_back(std::move(loop));
    }
    return loops;
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

RowStationary read_row_stationary(const YamlReader& y)
{
    RowStationary p;
    const auto read = [&y](const char* key) { return static_cast<int>(y.integer(key, 1, largest_step)); };
    p.m = read("m");
    p.n = read("n");
    p.e = read("e");
    p.p = read("p");
    p.q = read("q");
    p.r = read("r");
    p.t = read("t");
    y.finish();
    return p;
}

Mapping read_mapping(const YamlReader& entry)
{
    Mapping mapping;
    mapping.dataflow = entry.text("dataflow", "");
    if (entry.has("row_stationary")) {
        if (entry.has("levels")) entry.fail_at("levels", "expected levels or row_stationary, got both");
        mapping.row_stationary = read_row_stationary(entry.child("row_stationary"));
        return mapping;
    }
    const YamlReader levels = entry.child("levels");
    if (!levels.is_sequence()) levels.fail("expected a list of levels");
    for (const YamlReader& item : levels.items()) {
        if (!item.is_map()) item.fail("expected a level such as {name: glb, temporal: [...]}");
        MapLevel level;
        level.name = item.text("name");
        if (mapping.find(level.name))
            item.fail_at("name", "expected each level once, got \"" + level.name + "\" again");
        level.temporal = read_loops(item, "temporal", level.name);
        level.spatial = read_loops(item, "spatial", level.name);
        level.keep = read_keep(item);
        item.finish();
        mapping.levels.push_back(std::move(level));
    }
    return mapping;
}

std::vector<NamedMapping> read_file_of(const YamlReader& file)
{
    std::vector<NamedMapping> mappings;
    std::set<std::string> seen;
    const YamlReader list = file.child("mappings");
    if (!list.is_sequence()) list.fail("expected a list of mappings");
    for (const YamlReader& item : list.items()) {
        if (!item.is_map()) item.fail("expected a mapping with layer and levels");
        NamedMapping named;
        named.layer = item.text("layer");
        if (!seen.insert(named.layer).second)
            item.fail_at("layer", "expected each layer once, got \"" + named.layer + "\" again");
        named.mapping = read_mapping(item);
        item.finish();
        mappings.push_back(std::move(named));
    }
    file.finish();
    return mappings;
}

} // namespace

std::vector<NamedMapping> read_mappings(const std::string& path)
{
    return read_file_of(YamlReader::load_file(path));
}

std::vector<NamedMapping> parse_mappings(const std::string& text, const std::string& file_name)
{
    return read_file_of(YamlReader::load_string(text, file_name));
}

} // namespace heddle
