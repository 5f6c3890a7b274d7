#include "sim/driver.hpp"

#include "dnn/base/error.hpp"
#include "sim/choose_mappings.hpp"
#include "sim/jobs.hpp"
#include "sim/layer_run.hpp"
#include "sim/lower.hpp"

#include <algorithm>
#include <chrono>
#include <numeric>

namespace heddle {

namespace {

/// What stands in the report for a layer without a plan of its own; empty name when it has one.
LayerResult untimed(const Network& net, const HardwareConfig& hw, int index)
{
    const Layer& l = net.layers[static_cast<std::size_t>(index)];
    LayerResult r;
    if (has_plan(net, hw, index)) return r;
    r.name = l.name;
    r.op = describe_op(l);
    r.shape = describe_shape(l);
    const int host = fused_into(net, hw, index);
    r.timed = host >= 0;
    r.note = l.op == Op::softmax ? "left to the host: not timed"
             : host >= 0         ? "fused into " + net.layers[static_cast<std::size_t>(host)].name
                                 : "moves no data";
    return r;
}

/// Scores of the network's last layer that computes.
void take_output(const RunOptions& o, const LayerRunner& runner, RunResult& result)
{
    const int last = static_cast<int>(o.network.net.layers.size()) - 1;
    const Tensor t = runner.output(last);
    const double scale = o.network.layers[static_cast<std::size_t>(last)].out_scale;
    for (std::int16_t v : t.data) result.output.push_back(static_cast<float>(v * scale));
}

RunResult describe_run(const RunOptions& o)
{
    RunResult r;
    r.network = o.network.net.name;
    r.hardware = o.hardware.name;
    r.dataflow = o.dataflow.empty() ? o.hardware.dataflows.front() : o.dataflow;
    r.synthetic = o.network.synthetic;
    r.timing_only = o.timing_only;
    r.seed = o.seed;
    r.stall_seed = o.stall_seed;
    r.batch = o.network.net.layers.front().out_shape[0];
    r.clock_mhz = o.hardware.clock_mhz.value();
    r.pes = o.hardware.macs();
    return r;
}

} // namespace

RunResult run_network(RunOptions options, const std::function<void(const Progress&)>& progress)
{
    const Network& net = options.network.net;
    std::vector<int> wanted = options.layers;
    if (wanted.empty()) {
        wanted.resize(net.layers.size());
        std::iota(wanted.begin(), wanted.end(), 0);
    }
    std::vector<int> planned;
    std::int64_t all_macs = 0;
    for (int l : wanted)
        if (has_plan(net, options.hardware, l)) {
            planned.push_back(l);
            all_macs += net.layers[static_cast<std::size_t>(l)].macs();
        }
    const std::map<int, DataflowChoice> dataflows = choose_mappings(options, planned); // errors before the first cycle

    RunResult result = describe_run(options);
    std::map<int, LayerResult> done;
    Progress p;
    p.layers_total = static_cast<int>(planned.size());
    std::int64_t macs = 0;
    const auto report = [&](int layer, const LayerResult& r) {
        done[layer] = r;
        macs += r.macs;
        p.layers_done += 1;
        p.cycles += r.cycles;
        p.layer = r.name;
        p.fraction = all_macs > 0 ? static_cast<double>(macs) / static_cast<double>(all_macs)
                                  : static_cast<double>(p.layers_done) / std::max(1, p.layers_total);
        if (progress) progress(p);
    };
    const auto start = std::chrono::steady_clock::now();
    if (options.jobs > 1) {
        result.reference_seconds = run_in_processes(options, planned, report);
    } else {
        LayerRunner runner(options);
        for (int l : planned) report(l, runner.run(l));
        result.reference_seconds = runner.reference_seconds();
        if (!options.timing_only && wanted.size() == net.layers.size()) take_output(options, runner, result);
    }
    result.simulate_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    for (int l : wanted) {
        const auto it = done.find(l);
        result.layers.push_back(it != done.end() ? it->second : untimed(net, options.hardware, l));
        result.layers.back().position = l;
        if (const auto choice = dataflows.find(l); choice != dataflows.end())
            result.layers.back().dataflow_choice = choice->second;
        if (const auto chosen = options.chosen.find(l); chosen != options.chosen.end())
            result.layers.back().dataflow_switch = chosen->second.change;
    }
    if (options.timing_only) result.output.clear();
    return result;
}

} // namespace heddle
