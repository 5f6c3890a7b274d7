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
    k.present.assign(static_cast<std::size_t>(numbers_), false);
    std::vector<std::size_t> place(static_cast<std::size_t>(numbers_));
    StepWalk step(*plan_);
    int at = 0;
    for (step.start(pass); !step.done(); step.next(), ++at) {
        const std::size_t e = static_cast<std::size_t>(entry(step.index(), pass.base));
        if (!k.present[e]) {
            k.present[e] = true;
            place[e] = k.list.size();
            AxisIndex offset{};
            for (const Part& p : parts_) offset[p.axis] = step.index()[p.axis] - pass.base[p.axis];
            k.list.push_back({static_cast<int>(e), offset, at});
        }
        Touched& touched = k.list[place[e]];
        widen(touched.offset, step.index(), pass.base);
        touched.last_use = at;
    }
    return k;
}

/// Windows overlap: the word that one position of the output uses with one tap, another uses with another tap. The
/// entry is loaded as for the first of these positions, since at the end of a map it has the most PEs.
void RegisterTile::widen(AxisIndex& offset, const AxisIndex& index, const AxisIndex& base) const
{
    for (const auto kind : {Part::row, Part::col}) {
        const int out = plan_->axis_of(kind == Part::row ? dim_p : dim_q);
        if (out < 0 || index[out] - base[out] >= offset[out]) continue;
        for (const Part& p : parts_)
            if (p.kind == kind) offset[p.axis] = index[p.axis] - base[p.axis];
    }
}

const RegisterTile::List& RegisterTile::touched(const Pass& pass) const
{
    return known(pass).list;
}

/// Exactly one row or column index went on, and no loop of the pass covers less than before in other dimensions.
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

int RegisterTile::held(const Slide& slide, const Pass& before, int entry) const
{
    if (!slide.valid) return -1;
    const int col = entry % cols_ + slide.cols, row = entry / cols_ % rows_ + slide.rows;
    if (col >= cols_ || row >= rows_) return -1;
    const int old = entry + slide.rows * cols_ + slide.cols;
    return known(before).present[static_cast<std::size_t>(old)] ? old : -1;
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
                 [&](const Touched& t) { return held(s, *before, t.entry) < 0; });
}

} // namespace heddle
