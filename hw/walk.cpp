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
    bool inputs = pass_.index == 0 || (pass_.first_of_tile && tile.new_inputs);
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
    for (std::size_t l = 0; l < loops.size(); ++l)
        if (at_[l] + loops[l].step < left(l)) pass_.last_of_tile = false;
    pass_.last_of_layer = pass_.last_of_tile && tile_ + 1 == plan_->tiles().size();
}

/// Axis indices that glb loop l covers with the loops outside it where they stand.
int PassWalk::left(std::size_t l) const
{
    const auto& loops = plan_->plan().glb_loops;
    int first = 0, end = pass_.tile->tables->extent(loops[l].axis);
    for (std::size_t o = 0; o < l; ++o) {
        if (loops[o].axis != loops[l].axis) continue;
        first += at_[o];
        end = std::min(end, first + loops[o].step);
    }
    return end - first;
}

bool PassWalk::advance_glb()
{
    const auto& loops = plan_->plan().glb_loops;
    for (std::size_t l = loops.size(); l-- > 0;) {
        at_[l] += loops[l].step;
        if (at_[l] < left(l)) return true;
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

StepWalk::StepWalk(const CompiledPlan& plan) : plan_(&plan), at_(plan.plan().pass_loops.size())
{
    const auto& loops = plan.plan().pass_loops;
    for (std::size_t l = 0; l < loops.size(); ++l) {
        moving_.push_back(l);
        if (plan.axis_reduces(loops[l].axis)) reducing_.push_back(l);
        if (!loops[l].by_input) continue;
        const bool rows = loops[l].axis == plan.axis_of(dim_p);
        const int tap_axis = plan.axis_of(rows ? dim_r : dim_s);
        const auto taps =
            std::find_if(loops.begin(), loops.end(), [&](const AxisLoop& o) { return o.axis == tap_axis; });
        const Window& w = plan.plan().window;
        input_loops_.push_back({l, taps == loops.end() ? -1 : static_cast<int>(taps - loops.begin()),
                                rows ? w.stride_rows : w.stride_cols, rows ? w.dilation_rows : w.dilation_cols});
    }
    list_cuts();
}

/// Loops over one axis are nested by their steps, in whatever order they stand. Where a step does not divide what the
/// loop outside it covers, the last iteration is partial, for the loops (and positions) inside it too.
void StepWalk::list_cuts()
{
    const auto& loops = plan_->plan().pass_loops;
    outer_.resize(loops.size());
    cuts_.resize(loops.size());
    for (std::size_t l = 0; l < loops.size(); ++l)
        for (std::size_t o = 0; o < l; ++o)
            if (loops[o].axis == loops[l].axis) outer_[l].push_back(o);
    for (std::size_t c = 0; c < loops.size(); ++c) {
        const AxisLoop& loop = loops[c];
        const auto inside = [&](std::size_t l) { return loops[l].axis == loop.axis && loops[l].step <= loop.step; };
        const auto outermost = [&] {
            for (const AxisLoop& o : loops)
                if (o.axis == loop.axis && o.step > loop.step) return false;
            for (const SpatialLoop& o : plan_->plan().spatial)
                if (o.axis == loop.axis && o.step >= loop.step) return false;
            return true;
        };
        if (loop.span % loop.step == 0 || outermost()) continue; // the pass ends where an outermost one does
        for (std::size_t l = 0; l < loops.size(); ++l) {
            if (!inside(l)) continue;
            Cut cut{loop.span, {}};
            for (std::size_t o : outer_[l])
                if (inside(o)) cut.loops.push_back(o);
            cuts_[l].push_back(cut);
        }
        if (plan_->places(loop.axis) == 1 || loop.step < plan_->spatial_span(loop.axis)) continue;
        Cut cut{loop.span, {}};
        for (std::size_t l = 0; l < loops.size(); ++l)
            if (inside(l)) cut.loops.push_back(l);
        lane_cuts_.emplace_back(loop.axis, cut);
    }
}

StepWalk::StepWalk(const CompiledPlan& plan, Tensors tensor) : StepWalk(plan)
{
    const auto still = [&](std::size_t l) { return !plan.axis_indexes(tensor, plan.plan().pass_loops[l].axis); };
    moving_.erase(std::remove_if(moving_.begin(), moving_.end(), still), moving_.end());
}

void StepWalk::jump(const AxisIndex& offset)
{
    for (int a = 0; a < plan_->axes(); ++a) index_[a] = pass_->base[a] + offset[a];
}

void StepWalk::start(const Pass& pass)
{
    pass_ = &pass;
    std::fill(at_.begin(), at_.end(), 0);
    index_ = pass.base;
    for (bool& c : changed_) c = true;
    done_ = false;
    lanes_vary_ = false;
    for (std::size_t l : moving_) {
        const AxisLoop& loop = plan_->plan().pass_loops[l];
        const int indices = (left(l) + loop.step - 1) / loop.step;
        lanes_vary_ = lanes_vary_ || (plan_->places(loop.axis) > 1 && indices > 1);
    }
    if (lanes_vary_)
        for (Positions& p : served_) p = plan_->positions(remaining());
}

int StepWalk::left_of(const Cut& cut) const
{
    int left = cut.span;
    for (std::size_t l : cut.loops) left -= at_[l];
    return left;
}

/// Axis indices that pass loop l covers with the loops outside it where they stand.
int StepWalk::left(std::size_t l) const
{
    const AxisLoop& loop = plan_->plan().pass_loops[l];
    int left = pass_->limit[loop.axis] - pass_->base[loop.axis];
    for (std::size_t o : outer_[l]) left -= at_[o];
    left = std::min(left, loop.span);
    for (const Cut& cut : cuts_[l]) left = std::min(left, left_of(cut));
    return left;
}

/// Where pass loop l ends, in the unit of its positions.
int StepWalk::end(std::size_t l) const
{
    const int indices = left(l);
    for (const InputLoop& in : input_loops_) {
        if (in.loop != l) continue;
        const int last_tap = in.taps < 0 ? 0
                                         : (count(static_cast<std::size_t>(in.taps)) - 1) *
                                               plan_->plan().pass_loops[static_cast<std::size_t>(in.taps)].step;
        return (indices - 1) * in.stride + last_tap * in.dilation + 1;
    }
    return indices;
}

int StepWalk::count(std::size_t l) const
{
    const int step = plan_->plan().pass_loops[l].step;
    return (end(l) + step - 1) / step;
}

void StepWalk::next()
{
    for (bool& c : changed_) c = false;
    do advance();
    while (!done_ && !place_outputs());
    if (lanes_vary_ && !done_) follow_lanes();
}

void StepWalk::follow_lanes()
{
    const Positions now = plan_->positions(remaining());
    for (std::size_t t = 0; t < 3; ++t) {
        changed_[t] = changed_[t] || !covers(served_[t], now);
        if (changed_[t]) served_[t] = now;
    }
}

bool StepWalk::last_reduction() const
{
    return std::all_of(reducing_.begin(), reducing_.end(), [this](std::size_t l) { return last_iteration(l); });
}

/// The outputs that input rows and columns and taps lead to; false when there are none.
bool StepWalk::place_outputs()
{
    for (const InputLoop& in : input_loops_) {
        const int tap = in.taps < 0 ? 0 : at_[static_cast<std::size_t>(in.taps)];
        const int from = at_[in.loop] - tap * in.dilation;
        if (from < 0 || from % in.stride != 0 || from / in.stride >= left(in.loop)) return false;
        const int axis = plan_->plan().pass_loops[in.loop].axis;
        index_[axis] = pass_->base[axis] + from / in.stride;
    }
    return true;
}

void StepWalk::advance()
{
    const auto& loops = plan_->plan().pass_loops;
    for (std::size_t m = moving_.size(); m-- > 0;) {
        const std::size_t l = moving_[m];
        const AxisLoop& loop = loops[l];
        const bool more = at_[l] + loop.step < (loop.by_input ? end(l) : left(l));
        if (more || at_[l] != 0)
            for (int t = 0; t < 3; ++t) changed_[t] = changed_[t] || plan_->loop_indexes(static_cast<Tensors>(t), l);
        if (more) {
            at_[l] += loop.step;
            if (!loop.by_input) index_[loop.axis] += loop.step;
            return;
        }
        if (!loop.by_input) index_[loop.axis] -= at_[l];
        at_[l] = 0;
    }
    done_ = true;
}

AxisIndex StepWalk::remaining() const
{
    AxisIndex r{};
    for (int a = 0; a < plan_->axes(); ++a) r[a] = pass_->limit[a] - index_[a];
    for (const auto& [axis, cut] : lane_cuts_) r[axis] = std::min(r[axis], left_of(cut));
    return r;
}

ReductionPlace reduction_place(const CompiledPlan& plan, const Pass& pass, const StepWalk& step)
{
    if (plan.plan().keep_psums) return {pass.first_reduction, pass.last_reduction};
    // All outputs go through the loops over reductions alike, in this order.
    ReductionPlace place{pass.first_reduction, pass.last_reduction && step.last_reduction()};
    for (int a = 0; a < plan.axes() && place.first; ++a)
        if (plan.axis_reduces(a)) place.first = step.index()[a] == 0;
    return place;
}

LaneCursor::LaneCursor(const CompiledPlan& plan, Tensors tensor)
    : plan_(&plan), tensor_(tensor), rows_(static_cast<unsigned>(plan.plan().in_rows)),
      cols_(static_cast<unsigned>(plan.plan().in_cols)),
      row_stride_(static_cast<std::int32_t>(plan.inputs().stride[1])),
      col_stride_(static_cast<std::int32_t>(plan.inputs().stride[2]))
{
    const auto& loops = plan.plan().pass_loops;
    for (int a = 0; a < plan.axes(); ++a) {
        if (!plan.axis_indexes(tensor, a)) continue;
        const bool in_pass = std::any_of(loops.begin(), loops.end(), [a](const AxisLoop& l) { return l.axis == a; });
        (plan.places(a) > 1 ? spatial_axes_ : in_pass ? pass_axes_ : fixed_axes_).push_back(a);
    }
}

void LaneCursor::start(const Pass& pass, const StepWalk& step)
{
    const AxisEntry& origin = pass.tile->origin;
    pass_word_ = word_of(origin);
    pass_row_ = origin.in_row;
    pass_col_ = origin.in_col;
    pass_operand2_ = origin.operand2;
    for (int a : fixed_axes_) {
        const AxisEntry& e =
            pass.tile->tables->axis[static_cast<std::size_t>(a)][static_cast<std::size_t>(step.index()[a])];
        pass_word_ += word_of(e);
        pass_row_ += e.in_row;
        pass_col_ += e.in_col;
        pass_operand2_ += e.operand2;
    }
    make_lanes(pass, step, plan_->lanes(step.remaining()));
    make_common(pass, step);
}

void LaneCursor::follow(const Pass& pass, const StepWalk& step)
{
    if (step.lanes_vary()) make_lanes(pass, step, plan_->lanes(step.remaining()));
    make_common(pass, step);
}

void LaneCursor::follow(const Pass& pass, const StepWalk& step, const LaneSet& lanes)
{
    if (step.lanes_vary()) make_lanes(pass, step, lanes);
    make_common(pass, step);
}

/// Axes with spatial loops go into the lanes, the others into the common part.
void LaneCursor::make_lanes(const Pass& pass, const StepWalk& step, const LaneSet& set)
{
    set_ = &set;
    const TensorLanes& lanes = set_->tensor[static_cast<int>(tensor_)];
    const std::size_t n = static_cast<std::size_t>(lanes.count);
    for (std::vector<std::int32_t>* v : {&lane_word_, &lane_row_, &lane_col_, &lane_operand2_}) v->assign(n, 0);
    for (int a : spatial_axes_) {
        const auto& table = pass.tile->tables->axis[static_cast<std::size_t>(a)];
        for (std::size_t l = 0; l < n; ++l) {
            const AxisEntry& e = table[static_cast<std::size_t>(step.index()[a] + lanes.offset[l][a])];
            lane_word_[l] += word_of(e);
            lane_row_[l] += e.in_row;
            lane_col_[l] += e.in_col;
            lane_operand2_[l] += e.operand2;
        }
    }
    adjacent_ = true;
    for (std::size_t l = 1; l < n; ++l)
        adjacent_ = adjacent_ && lane_word_[l] == lane_word_[0] + static_cast<std::int32_t>(l) &&
                    (tensor_ != Tensors::inputs || (lane_row_[l] == lane_row_[0] && lane_col_[l] == lane_col_[0]));
}

void LaneCursor::make_common(const Pass& pass, const StepWalk& step)
{
    word_ = pass_word_;
    row_ = pass_row_;
    col_ = pass_col_;
    operand2_ = pass_operand2_;
    for (int a : pass_axes_) {
        const AxisEntry& e =
            pass.tile->tables->axis[static_cast<std::size_t>(a)][static_cast<std::size_t>(step.index()[a])];
        word_ += word_of(e);
        row_ += e.in_row;
        col_ += e.in_col;
        operand2_ += e.operand2;
    }
}

void LaneCursor::words(std::int32_t* __restrict out) const
{
    const std::size_t n = lane_word_.size();
    const std::int32_t* __restrict lane = lane_word_.data();
    const std::int32_t word = word_;
    if (tensor_ != Tensors::inputs) {
        for (std::size_t l = 0; l < n; ++l) out[l] = word + lane[l];
        return;
    }
    const std::int32_t* __restrict r = lane_row_.data(), * __restrict c = lane_col_.data();
    const std::int32_t row = row_, col = col_;
    for (std::size_t l = 0; l < n; ++l) {
        // One sign bit for all four comparisons: padding is where any is negative.
        const std::int32_t y = row + r[l], x = col + c[l];
        const std::int32_t outside =
            (y | x | (static_cast<std::int32_t>(rows_) - 1 - y) | (static_cast<std::int32_t>(cols_) - 1 - x)) >> 31;
        out[l] = (word + lane[l]) | outside;
    }
}

} // namespace heddle
