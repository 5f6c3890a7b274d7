// The better search over tile sizes, loop orders and pass lengths of one spread. Internal to the mapper.
#pragma once

#include "sim/mapper_tiles.hpp"

#include <array>
#include <optional>
#include <vector>

namespace heddle {

/// Above this many (tile, order, pass length) combinations a spread is searched by a beam instead of exhaustively:
/// scored combinations per spread, which also end the beam.
struct BeamLimits {
    std::int64_t scorings = 20000;
    std::size_t width = 32; ///< choices whose neighbours are looked at in a round
};

/// The best choices by each measure, best first; by energy and energy-delay product only where rates are given.
using BestTiles = std::array<std::vector<TileChoice>, 3>; ///< by Objective

/// What the search minimises, known without lowering the choice.
double tile_value(const TileSearch& search, const std::optional<EnergyRates>& rates, const TileChoice& choice,
                  Objective objective);

/// The best `most` choices of each measure. Deterministic: neighbours of `starts` (the first mapper's finalists) and of
/// the best found so far, until a round improves nothing. A neighbour has one tile size changed to any other, two
/// changed against each other by one size, another order of its loops, or another pass length.
BestTiles beam_search(const TileSearch& search, const std::optional<EnergyRates>& rates, const BeamLimits& limits,
                      const std::vector<TileChoice>& starts, std::size_t most, SearchCounts& counts);

} // namespace heddle
