// A LayerPlan with everything that is constant during the layer worked out once: tile list and what each tile fetches,
// memory layouts, index tables of the axes, and which PEs share which word. Blocks read it like a ROM.
#pragma once

#include "hw/box.hpp"
#include "hw/pe_kernels.hpp"
#include "hw/plan.hpp"

#include <map>
#include <memory>
#include <unordered_map>
#include <vector>

namespace heddle {

inline constexpr int max_axes = dim_count;
using AxisIndex = std::array<int, max_axes>;

/// What one index of an axis adds to the word index of each tensor (relative to the tile's base).
struct AxisEntry {
    std::int32_t weight = 0;
    std::int32_t in_base = 0; ///< image and channel; the pixel follows from rows and columns
    std::int32_t in_row = 0, in_col = 0;
    std::int32_t out = 0;
    std::int32_t operand2 = 0;
};

/// Tables for one size of tile.
struct TileTables {
    Extents size{};
    std::vector<int> extents;
    /// [axis][index]. Axes of one dimension of a window go on behind their extent, as far as the spatial loops reach: a
    /// word that one position of the output does not use with one tap, another may use with another.
    std::vector<std::vector<AxisEntry>> axis;
    int extent(int a) const { return extents[static_cast<std::size_t>(a)]; }
};

struct Tile {
    int index = 0;
    Extents base{}, size{};
    bool first_reduction = true, last_reduction = true; ///< first/last tile of its outputs
    const TileTables* tables = nullptr;
    AxisEntry origin; ///< word indices, row and column of the tile's element (0,...,0)
    Box weights, inputs, outputs;
    bool new_weights = true, new_inputs = true;                      ///< differ from the previous tile's
    std::vector<Box> weight_fill, input_fill, operand2_fill;         ///< what must be fetched for it
    std::vector<Box> weight_drop, input_drop, operand2_drop;         ///< what is dropped when the next tile is entered
    std::int64_t weight_free = 0, input_free = 0, operand2_free = 0; ///< words of that
    std::int64_t weight_fill_words = 0, input_fill_words = 0, operand2_fill_words = 0;
};

/// Words delivered to (or collected from) the array together, and which MACs each belongs to. MACs are numbered row by
/// row over the grid (HardwareConfig::grid_rows); with one MAC per PE they are the PEs.
struct TensorLanes {
    int count = 0;
    std::vector<AxisIndex> offset;                 ///< [lane][axis]
    std::vector<int> lane_of_mac;                  ///< [mac], -1 when idle
    std::vector<int> mac_of_lane;                  ///< the lane's first MAC
    std::vector<int> row_of_lane, col_of_lane;     ///< of that MAC
    std::vector<int> set_of_lane;                  ///< the first PE of those that take the word
    int lanes_per_set = 1;                         ///< most lanes with one set of PEs
    std::vector<int> pes_of_lane;                  ///< how many PEs take the word
    int words_in_pes = 0;                          ///< over all PEs: different words in a PE
    std::vector<int> cells, cells_begin;           ///< PeMatrix cells of lane l: [cells_begin[l], cells_begin[l + 1])
    bool one_pe_each = false;                      ///< one MAC each: no word is shared
    std::vector<int> psum_cells, psum_cells_begin; ///< outputs: cells of the psum matrix that add up to lane l
    bool lane_is_row = false, lane_is_col = false; ///< lane l lies on row l, on column l
    bool by_row = false, by_col = false, single = false; ///< a lane's PEs: exactly one row's, one column's, all
};

/// How many of the positions that the spatial loops have along each axis are in use: those nearest to the first.
using Positions = AxisIndex;

/// The MACs in use: a box of positions, or, of a word that several steps use, several boxes together.
struct LaneSet {
    std::vector<Positions> boxes; ///< none inside another
    bool full = false;            ///< every MAC that the spatial loops reach
    int active_macs = 0, active_pes = 0;
    int used_rows = 0, used_cols = 0; ///< of PEs
    int grid_rows = 0, grid_cols = 0; ///< of MACs
    TensorLanes tensor[3];            ///< by Tensors
    PeMatrix active;                  ///< 1 for every MAC in use; empty when full

    /// Are all MACs of the other set in use here?
    bool covers(const LaneSet& other) const;
};

/// Is the second box inside the first?
bool covers(const Positions& box, const Positions& inner);

class CompiledPlan {
public:
    CompiledPlan(const LayerPlan& plan, const HardwareConfig& hardware);

