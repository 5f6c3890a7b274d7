#include "hw/reuse_meter.hpp"

#include <algorithm>

namespace heddle {

ReuseMeter::ReuseMeter(const CompiledPlan& plan) : plan_(&plan)
{
    const auto& loops = plan.plan().pass_loops;
    by_input_ = std::any_of(loops.begin(), loops.end(), [](const AxisLoop& l) { return l.by_input; });
    outer_ = loops.size() - static_cast<std::size_t>(plan.plan().collector_loops);
    last_.assign(outer_, 0);
    for (std::size_t t = 0; t < 3; ++t) {
        std::size_t entries = 1;
        for (std::size_t l = outer_; l < loops.size(); ++l) {
            const bool own = plan.loop_indexes(static_cast<Tensors>(t), l);
            held_[t].weight.push_back(own ? static_cast<int>(entries) : 0);
            if (own) entries *= static_cast<std::size_t>((loops[l].span + loops[l].step - 1) / loops[l].step);
        }
        held_[t].stamp.assign(entries, -1);
        held_[t].used.assign(entries, 0);
    }
}

/// A pass with the same coordinates as the one before finds the collectors as they are.
void ReuseMeter::begin_pass(const Pass& pass, const StepWalk& step)
{
    for (std::size_t t = 0; t < 3; ++t) {
        bool fresh = t == static_cast<std::size_t>(Tensors::weights)  ? pass.new_weights
                     : t == static_cast<std::size_t>(Tensors::inputs) ? pass.new_inputs
                                                                      : true; // psums leave with the pass
        // By the steps before: their last tile is not the first one of this pass.
        for (std::size_t l = 0; l < outer_; ++l)
            fresh = fresh || (plan_->loop_indexes(static_cast<Tensors>(t), l) && last_[l] != 0);
        if (fresh) ++held_[t].epoch;
    }
    index_ = step.index();
    for (std::size_t l = 0; l < outer_; ++l) last_[l] = step.iteration(l);
}

std::size_t ReuseMeter::place(Tensors t, const StepWalk& step) const
{
    std::size_t at = 0;
    const std::vector<int>& weight = held_[static_cast<std::size_t>(t)].weight;
    for (std::size_t i = 0; i < weight.size(); ++i)
        at += static_cast<std::size_t>(weight[i] * step.iteration(outer_ + i));
    return at;
}

/// The tiles that the collectors hold now. Where loops run over the input, rows and taps together may lead to the same
/// output as before.
void ReuseMeter::follow(const StepWalk& step)
{
    constexpr auto psums = static_cast<std::size_t>(Tensors::outputs);
    for (std::size_t l = 0; l < outer_; ++l) {
        const int now = step.iteration(l);
        if (now == last_[l]) continue;
        last_[l] = now;
        for (std::size_t t = 0; t < 3; ++t)
            if (!(by_input_ && t == psums) && plan_->loop_indexes(static_cast<Tensors>(t), l)) ++held_[t].epoch;
    }
    if (!by_input_) return;
    for (int a = 0; a < plan_->axes(); ++a)
        if (plan_->axis_indexes(Tensors::outputs, a) && step.index()[a] != index_[a]) {
            ++held_[psums].epoch;
            break;
        }
    index_ = step.index();
}

void ReuseMeter::count(const StepWalk& step, int pes)
{
    follow(step);
    for (std::size_t t = 0; t < 3; ++t) {
        Held& h = held_[t];
        const std::size_t at = place(static_cast<Tensors>(t), step);
        filled_[t] = h.stamp[at] != h.epoch;
        h.stamp[at] = h.epoch;
        h.used[at] = filled_[t] ? 1 : h.used[at] + 1;
        Counts& c = counts_[t];
        c.uses += pes;
        // PEs that the first step with this tile left out take it when they join in.
        const bool joined = !filled_[t] && h.weight.empty() && pes > h.pes;
        c.fills += filled_[t] ? pes : joined ? pes - h.pes : 0;
        if (filled_[t] || joined) h.pes = pes;
        c.most_uses = std::max(c.most_uses, h.used[at]);
    }
}

} // namespace heddle
