#include "hw/plan.hpp"

#include <algorithm>

namespace heddle {

int TileOdometer::covered(std::size_t loop) const
{
    const std::vector<TileLoop>& loops = plan_->tile_loops;
    const Dim d = loops[loop].dim;
    int first = 0, end = plan_->extent[d];
    for (std::size_t o = 0; o < loop; ++o) {
        if (loops[o].dim != d) continue;
        first += at_[o];
        end = std::min(end, first + loops[o].tile);
    }
    return end - first;
}

void TileOdometer::settle()
{
    const std::vector<TileLoop>& loops = plan_->tile_loops;
    base_ = {};
    size_ = plan_->extent;
    for (std::size_t l = 0; l < loops.size(); ++l) {
        const Dim d = loops[l].dim;
        size_[d] = std::min(loops[l].tile, covered(l) - at_[l]);
        base_[d] += at_[l];
    }
}

bool TileOdometer::next()
{
    for (std::size_t l = at_.size(); l-- > 0;) {
        at_[l] += plan_->tile_loops[l].tile;
        if (at_[l] < covered(l)) {
            settle();
            return true;
        }
        at_[l] = 0;
    }
    return false;
}

} // namespace heddle
