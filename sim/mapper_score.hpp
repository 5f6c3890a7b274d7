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
        std::int64_t waiting(std::int64_t tile, std::int64_t capacity) const;
    };

    std::int64_t words(const Extents& tile, Tensors t) const;
    Extents counts(const Extents& tile) const;
    bool cuts_reduction(const Extents& tile) const;
    bool choose_chunk(TileChoice& choice, std::int64_t outputs) const;
    std::int64_t reduction_passes(const Extents& tile) const;
    std::int64_t visits(const std::vector<Dim>& index, const Extents& tile, int quantum, std::size_t at = 0,
                        std::int64_t extent = 1) const;
    std::int64_t compute(TileChoice& choice, const Extents& count) const;
    std::int64_t with_phases(std::int64_t steps, std::int64_t passes, std::int64_t accumulations) const;
    Fetch fetch(const TileChoice& choice, const Extents& count, Tensors t) const;
    std::int64_t input_words(const Extents& tile, const Extents& count, Dim innermost) const;
    struct Moves {
        std::int64_t bytes = 0, requests = 0; ///< of whole bursts
    };
    /// Adds words that lie in runs of that length.
    void move(Moves& moves, std::int64_t words, int bits, std::int64_t run_words) const;
    std::int64_t memory_cycles(const Moves& read, const Moves& written) const;
    std::int64_t weight_run(const Extents& tile) const;
    std::int64_t map_run(const Extents& tile, Dim channel, int cols, bool whole_rows) const;

    const TileSearch& s_;
    Extents extent_;
    struct Capacity {
        std::int64_t weights, inputs, outputs, psums, operand2;
    } capacity_;
    WindowAxis rows_, cols_;
    std::int64_t burst_bytes_ = 64, latency_cycles_ = 0, start_cycles_ = 0;
};

} // namespace heddle
