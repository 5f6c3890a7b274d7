#include "sim/overlay.hpp"

#include "dnn/base/error.hpp"
#include "dnn/base/files.hpp"
#include "dnn/base/nearest.hpp"
#include "dnn/base/yaml_message.hpp"
#include "dnn/base/yaml_reader.hpp"
#include "dnn/base/yaml_scalar.hpp"
#include "sim/dataflow.hpp"
#include "sim/text.hpp"

#include <algorithm>
#include <yaml-cpp/yaml.h>

namespace heddle {

namespace {

constexpr std::uint64_t max_bytes = 1 << 20;

YAML::Node load(const std::string& text, const std::string& file)
{
    YAML::Node root;
    try {
        root = YAML::Load(text);
    } catch (const YAML::Exception& e) {
        report(file, e.mark, "", e.msg);
    }
    check_tree(root, file);
    return root;
}

std::string place(const std::string& file, const OverlayEntry& e)
{
    return file + ":" + std::to_string(e.line) + ":" + std::to_string(e.col) + ": " + e.key + ": ";
}

void flatten(const YAML::Node& map, const std::string& path, const std::string& file, std::vector<OverlayEntry>& list)
{
    for (const auto& e : map) {
        const std::string key = join(path, e.first.Scalar());
        const YAML::Mark mark = e.first.Mark();
        if (e.second.IsMap()) {
            flatten(e.second, key, file, list);
            continue;
        }
        if (!e.second.IsScalar() && !e.second.IsSequence())
            report(file, mark, key, "expected a value, " + got(e.second));
        YAML::Emitter value;
        value << YAML::Flow << e.second;
        if (std::any_of(list.begin(), list.end(), [&](const OverlayEntry& o) { return o.key == key; }))
            report(file, mark, key, "duplicate key");
        list.push_back({key, value.c_str(), mark.line + 1, mark.column + 1});
    }
}

std::vector<std::string> parts_of(const std::string& key)
{
    std::vector<std::string> parts;
    for (std::size_t from = 0; from <= key.size();) {
        const std::size_t to = std::min(key.find('.', from), key.size());
        parts.push_back(key.substr(from, to - from));
        from = to + 1;
    }
    return parts;
}

/// Offset of a mark, from its line and column: the same for every encoding of what stands before.
std::size_t offset(const std::string& text, const YAML::Mark& mark)
{
    std::size_t at = 0;
    for (int line = 0; line < mark.line; ++line) at = text.find('\n', at) + 1;
    return at + static_cast<std::size_t>(mark.column);
}

/// Length of the value that starts at `at`: a scalar, plain or quoted, or a flow list; 0 when it is something else.
std::size_t length_of(const std::string& text, std::size_t at, const YAML::Node& node)
{
    if (node.IsSequence()) {
        if (text[at] != '[') return 0;
        int depth = 0;
        for (std::size_t i = at; i < text.size(); ++i) {
            depth += text[i] == '[' ? 1 : text[i] == ']' ? -1 : 0;
            if (depth == 0) return i + 1 - at;
        }
        return 0;
    }
    if (!node.IsScalar()) return 0;
    const std::string& plain = node.Scalar();
    const bool is_quoted = text[at] == '"' || text[at] == '\'';
    if (text.compare(at + (is_quoted ? 1 : 0), plain.size(), plain) != 0) return 0;
    return plain.size() + (is_quoted ? 2 : 0);
}

/// Adds `key: value` as the first entry of a mapping.
void insert(std::string& text, const YAML::Node& map, const std::string& key, const std::string& value)
{
    const std::string entry = key + ": " + value;
    const std::size_t at = offset(text, map.Mark());
    if (map.Style() == YAML::EmitterStyle::Flow)
        text.insert(at + 1, entry + (map.size() > 0 ? ", " : ""));
    else
        text.insert(at, entry + "\n" + std::string(static_cast<std::size_t>(map.Mark().column), ' '));
}

void put(std::string& text, const std::string& file, const OverlayEntry& e, const std::string& overlay_file)
{
    YAML::Node node = load(text, file);
    const std::vector<std::string> parts = parts_of(e.key);
    for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
        YAML::Node next = node.IsMap() ? node[parts[i]] : YAML::Node(YAML::NodeType::Undefined);
        if (!next.IsDefined() || !next.IsMap())
            throw UserError(place(overlay_file, e) + "the hardware " + file + " has no mapping " + quoted(parts[i]));
        node.reset(next);
    }
    if (!node.IsMap()) throw UserError(place(overlay_file, e) + "the hardware " + file + " is no mapping");
    const YAML::Node value = node[parts.back()];
    if (!value.IsDefined()) return insert(text, node, parts.back(), e.value);
    const std::size_t at = offset(text, value.Mark());
    const std::size_t length = length_of(text, at, value);
    if (length == 0)
        throw UserError(place(overlay_file, e) + "the hardware " + file + " has no single value there to replace");
    text.replace(at, length, e.value);
}

/// Dataflows are this folder's: hw/ knows their names only as text.
HardwareConfig parse_checked(const std::string& yaml, const std::string& file)
{
    HardwareConfig hw = parse_hardware(yaml, file);
    const std::vector<std::string> known = dataflow_names();
    const YamlReader flows = YamlReader::load_string(yaml, file).child("dataflows");
    for (std::size_t i = 0; i < hw.dataflows.size(); ++i) {
        const std::string& name = hw.dataflows[i];
        if (std::find(known.begin(), known.end(), name) == known.end())
            flows.items()[i].fail("expected one of " + joined(known) + ", got " + quoted(name) +
                                  did_you_mean(known, name));
        const auto here = hw.dataflows.begin() + static_cast<std::ptrdiff_t>(i);
        if (std::find(hw.dataflows.begin(), here, name) != here)
            flows.items()[i].fail("expected each dataflow once, got " + quoted(name) + " again");
    }
    return hw;
}

/// A hardware description instead of changes to one: it has a name and says something in every part of the machine,
/// one at most left out.
void refuse_whole_hardware(const std::vector<OverlayEntry>& overlay, const std::string& overlay_file,
                           const std::string& hardware_yaml, const std::string& hardware_file)
{
    int parts = 0, covered = 0;
    for (const auto& part : load(hardware_yaml, hardware_file)) {
        if (!part.second.IsMap()) continue;
        const std::string prefix = part.first.Scalar() + ".";
        ++parts;
        covered += std::any_of(overlay.begin(), overlay.end(),
                               [&](const OverlayEntry& e) { return e.key.compare(0, prefix.size(), prefix) == 0; });
    }
    const auto named =
        std::find_if(overlay.begin(), overlay.end(), [](const OverlayEntry& e) { return e.key == "name"; });
    if (named == overlay.end() || covered + 1 < parts) return;
    throw UserError(overlay_file + ":" + std::to_string(named->line) + ":" + std::to_string(named->col) +
                    ": name: this is a whole hardware description; expected an overlay, which holds only the keys "
                    "that change, such as dram.latency_cycles: 40 (a description is given by --hw)");
}

/// Whom to blame for `what` ("file:line:col: path: message"): the entry whose key it names, else the first.
[[noreturn]] void blame(const std::string& what, const std::string& hardware_file,
                        const std::vector<OverlayEntry>& overlay, const std::string& overlay_file)
{
    std::string rest = what;
    if (rest.compare(0, hardware_file.size() + 1, hardware_file + ":") == 0) {
        rest.erase(0, hardware_file.size() + 1);
        rest.erase(0, rest.find(": ") + 2);
    }
    const std::string path = rest.substr(0, rest.find(": "));
    for (const OverlayEntry& e : overlay)
        if (e.key == path || path.compare(0, e.key.size() + 1, e.key + "[") == 0)
            throw UserError(place(overlay_file, e) + rest.substr(rest.find(": ") + 2));
    throw UserError(place(overlay_file, overlay.front()) + "the hardware with this overlay is not valid: " + rest);
}

} // namespace

