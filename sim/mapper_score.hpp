// Scores tiles in closed form, a microsecond each. Internal to the mapper.
#pragma once

#include "sim/mapper_tiles.hpp"

namespace heddle {

class TileScorer {
public:
    explicit TileScorer(const TileSearch& search);

    bool weights_fit(const Extents& tile) const { return words(tile, Tensors::weights) <= capacity_.weights; }
    /// The partition that is too small, or Reject::none. Sets the chunk.
    Reject fits(TileChoice& choice) const;
    /// Sets score, DRAM bytes and exposed cycles, for the choice's order.
    void score(TileChoice& choice) const;
    std::int64_t tiles(const Extents& tile) const;

private:
    /// What the tiles of one tensor fetch.
    struct Fetch {
        std::int64_t words = 0, changes = 1;
        Dim innermost = dim_count; ///< of the loops that move it
        std::int64_t waiting(std::int64_t tile, std::int64_t capacity) const;
    };

    /// Rows and columns of a map, and its channels with those beside it under concat.
    struct MapInMemory {
        std::int64_t rows = 1, cols = 1, channels = 1;
    };

    std::int64_t words(const Extents& tile, Tensors t) const;
    Extents counts(const Extents& tile) const;
    bool cuts_reduction(const Extents& tile) const;
    bool choose_chunk(TileChoice& choice) const;
    std::int64_t psum_capacity(const Extents& tile) const;
    std::int64_t input_capacity(const TileChoice& choice) const;
    std::int64_t live_psums(const TileChoice& choice) const;
    std::int64_t visits(const std::vector<Dim>& index, const Extents& tile, int quantum, std::size_t at = 0,
                        std::int64_t extent = 1) const;
    std::int64_t compute(TileChoice& choice, const Extents& count) const;
    std::int64_t with_phases(std::int64_t steps, std::int64_t passes, std::int64_t accumulations) const;
    Fetch fetch(const TileChoice& choice, const Extents& count, Tensors t) const;
    std::int64_t input_words(const Extents& tile, const Extents& count, Dim innermost) const;
    std::int64_t input_lead(const TileChoice& choice, std::int64_t fetch, std::int64_t busy) const;
    /// How a tile's words lie in memory: runs that cut `whole` adjacent words, each `stride` behind the other.
    struct Runs {
        std::int64_t words = 1, whole = 1, stride = 1;
    };
    Runs weight_runs(const Extents& tile) const;
    Runs map_runs(const Extents& tile, Dim channel, std::int64_t rows, std::int64_t cols, const MapInMemory& map) const;
    void move(DramMoves::Side& side, std::int64_t words, int bits, const Runs& runs) const;

    const TileSearch& s_;
    Extents extent_;
    struct Capacity {
        std::int64_t weights, inputs, outputs, psums, operand2;
    } capacity_;
    WindowAxis rows_, cols_;
    std::int64_t burst_bytes_ = 64, start_cycles_ = 0;
    MapInMemory in_, out_, operand2_;
};

} // namespace heddle
