#include "sim/calibrate_energy.hpp"

#include "dnn/base/error.hpp"
#include "dnn/base/files.hpp"
#include "dnn/base/yaml_scalar.hpp"
#include "sim/text.hpp"
#include "sim/totals.hpp"

#include <algorithm>
#include <sstream>
#include <yaml-cpp/yaml.h>

namespace heddle {

namespace {

const std::string part_prefix = "energy_pj.";

struct Sample {
    double measured, simulated;
};

/// The factor f that makes the sum of (f simulated / measured - 1)^2 least.
EnergyFactor least_squares(std::vector<std::string> parts, const std::vector<Sample>& samples)
{
    double linear = 0.0, square = 0.0;
    for (const Sample& s : samples) {
        linear += s.simulated / s.measured;
        square += s.simulated / s.measured * s.simulated / s.measured;
    }
    return {std::move(parts), square > 0.0 ? linear / square : 1.0, static_cast<int>(samples.size())};
}

/// Energy that the row measures, and the simulation has, outside of the parts with columns of their own.
Sample others(const Measurement& m, const RowOutcome& o, const std::vector<std::string>& parts)
{
    Sample s{m.compared.at("energy_pj"), 0.0};
    for (const auto& [column, pj] : m.compared)
        if (column.rfind(part_prefix, 0) == 0) s.measured -= pj;
    for (const std::string& part : parts) s.simulated += o.energy_pj.at(part);
    return s;
}

bool has_all_parts(const Measurement& m, const std::vector<std::string>& fitted)
{
    return std::all_of(fitted.begin(), fitted.end(),
                       [&](const std::string& part) { return m.compared.count(part_prefix + part) > 0; });
}

std::string factor_part(const std::string& component)
{
    if (component == "operand_register") return "register_file";
    return component == "clock" ? "static" : component;
}

} // namespace

std::vector<EnergyFactor> fit_energy(const RowSimulator& simulator, const KeyValues& values,
                                     const std::vector<std::size_t>& rows)
{
    std::vector<EnergyFactor> factors;
    std::vector<std::string> fitted, rest;
    for (const char* part : energy_parts) {
        std::vector<Sample> samples;
        for (const std::size_t r : rows) {
            const auto column = simulator.set().rows[r].compared.find(part_prefix + part);
            if (column == simulator.set().rows[r].compared.end()) continue;
            const double simulated = simulator.outcome(values, r).energy_pj.at(part);
            if (column->second > 0.0 && simulated > 0.0) samples.push_back({column->second, simulated});
        }
        (samples.empty() ? rest : fitted).push_back(part);
        if (!samples.empty()) factors.push_back(least_squares({part}, samples));
    }
    std::vector<Sample> samples;
    for (const std::size_t r : rows) {
        const Measurement& m = simulator.set().rows[r];
        if (m.compared.count("energy_pj") == 0 || !has_all_parts(m, fitted)) continue;
        const Sample s = others(m, simulator.outcome(values, r), rest);
        if (s.measured > 1e-6 * m.compared.at("energy_pj") && s.simulated > 0.0) samples.push_back(s);
    }
    if (!samples.empty()) factors.push_back(least_squares(rest, samples));
    return factors;
}

double scaled_energy(const RowOutcome& outcome, const std::string& column, const std::vector<EnergyFactor>& factors)
{
    double sum = 0.0;
    for (const auto& [part, pj] : outcome.energy_pj) {
        const std::string& name = part;
        if (column != "energy_pj" && column != part_prefix + name) continue;
        double factor = 1.0;
        for (const EnergyFactor& f : factors)
            if (std::find(f.parts.begin(), f.parts.end(), name) != f.parts.end()) factor = f.factor;
        sum += factor * pj;
    }
    return sum;
}

std::string scaled_energy_table(const MeasuredSet& set, const std::vector<EnergyFactor>& factors)
{
    const std::string name =
        set.energy_table.empty() ? parse_hardware(set.hardware_yaml, set.hardware_file).energy_table : set.energy_table;
    const bool is_file = name.find('/') != std::string::npos || name.find(".yaml") != std::string::npos;
    std::string text = read_file(is_file ? name : data_root() + "/models/tables/" + name + ".yaml");
    struct Change {
        std::size_t at, length;
        std::string value;
    };
    std::vector<Change> changes;
    for (const YAML::Node& entry : YAML::Load(text)["energies"]) {
        if (entry["action"].Scalar() == "gated") continue; // a share of the MAC's own
        for (const EnergyFactor& f : factors) {
            if (std::find(f.parts.begin(), f.parts.end(), factor_part(entry["component"].Scalar())) == f.parts.end())
                continue;
            std::ostringstream scaled;
            scaled.precision(9);
            scaled << entry["value"].as<double>() * f.factor;
            changes.push_back(
                {static_cast<std::size_t>(entry["value"].Mark().pos), entry["value"].Scalar().size(), scaled.str()});
        }
    }
    for (auto c = changes.rbegin(); c != changes.rend(); ++c) text.replace(c->at, c->length, c->value);
    std::string head = "# " + name + " with energies scaled by heddle calibrate to " + set.file + ":\n";
    for (const EnergyFactor& f : factors)
        head += "#   " + joined(f.parts) + ": x " + decimal(f.factor, 4) + " (" + std::to_string(f.rows) + " rows)\n";
    return head + text;
}

} // namespace heddle