std::vector<OverlayEntry> parse_overlay(const std::string& text, const std::string& file)
{
    const YAML::Node root = load(text, file);
    std::vector<OverlayEntry> list;
    if (root.IsNull()) return list;
    if (!root.IsMap()) report(file, root.Mark(), "", "expected keys such as dram.latency_cycles: 40, " + got(root));
    flatten(root, "", file, list);
    return list;
}

std::string apply_overlay(const std::string& hardware_yaml, const std::string& hardware_file,
                          const std::vector<OverlayEntry>& overlay, const std::string& overlay_file)
{
    std::string text = hardware_yaml;
    for (const OverlayEntry& e : overlay) put(text, hardware_file, e, overlay_file);
    return text;
}

DescribedHardware overlaid_hardware(const std::string& hardware_yaml, const std::string& hardware_file,
                                    const std::vector<OverlayEntry>& overlay, const std::string& overlay_file)
{
    DescribedHardware described;
    described.yaml = apply_overlay(hardware_yaml, hardware_file, overlay, overlay_file);
    try {
        described.config = parse_checked(described.yaml, hardware_file);
    } catch (const UserError& e) {
        if (overlay.empty()) throw;
        parse_checked(hardware_yaml, hardware_file); // its own mistakes first
        blame(e.what(), hardware_file, overlay, overlay_file);
    }
    return described;
}

DescribedHardware load_overlaid_hardware(const std::string& name_or_path, const std::string& overlay_file)
{
    DescribedHardware described;
    described.config = load_hardware(name_or_path);
    described.yaml = read_file(described.config.source_file, max_bytes);
    if (overlay_file.empty()) {
        described.config = parse_checked(described.yaml, described.config.source_file);
        return described;
    }
    const std::vector<OverlayEntry> overlay = parse_overlay(read_file(overlay_file, max_bytes), overlay_file);
    refuse_whole_hardware(overlay, overlay_file, described.yaml, described.config.source_file);
    return overlaid_hardware(described.yaml, described.config.source_file, overlay, overlay_file);
}

std::string yaml_value(const std::string& yaml, const std::string& key)
{
    YAML::Node node = YAML::Load(yaml);
    for (const std::string& part : parts_of(key)) {
        if (!node.IsMap()) return "";
        const YAML::Node next = node[part];
        if (!next.IsDefined()) return "";
        node.reset(next);
    }
    return node.IsScalar() ? node.Scalar() : "";
}

} // namespace heddle
