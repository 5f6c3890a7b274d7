#include "sim/calibrate_counts.hpp"

#include "dnn/base/error.hpp"
#include "dnn/base/yaml_scalar.hpp"
#include "sim/json.hpp"
#include "sim/price.hpp"
#include "sim/result_fields.hpp"
#include "sim/text.hpp"
#include "sim/totals.hpp"

#include <algorithm>
#include <sstream>

namespace heddle {

namespace {

const std::string counts_prefix = "counts."; // "dram.read_bytes" alone would look like a key of the hardware

/// "ledger.array.compute" in the layer's JSON.
double number_at(const json::object& layer, const std::string& column)
{
    const bool counts = column.compare(0, counts_prefix.size(), counts_prefix) == 0;
    std::istringstream path(counts ? column.substr(counts_prefix.size()) : column);
    json::value node = layer;
    for (std::string part; std::getline(path, part, '.');) {
        const json::value* next = node.is_object() ? node.as_object().if_contains(part) : nullptr;
        if (!next) {
            std::vector<std::string> names;
            if (node.is_object())
                for (const auto& member : node.as_object())
                    if (!member.value().is_string() && !member.value().is_bool()) names.emplace_back(member.key());
            throw UserError(column + ": the simulation has no " + quoted(part) +
                            (names.empty() ? "" : "; there are " + joined(names)));
        }
        node = json::value(*next);
    }
    if (!node.is_number()) throw UserError(column + ": is no single number in the simulation's report");
    return node.to_number<double>();
}

std::map<std::string, double> energies(const MeasuredSet& set, const HardwareConfig& hw, const LayerResult& result)
{
    RunResult run;
    run.clock_mhz = hw.clock_mhz.value();
    run.pes = hw.macs();
    run.layers = {result};
    price(run, EnergyTable::load(set.energy_table.empty() ? hw.energy_table : set.energy_table), hw);
    return run.layers.front().energy_pj;
}

} // namespace

void compare_counts(const MeasuredSet& set, const Measurement& m, const HardwareConfig& hw, const LayerResult& result,
                    RowOutcome& outcome)
{
    if (m.compared.empty()) return;
    const auto is_energy = [](const auto& c) { return c.first.rfind("energy_pj", 0) == 0; };
    if (std::any_of(m.compared.begin(), m.compared.end(), is_energy)) outcome.energy_pj = energies(set, hw, result);
    LayerResult copy = result;
    JsonWriter layer;
    visit_counts(layer, copy);
    for (const auto& [column, measured] : m.compared) {
        if (column == "energy_pj") {
            for (const auto& [part, pj] : outcome.energy_pj) outcome.compared[column] += pj;
        } else if (column.rfind("energy_pj.", 0) == 0) {
            outcome.compared[column] = outcome.energy_pj.at(column.substr(10));
        } else {
            outcome.compared[column] = number_at(layer.object, column);
        }
    }
}

} // namespace heddle
