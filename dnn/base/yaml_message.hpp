// Where a YAML node is and what it holds, in words, and the checks that yaml-cpp leaves out. Internal to dnn/base/.
#pragma once

#include <string>
#include <yaml-cpp/yaml.h>

namespace heddle {

/// `a.b`; `b` at the top.
std::string join(const std::string& path, const std::string& key);
/// Throws UserError `file:line:col: path: message`.
[[noreturn]] void report(const std::string& file, const YAML::Mark& mark, const std::string& path,
                         const std::string& message);
/// `got "text"`, `got a list`, ...
std::string got(const YAML::Node& node);
/// Throws on duplicate keys, keys that are not text, and trees beyond any sensible size.
void check_tree(const YAML::Node& root, const std::string& file);

} // namespace heddle
