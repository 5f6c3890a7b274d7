// Brute-force walk of a plan's loops, written from hw/plan.hpp alone: every MAC with its tile, pass, step and PE.
#pragma once

#include "hw/plan.hpp"

#include <algorithm>
#include <functional>
#include <vector>

namespace heddle::test_walk {

struct Mac {
    int tile = 0, pass = 0, step = 0; ///< counted over the whole layer
    int y = 0, x = 0;
    Extents at{}; ///< coordinate in the layer
};

class PlanWalk {
public:
    PlanWalk(const LayerPlan& plan, std::function<void(const Mac&)> visit) : plan_(plan), visit_(std::move(visit)) {}

    void run() { tiles(0); }
    int tiles_seen() const { return mac_.tile; }
    int passes_seen() const { return mac_.pass; }
    int steps_seen() const { return mac_.step; }

private:
    void tiles(std::size_t l)
    {
        if (l == plan_.tile_loops.size()) {
            for (int d = 0; d < dim_count; ++d)
                size_[d] = std::min(plan_.dim_tile(static_cast<Dim>(d)), plan_.extent[d] - base_[d]);
            index_.assign(plan_.axes.size(), 0);
            limit_.clear();
            for (const Axis& axis : plan_.axes) {
                int extent = 1;
                for (Dim d : axis.dims) extent *= size_[d];
                limit_.push_back(extent);
            }
            glb(0);
            ++mac_.tile;
            return;
        }
        const TileLoop& loop = plan_.tile_loops[l];
        for (int at = 0; at < plan_.extent[loop.dim]; at += loop.tile) {
            base_[loop.dim] = at;
            tiles(l + 1);
        }
        base_[loop.dim] = 0;
    }

    /// One temporal loop: `inside` runs for every iteration with the axis narrowed to it.
    template <typename Inside> void temporal(const AxisLoop& loop, Inside inside)
    {
        const auto a = static_cast<std::size_t>(loop.axis);
        const int first = index_[a], limit = limit_[a], last = std::min(limit, first + loop.span);
        for (int at = first; at < last; at += loop.step) {
            index_[a] = at;
            limit_[a] = std::min(last, at + loop.step);
            inside();
        }
        index_[a] = first;
        limit_[a] = limit;
    }

    void glb(std::size_t l)
    {
        if (l < plan_.glb_loops.size()) {
            temporal(plan_.glb_loops[l], [&] { glb(l + 1); });
            return;
        }
        pass_limit_ = limit_;
        steps(0);
        ++mac_.pass;
    }

    void steps(std::size_t l)
    {
        if (l < plan_.pass_loops.size()) {
            temporal(plan_.pass_loops[l], [&] { steps(l + 1); });
            return;
        }
        mac_.y = mac_.x = 0;
        spread(0);
        ++mac_.step;
    }

    void spread(std::size_t l)
    {
        if (l == plan_.spatial.size()) {
            visit();
            return;
        }
        const SpatialLoop& loop = plan_.spatial[l];
        const auto a = static_cast<std::size_t>(loop.axis);
        const int first = index_[a], y = mac_.y, x = mac_.x;
        int last = limit_[a]; // positions outside a loop of the pass are cut by the pass alone
        for (const AxisLoop& inside : plan_.pass_loops)
            if (inside.axis == loop.axis && inside.step < loop.step) last = pass_limit_[a];
        for (int i = 0; i < loop.count; ++i) {
            index_[a] = first + i * loop.step;
            if (index_[a] >= last) break;
            mac_.y = loop.place == Place::x ? y : y * loop.count + i;
            mac_.x = loop.place == Place::y ? x : x * loop.count + i;
            spread(l + 1);
        }
        index_[a] = first;
        mac_.y = y;
        mac_.x = x;
    }

    void visit()
    {
        for (std::size_t a = 0; a < plan_.axes.size(); ++a) {
            int rest = index_[a];
            const std::vector<Dim>& dims = plan_.axes[a].dims;
            for (auto d = dims.rbegin(); d != dims.rend(); ++d) {
                mac_.at[*d] = base_[*d] + rest % size_[*d];
                rest /= size_[*d];
            }
        }
        visit_(mac_);
    }

    const LayerPlan& plan_;
    std::function<void(const Mac&)> visit_;
    Mac mac_;
    Extents base_{}, size_{};
    std::vector<int> index_, limit_, pass_limit_;
};

} // namespace heddle::test_walk
