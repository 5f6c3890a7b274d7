// Regions of a tensor as boxes, and the contiguous runs of memory they consist of.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace heddle {

inline constexpr int box_dims = 5;

/// Half-open ranges: maps (n,h,w,g,c), weights (g,k,r,s,c), outputs (n,p,q,g,k).
struct Box {
    std::array<int, box_dims> lo{}, hi{};

    bool operator==(const Box& o) const { return lo == o.lo && hi == o.hi; }
    bool operator!=(const Box& o) const { return !(*this == o); }
    bool empty() const;
    std::int64_t words() const;
    Box intersect(const Box& o) const;
};

/// Dimensions in the order of memory, outermost first.
using BoxOrder = std::array<int, box_dims>;
inline constexpr BoxOrder channels_innermost_order = {0, 1, 2, 3, 4};
inline constexpr BoxOrder planes_order = {0, 3, 4, 1, 2}; ///< of maps
inline constexpr BoxOrder filter_planes_order = {0, 1, 4, 2, 3};

/// a without b, as disjoint boxes in memory order.
std::vector<Box> difference(const Box& a, const Box& b, const BoxOrder& order = channels_innermost_order);

/// Where the words of a tensor lie, in words from its start.
struct TensorLayout {
    std::array<int, box_dims> extent{};
    std::array<std::int64_t, box_dims> stride{};
    BoxOrder order = channels_innermost_order;
    std::int64_t offset = 0; ///< of element (0,0,0,0,0): first channel under concat
    std::int64_t words = 0;  ///< of the whole allocation

    std::int64_t index(const std::array<int, box_dims>& at) const;
};

struct Run {
    std::int64_t first_word = 0;
    std::int64_t words = 0;
};

/// Walks a box as maximal contiguous runs, in memory order.
class RunWalk {
public:
    RunWalk() = default;
    RunWalk(const TensorLayout& layout, const Box& box);
    bool done() const { return done_; }
    Run run() const;
    void next();
    /// Places of the order that step from run to run; the others lie inside a run.
    int outer_places() const { return inner_; }

private:
    const TensorLayout* layout_ = nullptr;
    Box box_;
    std::array<int, box_dims> at_{};
    int inner_ = box_dims; ///< places of the order from here on are inside one run
    std::int64_t words_ = 0;
    bool done_ = true;
};

} // namespace heddle
