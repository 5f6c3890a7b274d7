// Which PEs share which word: the lanes of a plan's spatial loops.
#include "hw/compiled_plan.hpp"
#include "hw/pe_kernels.hpp"

#include <algorithm>
#include <map>

namespace heddle {

const LaneSet& CompiledPlan::lanes(AxisIndex remaining) const
{
    for (int a = 0; a < max_axes; ++a) remaining[a] = a < axes() ? std::clamp(remaining[a], 0, spatial_span_[a]) : 0;
    for (const auto& s : lane_sets_)
        if (s->remaining == remaining) return *s;
    lane_sets_.push_back(std::make_unique<LaneSet>(make_lanes(remaining)));
    return *lane_sets_.back();
}

namespace {

/// Axis offsets of the PE at (y, x); false when the spatial loops leave it idle.
bool decode_pe(const std::vector<SpatialLoop>& loops, int y, int x, AxisIndex& offset)
{
    std::vector<int> at_y(loops.size(), 0), at_x(loops.size(), 0);
    for (std::size_t i = loops.size(); i-- > 0;) {
        const SpatialLoop& l = loops[i];
        if (l.place != Place::x) {
            at_y[i] = y % l.count;
            y /= l.count;
        }
        if (l.place != Place::y) {
            at_x[i] = x % l.count;
            x /= l.count;
        }
        if (l.place == Place::diagonal && at_y[i] != at_x[i]) return false;
        offset[l.axis] += (l.place == Place::x ? at_x[i] : at_y[i]) * l.step;
    }
    return y == 0 && x == 0;
}

void classify_sharing(TensorLanes& lanes, int rows, int cols)
{
    std::vector<int> row(lanes.count, -1), col(lanes.count, -1);
    bool one_row = true, one_col = true;
    std::vector<int> lane_of_row(rows, -1), lane_of_col(cols, -1);
    for (int y = 0; y < rows; ++y)
        for (int x = 0; x < cols; ++x) {
            const int l = lanes.lane_of_pe[y * cols + x];
            if (l < 0) continue;
            if (row[l] < 0) row[l] = y;
            if (col[l] < 0) col[l] = x;
            one_row = one_row && row[l] == y && (lane_of_row[y] < 0 || lane_of_row[y] == l);
            one_col = one_col && col[l] == x && (lane_of_col[x] < 0 || lane_of_col[x] == l);
            lane_of_row[y] = l;
            lane_of_col[x] = l;
        }
    lanes.by_row = one_row;
    lanes.by_col = one_col;
    lanes.single = lanes.count == 1;
    lanes.cells_begin.assign(static_cast<std::size_t>(lanes.count) + 1, 0);
    for (int l = 0; l < lanes.count; ++l) {
        lanes.cells_begin[l] = static_cast<int>(lanes.cells.size());
        for (int pe = 0; pe < rows * cols; ++pe)
            if (lanes.lane_of_pe[pe] == l) {
                if (static_cast<int>(lanes.cells.size()) == lanes.cells_begin[l]) lanes.pe_of_lane.push_back(pe);
                lanes.cells.push_back(matrix_cell(pe, cols));
            }
    }
    lanes.lane_is_row = lanes.lane_is_col = true;
    for (int l = 0; l < lanes.count; ++l) {
        lanes.lane_is_row = lanes.lane_is_row && row[l] == l;
        lanes.lane_is_col = lanes.lane_is_col && col[l] == l;
    }
    lanes.row_of_lane = row;
    lanes.col_of_lane = col;
    lanes.one_pe_each = static_cast<int>(lanes.cells.size()) == lanes.count;
    lanes.cells_begin[lanes.count] = static_cast<int>(lanes.cells.size());
}

} // namespace

LaneSet CompiledPlan::make_lanes(const AxisIndex& remaining) const
{
    // A PostProcessor plan spreads its lanes over one "row" of words.
    const bool post = plan_.kind == PlanKind::post;
    const int rows = post ? 1 : hw_.array.rows, cols = post ? hw_.post.words_per_cycle : hw_.array.cols;
    LaneSet set;
    set.remaining = remaining;
    std::map<AxisIndex, int> seen[3];
    for (TensorLanes& t : set.tensor) t.lane_of_pe.assign(static_cast<std::size_t>(rows) * cols, -1);
    for (int y = 0; y < rows; ++y)
        for (int x = 0; x < cols; ++x) {
            AxisIndex offset{};
            bool active = decode_pe(plan_.spatial, y, x, offset);
            for (int a = 0; a < axes(); ++a) active = active && offset[a] < remaining[a];
            if (!active) continue;
            ++set.active_pes;
            set.used_rows = std::max(set.used_rows, y + 1);
            set.used_cols = std::max(set.used_cols, x + 1);
            for (int t = 0; t < 3; ++t) {
                AxisIndex own{};
                for (int a = 0; a < axes(); ++a)
                    if (axis_indexes_[t][a]) own[a] = offset[a];
                const auto [it, fresh] = seen[t].try_emplace(own, set.tensor[t].count);
                if (fresh) {
                    set.tensor[t].offset.push_back(own);
                    ++set.tensor[t].count;
                }
                set.tensor[t].lane_of_pe[static_cast<std::size_t>(y) * cols + x] = it->second;
            }
        }
    for (TensorLanes& t : set.tensor) classify_sharing(t, rows, cols);
    return set;
}

} // namespace heddle
