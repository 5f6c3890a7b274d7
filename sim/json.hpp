// Boost.JSON with an indented form and errors that name file and path.
#pragma once

#include "sim/result.hpp"

#include <boost/json.hpp>
#include <string>

namespace heddle {

namespace json = boost::json;

/// Two blanks per level; values that fit on a line, and lists of numbers, stay on one.
std::string pretty(const json::value& value);

/// Writes the fields of a visited struct (sim/result_fields.hpp) into an object.
class JsonWriter {
public:
    json::object object;

    template <class T> void field(const char* name, const T& value) { object[name] = to_json(value); }
    template <class T> void later_field(const char* name, const T& value) { field(name, value); }

    static json::value to_json(bool v) { return v; }
    static json::value to_json(int v) { return v; }
    static json::value to_json(std::int64_t v) { return v; }
    static json::value to_json(std::uint64_t v) { return v; }
    static json::value to_json(float v);
    static json::value to_json(double v);
    static json::value to_json(const std::string& v) { return json::string(v); }
    static json::value to_json(const AccessCounts& v);
    static json::value to_json(const DramActivity& v);
    static json::value to_json(const DramEnergyParts& v);
    static json::value to_json(const Ledger& v);
    /// The form of a mapping file's entry, without its layer; null when unknown.
    static json::value to_json(const Mapping& v);
    template <class T> static json::value to_json(const std::vector<T>& list)
    {
        json::array array;
        for (const T& item : list) array.push_back(to_json(item));
        return array;
    }
    template <class T> static json::value to_json(const std::map<std::string, T>& map)
    {
        json::object object;
        for (const auto& [key, value] : map) object[key] = to_json(value);
        return object;
    }
};

/// Reads the fields of a visited struct; UserError `FILE: PATH: expected …`. Fields nobody asks for are ignored:
/// newer versions may add some.
class JsonReader {
public:
    JsonReader(const json::value& node, std::string path);

    bool has(const char* name) const;
    JsonReader child(const char* name) const;
    std::vector<JsonReader> items() const;
    template <class T> void field(const char* name, T& value) const { child(name).get(value); }
    /// One that reports of older versions lack: the value is left as it is.
    template <class T> void later_field(const char* name, T& value) const
    {
        if (has(name)) field(name, value);
    }

    void get(bool& v) const;
    void get(int& v) const;
    void get(std::int64_t& v) const;
    void get(std::uint64_t& v) const;
    void get(float& v) const;
    void get(double& v) const;
    void get(std::string& v) const;
    void get(AccessCounts& v) const;
    void get(DramActivity& v) const;
    void get(DramEnergyParts& v) const;
    void get(Ledger& v) const;
    void get(Mapping& v) const;
    template <class T> void get(std::vector<T>& list) const
    {
        list.clear();
        for (const JsonReader& item : items()) item.get(list.emplace_back());
    }
    template <class T> void get(std::map<std::string, T>& map) const
    {
        map.clear();
        for (const auto& member : members())
            JsonReader(member.value(), path_ + "." + key(member)).get(map[key(member)]);
    }

private:
    [[noreturn]] void fail(const std::string& expected) const;
    const json::object& members() const;
    static std::string key(const json::key_value_pair& member) { return std::string(member.key()); }

    const json::value* node_;
    std::string path_;
};

} // namespace heddle
