#include "hw/reuse_meter.hpp"

#include <algorithm>

namespace heddle {

ReuseMeter::ReuseMeter(const CompiledPlan& plan) : plan_(&plan)
{
    const auto& loops = plan.plan().pass_loops;
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
        Held& h = held_[t];
        bool same = h.tile == pass.tile && t != static_cast<std::size_t>(Tensors::outputs); // psums leave with the pass
        for (int a = 0; a < plan_->axes() && same; ++a)
            if (plan_->axis_indexes(static_cast<Tensors>(t), a))
                same = h.base[a] == pass.base[a] && h.limit[a] == pass.limit[a];
        bool moved = false; // by the steps of the pass before: its last tile is not the first one of this pass
        for (std::size_t l = 0; l < outer_; ++l)
            moved = moved || (plan_->loop_indexes(static_cast<Tensors>(t), l) && last_[l] != 0);
        if (!same || moved) ++h.epoch;
        h.tile = pass.tile;
        h.base = pass.base;
        h.limit = pass.limit;
    }
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

void ReuseMeter::count(const StepWalk& step, int pes)
{
    for (std::size_t l = 0; l < outer_; ++l) {
        const int now = step.iteration(l);
        if (now == last_[l]) continue;
        last_[l] = now;
        for (std::size_t t = 0; t < 3; ++t) held_[t].epoch += plan_->loop_indexes(static_cast<Tensors>(t), l) ? 1 : 0;
    }
    for (std::size_t t = 0; t < 3; ++t) {
        Held& h = held_[t];
        const std::size_t at = place(static_cast<Tensors>(t), step);
        filled_[t] = h.stamp[at] != h.epoch;
        h.stamp[at] = h.epoch;
        h.used[at] = filled_[t] ? 1 : h.used[at] + 1;
        Counts& c = counts_[t];
        c.uses += pes;
        c.fills += filled_[t] ? pes : 0;
        c.most_uses = std::max(c.most_uses, h.used[at]);
    }
}

} // namespace heddle
