#include "hw/register_tile.hpp"

#include <algorithm>

namespace heddle {

namespace {

/// Indices of the axis between neighbouring positions of its pass loops; 0 when it has none.
int unit_of(const LayerPlan& plan, int axis)
{
    int unit = 0;
    for (const AxisLoop& l : plan.pass_loops)
        if (l.axis == axis) unit = l.step; // the innermost one
    for (const AxisLoop& l : plan.pass_loops)
        if (unit > 0 && l.axis == axis && l.step % unit != 0) return 1;
    return unit;
}

} // namespace

RegisterTile::RegisterTile(const CompiledPlan& plan, Tensors tensor) : plan_(&plan), tensor_(tensor)
{
    const LayerPlan& p = plan.plan();
    const bool inputs = tensor == Tensors::inputs;
    slides_ = inputs && p.kind == PlanKind::array && plan.hardware().passes.load == Overlap::word;
    for (int a = 0; a < plan.axes(); ++a) {
        const int unit = unit_of(p, a);
        if (unit == 0 || !plan.axis_indexes(tensor, a)) continue;
        const auto is = [&](Dim d) { return inputs && plan.axis_of(d) == a; };
        const int count = (plan.pass_span(a) + unit - 1) / unit;
        const Window& w = p.window;
        if (is(dim_p) || is(dim_r)) {
            const int scale = unit * (is(dim_p) ? w.stride_rows : w.dilation_rows);
            parts_.push_back({a, unit, scale, Part::row});
            rows_ += (count - 1) * scale;
        } else if (is(dim_q) || is(dim_s)) {
            const int scale = unit * (is(dim_q) ? w.stride_cols : w.dilation_cols);
            parts_.push_back({a, unit, scale, Part::col});
            cols_ += (count - 1) * scale;
        } else {
            parts_.push_back({a, unit, numbers_, Part::other});
            numbers_ *= count;
        }
    }
    numbers_ *= rows_ * cols_;
}

int RegisterTile::entry(const AxisIndex& index, const AxisIndex& base) const
{
    int other = 0, row = 0, col = 0;
    for (const Part& p : parts_) {
        const int number = (index[p.axis] - base[p.axis]) / p.unit * p.weight;
        (p.kind == Part::other ? other : p.kind == Part::row ? row : col) += number;
    }
    return (other * rows_ + row) * cols_ + col;
}

const RegisterTile::Known& RegisterTile::known(const Pass& pass) const
{
    AxisIndex covered{};
    for (int a = 0; a < plan_->axes(); ++a) covered[a] = pass.limit[a] - pass.base[a];
    for (const Known& k : known_)
        if (k.covered == covered) return k;
    known_.push_back(make(pass, covered));
    return known_.back();
}

RegisterTile::Known RegisterTile::make(const Pass& pass, const AxisIndex& covered) const
{
    Known k;
    k.covered = covered;
    k.place.assign(static_cast<std::size_t>(numbers_), -1);
    // Windows overlap: the word that one position of the output uses with one tap, another uses with another tap, and
    // where a map or a filter ends these have different PEs.
    std::vector<std::vector<Positions>> boxes;
    StepWalk step(*plan_);
    int at = 0;
    for (step.start(pass); !step.done(); step.next(), ++at) {
        const int e = entry(step.index(), pass.base);
        int& place = k.place[static_cast<std::size_t>(e)];
        if (place < 0) {
            place = static_cast<int>(k.list.size());
            AxisIndex offset{};
            for (const Part& p : parts_) offset[p.axis] = step.index()[p.axis] - pass.base[p.axis];
            k.list.push_back({e, offset, at, nullptr});
            boxes.emplace_back();
        }
        k.list[static_cast<std::size_t>(place)].last_use = at;
        std::vector<Positions>& used = boxes[static_cast<std::size_t>(place)];
        if (!used.empty() && !step.lanes_vary()) continue;
        const Positions now = plan_->positions(step.remaining());
        if (std::none_of(used.begin(), used.end(), [&](const Positions& b) { return covers(b, now); }))
            used.push_back(now);
    }
    for (std::size_t i = 0; i < boxes.size(); ++i) k.list[i].lanes = &plan_->lanes_at(boxes[i]);
    return k;
}

const RegisterTile::List& RegisterTile::touched(const Pass& pass) const
{
    return known(pass).list;
}

/// Exactly one row or column index went on, and other dimensions are as before.
Slide RegisterTile::slide(const Pass& before, const Pass& now) const
{
    Slide s;
    if (!slides_ || before.tile != now.tile) return s;
    for (int a = 0; a < plan_->axes(); ++a) {
        if (!plan_->axis_indexes(tensor_, a)) continue;
        const int moved = now.base[a] - before.base[a];
        if (moved == 0 && now.limit[a] == before.limit[a]) continue;
        const bool p = plan_->axis_of(dim_p) == a, q = plan_->axis_of(dim_q) == a;
        if (moved <= 0 || s.valid || !(p || q)) return {};
        s.valid = true;
        if (p)
            s.rows = moved * plan_->plan().window.stride_rows;
        else
            s.cols = moved * plan_->plan().window.stride_cols;
    }
    return s;
}

int RegisterTile::held(const Slide& slide, const Pass& before, const Touched& now) const
{
    if (!slide.valid) return -1;
    const int col = now.entry % cols_ + slide.cols, row = now.entry / cols_ % rows_ + slide.rows;
    if (col >= cols_ || row >= rows_) return -1;
    const int old = now.entry + slide.rows * cols_ + slide.cols;
    const Known& k = known(before);
    const int place = k.place[static_cast<std::size_t>(old)];
    return place >= 0 && k.list[static_cast<std::size_t>(place)].lanes->covers(*now.lanes) ? old : -1;
}

void RegisterTile::loads(const Pass* before, const Pass& now, List& out) const
{
    const List& all = touched(now);
    out.clear();
    const Slide s = before ? slide(*before, now) : Slide{};
    if (!s.valid) {
        out = all;
        return;
    }
    std::copy_if(all.begin(), all.end(), std::back_inserter(out),
                 [&](const Touched& t) { return held(s, *before, t) < 0; });
}

} // namespace heddle
