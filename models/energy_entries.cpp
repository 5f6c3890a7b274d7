#include "models/energy_entries.hpp"

#include <algorithm>

namespace heddle {

namespace {

/// What a component's entries may say. Order of `per` and `actions` is that of the README.
struct Shape {
    const char* component;
    std::vector<std::string> actions;
    std::vector<std::string> per;
    bool has_bits, has_size, has_device;
};

const std::vector<Shape>& energy_shapes()
{
    static const std::vector<Shape> shapes = {
        {"mac", {"multiply", "accumulate"}, {"word"}, true, false, false},
        {"mac", {"gated"}, {"mac"}, false, false, false},
        {"operand_register", {"read", "write"}, {"word"}, true, false, false},
        {"register_file", {"read", "write"}, {"word"}, true, true, false},
        {"network", {"hop"}, {"word"}, true, false, false},
        {"global_buffer", {"read", "write"}, {"beat"}, true, true, false},
        {"dram", {"access"}, {"bit"}, false, false, true},
        {"dram", {"act", "pre", "rd", "wr", "ref"}, {"command"}, false, false, true},
        {"dram", {"active_standby", "precharge_standby"}, {"clock"}, false, false, true},
        {"post", {"add", "multiply", "compare"}, {"word"}, true, false, false},
        {"static", {"leakage"}, {"mm2", "sram_kb", "register_kb", "mac"}, false, false, false},
        {"clock", {"cycle"}, {"mm2", "sram_kb", "register_kb", "mac"}, false, false, false},
    };
    return shapes;
}

const std::vector<Shape>& area_shapes()
{
    static const std::vector<Shape> shapes = {
        {"mac", {"multiply", "accumulate"}, {"word"}, true, false, false},
        {"register_file", {"storage"}, {"bit"}, false, false, false},
        {"global_buffer", {"storage"}, {"bit"}, false, false, false},
    };
    return shapes;
}

bool contains(const std::vector<std::string>& list, const std::string& text)
{
    return std::find(list.begin(), list.end(), text) != list.end();
}

std::string joined(const std::vector<std::string>& list)
{
    std::string text;
    for (const std::string& item : list) {
        if (text.find(item) == std::string::npos) text += (text.empty() ? "" : ", ") + item;
    }
    return text;
}

const Shape& find_shape(const YamlReader& yaml, const std::vector<Shape>& shapes, const CostEntry& entry)
{
    std::vector<std::string> components, actions;
    for (const Shape& shape : shapes) {
        components.push_back(shape.component);
        if (entry.component != shape.component) continue;
        actions.insert(actions.end(), shape.actions.begin(), shape.actions.end());
        if (contains(shape.actions, entry.action)) return shape;
    }
    if (actions.empty())
        yaml.fail_at("component", "expected one of " + joined(components) + ", got \"" + entry.component + "\"");
    yaml.fail_at("action", "expected one of " + joined(actions) + ", got \"" + entry.action + "\"");
}

/// Static power is in mW whatever the table's unit; the rest of a table's energies share one unit.
std::string expected_unit(const CostEntry& entry, const std::string& table_unit)
{
    if (entry.component == "static") return "mw";
    return entry.action == "gated" ? "fraction" : table_unit;
}

CostEntry read_entry(const YamlReader& yaml, const std::vector<Shape>& shapes, const std::string& table_unit)
{
    CostEntry entry;
    entry.component = yaml.text("component");
    entry.action = yaml.text("action");
    const Shape& shape = find_shape(yaml, shapes, entry);
    entry.value = yaml.real("value", 0, 1e12);
    const std::string unit = expected_unit(entry, table_unit);
    if (const std::string got = yaml.text("unit"); got != unit) {
        yaml.fail_at("unit", "expected " + unit + ", got \"" + got + "\"");
    }
    entry.per = shape.per[yaml.choice("per", shape.per)];
    if (shape.has_bits) entry.bits = static_cast<double>(yaml.integer("bits", 1, 1 << 20));
    if (shape.has_size) entry.size_bytes = static_cast<double>(yaml.integer("size_bytes", 1, 1ll << 40));
    if (shape.has_device) entry.device = yaml.text("device");
    entry.source = yaml.text("source");
    if (entry.source.empty()) yaml.fail_at("source", "expected where the value comes from, got nothing");
    yaml.finish();
    return entry;
}

/// A name, or {what, dram}.
NotCovered not_covered(const YamlReader& item)
{
    if (!item.is_map()) return {item.as_text(), ""};
    NotCovered n{item.text("what"), item.text("dram")};
    item.finish();
    return n;
}

} // namespace

EnergyFile read_energy_file(const YamlReader& yaml)
{
    EnergyFile file;
    file.name = yaml.text("name");
    file.node = yaml.text("node");
    file.source = yaml.text("source");
    const std::vector<std::string> units = {"pj", "mac"};
    const std::string unit = units[yaml.choice("unit", units)];
    file.normalised = unit == "mac";
    if (file.normalised) file.unit_pj = yaml.real("unit_pj", 1e-6, 1e6);
    const YamlReader scaling = yaml.child("scaling");
    file.multiplier_exponent = scaling.real("multiplier_bit_product_exponent", 0, 4);
    file.adder_exponent = scaling.real("adder_bits_exponent", 0, 4);
    file.register_file_exponent = scaling.real("register_file_size_exponent", 0, 4);
    file.global_buffer_exponent = scaling.real("global_buffer_size_exponent", 0, 4);
    for (const YamlReader& item : yaml.child("energies").items()) {
        file.energies.push_back(read_entry(item, energy_shapes(), unit));
    }
    if (yaml.has("areas")) {
        for (const YamlReader& item : yaml.child("areas").items()) {
            file.areas.push_back(read_entry(item, area_shapes(), "um2"));
        }
    }
    if (yaml.has("not_covered")) {
        for (const YamlReader& item : yaml.child("not_covered").items()) file.not_covered.push_back(not_covered(item));
    }
    yaml.finish();
    return file;
}

} // namespace heddle
