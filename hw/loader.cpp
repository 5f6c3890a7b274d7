#include "hw/loader.hpp"

#include <algorithm>

namespace heddle {

void Loader::start(const CompiledPlan& plan)
{
    plan_ = &plan;
    active_ = plan.plan().keeps(tensor_);
    expected_ = begun_ = complete_ = holds_ = finishing_ = false;
    allowed_ = hw_->passes.load != Overlap::exposed;
    in_use_ = 0;
    releases_.clear();
    if (!active_) return;
    tile_ = RegisterTile(plan, tensor_);
    file_.restart(hw_->grid_rows(), hw_->grid_cols(), tile_);
    const std::size_t entries = static_cast<std::size_t>(tile_.numbers());
    lanes_left_.assign(entries, 0);
    arrived_.assign(entries, never);
    usable_.assign(entries, never);
    walk_ = PassWalk(plan);
    step_ = StepWalk(plan);
    expect();
}

/// Finds the next pass that holds something else, and what has to come for it.
void Loader::expect()
{
    expected_ = false;
    while (!walk_.done() && !changes(walk_.pass())) walk_.next();
    if (walk_.done()) return;
    tile_.loads(holds_ ? &held_ : nullptr, walk_.pass(), loads_);
    expected_ = true;
    complete_ = loads_.empty();
    ready_ = 0;
    list_sets();
    list_releases();
    for (const RegisterTile::Touched& t : loads_) {
        lanes_left_[static_cast<std::size_t>(t.entry)] = set(t.entry).tensor[static_cast<int>(tensor_)].count;
        arrived_[static_cast<std::size_t>(t.entry)] = never;
    }
    const TensorLanes& lanes = set_->tensor[static_cast<int>(tensor_)];
    const int words = std::max(1, (lanes.words_in_pes + set_->active_pes - 1) / std::max(1, set_->active_pes));
    capacity_ = hw_->register_file(tensor_).words / words;
    const bool chain =
        (weights() ? plan_->plan().weight_delivery : plan_->plan().input_delivery) == Delivery::load_chain_y;
    const int rows = hw_->passes.edges_full ? hw_->array.rows : set_->used_rows;
    load_cycles_ = chain ? rows * static_cast<int>(loads_.size()) : 1;
}

void Loader::list_sets()
{
    sets_.clear();
    step_.start(walk_.pass());
    set_ = &plan_->lanes(step_.remaining());
    if (!step_.lanes_vary()) return;
    sets_.assign(static_cast<std::size_t>(tile_.numbers()), set_);
    for (const RegisterTile::Touched& t : loads_) sets_[static_cast<std::size_t>(t.entry)] = t.lanes;
}

void Loader::list_releases()
{
    releases_.clear();
    if (hw_->passes.load != Overlap::word || !holds_) return;
    const RegisterTile::List& old = tile_.touched(held_);
    in_use_ = static_cast<int>(old.size());
    const Slide s = tile_.slide(held_, walk_.pass());
    std::vector<bool> stays(static_cast<std::size_t>(tile_.numbers()), false);
    for (const RegisterTile::Touched& t : tile_.touched(walk_.pass())) {
        const int from = tile_.held(s, held_, t);
        if (from >= 0) stays[static_cast<std::size_t>(from)] = true;
    }
    for (const RegisterTile::Touched& t : old)
        if (!stays[static_cast<std::size_t>(t.entry)]) releases_.push_back(t.last_use + 1);
    std::sort(releases_.begin(), releases_.end());
}

int Loader::released(std::int64_t pass, int steps_done) const
{
    if (pass + 1 < next()) return 0;
    if (pass >= next()) return static_cast<int>(releases_.size()); // its steps are over
    return static_cast<int>(std::upper_bound(releases_.begin(), releases_.end(), steps_done) - releases_.begin());
}

bool Loader::accepts(const OperandBeat& beat, std::int64_t pass, int steps_done) const
{
    if (!wants()) return false;
    if (!by_word() || !holds_ || finishing_) return true; // begun: the tile's room is its own
    return beat.through <= capacity_ - in_use_ + released(pass, steps_done);
}

/// When the first step of the loaded pass has what it uses; `never` while it has not come.
Cycle Loader::first_usable() const
{
    const RegisterTile::Touched& first = tile_.touched(walk_.pass()).front();
    const Slide s = holds_ ? tile_.slide(held_, walk_.pass()) : Slide{};
    const int old = tile_.held(s, held_, first);
    return old >= 0 ? usable_[static_cast<std::size_t>(old)] : arrived_[static_cast<std::size_t>(first.entry)];
}

bool Loader::may_begin(Cycle now) const
{
    return by_word() ? first_usable() <= now : complete_ && now >= ready_;
}

void Loader::note_arrival(int entry, Cycle now)
{
    const std::size_t e = static_cast<std::size_t>(entry);
    if (--lanes_left_[e] == 0) (finishing_ ? usable_ : arrived_)[e] = now + 1;
}

bool Loader::take(const OperandBeat& beat, Cycle now, bool timing_only)
{
    const bool first = !begun_;
    if (first) ready_ = now + load_cycles_;
    begun_ = true;
    for (int i = 0; i < beat.count && by_word(); ++i) note_arrival(beat.entry_at(i), now);
    for (int i = 0; i < beat.count && !timing_only; ++i) {
        const int e = beat.entry_at(i);
        const TensorLanes& lanes = set(e).tensor[static_cast<int>(tensor_)];
        const std::size_t l = static_cast<std::size_t>(beat.lane_at(i));
        PeMatrix& m = finishing_ ? file_.flip(e) : file_.arriving(e);
        for (int p = lanes.cells_begin[l]; p < lanes.cells_begin[l + 1]; ++p)
            m.data[static_cast<std::size_t>(lanes.cells[static_cast<std::size_t>(p)])] =
                beat.word[static_cast<std::size_t>(i)];
    }
    if (beat.last) {
        complete_ = true;
        ready_ = std::max(ready_, now + 1);
        if (finishing_) next_load();
    }
    return first;
}

std::int64_t Loader::commit()
{
    const Pass& now = walk_.pass();
    const Slide s = holds_ ? tile_.slide(held_, now) : Slide{};
    const RegisterTile::List& touched = tile_.touched(now);
    file_.commit(touched, [&](const RegisterTile::Touched& t) { return tile_.held(s, held_, t); });
    if (by_word()) {
        const std::vector<Cycle> before = usable_;
        for (const RegisterTile::Touched& t : touched) {
            const std::size_t e = static_cast<std::size_t>(t.entry);
            const int old = tile_.held(s, held_, t);
            usable_[e] = old >= 0 ? before[static_cast<std::size_t>(old)] : arrived_[e];
        }
    }
    std::int64_t words = 0;
    for (const RegisterTile::Touched& t : loads_) words += set(t.entry).tensor[static_cast<int>(tensor_)].words_in_pes;
    held_ = now;
    holds_ = true;
    in_use_ = static_cast<int>(touched.size());
    finishing_ = !complete_;
    if (complete_) next_load();
    return words;
}

void Loader::next_load()
{
    finishing_ = complete_ = begun_ = false;
    if (!by_word()) allowed_ = false;
    walk_.next();
    expect();
}

} // namespace heddle
