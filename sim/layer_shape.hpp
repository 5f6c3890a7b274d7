// A layer as loop extents: what the mapper cuts and the plan carries.
#pragma once

#include "hw/plan.hpp"

#include <algorithm>
#include <cstdint>

namespace heddle {

/// The problem of one layer. K and C are per group; for the PostProcessor's own layers G = channels and K = C = 1.
struct LayerShape {
    PlanKind kind = PlanKind::array;
    Extents extent{};
    Window window;                ///< of the loops: strides, padding as the plan sees them
    int in_rows = 0, in_cols = 0; ///< H, W of the map that is read
    int source = -1;              ///< layer whose map is read, behind reshapes
};

/// False for layers that move no data or are left to the host: input, concat, reshape, softmax.
bool computes(const Layer& layer);

/// A fully connected layer behind a reshape of a (C,H,W) map becomes a conv with R = H, S = W on that map: its
/// (K, C*H*W) weights are (K,C,H,W) in memory, so flattening moves nothing. UserError for a layer that does not
/// compute, or one that is no fully connected layer and reads a map whose channels and positions a reshape has mixed.
LayerShape layer_shape(const Network& net, int layer);
Extents layer_extents(const Network& net, int layer);

/// Rows (or columns) of a map under a window.
struct WindowAxis {
    int filter, stride, dilation, pad, size, outputs;

    /// Rows read by output rows [p0, p1) and filter rows [r0, r1), inside the map: [lo, hi).
    int lo(int p0, int r0) const { return std::clamp(p0 * stride + r0 * dilation - pad, 0, size); }
    int hi(int p1, int r1) const { return std::clamp((p1 - 1) * stride + (r1 - 1) * dilation - pad + 1, 0, size); }
    /// Rows that a tile of that many output and filter rows holds at most.
    int box(int p, int r) const { return std::min(size, (p - 1) * stride + (r - 1) * dilation + 1); }
    /// Pairs (p, r) whose row lies inside the map.
    std::int64_t valid_pairs() const;
    /// Different rows inside the map that output rows [p0, p1) read.
    int distinct(int p0, int p1) const;
};
/// A one-tap window that strides without touching padding reads a lattice of the map, which the DMA walks as a map of
/// its own.
WindowAxis window_rows(const Window& window, const Extents& extent, int in_rows);
WindowAxis window_cols(const Window& window, const Extents& extent, int in_cols);

/// Words of a tile with these extents, wherever it lies.
std::int64_t tile_words(const LayerShape& shape, const Extents& tile, Tensors t);

} // namespace heddle
