// Which PEs share which word: the lanes of a plan's spatial loops.
#include "hw/compiled_plan.hpp"
#include "hw/pe_kernels.hpp"

#include <algorithm>
#include <map>

namespace heddle {

bool covers(const Positions& box, const Positions& inner)
{
    for (int a = 0; a < max_axes; ++a)
        if (inner[a] > box[a]) return false;
    return true;
}

/// A box has its corner in one of the boxes that cover it, and lies in that one.
bool LaneSet::covers(const LaneSet& other) const
{
    return std::all_of(other.boxes.begin(), other.boxes.end(), [this](const Positions& inner) {
        return std::any_of(boxes.begin(), boxes.end(),
                           [&](const Positions& box) { return heddle::covers(box, inner); });
    });
}

Positions CompiledPlan::positions(const AxisIndex& remaining) const
{
    Positions p{};
    for (int a = 0; a < axes(); ++a) {
        const std::vector<int>& at = offsets_[a];
        p[a] = at.back() < remaining[a]
                   ? places(a)
                   : static_cast<int>(std::lower_bound(at.begin(), at.end(), remaining[a]) - at.begin());
    }
    return p;
}

const LaneSet& CompiledPlan::lanes_at(const Positions& box) const
{
    std::uint64_t key = 0; // mixed radix
    for (int a = 0; a < axes(); ++a)
        key = key * static_cast<std::uint64_t>(places(a) + 1) + static_cast<std::uint64_t>(box[a]);
    if (last_lanes_ && last_key_ == key) return *last_lanes_;
    std::unique_ptr<LaneSet>& set = lane_sets_[key];
    if (!set) set = std::make_unique<LaneSet>(make_lanes({box}));
    last_key_ = key;
    last_lanes_ = set.get();
    return *set;
}

const LaneSet& CompiledPlan::lanes_at(std::vector<Positions> boxes) const
{
    std::vector<Positions> own; // the boxes that no other one covers, each once
    std::sort(boxes.begin(), boxes.end());
    boxes.erase(std::unique(boxes.begin(), boxes.end()), boxes.end());
    for (const Positions& b : boxes)
        if (std::none_of(boxes.begin(), boxes.end(), [&](const Positions& o) { return o != b && covers(o, b); }))
            own.push_back(b);
    if (own.size() == 1) return lanes_at(own.front());
    std::unique_ptr<LaneSet>& set = lane_sets_of_boxes_[own];
    if (!set) set = std::make_unique<LaneSet>(make_lanes(own));
    return *set;
}

namespace {

/// A MAC by its places.
struct Position {
    int of[5] = {}; ///< by Place; diagonal unused
};

Position position_of(int row, int col, const ArrayConfig& a)
{
    Position p;
    p.of[static_cast<int>(Place::y)] = row / a.vector;
    p.of[static_cast<int>(Place::vector)] = row % a.vector;
    p.of[static_cast<int>(Place::x)] = col / a.lanes;
    p.of[static_cast<int>(Place::lane)] = col % a.lanes;
    return p;
}

/// Axis offsets of a MAC; false when the spatial loops leave it idle.
bool decode(const std::vector<SpatialLoop>& loops, Position at, AxisIndex& offset)
{
    const auto take = [&at](Place place, int count) {
        int& left = at.of[static_cast<int>(place)];
        const int index = left % count;
        left /= count;
        return index;
    };
    for (std::size_t i = loops.size(); i-- > 0;) {
        const SpatialLoop& l = loops[i];
        const int index = take(l.place == Place::diagonal ? Place::y : l.place, l.count);
        if (l.place == Place::diagonal && take(Place::x, l.count) != index) return false;
        offset[l.axis] += index * l.step;
    }
    return std::all_of(std::begin(at.of), std::end(at.of), [](int left) { return left == 0; });
}

void note_cells(TensorLanes& lanes, int rows, int cols)
{
    std::vector<std::vector<int>> macs(static_cast<std::size_t>(lanes.count));
    for (int mac = 0; mac < rows * cols; ++mac)
        if (lanes.lane_of_mac[mac] >= 0) macs[static_cast<std::size_t>(lanes.lane_of_mac[mac])].push_back(mac);
    for (const std::vector<int>& of_lane : macs) {
        lanes.cells_begin.push_back(static_cast<int>(lanes.cells.size()));
        lanes.mac_of_lane.push_back(of_lane.front());
        for (int mac : of_lane) lanes.cells.push_back(matrix_cell(mac, cols));
    }
    lanes.cells_begin.push_back(static_cast<int>(lanes.cells.size()));
    lanes.one_pe_each = static_cast<int>(lanes.cells.size()) == lanes.count;
}

void classify_sharing(TensorLanes& lanes, int rows, int cols)
{
    std::vector<int> row(lanes.count, -1), col(lanes.count, -1);
    bool one_row = true, one_col = true;
    std::vector<int> lane_of_row(rows, -1), lane_of_col(cols, -1);
    for (int y = 0; y < rows; ++y)
        for (int x = 0; x < cols; ++x) {
            const int l = lanes.lane_of_mac[y * cols + x];
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
    note_cells(lanes, rows, cols);
    lanes.lane_is_row = lanes.lane_is_col = true;
    for (int l = 0; l < lanes.count; ++l) {
        lanes.lane_is_row = lanes.lane_is_row && row[l] == l;
        lanes.lane_is_col = lanes.lane_is_col && col[l] == l;
    }
    lanes.row_of_lane = row;
    lanes.col_of_lane = col;
}

/// PEs that take the same words form a set; it is named by its first PE.
void note_sets(TensorLanes& lanes, const HardwareConfig& hw)
{
    std::map<int, int> lanes_of_set;
    for (int mac : lanes.mac_of_lane) {
        const int row = mac / hw.grid_cols() / hw.array.vector, col = mac % hw.grid_cols() / hw.array.lanes;
        lanes.set_of_lane.push_back(row * hw.array.cols + col);
        lanes.lanes_per_set = std::max(lanes.lanes_per_set, ++lanes_of_set[lanes.set_of_lane.back()]);
    }
}

/// Counts PEs in use and the words that are different inside each. Returns the PEs.
int count_in_pes(TensorLanes& lanes, const HardwareConfig& hw)
{
    int pes = 0;
    std::vector<int> words;
    lanes.pes_of_lane.assign(static_cast<std::size_t>(lanes.count), 0);
    for (int pe = 0; pe < hw.pes(); ++pe) {
        words.clear();
        for (int v = 0; v < hw.array.vector; ++v)
            for (int l = 0; l < hw.array.lanes; ++l) {
                const int row = pe / hw.array.cols * hw.array.vector + v, col = pe % hw.array.cols * hw.array.lanes + l;
                const int lane = lanes.lane_of_mac[row * hw.grid_cols() + col];
                if (lane >= 0) words.push_back(lane);
            }
        std::sort(words.begin(), words.end());
        words.erase(std::unique(words.begin(), words.end()), words.end());
        lanes.words_in_pes += static_cast<int>(words.size());
        for (int lane : words) ++lanes.pes_of_lane[static_cast<std::size_t>(lane)];
        pes += words.empty() ? 0 : 1;
    }
    return pes;
}

/// Where the psums of each output lie before a chain, tree or nothing adds them up: `summed` rows of MACs share one.
void note_psums(TensorLanes& outputs, int cols, int summed)
{
    const int stride = matrix_stride(cols);
    for (int l = 0; l < outputs.count; ++l) {
        outputs.psum_cells_begin.push_back(static_cast<int>(outputs.psum_cells.size()));
        int last = -1;
        for (int i = outputs.cells_begin[l]; i < outputs.cells_begin[l + 1]; ++i) {
            const int cell = outputs.cells[i] / stride / summed * stride + outputs.cells[i] % stride;
            if (cell == last) continue;
            const auto begin = outputs.psum_cells.begin() + outputs.psum_cells_begin.back();
            if (std::find(begin, outputs.psum_cells.end(), cell) == outputs.psum_cells.end())
                outputs.psum_cells.push_back(cell);
            last = cell;
        }
    }
    outputs.psum_cells_begin.push_back(static_cast<int>(outputs.psum_cells.size()));
}

} // namespace

/// What tells the words of two MACs apart. Shared by value, inputs are told apart by row and column, however these come
/// about; that is known for rows and columns which are axes of their own.
AxisIndex CompiledPlan::word_key(Tensors t, const AxisIndex& own) const
{
    if (t != Tensors::inputs || hw_.input_network.sharing == Sharing::by_loop) return own;
    AxisIndex key = own;
    const auto merge = [&](Dim out, Dim filter, int stride, int dilation) {
        const int a = axis_of(out), b = axis_of(filter);
        if (a < 0 || b < 0) return;
        key[a] = own[a] * stride + own[b] * dilation;
        key[b] = 0;
    };
    const Window& w = plan_.window;
    merge(dim_p, dim_r, w.stride_rows, w.dilation_rows);
    merge(dim_q, dim_s, w.stride_cols, w.dilation_cols);
    return key;
}

LaneSet CompiledPlan::make_lanes(const std::vector<Positions>& boxes) const
{
    // A PostProcessor plan spreads its lanes over one "row" of words.
    const bool post = plan_.kind == PlanKind::post;
    ArrayConfig array = hw_.array;
    if (post) {
        array.rows = array.lanes = array.vector = 1;
        array.cols = hw_.post.words_per_cycle;
    }
    const int rows = array.rows * array.vector, cols = array.cols * array.lanes;
    LaneSet set;
    set.boxes = boxes;
    set.full = true;
    for (int a = 0; a < axes(); ++a) set.full = set.full && boxes.front()[a] == places(a);
    std::map<AxisIndex, int> seen[3];
    if (!set.full && !post) set.active = PeMatrix(rows, cols);
    const auto in_use = [&](const AxisIndex& offset) {
        return std::any_of(boxes.begin(), boxes.end(), [&](const Positions& box) {
            for (int a = 0; a < axes(); ++a)
                if (box[a] == 0 || offset[a] > offsets_[a][static_cast<std::size_t>(box[a] - 1)]) return false;
            return true;
        });
    };
    for (TensorLanes& t : set.tensor) t.lane_of_mac.assign(static_cast<std::size_t>(rows) * cols, -1);
    for (int y = 0; y < rows; ++y)
        for (int x = 0; x < cols; ++x) {
            AxisIndex offset{};
            if (!decode(plan_.spatial, position_of(y, x, array), offset) || !in_use(offset)) continue;
            ++set.active_macs;
            if (set.active.rows > 0) set.active.at(y * cols + x) = 1;
            set.grid_rows = std::max(set.grid_rows, y + 1);
            set.grid_cols = std::max(set.grid_cols, x + 1);
            for (int t = 0; t < 3; ++t) {
                AxisIndex own{};
                for (int a = 0; a < axes(); ++a)
                    if (axis_indexes_[t][a]) own[a] = offset[a];
                const auto [it, fresh] =
                    seen[t].try_emplace(word_key(static_cast<Tensors>(t), own), set.tensor[t].count);
                if (fresh) {
                    set.tensor[t].offset.push_back(own);
                    ++set.tensor[t].count;
                }
                set.tensor[t].lane_of_mac[static_cast<std::size_t>(y) * cols + x] = it->second;
            }
        }
    set.used_rows = (set.grid_rows + array.vector - 1) / array.vector;
    set.used_cols = (set.grid_cols + array.lanes - 1) / array.lanes;
    for (TensorLanes& t : set.tensor) {
        classify_sharing(t, rows, cols);
        if (post) continue;
        note_sets(t, hw_);
        set.active_pes = count_in_pes(t, hw_);
    }
    if (plan_.keep_psums) note_psums(set.tensor[static_cast<int>(Tensors::outputs)], cols, post ? 1 : summed_per_pe_);
    return set;
}

} // namespace heddle
