// The strict reader of constraint files; the format stands in constraints.hpp.
#include "dnn/base/files.hpp"
#include "sim/constraints.hpp"
#include "sim/loop_yaml.hpp"

#include <algorithm>

namespace heddle {

namespace {

ConstraintLoop read_loop(const YamlReader& item, const std::string& level)
{
    if (!item.is_map()) item.fail("expected a loop such as {loop: K}");
    ConstraintLoop loop;
    const NamedIndex index = read_index(item);
    loop.dims = index.dims;
    loop.by_input = index.by_input;
    if (loop.by_input && level != "rf") item.fail_at("loop", "expected H and W in rf only, got them in " + level);
    if (level == "array") loop.place = static_cast<Place>(item.choice("axis", {"y", "x", "diagonal"}));
    if (level == "lanes") loop.place = Place::lane;
    if (level == "vector") loop.place = Place::vector;
    if (level != "glb") loop.at_most = static_cast<int>(item.integer("at_most", 1, 1 << 20, 0));
    item.finish();
    return loop;
}

std::vector<ConstraintLoop> read_loops(const YamlReader& level, const std::string& key, const std::string& name)
{
    std::vector<ConstraintLoop> loops;
    if (!level.has(key)) return loops;
    const YamlReader list = level.child(key);
    if (!list.is_sequence()) list.fail("expected a list of loops");
    for (const YamlReader& item : list.items()) loops.push_back(read_loop(item, name));
    return loops;
}

void read_level(const YamlReader& item, DataflowConstraints& c, std::vector<std::string>& seen)
{
    if (!item.is_map()) item.fail("expected a level such as {name: rf, temporal: [{loop: C}]}");
    const std::vector<std::string> names = {"glb", "array", "rf", "collector", "lanes", "vector"};
    const std::string name = names[static_cast<std::size_t>(item.choice("name", names))];
    if (std::find(seen.begin(), seen.end(), name) != seen.end())
        item.fail_at("name", "expected each level once, got \"" + name + "\" again");
    seen.push_back(name);
    const bool spatial = name == "array" || name == "lanes" || name == "vector";
    std::vector<ConstraintLoop> loops = read_loops(item, spatial ? "spatial" : "temporal", name);
    if (name == "rf") c.keep = read_keep(item);
    item.finish();
    if (name == "glb")
        for (const ConstraintLoop& l : loops) c.glb.push_back(l.dims);
    else
        (name == "array"       ? c.array
         : name == "rf"        ? c.rf
         : name == "collector" ? c.collector
         : name == "lanes"     ? c.lanes
                               : c.vector) = std::move(loops);
}

DataflowConstraints read(const YamlReader& file, std::string text)
{
    DataflowConstraints c;
    c.text = std::move(text);
    c.name = file.text("dataflow");
    std::vector<std::string> taken = dataflow_names();
    taken.emplace_back("best");
    if (c.name.empty() || std::find(taken.begin(), taken.end(), c.name) != taken.end())
        file.fail_at("dataflow", "expected a name of its own, got \"" + c.name + "\"");
    const YamlReader levels = file.child("levels");
    if (!levels.is_sequence()) levels.fail("expected a list of levels");
    std::vector<std::string> seen;
    for (const YamlReader& item : levels.items()) read_level(item, c, seen);
    file.finish();
    return c;
}

} // namespace

DataflowConstraints read_constraints(const std::string& path)
{
    return read(YamlReader::load_file(path), read_file(path));
}

DataflowConstraints parse_constraints(const std::string& text, const std::string& file_name)
{
    return read(YamlReader::load_string(text, file_name), text);
}

} // namespace heddle
