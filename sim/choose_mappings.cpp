#include "sim/choose_mappings.hpp"

#include "dnn/base/error.hpp"
#include "dnn/base/nearest.hpp"
#include "dnn/base/yaml_scalar.hpp"
#include "sim/jobs.hpp"
#include "sim/layer_run.hpp"
#include "sim/lower.hpp"
#include "sim/mapper_energy.hpp"

#include <algorithm>
#include <utility>

namespace heddle {

namespace {

/// The best mapping of one layer under one dataflow, as far as it is known.
struct Option {
    struct Measured {
        std::size_t candidate = 0;
        std::int64_t cycles = 0;
        double pj = 0.0;
    };
    std::vector<MapChoice> candidates; ///< empty: the dataflow cannot run the layer
    std::vector<Measured> measured;
    std::size_t best = 0;
    std::int64_t cycles = 0;
    double pj = 0.0;
};

double cost(Objective objective, double cycles, double pj)
{
    return objective == Objective::latency ? cycles : objective == Objective::energy ? pj : cycles * pj;
}

/// Phases of the longest pass, each on its own: a first or a last one that uses as much of the array as any.
PassPhases longest_phases(const LayerPlan& plan, const HardwareConfig& hw)
{
    PassPhases longest;
    for (const PassClass& p : compute_traffic(plan, hw).passes) {
        const PassPhases phases = pass_phases(plan, hw, p);
        longest.load = std::max(longest.load, phases.load);
        longest.drain = std::max(longest.drain, phases.drain);
        longest.wavefront = std::max(longest.wavefront, phases.wavefront);
    }
    return longest;
}

DataflowSwitch dataflow_switch(const MapChoice& before, const MapChoice& after, const HardwareConfig& hw)
{
    const PassPhases last = longest_phases(before.plan, hw), first = longest_phases(after.plan, hw);
    return {before.mapping.dataflow, after.plan.switch_cycles, last.wavefront + last.drain, first.load};
}

class Chooser {
public:
    Chooser(RunOptions& options, const std::vector<int>& planned)
        : o_(options), planned_(planned), best_(options.dataflow == "best"),
          dataflows_(best_                      ? options.hardware.dataflows
                     : options.dataflow.empty() ? std::vector<std::string>{options.hardware.dataflows.front()}
                                                : std::vector<std::string>{options.dataflow}),
          automatic_(options.simulate_best < 0 && !best_),
          simulated_(options.simulate_best >= 0 ? options.simulate_best : 1)
    {
        if (best_ && options.mapper.constraints) dataflows_.push_back(options.mapper.constraints->name);
    }

    std::map<int, DataflowChoice> run()
    {
        std::map<int, DataflowChoice> choices;
        for (int layer : planned_) find_options(layer);
        for (std::size_t d = 0; d < dataflows_.size(); ++d)
            for (std::size_t i = 0; measure(d, i);) ++i;
        for (auto& [layer, list] : options_)
            for (Option& option : list) take_best(option);
        const std::vector<int> chain = chain_of_choices();
        const std::vector<std::size_t> path = best_path(chain);
        for (std::size_t i = 0; i < chain.size(); ++i) {
            const Option& option = options_.at(chain[i])[path[i]];
            o_.chosen[chain[i]] = option.candidates[option.best];
            if (best_) choices[chain[i]] = describe(chain[i], path[i]);
        }
        charge_switches();
        return choices;
    }

private:
    const std::string& name(int layer) const { return o_.network.net.layers[static_cast<std::size_t>(layer)].name; }

