#include "dnn/base/yaml_message.hpp"

#include "dnn/base/error.hpp"
#include "dnn/base/yaml_scalar.hpp"

#include <algorithm>
#include <set>

namespace heddle {

namespace {

// Aliases let a few lines stand for endless or exponential trees; nothing we read comes near these.
constexpr int max_depth = 64;
constexpr int max_nodes = 1'000'000;

std::string position(const std::string& file, const YAML::Mark& mark)
{
    // A null mark (an empty document) points at the start of the file.
    return file + ":" + std::to_string(std::max(mark.line, 0) + 1) + ":" + std::to_string(std::max(mark.column, 0) + 1);
}

} // namespace

std::string join(const std::string& path, const std::string& key)
{
    return path.empty() ? key : path + "." + key;
}

void report(const std::string& file, const YAML::Mark& mark, const std::string& path, const std::string& message)
{
    throw UserError(position(file, mark) + ": " + (path.empty() ? "" : path + ": ") + message);
}

std::string got(const YAML::Node& node)
{
    if (node.IsMap()) return "got a mapping";
    if (node.IsSequence()) return "got a list";
    if (node.IsScalar()) return "got " + quoted(node.Scalar());
    return "got nothing";
}

namespace {

/// Duplicate keys, keys that are not text, and trees beyond the limits.
void check_subtree(const YAML::Node& node, const std::string& file, const std::string& path, int depth, int& nodes)
{
    if (depth > max_depth) report(file, node.Mark(), path, "expected at most 64 nested levels");
    if (++nodes > max_nodes) report(file, node.Mark(), path, "expected at most 1000000 values");
    if (node.IsSequence()) {
        int index = 0;
        for (const auto& item : node)
            check_subtree(item, file, path + "[" + std::to_string(index++) + "]", depth + 1, nodes);
    } else if (node.IsMap()) {
        std::set<std::string> seen;
        for (const auto& entry : node) {
            if (!entry.first.IsScalar())
                report(file, entry.first.Mark(), path, "expected text as a key, " + got(entry.first));
            const std::string key = entry.first.Scalar();
            if (!seen.insert(key).second) report(file, entry.first.Mark(), join(path, key), "duplicate key");
            check_subtree(entry.second, file, join(path, key), depth + 1, nodes);
        }
    }
}

} // namespace

void check_tree(const YAML::Node& root, const std::string& file)
{
    int nodes = 0;
    check_subtree(root, file, "", 0, nodes);
}

} // namespace heddle
