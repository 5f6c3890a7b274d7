// What the hardware executes for one layer: a mapping, resolved to tiles, passes and steps, with no dataflow's name in
// it.
//
// A layer is cut twice. `tile_loops` (the dram level) walk tiles of the eight dimensions; a tile is what the global
// buffer holds at once. Inside a tile the loops run over *axes*: single dimensions or flattened products of the tile's
// dimensions (P*Q, C*R*S), so that a partial tile has shorter axes and nothing is padded. `glb_loops` step from pass to
// pass, `pass_loops` are the temporal steps of a pass (the innermost ones those of the collectors), `spatial` spreads a
// step over the MACs: over PEs and over the lanes and vector elements inside a PE. K and C are per group.
#pragma once

#include "dnn/network.hpp"
#include "hw/hardware.hpp"

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace heddle {

enum Dim { dim_n, dim_g, dim_k, dim_c, dim_p, dim_q, dim_r, dim_s, dim_count };
inline constexpr const char* dim_names[dim_count] = {"N", "G", "K", "C", "P", "Q", "R", "S"};
using Extents = std::array<int, dim_count>;

/// Does dimension `d` index the tensor? (Inputs are indexed by P,R together as H and by Q,S as W.)
constexpr bool indexes(Tensors t, Dim d)
{
    switch (t) {
    case Tensors::weights:
        return d == dim_g || d == dim_k || d == dim_c || d == dim_r || d == dim_s;
    case Tensors::inputs:
        return d != dim_k;
    case Tensors::outputs:
        return d == dim_n || d == dim_g || d == dim_k || d == dim_p || d == dim_q;
    }
    return false;
}
constexpr bool reduces(Dim d)
{
    return d == dim_c || d == dim_r || d == dim_s;
}

/// A dimension may be cut by several loops, each inside what the loop outside it covers.
struct TileLoop {
    Dim dim;
    int tile; ///< what one iteration covers of dim; the last one may be partial
};

struct Axis {
    std::vector<Dim> dims; ///< outermost first; index = mixed radix over the tile's sizes
};

/// Steps over an axis: index += step each iteration, until `span` (or the axis) is covered.
struct AxisLoop {
    int axis = 0;
    int step = 1; ///< what one iteration covers, in axis indices (the span of the loops inside)
    int span = 1; ///< what the whole loop covers: count = ceil(min(span, what is left of the axis)/step)
    /// Of a pass, over P (Q): steps over the rows (columns) of the input that these outputs and the pass's taps reach;
    /// the output follows from row and tap, and positions without one take no step. Same steps, another order.
    bool by_input = false;
};

/// diagonal: the same loop on both axes of the array, PEs off the diagonal idle. lane, vector: inside a PE.
enum class Place { y, x, diagonal, lane, vector };

struct SpatialLoop {
    int axis = 0;
    Place place = Place::y;
    int step = 1;  ///< axis indices per position
    int count = 1; ///< positions
};

/// A feature map in DRAM; its address stands in the MemoryImage, the order of its words in the hardware (MapLayout).
struct TensorPlace {
    int channel_stride = 0; ///< channels of the stored map (more than the layer's own under concat)
    int channel_offset = 0; ///< first channel of the layer's own
};

enum class PlanKind { array, post }; ///< post: pooling, add, clamp as layers of their own in the PostProcessor

struct LayerPlan {
    std::string name;
    int layer = 0; ///< index in the network
    PlanKind kind = PlanKind::array;
    Op op = Op::conv;
    std::string dataflow; ///< for reports only; hw/ never looks at it

    // The problem. For kind post: G = channels, K = C = 1 (K,C loops have bound 1); R,S = the window.
    Extents extent{};
    Window window;
    int in_rows = 0, in_cols = 0; ///< H, W

    // The mapping.
    std::vector<TileLoop> tile_loops; ///< outermost first; dims not named have one tile
    std::vector<Axis> axes;           ///< every dimension is on exactly one axis
    std::vector<AxisLoop> glb_loops;  ///< outermost first
    std::vector<AxisLoop> pass_loops; ///< outermost first
    int collector_loops = 0;          ///< of pass_loops, from the innermost: what the collectors hold is their tile
    std::vector<SpatialLoop> spatial; ///< on one place: outermost first
    bool keep_weights = false;        ///< the pass's tile is held in the PE's register file (loaded), else streamed
    bool keep_inputs = false;
    bool keep_psums = false; ///< accumulate in the PE's register file, drained at the end of the pass; else leave every
                             ///< step
    Delivery weight_delivery = Delivery::unicast;
    Delivery input_delivery = Delivery::unicast;
    PsumPath psum_path = PsumPath::local;

    std::int64_t input_words = 0;   ///< the input partition's share of the buffer's pool; 0: there is none
    std::int64_t switch_cycles = 0; ///< the layer starts so much later: the array changes its dataflow

    // Post-processing.
    Activation activation = Activation::none;
    int add_layer = -1;  ///< residual operand fused into the PostProcessor, or second operand of Op::add
    int pool_layer = -1; ///< max or average pooling fused into the PostProcessor behind this conv
    Op pool_op = Op::max_pool;
    Window pool_window;
    int pool_rows = 0, pool_cols = 0; ///< of the pooled map
    int fused_layer = -1; ///< layer whose result this plan writes when an add or pooling is fused (else == layer)

    // Where things are.
    TensorPlace inputs, outputs, operand2;

    int dim_tile(Dim d) const
    {
        int tile = extent[d];
        for (const TileLoop& l : tile_loops) // the innermost one's
            if (l.dim == d) tile = l.tile;
        return tile;
    }
    bool keeps(Tensors t) const
    {
        return t == Tensors::weights ? keep_weights : t == Tensors::inputs ? keep_inputs : keep_psums;
    }
    std::int64_t macs() const
    {
        std::int64_t m = 1;
        for (int e : extent) m *= e;
        return kind == PlanKind::array ? m : 0;
    }
};

/// Steps through the tiles of a plan: first index and size of each along every dimension.
class TileOdometer {
public:
    explicit TileOdometer(const LayerPlan& plan) : plan_(&plan), at_(plan.tile_loops.size()) { settle(); }
    const Extents& base() const { return base_; }
    const Extents& size() const { return size_; }
    bool next(); ///< false after the last tile

private:
    int covered(std::size_t loop) const; ///< by the loop, with those outside it where they stand
    void settle();

    const LayerPlan* plan_;
    std::vector<int> at_; ///< offset of each loop
    Extents base_{}, size_{};
};

} // namespace heddle
