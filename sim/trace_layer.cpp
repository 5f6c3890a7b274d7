#include "sim/trace_layer.hpp"

#include "dnn/base/error.hpp"
#include "dnn/base/files.hpp"
#include "sim/choose_mappings.hpp"
#include "sim/jobs.hpp"
#include "sim/layer_run.hpp"
#include "sim/timeline.hpp"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <sstream>

namespace heddle {

namespace {

std::int64_t count_passes(const CompiledPlan& plan)
{
    std::int64_t n = 0;
    for (PassWalk walk(plan); !walk.done(); walk.next()) ++n;
    return n;
}

/// Refuses tiles and passes that the layer does not have.
void check_window(const TraceWindow& w, const CompiledPlan& plan)
{
    if (w.unit == TraceWindow::Unit::cycle) return;
    const bool tiles = w.unit == TraceWindow::Unit::tile;
    const char* option = tiles ? "--tile" : "--pass";
    if (plan.plan().kind != PlanKind::array)
        throw UserError(std::string(option) + ": layer " + plan.plan().name + " does not use the array");
    const std::int64_t count = tiles ? static_cast<std::int64_t>(plan.tiles().size()) : count_passes(plan);
    if (w.last >= count)
        throw UserError(std::string(option) + ": layer " + plan.plan().name + " has " +
                        (tiles ? "tiles 0.." : "passes 0..") + std::to_string(count - 1) + ", got " +
                        std::to_string(w.last));
}

/// What looks at the machine while it runs. The machine keeps calling it, so it lives as long as the machine.
struct Watchers {
    Watchers(Accelerator& machine, const CompiledPlan& plan, const TraceRequest& r) : causes(machine)
    {
        if (!r.trace.vcd.empty()) tracer.emplace(machine, plan, r.trace);
        if (!r.timeline.empty()) timeline.emplace(machine, plan, r.trace.window, r.trace.max_bytes);
        machine.dram().log_commands([this](const DramCommand& c) {
            if (tracer) tracer->command(c);
            if (timeline) timeline->command(c);
        });
        machine.clock().observe([this](Cycle now) {
            const std::vector<int>& all = causes.look();
            if (tracer) tracer->look(now, all);
            if (timeline) timeline->look(now, all);
        });
    }

    CauseWatch causes;
    std::optional<Tracer> tracer;
    std::optional<Timeline> timeline;
};

void take_outcome(const Watchers& w, TraceOutcome& out)
{
    if (!w.tracer) return;
    for (const Signal& s : w.tracer->signals().all())
        out.signals.push_back({s.path(), s.width(), s.form(), s.names() ? *s.names() : SignalNames{}});
    out.first_cycle = w.tracer->first_cycle();
    out.last_cycle = w.tracer->last_cycle();
    out.first_work = w.tracer->first_work();
    out.limited = w.tracer->limited();
}

/// Runs the layer up to the window's end in a process of its own; none when that fails, as the run itself will tell.
std::optional<TracePlan> forecast(const RunOptions& options, int layer, const TraceRequest& request)
{
    const std::string text = in_process_apart([&](const std::function<void(const std::string&)>& give) {
        std::function<void()> at_end;
        LayerRunner runner(options);
        runner.watch([&](Accelerator& machine, const CompiledPlan& plan) {
            check_window(request.trace.window, plan);
            auto causes = std::make_shared<CauseWatch>(machine);
            auto seen = std::make_shared<TraceForecast>(machine, plan, request.trace);
            const auto tell = [seen, give] {
                give(std::to_string(seen->signals()) + " " + std::to_string(seen->bytes()) + " " +
                     std::to_string(seen->cycles()));
            };
            machine.dram().log_commands([seen](const DramCommand& c) { seen->command(c); });
            machine.clock().observe([causes, seen, tell](Cycle now) {
                seen->look(now, causes->look());
                if (seen->over()) tell();
            });
            at_end = tell;
            return std::shared_ptr<void>(seen);
        });
        runner.run(layer);
        at_end();
    });
    TracePlan plan;
    std::istringstream numbers(text);
    if (!(numbers >> plan.signals >> plan.expected_bytes >> plan.expected_cycles)) return std::nullopt;
    return plan;
}

} // namespace

TraceOutcome trace_layer(const RunOptions& options, int layer, const TraceRequest& request,
                         const std::function<void(const TracePlan&)>& announce)
{
    RunOptions o = options;
    o.driver = TimeDriver::reference;
    choose_mappings(o, {layer}); // what a run would take
    if (announce && !request.trace.vcd.empty())
        if (const std::optional<TracePlan> plan = forecast(o, layer, request)) announce(*plan);
    std::shared_ptr<Watchers> watchers;
    LayerRunner runner(o);
    runner.watch([&](Accelerator& machine, const CompiledPlan& plan) {
        check_window(request.trace.window, plan);
        watchers = std::make_shared<Watchers>(machine, plan, request);
        return watchers;
    });
    TraceOutcome out;
    out.result = runner.run(layer);
    if (watchers->tracer) watchers->tracer->close();
    take_outcome(*watchers, out);
    const TraceWindow& w = request.trace.window;
    if (w.unit == TraceWindow::Unit::cycle && w.first >= out.result.cycles)
        throw UserError("--from: layer " + out.result.name + " ends with cycle " +
                        std::to_string(out.result.cycles - 1) + ", got " + std::to_string(w.first));
    if (watchers->timeline) {
        write_file_atomically(request.timeline, watchers->timeline->finish(out.result.cycles));
        out.timeline_limited = watchers->timeline->full();
        out.timeline_slices = watchers->timeline->slices();
    }
    return out;
}

} // namespace heddle