    const LayerPlan& plan() const { return plan_; }
    const HardwareConfig& hardware() const { return hw_; }
    int axes() const { return static_cast<int>(plan_.axes.size()); }
    const std::vector<Tile>& tiles() const { return tiles_; }
    const TensorLayout& weights() const { return weights_; }
    const TensorLayout& inputs() const { return inputs_; }
    const TensorLayout& outputs() const { return outputs_; }
    const TensorLayout& operand2() const { return operand2_; }
    /// What is written: the outputs, or what fused pooling makes of them.
    const TensorLayout& results() const { return results_; }
    std::int64_t result_words() const { return result_words_; }
    /// Boxes of the results in the order in which they are stored.
    const std::vector<Box>& stores() const { return stores_; }

    bool axis_indexes(Tensors t, int axis) const { return axis_indexes_[static_cast<int>(t)][axis]; }
    /// Does an iteration of pass loop `l` move the tensor's coordinate? (Taps do not move inputs whose rows are
    /// stepped.)
    bool loop_indexes(Tensors t, std::size_t l) const { return loop_indexes_[static_cast<std::size_t>(t)][l]; }
    bool axis_reduces(int axis) const { return axis_reduces_[axis]; }
    /// The axis that consists of this dimension alone; -1 when it is part of a flattened one.
    int axis_of(Dim d) const;
    /// Axis indices that the spatial loops along the axis span (1 when it has none), and the positions they have there.
    int spatial_span(int axis) const { return spatial_span_[axis]; }
    int places(int axis) const { return static_cast<int>(offsets_[axis].size()); }
    /// Of these positions, those in use when so many indices are left.
    Positions positions(const AxisIndex& remaining) const;
    /// What a pass covers of the axis.
    int pass_span(int axis) const { return pass_span_[axis]; }
    /// The MACs in use with so many indices left on each axis; cached. Not thread safe: one simulation, one thread.
    const LaneSet& lanes(const AxisIndex& remaining) const { return lanes_at(positions(remaining)); }
    const LaneSet& lanes_at(const Positions& box) const;
    /// Those of any of the boxes.
    const LaneSet& lanes_at(std::vector<Positions> boxes) const;
    /// Psums of a pass are not the whole reduction: they accumulate in the buffer.
    bool accumulates() const { return accumulates_; }
    /// They do so on their way through the array (Accumulation).
    bool accumulates_through_array() const
    {
        return accumulates_ && plan_.psum_path != PsumPath::local &&
               hw_.global_buffer.accumulation == Accumulation::through_array;
    }
    /// Vector elements of a PE whose products one adder tree sums; 1: every MAC has a psum of its own.
    int summed_per_pe() const { return summed_per_pe_; }
    /// Rows of PEs' psums: grid rows / summed_per_pe.
    int psum_rows() const { return hw_.grid_rows() / summed_per_pe_; }
    /// Psums kept in several PEs add up to one output on their way out.
    bool psum_chained() const { return plan_.keep_psums && plan_.psum_path != PsumPath::local; }
    bool has_operand2() const { return plan_.add_layer >= 0; }

private:
    void make_layouts();
    void make_lattice();
    void classify_axes();
    void list_offsets();
    int tile_extent(int axis) const;
    void classify_loops();
    void make_tiles();
    void make_stores();
    const TileTables& tables_for(const Extents& size);
    AxisEntry entry_of(const Extents& at) const;
    LaneSet make_lanes(const std::vector<Positions>& boxes) const;
    AxisIndex word_key(Tensors t, const AxisIndex& own) const;

    LayerPlan plan_;
    const HardwareConfig& hw_;
    TensorLayout weights_, inputs_, outputs_, operand2_, results_;
    std::vector<Box> stores_;
    std::int64_t result_words_ = 0;
    bool axis_indexes_[3][max_axes] = {};
    std::vector<bool> loop_indexes_[3];
    bool axis_reduces_[max_axes] = {};
    int spatial_span_[max_axes] = {};
    std::vector<int> offsets_[max_axes]; ///< of the positions, in axis indices from the first, ascending
    int pass_span_[max_axes] = {};
    bool accumulates_ = false;
    int summed_per_pe_ = 1;
    std::vector<Tile> tiles_;
    std::vector<std::unique_ptr<TileTables>> tables_;
    mutable std::unordered_map<std::uint64_t, std::unique_ptr<LaneSet>> lane_sets_;         ///< of one box, by its key
    mutable std::map<std::vector<Positions>, std::unique_ptr<LaneSet>> lane_sets_of_boxes_; ///< of several
    mutable const LaneSet* last_lanes_ = nullptr;                                           ///< that were asked for
    mutable std::uint64_t last_key_ = 0;
};

} // namespace heddle
