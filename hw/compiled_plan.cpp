#include "hw/compiled_plan.hpp"

#include "hw/map_layout.hpp"

#include <algorithm>
#include <stdexcept>

namespace heddle {

namespace {

bool axis_has(const Axis& axis, Tensors t)
{
    return std::any_of(axis.dims.begin(), axis.dims.end(), [t](Dim d) { return indexes(t, d); });
}

} // namespace

CompiledPlan::CompiledPlan(const LayerPlan& plan, const HardwareConfig& hardware) : plan_(plan), hw_(hardware)
{
    if (axes() > max_axes) throw std::logic_error("plan " + plan_.name + ": too many axes");
    make_layouts();
    list_offsets();
    classify_axes();
    classify_loops();
    make_tiles();
    make_stores();
}

/// A one-tap window that strides without touching padding reads a lattice of the map: address the lattice as a map of
/// its own. Where outputs lie on padding behind the map, it stays a window like any other.
void CompiledPlan::make_lattice()
{
    const Extents& e = plan_.extent;
    Window& w = plan_.window;
    const auto narrow = [this](int place, int outputs, int& stride, int& size) {
        if ((outputs - 1) * stride >= size) return;
        inputs_.stride[static_cast<std::size_t>(place)] *= stride;
        size = inputs_.extent[static_cast<std::size_t>(place)] = outputs;
        stride = 1;
    };
    if (e[dim_r] == 1 && w.stride_rows > 1 && w.pad_top == 0) narrow(1, e[dim_p], w.stride_rows, plan_.in_rows);
    if (e[dim_s] == 1 && w.stride_cols > 1 && w.pad_left == 0) narrow(2, e[dim_q], w.stride_cols, plan_.in_cols);
}

void CompiledPlan::make_layouts()
{
    const Extents& e = plan_.extent;
    const MapLayout kind = hw_.dram.map_layout;
    const auto map_of = [&](const TensorPlace& place, int rows, int cols, int channels) {
        const int own = e[dim_g] * channels;
        return map_layout(kind, {e[dim_n], rows, cols, e[dim_g], channels,
                                 place.channel_stride > 0 ? place.channel_stride : own, place.channel_offset});
    };
    inputs_ = map_of(plan_.inputs, plan_.in_rows, plan_.in_cols, e[dim_c]);
    make_lattice();
    weights_ = weight_layout(kind, e[dim_g], e[dim_k], e[dim_r], e[dim_s], e[dim_c]);
    if (plan_.kind != PlanKind::array) weights_.words = 0;
    const bool pooled = plan_.pool_layer >= 0;
    results_ = pooled ? map_of(plan_.outputs, plan_.pool_rows, plan_.pool_cols, e[dim_k])
                      : map_of(plan_.outputs, e[dim_p], e[dim_q], e[dim_k]);
    // Psums that pooling consumes never lie in memory; their coordinates still need an index.
    outputs_ = pooled ? map_of(TensorPlace{}, e[dim_p], e[dim_q], e[dim_k]) : results_;
    operand2_ = map_of(plan_.operand2, e[dim_p], e[dim_q], e[dim_k]);
}

void CompiledPlan::list_offsets()
{
    for (int a = 0; a < axes(); ++a) {
        std::vector<int>& at = offsets_[a];
        at = {0};
        const std::int64_t extent = tile_extent(a); // no position behind it is ever in use
        std::int64_t span = 1;
        for (const SpatialLoop& s : plan_.spatial) {
            if (s.axis != a) continue;
            span = std::max(span, std::int64_t{s.step} * s.count);
            std::vector<int> next;
            for (int base : at)
                for (int i = 0; i < s.count && base + std::int64_t{i} * s.step < extent; ++i)
                    next.push_back(base + i * s.step);
            at = std::move(next);
        }
        std::sort(at.begin(), at.end());
        spatial_span_[a] = static_cast<int>(std::min(span, extent));
    }
}

/// Of a whole tile.
int CompiledPlan::tile_extent(int axis) const
{
    int extent = 1;
    for (Dim d : plan_.axes[static_cast<std::size_t>(axis)].dims) extent *= plan_.dim_tile(d);
    return extent;
}

void CompiledPlan::classify_axes()
{
    for (int a = 0; a < axes(); ++a) {
        const Axis& axis = plan_.axes[a];
        for (int t = 0; t < 3; ++t) axis_indexes_[t][a] = axis_has(axis, static_cast<Tensors>(t));
        axis_reduces_[a] = std::all_of(axis.dims.begin(), axis.dims.end(), reduces);
        pass_span_[a] = spatial_span_[a];
        for (const AxisLoop& l : plan_.pass_loops)
            if (l.axis == a) pass_span_[a] = std::max(pass_span_[a], l.span);
        const int extent = tile_extent(a);
        bool cut = false;
        for (Dim d : axis.dims) cut = cut || plan_.dim_tile(d) < plan_.extent[d];
        // Without psums in the PEs, what one step sums: blocks that a loop inside steps through take several.
        const int covered = plan_.keep_psums ? pass_span_[a] : places(a);
        if (axis_reduces_[a] && (cut || covered < extent)) accumulates_ = true;
    }
    if (plan_.kind == PlanKind::post) accumulates_ = false;
    const auto keeps_own_psum = [this](const SpatialLoop& s) {
        return s.place == Place::vector && s.count > 1 && !axis_reduces_[s.axis];
    };
    summed_per_pe_ = std::any_of(plan_.spatial.begin(), plan_.spatial.end(), keeps_own_psum) ? 1 : hw_.array.vector;
}

void CompiledPlan::classify_loops()
{
    const auto& loops = plan_.pass_loops;
    const auto by_input = [&](Dim d) {
        return std::any_of(loops.begin(), loops.end(),
                           [&](const AxisLoop& l) { return l.by_input && l.axis == axis_of(d); });
    };
    const int row_taps = by_input(dim_p) ? axis_of(dim_r) : -1, col_taps = by_input(dim_q) ? axis_of(dim_s) : -1;
    for (const Tensors t : {Tensors::weights, Tensors::inputs, Tensors::outputs})
        for (const AxisLoop& l : loops) {
            const bool taps = l.axis == row_taps || l.axis == col_taps; // they move the output instead
            loop_indexes_[static_cast<std::size_t>(t)].push_back(taps ? t != Tensors::inputs : axis_indexes(t, l.axis));
        }
}

int CompiledPlan::axis_of(Dim d) const
{
    for (int a = 0; a < axes(); ++a)
        if (plan_.axes[a].dims.size() == 1 && plan_.axes[a].dims[0] == d) return a;
    return -1;
}

AxisEntry CompiledPlan::entry_of(const Extents& at) const
{
    const Window& w = plan_.window;
    AxisEntry e;
    e.weight = static_cast<std::int32_t>(weights_.index({at[dim_g], at[dim_k], at[dim_r], at[dim_s], at[dim_c]}));
    e.in_base = static_cast<std::int32_t>(at[dim_n] * inputs_.stride[0] + at[dim_g] * inputs_.stride[3] +
                                          at[dim_c] * inputs_.stride[4]);
    e.in_row = at[dim_p] * w.stride_rows + at[dim_r] * w.dilation_rows;
    e.in_col = at[dim_q] * w.stride_cols + at[dim_s] * w.dilation_cols;
    const auto out = [&](const TensorLayout& l) {
        return static_cast<std::int32_t>(l.index({at[dim_n], at[dim_p], at[dim_q], at[dim_g], at[dim_k]}) - l.offset);
    };
    e.out = out(outputs_);
    e.operand2 = out(operand2_);
    return e;
}

const TileTables& CompiledPlan::tables_for(const Extents& size)
{
    for (const auto& t : tables_)
        if (t->size == size) return *t;
    auto tables = std::make_unique<TileTables>();
    tables->size = size;
    for (int a = 0; a < axes(); ++a) {
        const std::vector<Dim>& dims = plan_.axes[static_cast<std::size_t>(a)].dims;
        int extent = 1;
        for (Dim d : dims) extent *= size[d];
        const bool window = a == axis_of(dim_p) || a == axis_of(dim_q) || a == axis_of(dim_r) || a == axis_of(dim_s);
        const int behind = window ? offsets_[a].back() : 0;
        std::vector<AxisEntry> entries(static_cast<std::size_t>(extent + behind));
        for (int i = 0; i < extent + behind; ++i) {
            Extents at{};
            int rest = i;
            for (auto d = dims.rbegin(); d != dims.rend(); ++d) {
                at[*d] = dims.size() == 1 ? rest : rest % size[*d];
                rest /= size[*d];
            }
            entries[static_cast<std::size_t>(i)] = entry_of(at);
        }
        tables->axis.push_back(std::move(entries));
        tables->extents.push_back(extent);
    }
    tables_.push_back(std::move(tables));
    return *tables_.back();
}

namespace {

std::int64_t total_words(const std::vector<Box>& boxes)
{
    std::int64_t n = 0;
    for (const Box& b : boxes) n += b.words();
    return n;
}

void clip(Box& b, int d, int lo, int hi, int extent)
{
    b.lo[d] = std::clamp(lo, 0, extent);
    b.hi[d] = std::clamp(hi, b.lo[d], extent);
}

} // namespace

void CompiledPlan::make_tiles()
{
    const Window& w = plan_.window;
    TileOdometer odometer(plan_);
    do {
        const Extents& base = odometer.base();
        Tile t;
        t.index = static_cast<int>(tiles_.size());
        t.base = base;
        t.size = odometer.size();
        for (Dim d : {dim_c, dim_r, dim_s}) {
            t.first_reduction = t.first_reduction && base[d] == 0;
            t.last_reduction = t.last_reduction && base[d] + t.size[d] == plan_.extent[d];
        }
        t.tables = &tables_for(t.size);
        t.origin = entry_of(base);
        t.origin.in_base += static_cast<std::int32_t>(inputs_.offset);
        t.origin.out += static_cast<std::int32_t>(outputs_.offset);
        t.origin.operand2 += static_cast<std::int32_t>(operand2_.offset);
        t.origin.in_row -= w.pad_top;
        t.origin.in_col -= w.pad_left;
        const Extents &b = base, &s = t.size;
        t.weights.lo = {b[dim_g], b[dim_k], b[dim_r], b[dim_s], b[dim_c]};
        t.weights.hi = {b[dim_g] + s[dim_g], b[dim_k] + s[dim_k], b[dim_r] + s[dim_r], b[dim_s] + s[dim_s],
                        b[dim_c] + s[dim_c]};
        t.outputs.lo = {b[dim_n], b[dim_p], b[dim_q], b[dim_g], b[dim_k]};
        t.outputs.hi = {b[dim_n] + s[dim_n], b[dim_p] + s[dim_p], b[dim_q] + s[dim_q], b[dim_g] + s[dim_g],
                        b[dim_k] + s[dim_k]};
        t.inputs.lo = {b[dim_n], 0, 0, b[dim_g], b[dim_c]};
        t.inputs.hi = {b[dim_n] + s[dim_n], 0, 0, b[dim_g] + s[dim_g], b[dim_c] + s[dim_c]};
        clip(t.inputs, 1, t.origin.in_row,
             t.origin.in_row + (s[dim_p] - 1) * w.stride_rows + (s[dim_r] - 1) * w.dilation_rows + 1, plan_.in_rows);
        clip(t.inputs, 2, t.origin.in_col,
             t.origin.in_col + (s[dim_q] - 1) * w.stride_cols + (s[dim_s] - 1) * w.dilation_cols + 1, plan_.in_cols);
        if (plan_.kind == PlanKind::post) t.weights = Box{};
        tiles_.push_back(t);
    } while (odometer.next());

    for (std::size_t i = 0; i < tiles_.size(); ++i) {
        Tile& t = tiles_[i];
        const Tile* before = i > 0 ? &tiles_[i - 1] : nullptr;
        t.new_weights = !before || before->weights != t.weights;
        t.new_inputs = !before; // by index, not by box: clamped boxes can be equal under different windows
        for (int d = 0; before && d < dim_count; ++d)
            if (indexes(Tensors::inputs, static_cast<Dim>(d)))
                t.new_inputs = t.new_inputs || before->base[d] != t.base[d] || before->size[d] != t.size[d];
        t.weight_fill = difference(t.weights, before ? before->weights : Box{}, weights_.order);
        t.input_fill = difference(t.inputs, before ? before->inputs : Box{}, inputs_.order);
        // It is added to complete sums: a tile that only adds psums needs none of it.
        if (has_operand2() && t.last_reduction) t.operand2_fill = t.operand2_drop = {t.outputs};
        t.weight_fill_words = total_words(t.weight_fill);
        t.input_fill_words = total_words(t.input_fill);
        t.operand2_fill_words = total_words(t.operand2_fill);
        const Tile* after = i + 1 < tiles_.size() ? &tiles_[i + 1] : nullptr;
        t.weight_drop = difference(t.weights, after ? after->weights : Box{}, weights_.order);
        t.input_drop = difference(t.inputs, after ? after->inputs : Box{}, inputs_.order);
        t.weight_free = total_words(t.weight_drop);
        t.input_free = total_words(t.input_drop);
        t.operand2_free = total_words(t.operand2_drop);
    }
}

/// A tile's outputs are stored when its reduction is complete; pooled maps, whose windows span tiles, as a whole.
void CompiledPlan::make_stores()
{
    if (plan_.pool_layer >= 0) {
        Box all;
        all.hi = results_.extent;
        stores_ = {all};
    } else {
        for (const Tile& t : tiles_)
            if (t.last_reduction) stores_.push_back(t.outputs);
    }
    result_words_ = total_words(stores_);
}

} // namespace heddle
