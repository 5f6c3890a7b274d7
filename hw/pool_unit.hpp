// Pooling of a conv's results as they stream by, in whatever order the passes bring them: a partial per window, which
// leaves when its last valid word has come.
#pragma once

#include "hw/post_setup.hpp"

#include <cstdint>
#include <vector>

namespace heddle {

class PoolUnit {
public:
    struct Pooled {
        std::int32_t out_word;
        std::int32_t value;
    };

    void start(const FusedPool& pool, int channels);
    /// One result and its index in the conv's map. Returns the windows it belongs to.
    int take(std::int32_t value, std::int32_t word);
    /// Windows completed and not yet taken away, in order.
    const std::vector<Pooled>& completed() const { return completed_; }
    void clear_completed() { completed_.clear(); }
    /// Windows begun and not complete: what the line buffer holds.
    std::int64_t live() const { return live_; }

private:
    struct Partial {
        std::int64_t sum = 0;
        std::int32_t largest = 0;
        std::int32_t seen = 0;
    };
    void add(int image, int row, int col, int channel, std::int32_t value);
    /// Valid rows (columns) of window `at`: those inside the map.
    static int valid(int at, int taps, int stride, int dilation, int pad, int size);

    const FusedPool* pool_ = nullptr;
    int channels_ = 1;
    std::vector<Partial> partials_; ///< by (n, pooled row, pooled column, channel)
    std::vector<Pooled> completed_;
    std::int64_t live_ = 0;
};

} // namespace heddle
