#include "hw/walk.hpp"

#include <algorithm>

namespace heddle {

PassWalk::PassWalk(const CompiledPlan& plan) : plan_(&plan), at_(plan.plan().glb_loops.size()), done_(false)
{
    enter_tile();
}

void PassWalk::enter_tile()
{
    pass_.tile = &plan_->tiles()[tile_];
    pass_.first_of_tile = true;
    std::fill(at_.begin(), at_.end(), 0);
    enter_pass();
}

void PassWalk::enter_pass()
{
    const Pass before = pass_;
    const auto& loops = plan_->plan().glb_loops;
    const Tile& tile = *pass_.tile;
    pass_.base = {};
    for (std::size_t l = 0; l < loops.size(); ++l) pass_.base[loops[l].axis] += at_[l];
    for (int a = 0; a < plan_->axes(); ++a)
        pass_.limit[a] = std::min(tile.tables->extent(a), pass_.base[a] + plan_->pass_span(a));
    AxisIndex inside{};
    for (std::size_t l = 0; l < loops.size(); ++l) { // a partial outer step also ends the pass
        inside[loops[l].axis] += at_[l];
        pass_.limit[loops[l].axis] = std::min(pass_.limit[loops[l].axis], inside[loops[l].axis] + loops[l].step);
    }
    pass_.first_reduction = tile.first_reduction;
    pass_.last_reduction = tile.last_reduction;
    bool weights = pass_.index == 0 || (pass_.first_of_tile && tile.new_weights);
    bool inputs = pass_.index == 0 || pass_.first_of_tile;
    for (int a = 0; a < plan_->axes(); ++a) {
        const bool moved = before.base[a] != pass_.base[a] || before.limit[a] != pass_.limit[a];
        weights = weights || (moved && plan_->axis_indexes(Tensors::weights, a));
        inputs = inputs || (moved && plan_->axis_indexes(Tensors::inputs, a));
        if (plan_->axis_reduces(a)) {
            pass_.first_reduction = pass_.first_reduction && pass_.base[a] == 0;
            pass_.last_reduction = pass_.last_reduction && pass_.limit[a] == tile.tables->extent(a);
        }
    }
    pass_.new_weights = weights;
    pass_.new_inputs = inputs;
    pass_.last_of_tile = true;
    for (std::size_t l = 0; l < loops.size(); ++l) {
        int outer = 0; // where the loops outside this one on the same axis stand
        for (std::size_t o = 0; o < l; ++o)
            if (loops[o].axis == loops[l].axis) outer += at_[o];
        const int end = std::min(loops[l].span, tile.tables->extent(loops[l].axis) - outer);
        if (at_[l] + loops[l].step < end) pass_.last_of_tile = false;
    }
    pass_.last_of_layer = pass_.last_of_tile && tile_ + 1 == plan_->tiles().size();
}

bool PassWalk::advance_glb()
{
    const auto& loops = plan_->plan().glb_loops;
    for (std::size_t l = loops.size(); l-- > 0;) {
        int outer = 0;
        for (std::size_t o = 0; o < l; ++o)
            if (loops[o].axis == loops[l].axis) outer += at_[o];
        const int end = std::min(loops[l].span, pass_.tile->tables->extent(loops[l].axis) - outer);
        at_[l] += loops[l].step;
        if (at_[l] < end) return true;
        at_[l] = 0;
    }
    return false;
}

void PassWalk::next()
{
    ++pass_.index;
    pass_.first_of_tile = false;
    if (advance_glb()) {
        enter_pass();
    } else if (++tile_ < plan_->tiles().size()) {
        enter_tile();
    } else {
        done_ = true;
    }
}

void StepWalk::start(const Pass& pass)
{
    pass_ = &pass;
    std::fill(at_.begin(), at_.end(), 0);
    index_ = pass.base;
    for (bool& c : changed_) c = true;
    done_ = false;
    lanes_vary_ = false;
    steps_ = 1;
    for (std::size_t l = 0; l < at_.size(); ++l) {
        lanes_vary_ = lanes_vary_ || (plan_->spatial_span(plan_->plan().pass_loops[l].axis) > 1 && count(l) > 1);
        steps_ *= count(l);
    }
}

int StepWalk::count(std::size_t l) const
{
    const AxisLoop& loop = plan_->plan().pass_loops[l];
    int outer = pass_->base[loop.axis];
    for (std::size_t o = 0; o < l; ++o)
        if (plan_->plan().pass_loops[o].axis == loop.axis) outer += at_[o];
    const int left = std::min(loop.span, pass_->limit[loop.axis] - outer);
    return (left + loop.step - 1) / loop.step;
}

void StepWalk::next()
{
    const auto& loops = plan_->plan().pass_loops;
    for (bool& c : changed_) c = false;
    for (std::size_t l = at_.size(); l-- > 0;) {
        const AxisLoop& loop = loops[l];
        const bool more = at_[l] + loop.step < count(l) * loop.step;
        if (more || at_[l] != 0)
            for (int t = 0; t < 3; ++t)
                changed_[t] = changed_[t] || plan_->axis_indexes(static_cast<Tensors>(t), loop.axis);
        if (more) {
            at_[l] += loop.step;
            index_[loop.axis] += loop.step;
            return;
        }
        index_[loop.axis] -= at_[l];
        at_[l] = 0;
    }
    done_ = true;
}

AxisIndex StepWalk::remaining() const
{
    AxisIndex r{};
    for (int a = 0; a < plan_->axes(); ++a) r[a] = pass_->limit[a] - index_[a];
    return r;
}

AxisEntry LaneCursor::own(const AxisEntry& e) const
{
    AxisEntry r = e;
    if (tensor_ == Tensors::weights) r.out = e.weight;
    return r;
}

namespace {

void add(AxisEntry& to, const AxisEntry& e)
{
    to.in_base += e.in_base;
    to.in_row += e.in_row;
    to.in_col += e.in_col;
    to.out += e.out;
    to.operand2 += e.operand2;
}

} // namespace

void LaneCursor::start(const Pass& pass, const StepWalk& step)
{
    const TensorLayout& in = plan_->inputs();
    rows_ = static_cast<unsigned>(plan_->plan().in_rows);
    cols_ = static_cast<unsigned>(plan_->plan().in_cols);
    row_stride_ = in.stride[1];
    col_stride_ = in.stride[2];
    make_lanes(pass, step);
    make_common(pass, step);
}

void LaneCursor::follow(const Pass& pass, const StepWalk& step)
{
    if (step.lanes_vary()) make_lanes(pass, step);
    make_common(pass, step);
}

/// Axes with spatial loops go into the lanes, the others into the common part.
void LaneCursor::make_lanes(const Pass& pass, const StepWalk& step)
{
    set_ = &plan_->lanes(step.remaining());
    const TensorLanes& lanes = set_->tensor[static_cast<int>(tensor_)];
    lane_.assign(static_cast<std::size_t>(lanes.count), AxisEntry{});
    for (int a = 0; a < plan_->axes(); ++a) {
        if (plan_->spatial_span(a) == 1 || !plan_->axis_indexes(tensor_, a)) continue;
        const auto& table = pass.tile->tables->axis[static_cast<std::size_t>(a)];
        for (int l = 0; l < lanes.count; ++l)
            add(lane_[l], own(table[static_cast<std::size_t>(step.index()[a] + lanes.offset[l][a])]));
    }
}

void LaneCursor::make_common(const Pass& pass, const StepWalk& step)
{
    common_ = own(pass.tile->origin);
    for (int a = 0; a < plan_->axes(); ++a) {
        if (plan_->spatial_span(a) > 1 || !plan_->axis_indexes(tensor_, a)) continue;
        add(common_,
            own(pass.tile->tables->axis[static_cast<std::size_t>(a)][static_cast<std::size_t>(step.index()[a])]));
    }
}

} // namespace heddle
