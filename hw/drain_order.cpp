#include "hw/drain_order.hpp"

#include <algorithm>

namespace heddle {

DrainOrder::DrainOrder(const CompiledPlan& plan)
    : plan_(&plan), tile_(plan, Tensors::outputs), step_(plan, Tensors::outputs), cursor_(plan, Tensors::outputs),
      width_(plan.hardware().psum_network.words_per_beat), one_set_(plan.hardware().psum_network.one_set)
{
}

void DrainOrder::start(const Pass& pass)
{
    items_.clear();
    entry_begin_.assign(1, 0);
    sets_.clear();
    chained_ = false;
    for (step_.start(pass); !step_.done(); step_.next()) {
        if (sets_.empty())
            cursor_.start(pass, step_);
        else
            cursor_.follow(pass, step_);
        const TensorLanes& lanes = cursor_.lanes();
        const int entry = tile_.entry(step_.index(), pass.base);
        for (int l = 0; l < lanes.count; ++l)
            items_.push_back({entry, l, cursor_.word(l), plan_->has_operand2() ? cursor_.operand2_word(l) : 0, &lanes});
        chained_ = chained_ || static_cast<int>(lanes.psum_cells.size()) > lanes.count;
        entry_begin_.push_back(static_cast<int>(items_.size()));
        sets_.push_back(&cursor_.set());
    }
    beats_.clear();
    if (one_set_)
        group_by_set();
    else
        cut_by_entry();
    beats_.push_back(static_cast<int>(items_.size()));
}

/// Each entry row by row, unless a beat takes all MACs.
void DrainOrder::cut_by_entry()
{
    const bool one_beat = width_ >= plan_->hardware().macs();
    for (std::size_t e = 0; e < sets_.size(); ++e) {
        const std::vector<int>& row = sets_[e]->tensor[static_cast<int>(Tensors::outputs)].row_of_lane;
        const int vector = plan_->hardware().array.vector;
        const auto row_of = [&](int i) {
            return row[static_cast<std::size_t>(items_[static_cast<std::size_t>(i)].lane)] / vector;
        };
        for (int from = entry_begin_[e], to; from < entry_begin_[e + 1]; from = to) {
            beats_.push_back(from);
            for (to = from + 1; to < entry_begin_[e + 1] && to - from < width_;)
                if (one_beat || row_of(to) == row_of(from))
                    ++to;
                else
                    break;
        }
    }
}

/// As many entries at a time as fill a beat with the words of one set.
void DrainOrder::group_by_set()
{
    const auto set_of = [](const Item& i) { return i.lanes->set_of_lane[static_cast<std::size_t>(i.lane)]; };
    const int per_set = sets_.front()->tensor[static_cast<int>(Tensors::outputs)].lanes_per_set;
    const std::size_t group = static_cast<std::size_t>(std::max(1, width_ / per_set));
    for (std::size_t e = 0; e < sets_.size(); e += group) {
        const std::size_t last = std::min(e + group, sets_.size());
        const int from = entry_begin_[e], to = entry_begin_[last];
        std::stable_sort(items_.begin() + from, items_.begin() + to,
                         [&](const Item& a, const Item& b) { return set_of(a) < set_of(b); });
        for (int i = from, in_beat = 0; i < to; ++i, ++in_beat) {
            const std::size_t at = static_cast<std::size_t>(i);
            if (i == from || set_of(items_[at]) != set_of(items_[at - 1]) || in_beat == width_) {
                beats_.push_back(i);
                in_beat = 0;
            }
        }
    }
}

} // namespace heddle