    /// Mappings by hand and layers without an array have nothing to choose from.
    void find_options(int layer)
    {
        const bool given = std::any_of(o_.mappings.begin(), o_.mappings.end(),
                                       [&](const NamedMapping& m) { return m.layer == name(layer); });
        if (given || layer_shape(o_.network.net, layer).kind == PlanKind::post) {
            RunOptions& o = o_;
            const std::string dataflow = std::exchange(o.dataflow, dataflows_.front());
            o_.chosen[layer] = LayerRunner::choose(o_, layer);
            o.dataflow = dataflow;
            return;
        }
        std::vector<Option> list;
        std::string error;
        for (const std::string& dataflow : dataflows_) {
            Option option;
            try {
                option.candidates = map_candidates(o_.network.net, layer, o_.hardware, dataflow, o_.mapper,
                                                   static_cast<std::size_t>(std::max(1, simulated_)));
                option.cycles = option.candidates.front().estimate_cycles;
                option.pj = option.candidates.front().estimate_pj;
            } catch (const UserError& e) {
                if (!best_) throw;
                if (error.empty()) error = e.what();
            }
            list.push_back(std::move(option));
        }
        if (std::all_of(list.begin(), list.end(), [](const Option& x) { return x.candidates.empty(); }))
            throw UserError("--dataflow best: no dataflow of " + o_.hardware.name + " can run it: " + error);
        options_[layer] = std::move(list);
    }

    /// Is there something to find out by simulating?
    bool simulates(const Option& option) const
    {
        if (!automatic_) return simulated_ > 0;
        const auto is_short = [](const MapChoice& c) { // of any: the candidates of all objectives are the same
            return c.estimate_cycles <= RunOptions::simulated_by_default_cycles;
        };
        return option.candidates.size() > 1 &&
               std::any_of(option.candidates.begin(), option.candidates.end(), is_short);
    }

    /// Simulates the i-th candidate of every layer under one dataflow; false when no layer has one.
    bool measure(std::size_t dataflow, std::size_t i)
    {
        std::vector<int> layers;
        const std::map<int, MapChoice> kept = o_.chosen;
        for (auto& [layer, list] : options_) {
            const Option& option = list[dataflow];
            if (!simulates(option) || i >= option.candidates.size()) continue;
            layers.push_back(layer);
            o_.chosen[layer] = option.candidates[i];
        }
        if (layers.empty()) return false;
        // Cycles do not depend on values, but for how far maps are compressed: that is looked at only where asked for.
        bool& compressed = o_.hardware.dram.compression.maps;
        const bool as_given = std::exchange(compressed, compressed && !automatic_);
        const bool timing_only = std::exchange(o_.timing_only, !compressed);
        run_in_processes(o_, layers, [&](int layer, const LayerResult& r) {
            const double pj = o_.mapper.energy ? priced_pj(r, o_.hardware, *o_.mapper.energy) : 0.0;
            options_.at(layer)[dataflow].measured.push_back({i, r.cycles, pj});
        });
        o_.timing_only = timing_only;
        compressed = as_given;
        o_.chosen = kept;
        return true;
    }

    /// The best of those measured; of what is alike, the one with less energy, or less time where energy counts.
    void take_best(Option& option) const
    {
        const Objective by = o_.mapper.objective;
        const auto value = [by](const Option::Measured& m) { return cost(by, static_cast<double>(m.cycles), m.pj); };
        const auto next = [by](const Option::Measured& m) {
            return by == Objective::energy ? static_cast<double>(m.cycles) : m.pj;
        };
        if (option.measured.empty()) return;
        double least = value(option.measured.front());
        for (const Option::Measured& m : option.measured) least = std::min(least, value(m));
        const Option::Measured* best = nullptr;
        for (const Option::Measured& m : option.measured)
            if (value(m) <= least * values_alike && (!best || next(m) < next(*best))) best = &m;
        option.best = best->candidate;
        option.cycles = best->cycles;
        option.pj = best->pj;
    }

    std::vector<int> chain_of_choices() const
    {
        std::vector<int> chain;
        for (int layer : planned_)
            if (options_.count(layer) > 0) chain.push_back(layer);
        return chain;
    }

    double cost_of(const Option& option, std::int64_t extra) const
    {
        return cost(o_.mapper.objective, static_cast<double>(option.cycles + extra), option.pj);
    }

    std::vector<std::size_t> best_path(const std::vector<int>& chain) const
    {
        std::vector<std::vector<double>> costs, changes;
        for (int layer : chain) {
            std::vector<double> c, change;
            for (const Option& option : options_.at(layer)) {
                const bool possible = !option.candidates.empty();
                c.push_back(possible ? cost_of(option, 0) : -1.0);
                change.push_back(possible ? cost_of(option, o_.hardware.passes.switch_cycles) - cost_of(option, 0)
                                          : 0.0);
            }
            costs.push_back(c);
            changes.push_back(change);
        }
        return best_chain(costs, changes);
    }

