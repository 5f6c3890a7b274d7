#include "sim/totals.hpp"

#include "sim/result_fields.hpp"

#include <numeric>

namespace heddle {

namespace {

bool is_work(const std::string& cause)
{
    return cause == "compute" || cause == "busy" || cause == "moving";
}

std::int64_t work(const Ledger& ledger)
{
    std::int64_t sum = 0;
    for (const auto& [cause, cycles] : ledger) sum += is_work(cause) ? cycles : 0;
    return sum;
}

void add(DramEnergyParts& sum, const DramEnergyParts& e)
{
    sum.activate += e.activate;
    sum.read += e.read;
    sum.write += e.write;
    sum.refresh += e.refresh;
    sum.active_standby += e.active_standby;
    sum.precharge_standby += e.precharge_standby;
    sum.power_down += e.power_down;
    sum.io += e.io;
}

StallCause biggest_stall_of(const std::string& block, const Ledger& ledger)
{
    StallCause worst{block, "", 0.0};
    const auto all = static_cast<double>(ledger_sum(ledger));
    for (const auto& [cause, cycles] : ledger) {
        const double share = all > 0.0 ? static_cast<double>(cycles) / all : 0.0;
        if (!is_work(cause) && share > worst.share) {
            worst.cause = cause;
            worst.share = share;
        }
    }
    return worst;
}

} // namespace

bool has_cycles(const LayerResult& layer)
{
    return layer.timed && layer.cycles > 0;
}

Totals sum_layers(const RunResult& run)
{
    Totals t;
    double weighted_utilization = 0.0;
    for (const LayerResult& layer : run.layers) {
        t.overflows += layer.overflows;
        if (!has_cycles(layer)) continue;
        ++t.layers;
        t.verified += layer.verified ? 1 : 0;
        t.cycles += layer.cycles;
        t.bound_cycles += layer.bound_cycles;
        t.bound_actual_cycles += layer.bound_actual_cycles;
        t.macs += layer.macs;
        t.macs_effectual += layer.macs_effectual;
        t.macs_gated += layer.macs_gated;
        t.macs_skipped += layer.macs_skipped;
        t.dram_read_bytes += layer.dram.read_bytes;
        t.dram_write_bytes += layer.dram.write_bytes;
        weighted_utilization += layer.utilization * static_cast<double>(layer.cycles);
        for (const auto& [part, energy] : layer.energy_pj) t.energy[part] += energy;
        for (const auto& [tensor, energy] : layer.energy_by_tensor_pj) t.energy_by_tensor[tensor] += energy;
        add(t.dram_energy, layer.dram_energy_pj);
    }
    for (const auto& [part, energy] : t.energy) t.total_energy += energy;
    if (t.cycles > 0) t.utilization = weighted_utilization / static_cast<double>(t.cycles);
    if (run.clock_mhz > 0) t.seconds = static_cast<double>(t.cycles) / (1e6 * run.clock_mhz);
    return t;
}

double layer_energy(const LayerResult& layer)
{
    double sum = 0.0;
    for (const auto& [part, energy] : layer.energy_pj) sum += energy;
    return sum;
}

std::int64_t ledger_sum(const Ledger& ledger)
{
    return std::accumulate(ledger.begin(), ledger.end(), std::int64_t{0},
                           [](std::int64_t sum, const auto& entry) { return sum + entry.second; });
}

bool is_array(const std::string& block)
{
    return block.find("array") != std::string::npos;
}

StallCause biggest_stall(const LayerResult& layer)
{
    const Ledger* chosen = nullptr;
    std::string block;
    bool array_worked = false;
    for (const auto& [name, ledger] : layer.ledger) {
        const bool array = is_array(name);
        if (array_worked || (array && work(ledger) == 0)) continue;
        if (array || !chosen || work(ledger) > work(*chosen)) {
            chosen = &ledger;
            block = name;
            array_worked = array;
        }
    }
    return chosen ? biggest_stall_of(block, *chosen) : StallCause{};
}

std::vector<std::pair<std::string, double>> dram_parts(const DramEnergyParts& energy)
{
    struct {
        void field(const char* name, double pj) { list.emplace_back(name, pj); }
        std::vector<std::pair<std::string, double>> list;
    } parts;
    DramEnergyParts copy = energy;
    visit(parts, copy);
    return parts.list;
}

std::string biggest_energy_part(const LayerResult& layer)
{
    std::string biggest;
    double most = 0.0;
    for (const auto& [part, energy] : layer.energy_pj)
        if (energy > most) {
            biggest = part;
            most = energy;
        }
    return biggest;
}

} // namespace heddle
