#include "sim/mapper_energy.hpp"

#include "sim/price.hpp"
#include "sim/totals.hpp"

#include <algorithm>

namespace heddle {

namespace {

std::int64_t ceil_div(std::int64_t a, std::int64_t b)
{
    return (a + b - 1) / b;
}

/// Sums over the passes of a plan.
struct PassSums {
    std::int64_t passes = 0, active_macs = 0;               ///< active: summed over passes, one step each
    std::int64_t weight_registers = 0, input_registers = 0; ///< words of one load in all PEs, as often
    std::int64_t weight_hops = 0, input_hops = 0;
};

/// Links that one word drives: along a row or column, down the load chain to its row on average, else one per receiver.
std::int64_t links(Delivery mode, const PassClass& p, std::int64_t lanes)
{
    if (mode == Delivery::systolic_x) return p.used_cols;
    if (mode == Delivery::systolic_y) return p.used_rows;
    if (mode == Delivery::load_chain_y) return std::max<std::int64_t>(1, (p.used_rows + 1) / 2);
    return std::max<std::int64_t>(1, p.active_macs / std::max<std::int64_t>(1, lanes));
}

PassSums sum_passes(const LayerPlan& plan, const Traffic& t)
{
    PassSums s;
    for (const PassClass& p : t.passes) {
        s.passes += p.count;
        s.active_macs += p.count * p.active_macs;
        s.weight_registers += p.count * p.active_macs * p.weight_entries;
        s.input_registers += p.count * p.active_macs * p.input_entries;
        s.weight_hops += p.count * p.weight_words * links(plan.weight_delivery, p, p.weight_lanes);
        s.input_hops += p.count * p.input_words * links(plan.input_delivery, p, p.input_lanes);
    }
    return s;
}

/// Of a sum over all passes, the part of those that load.
std::int64_t of_loads(std::int64_t sum, std::int64_t loads, const PassSums& s)
{
    return s.passes > 0 ? static_cast<std::int64_t>(static_cast<double>(sum) * static_cast<double>(loads) /
                                                    static_cast<double>(s.passes))
                        : 0;
}

void estimate_array(const LayerPlan& plan, const Traffic& t, LayerResult& r)
{
    const PassSums s = sum_passes(plan, t);
    auto& files = r.accesses["register_file"];
    if (plan.keep_weights) files["weights"] = {of_loads(s.weight_registers, t.weight_loads, s), r.macs, 0, 0, 0, 0};
    if (plan.keep_inputs) files["inputs"] = {of_loads(s.input_registers, t.input_loads, s), r.macs, 0, 0, 0, 0};
    if (plan.keep_psums) files["psums"] = {0, r.macs - s.active_macs, r.macs, t.psums, 0, 0};
    r.hops["weights"] = plan.keep_weights ? of_loads(s.weight_hops, t.weight_loads, s) : s.weight_hops;
    r.hops["inputs"] = plan.keep_inputs ? of_loads(s.input_hops, t.input_loads, s) : s.input_hops;
    r.hops["psums"] = plan.keep_psums || plan.psum_path != PsumPath::chain_y ? t.psums : r.macs;
    r.post_operations = {{"add", t.outputs}, {"multiply", t.outputs}, {"compare", t.outputs}};
}

void estimate_buffer(const LayerPlan& plan, const HardwareConfig& hw, const Traffic& t, LayerResult& r)
{
    const GlobalBufferConfig& g = hw.global_buffer;
    const bool off_chip = hw.dram.kind != DramKind::resident;
    auto& glb = r.accesses["global_buffer"];
    const auto add = [&](const char* tensor, const PartitionConfig& p, std::int64_t reads, std::int64_t writes,
                         std::int64_t read_beats = 0) {
        if (reads + writes == 0) return;
        glb[tensor] = {writes,
                       reads,
                       0,
                       0,
                       std::max(read_beats, ceil_div(reads, p.read_port.words)),
                       ceil_div(writes, p.write_port.words)};
    };
    add("weights", g.weights, t.weight_reads, off_chip ? t.weight_fills : 0, t.weight_beats);
    add("inputs", g.inputs, t.input_reads, off_chip ? t.input_fills : 0, t.input_beats);
    add("outputs", g.outputs, off_chip ? t.results : 0, t.results);
    add("psums", g.psums, t.psum_accumulations, t.psums - t.outputs);
    if (plan.add_layer >= 0) add("operand2", g.operand2, t.outputs, off_chip ? t.operand2_fills : 0);
}

void estimate_dram(const HardwareConfig& hw, const Bound& bound, LayerResult& r)
{
    DramActivity& d = r.dram;
    if (hw.dram.kind == DramKind::resident) return;
    const DramTiming& timing = hw.dram.timing;
    const bool modelled = hw.dram.kind == DramKind::dram;
    d.reads = bound.dram.read.bursts;
    d.writes = bound.dram.written.bursts;
    d.read_bytes = bound.dram.read_bytes();
    d.write_bytes = bound.dram.write_bytes();
    if (!modelled) return;
    d.activates = bound.dram.read.rows + bound.dram.written.rows;
    d.precharges = d.activates;
    const double clocks =
        static_cast<double>(r.cycles) * static_cast<double>(timing.clock_khz) / (1e3 * hw.clock_mhz.value());
    const std::int64_t ranks = std::int64_t{timing.channels} * timing.ranks;
    d.active_standby_clocks = static_cast<std::int64_t>(clocks) * ranks;
    d.refreshes = timing.refreshes_in(static_cast<std::int64_t>(clocks)) * ranks;
}

} // namespace

LayerResult estimate_counts(const LayerPlan& plan, const HardwareConfig& hw, const Traffic& t, const Bound& bound,
                            std::int64_t cycles)
{
    LayerResult r;
    r.cycles = std::max<std::int64_t>(1, cycles);
    r.macs = plan.macs();
    if (plan.kind == PlanKind::array)
        estimate_array(plan, t, r);
    else
        r.post_operations = {{plan.op == Op::max_pool ? "compare" : "add", t.input_reads}};
    estimate_buffer(plan, hw, t, r);
    estimate_dram(hw, bound, r);
    return r;
}

double priced_pj(LayerResult counts, const HardwareConfig& hw, const EnergyTable& table)
{
    RunResult run;
    run.layers.push_back(std::move(counts));
    price(run, table, hw);
    return layer_energy(run.layers.front());
}

double estimate_energy_pj(const LayerPlan& plan, const HardwareConfig& hw, const EnergyTable& table, const Bound& bound,
                          std::int64_t cycles)
{
    return priced_pj(estimate_counts(plan, hw, compute_traffic(plan, hw), bound, cycles), hw, table);
}

EnergyRates probe_rates(const HardwareConfig& hw, const EnergyTable& table, std::int64_t macs, bool keeps_inputs)
{
    constexpr std::int64_t many = 1 << 20; // one unit of anything is lost beside the cycle that a layer must have
    LayerResult idle;
    idle.cycles = 1;
    EnergyRates rates;
    rates.cycle_pj = priced_pj(idle, hw, table);
    const auto each = [&](const LayerResult& r) { return (priced_pj(r, hw, table) - rates.cycle_pj) / many; };
    LayerResult probe = idle;
    probe.macs = many;
    rates.fixed_pj = each(probe) * static_cast<double>(macs);
    if (hw.dram.kind != DramKind::resident) {
        probe = idle;
        probe.dram.read_bytes = many;
        probe.dram.reads = hw.dram.kind == DramKind::dram ? ceil_div(many, hw.dram.timing.burst_bytes()) : 0;
        rates.dram_pj = each(probe);
    }
    const GlobalBufferConfig& g = hw.global_buffer;
    probe = idle;
    probe.accesses["global_buffer"]["psums"] = {0, 0, 0, 0, many, many};
    rates.accumulate_pj = g.psums.bytes > 0 ? each(probe) / g.psums.read_port.words : 0.0;
    probe = idle;
    probe.accesses["global_buffer"][keeps_inputs ? "inputs" : "weights"] = {0, 0, 0, 0, many, 0};
    const PartitionConfig& loaded = keeps_inputs ? g.inputs : g.weights;
    rates.load_pj = loaded.bytes > 0 ? each(probe) / loaded.read_port.words : 0.0;
    return rates;
}

} // namespace heddle
