// Tile sizes and loop orders at the dram level, scored in closed form. Internal to the mapper.
#pragma once

#include "sim/bound.hpp"
#include "sim/dataflow.hpp"

#include <cstdint>
#include <vector>

namespace heddle {

struct TileChoice {
    Extents tile{};
    int order = 0;          ///< of tile_orders()
    int chunk = 1;          ///< indices per pass along the spread's cut index
    std::int64_t score = 0; ///< estimated cycles
    std::int64_t dram_bytes = 0;
    // Cycles that overlap may not hide.
    std::int64_t first = 0;   ///< the first tile's fetch
    std::int64_t waiting = 0; ///< fetches that wait for the room of the tile in use
    std::int64_t starts = 0;  ///< to start the moves of every tile
};

/// Orders of the tile loops, outermost first; reductions innermost.
const std::vector<std::vector<Dim>>& tile_orders();

/// What the search needs to know of a spread, besides the loops: phases of a pass that uses the whole spread.
struct TileSearch {
    const LayerShape& shape;
    const HardwareConfig& hw;
    const Spread* spread = nullptr; ///< nullptr: a layer of the PostProcessor
    PassPhases phases;
    bool operand2 = false; ///< a second operand of the outputs' size

    /// The best `most` choices by score, then DRAM bytes, then fewer tiles.
    std::vector<TileChoice> best(std::size_t most, std::int64_t& visited, std::int64_t& rejected) const;
};

} // namespace heddle
