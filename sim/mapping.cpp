#include "sim/mapping.hpp"

#include <algorithm>
#include <sstream>

namespace heddle {

namespace {

constexpr const char* place_names[] = {"y", "x", "diagonal", "lane", "vector"};

std::string keep_list(const std::vector<Tensors>& keep)
{
    std::string text;
    for (Tensors t : keep) text += (text.empty() ? "" : ", ") + std::string(tensor_name(t));
    return text;
}

std::string yaml_loop(const MapLoop& loop, bool spatial)
{
    std::string text = "{loop: " + loop_name(loop);
    if (spatial) text += std::string(", axis: ") + place_name(loop.place);
    text += ", step: " + std::to_string(loop.step);
    if (spatial) text += ", count: " + std::to_string(loop.count);
    return text + "}";
}

void yaml_loops(std::ostream& out, const std::string& key, const std::vector<MapLoop>& loops)
{
    if (loops.empty()) return;
    out << "          " << key << ": [";
    for (std::size_t i = 0; i < loops.size(); ++i) out << (i > 0 ? ", " : "") << yaml_loop(loops[i], key == "spatial");
    out << "]\n";
}

/// Any name as a double-quoted YAML scalar.
std::string yaml_text(const std::string& text)
{
    static const char hex[] = "0123456789abcdef";
    std::string out = "\"";
    for (char c : text) {
        const auto u = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (u < 0x20) {
            out += std::string("\\x") + hex[u >> 4] + hex[u & 15];
        } else {
            out += c;
        }
    }
    return out + "\"";
}

} // namespace

bool MapLevel::keeps(Tensors t) const
{
    return std::find(keep.begin(), keep.end(), t) != keep.end();
}

const MapLevel* Mapping::find(const std::string& level) const
{
    for (const MapLevel& l : levels)
        if (l.name == level) return &l;
    return nullptr;
}

const char* place_name(Place p)
{
    return place_names[static_cast<int>(p)];
}

std::string describe(const RowStationary& p)
{
    std::string text;
    const auto add = [&text](const char* name, int value) {
        text += (text.empty() ? "" : ", ") + std::string(name) + " " + std::to_string(value);
    };
    add("m", p.m);
    add("n", p.n);
    add("e", p.e);
    add("p", p.p);
    add("q", p.q);
    add("r", p.r);
    add("t", p.t);
    return text;
}

const char* tensor_name(Tensors t)
{
    constexpr const char* names[] = {"weights", "inputs", "outputs"};
    return names[static_cast<int>(t)];
}

std::string loop_name(const std::vector<Dim>& dims)
{
    std::string name;
    for (Dim d : dims) name += (name.empty() ? "" : "*") + std::string(dim_names[d]);
    return name;
}

std::string loop_name(const MapLoop& loop)
{
    return !loop.by_input ? loop_name(loop.dims) : loop.dims.front() == dim_p ? "H" : "W";
}

std::string to_yaml(const std::vector<NamedMapping>& mappings)
{
    std::ostringstream out;
    out << (mappings.empty() ? "mappings: []\n" : "mappings:\n");
    for (const NamedMapping& m : mappings) {
        out << "  - layer: " << yaml_text(m.layer) << "\n";
        if (!m.mapping.dataflow.empty()) out << "    dataflow: " << yaml_text(m.mapping.dataflow) << "\n";
        if (const auto& rs = m.mapping.row_stationary) {
            out << "    row_stationary: {m: " << rs->m << ", n: " << rs->n << ", e: " << rs->e << ", p: " << rs->p
                << ", q: " << rs->q << ", r: " << rs->r << ", t: " << rs->t << "}\n";
            continue;
        }
        out << "    levels:\n";
        for (const MapLevel& level : m.mapping.levels) {
            out << "        - name: " << level.name << "\n";
            yaml_loops(out, "temporal", level.temporal);
            yaml_loops(out, "spatial", level.spatial);
            if (!level.keep.empty()) out << "          keep: [" << keep_list(level.keep) << "]\n";
        }
    }
    return out.str();
}

std::string describe(const Mapping& mapping)
{
    std::ostringstream out;
    std::string indent;
    if (mapping.row_stationary) out << "row-stationary " << describe(*mapping.row_stationary) << "\n";
    for (const MapLevel& level : mapping.levels) {
        out << indent << level.name;
        if (!level.keep.empty()) out << " keeps " << keep_list(level.keep);
        out << "\n";
        for (const MapLoop& loop : level.temporal) {
            indent += "  ";
            out << indent << "for " << loop_name(loop) << " by " << loop.step << "\n";
        }
        for (const MapLoop& loop : level.spatial) {
            indent += "  ";
            out << indent << "spatial " << loop_name(loop.dims) << " by " << loop.step << ", " << loop.count << " on "
                << place_name(loop.place) << "\n";
        }
    }
    return out.str();
}

} // namespace heddle
