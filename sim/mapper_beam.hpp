// The better search over tile sizes, loop orders and pass lengths of one spread. Internal to the mapper.
#pragma once

#include "sim/mapper_tiles.hpp"

#include <vector>

namespace heddle {

/// Above this many (tile, order, pass length) combinations a spread is searched by a beam instead of exhaustively:
/// scored combinations per spread, which also end the beam.
struct BeamLimits {
    std::int64_t scorings = 20000;
    std::size_t width = 32; ///< choices whose neighbours are looked at in a round
};

struct BeamGoal {
    Objective objective = Objective::latency;
    EnergyRates rates;
};

/// The best `most` choices for the goal, best first. Deterministic: neighbours of `starts` (the first mapper's
/// finalists) and of the best found so far, until a round improves nothing. A neighbour has one tile size changed to
/// any other, two changed against each other by one size, another order of its loops, or another pass length.
std::vector<TileChoice> beam_search(const TileSearch& search, const BeamGoal& goal, const BeamLimits& limits,
                                    const std::vector<TileChoice>& starts, std::size_t most, SearchCounts& counts);

} // namespace heddle
