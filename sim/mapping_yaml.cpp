// The strict reader of mapping files; the format stands in mapping.hpp.
#include "dnn/base/yaml_reader.hpp"
#include "sim/loop_yaml.hpp"
#include "sim/mapping.hpp"

#include <cstdint>
#include <set>

namespace heddle {

namespace {

constexpr std::int64_t largest_step = INT32_MAX;
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
        const NamedIndex index = read_index(item);
        loop.dims = index.dims;
        loop.by_input = index.by_input;
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
        named.line = item.child("layer").line();
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