    DataflowChoice describe(int layer, std::size_t chosen) const
    {
        DataflowChoice choice;
        choice.chosen = dataflows_[chosen];
        const std::vector<Option>& list = options_.at(layer);
        double runner_up = -1.0;
        for (std::size_t d = 0; d < list.size(); ++d) {
            if (list[d].candidates.empty()) continue;
            choice.candidates[dataflows_[d]] = list[d].cycles;
            const double c = cost_of(list[d], 0);
            if (d != chosen && (runner_up < 0.0 || c < runner_up)) runner_up = c;
        }
        if (runner_up >= 0.0) choice.margin = runner_up / cost_of(list[chosen], 0) - 1.0;
        return choice;
    }

    /// Also between mappings by hand: what counts is the dataflow that a mapping names.
    void charge_switches()
    {
        const MapChoice* before = nullptr;
        for (int layer : planned_) {
            MapChoice& c = o_.chosen.at(layer);
            if (c.plan.kind != PlanKind::array) continue;
            if (before && before->mapping.dataflow != c.mapping.dataflow) {
                c.plan.switch_cycles = o_.hardware.passes.switch_cycles;
                c.change = dataflow_switch(*before, c, o_.hardware);
            }
            before = &c;
        }
    }

    RunOptions& o_;
    const std::vector<int>& planned_;
    bool best_;
    std::vector<std::string> dataflows_;
    bool automatic_; ///< simulates where the closed form may not tell
    int simulated_;
    std::map<int, std::vector<Option>> options_; ///< by layer, then by dataflow
};

} // namespace

std::vector<std::size_t> best_chain(const std::vector<std::vector<double>>& cost,
                                    const std::vector<std::vector<double>>& change)
{
    constexpr double impossible = 1e300;
    std::vector<std::vector<std::size_t>> from(cost.size());
    std::vector<double> sum, before;
    for (std::size_t i = 0; i < cost.size(); ++i) {
        before = std::exchange(sum, std::vector<double>(cost[i].size(), impossible));
        from[i].assign(cost[i].size(), 0);
        for (std::size_t d = 0; d < cost[i].size(); ++d) {
            if (cost[i][d] < 0.0) continue;
            if (i == 0) sum[d] = cost[i][d];
            for (std::size_t b = 0; i > 0 && b < before.size(); ++b) {
                const double all = before[b] + cost[i][d] + (b != d ? change[i][d] : 0.0);
                if (before[b] == impossible || all >= sum[d]) continue;
                sum[d] = all;
                from[i][d] = b;
            }
        }
    }
    std::vector<std::size_t> path(cost.size());
    if (path.empty()) return path;
    path.back() = static_cast<std::size_t>(std::min_element(sum.begin(), sum.end()) - sum.begin());
    for (std::size_t i = path.size() - 1; i > 0; --i) path[i - 1] = from[i][path[i]];
    return path;
}

void check_mappings(const Network& net, const HardwareConfig& hw, const std::vector<NamedMapping>& mappings,
                    const std::string& file)
{
    std::vector<std::string> names;
    for (const Layer& l : net.layers) names.push_back(l.name);
    for (const NamedMapping& m : mappings) {
        const std::string line = m.line > 0 ? ":" + std::to_string(m.line) : ""; // those of a result have none
        const std::string place = file + line + ": layer " + quoted(m.layer) + ": ";
        const int layer = net.find(m.layer);
        if (layer < 0) throw UserError(place + "is no layer of " + net.name + did_you_mean(names, m.layer));
        if (has_plan(net, hw, layer)) continue;
        const int host = fused_into(net, hw, layer);
        const Op op = net.layers[static_cast<std::size_t>(layer)].op;
        throw UserError(place + "takes no mapping, since it " +
                        (host >= 0           ? "is fused into " + net.layers[static_cast<std::size_t>(host)].name
                         : op == Op::softmax ? "is left to the host"
                                             : "moves no data (" + std::string(op_name(op)) + ")"));
    }
}

std::map<int, DataflowChoice> choose_mappings(RunOptions& options, const std::vector<int>& planned)
{
    return Chooser(options, planned).run();
}

} // namespace heddle
