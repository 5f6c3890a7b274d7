// A mapping as report.json holds it: what to_yaml() writes, as JSON, so that the form has one home.
#include "sim/json.hpp"

#include "dnn/base/yaml_scalar.hpp"

#include <yaml-cpp/yaml.h>

namespace heddle {

namespace {

json::value from_yaml(const YAML::Node& node)
{
    if (node.IsMap()) {
        json::object object;
        for (const auto& entry : node) object[entry.first.Scalar()] = from_yaml(entry.second);
        return object;
    }
    if (node.IsSequence()) {
        json::array array;
        for (const YAML::Node& item : node) array.push_back(from_yaml(item));
        return array;
    }
    std::int64_t number = 0;
    if (parse_integer(node.Scalar(), number)) return number;
    return json::string(node.Scalar());
}

} // namespace

json::value JsonWriter::to_json(const Mapping& v)
{
    if (v.levels.empty() && !v.row_stationary) return nullptr;
    Mapping written = v;
    if (!v.levels.empty()) written.row_stationary.reset(); // the levels say all, and people see the loops
    json::value entry = from_yaml(YAML::Load(to_yaml({{"layer", written}}))["mappings"][0]);
    entry.as_object().erase("layer");
    return entry;
}

} // namespace heddle
