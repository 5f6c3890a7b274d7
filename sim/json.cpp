#include "sim/json.hpp"

#include "dnn/base/error.hpp"
#include "sim/result_fields.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace heddle {

namespace {

constexpr std::size_t line_width = 120;

bool is_list_of_scalars(const json::value& value)
{
    if (!value.is_array()) return false;
    const json::array& items = value.get_array();
    return std::none_of(items.begin(), items.end(), [](const json::value& item) { return item.is_structured(); });
}

void append(std::string& text, const json::value& value, std::size_t indent)
{
    const std::string flat = json::serialize(value);
    const bool container =
        (value.is_object() && !value.get_object().empty()) || (value.is_array() && !value.get_array().empty());
    if (!container || is_list_of_scalars(value) || (indent > 0 && indent + flat.size() < line_width)) {
        text += flat;
        return;
    }
    const std::string margin(indent + 2, ' ');
    const char* separator = "\n";
    text += value.is_object() ? "{" : "[";
    const auto begin_item = [&] {
        text += separator + margin;
        separator = ",\n";
    };
    if (value.is_object())
        for (const auto& member : value.get_object()) {
            begin_item();
            text += json::serialize(json::value(member.key())) + ": ";
            append(text, member.value(), indent + 2);
        }
    else
        for (const json::value& item : value.get_array()) {
            begin_item();
            append(text, item, indent + 2);
        }
    text += "\n" + std::string(indent, ' ') + (value.is_object() ? "}" : "]");
}

template <class T> json::value visited(T copy)
{
    JsonWriter writer;
    visit(writer, copy);
    return writer.object;
}

} // namespace

std::string pretty(const json::value& value)
{
    std::string text;
    append(text, value, 0);
    return text + "\n";
}

json::value JsonWriter::to_json(double v)
{
    if (!std::isfinite(v)) throw std::logic_error("a result is not a finite number");
    constexpr double largest = 1e15;
    if (v == std::trunc(v) && std::abs(v) < largest) return static_cast<std::int64_t>(v); // 700, not 7E2
    return v;
}

json::value JsonWriter::to_json(float v)
{
    return to_json(static_cast<double>(v));
}

json::value JsonWriter::to_json(const AccessCounts& v)
{
    return visited(v);
}

json::value JsonWriter::to_json(const DramActivity& v)
{
    return visited(v);
}

json::value JsonWriter::to_json(const DramEnergyParts& v)
{
    return visited(v);
}

json::value JsonWriter::to_json(const Ledger& v)
{
    json::object object;
    for (const auto& [cause, cycles] : v) object[cause] = cycles;
    return object;
}

JsonReader::JsonReader(const json::value& node, std::string path) : node_(&node), path_(std::move(path)) {}

void JsonReader::fail(const std::string& expected) const
{
    throw UserError(path_ + ": expected " + expected);
}

const json::object& JsonReader::members() const
{
    if (!node_->is_object()) fail("an object");
    return node_->get_object();
}

bool JsonReader::has(const char* name) const
{
    return members().contains(name);
}

JsonReader JsonReader::child(const char* name) const
{
    const json::value* value = members().if_contains(name);
    const std::string path = path_ + (path_.back() == ' ' ? "" : ".") + name;
    if (!value) throw UserError(path + ": missing");
    return {*value, path};
}

std::vector<JsonReader> JsonReader::items() const
{
    if (!node_->is_array()) fail("a list");
    std::vector<JsonReader> items;
    for (const json::value& item : node_->get_array())
        items.emplace_back(item, path_ + "[" + std::to_string(items.size()) + "]");
    return items;
}

void JsonReader::get(bool& v) const
{
    if (!node_->is_bool()) fail("true or false");
    v = node_->get_bool();
}

void JsonReader::get(std::int64_t& v) const
{
    if (!node_->is_int64()) fail("an integer");
    v = node_->get_int64();
}

void JsonReader::get(int& v) const
{
    std::int64_t wide = 0;
    get(wide);
    if (wide < std::numeric_limits<int>::min() || wide > std::numeric_limits<int>::max()) fail("a 32-bit integer");
    v = static_cast<int>(wide);
}

void JsonReader::get(std::uint64_t& v) const
{
    if (node_->is_uint64())
        v = node_->get_uint64();
    else if (node_->is_int64() && node_->get_int64() >= 0)
        v = static_cast<std::uint64_t>(node_->get_int64());
    else
        fail("a non-negative integer");
}

void JsonReader::get(double& v) const
{
    if (!node_->is_number()) fail("a number");
    v = node_->to_number<double>();
}

void JsonReader::get(float& v) const
{
    double wide = 0.0;
    get(wide);
    v = static_cast<float>(wide);
}

void JsonReader::get(std::string& v) const
{
    if (!node_->is_string()) fail("text");
    v = std::string(node_->get_string());
}

void JsonReader::get(AccessCounts& v) const
{
    visit(*this, v);
}

void JsonReader::get(DramActivity& v) const
{
    visit(*this, v);
}

void JsonReader::get(DramEnergyParts& v) const
{
    visit(*this, v);
}

void JsonReader::get(Mapping& v) const
{
    v = {};
    if (node_->is_null()) return;
    json::object entry = members();
    entry["layer"] = "of the result";
    const json::object file{{"mappings", json::array{std::move(entry)}}}; // JSON is YAML
    try {
        v = parse_mappings(json::serialize(file), "").front().mapping;
    } catch (const UserError& e) {
        throw UserError(path_ + e.what());
    }
}

void JsonReader::get(Ledger& v) const
{
    v.clear();
    for (const auto& member : members()) {
        const JsonReader value(member.value(), path_ + "." + key(member));
        value.get(v.emplace_back(key(member), 0).second);
    }
}

} // namespace heddle
