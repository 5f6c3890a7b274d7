// Tile sizes and loop orders at the dram level, scored in closed form. Internal to the mapper.
#pragma once

#include "sim/bound.hpp"
#include "sim/dataflow.hpp"

#include "sim/mapper_objective.hpp"

#include <array>
#include <cstdint>
#include <vector>

namespace heddle {

/// Tile loops, outermost first.
using TileOrder = std::array<Dim, dim_count>;

struct TileChoice {
    Extents tile{};
    TileOrder order{dim_g, dim_n, dim_p, dim_q, dim_k, dim_c, dim_r, dim_s};
    int parts = 1;          ///< passes in place of each of the longest that the psums allow
    int chunk = 1;          ///< indices per pass along the spread's cut index
    std::int64_t score = 0; ///< estimated cycles
    std::int64_t dram_bytes = 0, passes = 0, accumulations = 0;
    std::int64_t memory_cycles = 0; ///< of all moves: bandwidth in whole bursts, requests on their way
    // Cycles that overlap may not hide.
    std::int64_t first = 0;   ///< the first tile's fetch
    std::int64_t waiting = 0; ///< fetches that wait for the room of the tile in use
    std::int64_t starts = 0;  ///< to start the moves of every tile
};

/// The orders that the first mapper tries; reductions innermost.
const std::vector<TileOrder>& tile_orders();

/// What the search needs to know of a spread, besides the loops: phases of a pass that uses the whole spread.
struct TileSearch {
    const LayerShape& shape;
    const HardwareConfig& hw;
    const Spread* spread = nullptr; ///< nullptr: a layer of the PostProcessor
    PassPhases phases;
    bool operand2 = false;       ///< a second operand of the outputs' size
    std::int64_t load_words = 0; ///< read from the buffer to load one pass
    /// Channels of the stored maps, where they are more than the layer's own (concat).
    struct Places {
        int inputs = 0, outputs = 0, operand2 = 0;
    };
    Places places = {};

    /// The first mapper's best `most` choices by score, then DRAM bytes, then fewer tiles.
    std::vector<TileChoice> best(std::size_t most, SearchCounts& counts) const;
};

/// Indices of a dimension that the array takes at once, when the other dimensions of its index are not cut.
int tile_quantum(const TileSearch& search, Dim d);

} // namespace heddle
