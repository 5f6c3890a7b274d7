// Brute-force walk of a plan's loops, written from hw/plan.hpp alone: every MAC with its tile, pass, step and PE.
#pragma once

#include "hw/plan.hpp"

#include <algorithm>
#include <functional>
#include <vector>

namespace heddle::test_walk {

struct Mac {
    int tile = 0, pass = 0, step = 0; ///< counted over the whole layer
    int group = 0;                    ///< of the steps that differ in the collectors' loops only, counted so too
    int y = 0, x = 0;                 ///< PE
    int lane = 0, element = 0;        ///< inside it
    Extents at{};                     ///< coordinate in the layer
    Extents first{};                  ///< of the step's first position
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
        pass_base_ = index_;
        steps(0);
        ++mac_.pass;
    }

    void steps(std::size_t l)
    {
        if (l < plan_.pass_loops.size()) {
            if (plan_.pass_loops[l].by_input)
                input_rows(plan_.pass_loops[l], [&] { steps(l + 1); });
            else
                temporal(plan_.pass_loops[l], [&] { steps(l + 1); });
            if (l + static_cast<std::size_t>(plan_.collector_loops) == plan_.pass_loops.size()) ++mac_.group;
            return;
        }
        if (!outputs_of_rows()) return;
        mac_.y = mac_.x = mac_.lane = mac_.element = 0;
        at_first_ = true;
        step_index_ = index_;
        spread(0);
        ++mac_.step;
        if (plan_.collector_loops == 0) ++mac_.group;
    }

    /// P or Q by the rows (columns) of the input: more than enough of them, those without an output are left out.
    template <typename Inside> void input_rows(const AxisLoop& loop, Inside inside)
    {
        const auto a = static_cast<std::size_t>(loop.axis);
        const int before = limit_[a], most = 1 << 12;
        const bool rows = plan_.axes[a].dims.front() == dim_p;
        const int stride = rows ? plan_.window.stride_rows : plan_.window.stride_cols;
        const int taps =
            plan_.extent[rows ? dim_r : dim_s] * (rows ? plan_.window.dilation_rows : plan_.window.dilation_cols);
        const int end = std::min(most, std::min(loop.span, before - index_[a]) * stride + taps);
        for (int row = 0; row < end; ++row) {
            (rows ? row_ : col_) = row;
            inside();
        }
        (rows ? row_ : col_) = -1;
        index_[a] = pass_base_[a];
        limit_[a] = before;
    }

    /// The outputs that the input's row and column lead to with the taps; false when there are none.
    bool outputs_of_rows()
    {
        const Window& w = plan_.window;
        return output_of(row_, dim_p, dim_r, w.stride_rows, w.dilation_rows) &&
               output_of(col_, dim_q, dim_s, w.stride_cols, w.dilation_cols);
    }

    bool output_of(int row, Dim out, Dim tap, int stride, int dilation)
    {
        if (row < 0) return true;
        std::size_t a = 0, t = 0;
        for (std::size_t i = 0; i < plan_.axes.size(); ++i) {
            if (plan_.axes[i].dims == std::vector<Dim>{out}) a = i;
            if (plan_.axes[i].dims == std::vector<Dim>{tap}) t = i;
        }
        int span = 0;
        for (const AxisLoop& l : plan_.pass_loops)
            if (l.by_input && l.axis == static_cast<int>(a)) span = l.span;
        const int from = row - (index_[t] - pass_base_[t]) * dilation;
        if (from < 0 || from % stride != 0) return false;
        index_[a] = pass_base_[a] + from / stride;
        return from / stride < span && index_[a] < pass_limit_[a];
    }

    void spread(std::size_t l)
    {
        if (l == plan_.spatial.size()) {
            visit();
            return;
        }
        const SpatialLoop& loop = plan_.spatial[l];
        const auto a = static_cast<std::size_t>(loop.axis);
        const int first = index_[a], y = mac_.y, x = mac_.x, lane = mac_.lane, element = mac_.element;
        const bool inside_pe = loop.place == Place::lane || loop.place == Place::vector;
        // Positions outside a loop of the pass are cut by the pass alone; those inside it by its step, which begins at
        // the position outside.
        int last = std::min(pass_limit_[a], limit_[a] + first - step_index_[a]);
        for (const AxisLoop& inside : plan_.pass_loops)
            if (inside.axis == loop.axis && inside.step < loop.step) last = pass_limit_[a];
        for (int i = 0; i < loop.count; ++i) {
            index_[a] = first + i * loop.step;
            if (index_[a] >= last) break;
            if (loop.place == Place::lane) mac_.lane = lane * loop.count + i;
            if (loop.place == Place::vector) mac_.element = element * loop.count + i;
            if (!inside_pe && loop.place != Place::x) mac_.y = y * loop.count + i;
            if (!inside_pe && loop.place != Place::y) mac_.x = x * loop.count + i;
            spread(l + 1);
        }
        index_[a] = first;
        mac_.y = y;
        mac_.x = x;
        mac_.lane = lane;
        mac_.element = element;
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
        if (at_first_) mac_.first = mac_.at;
        at_first_ = false;
        visit_(mac_);
    }

    const LayerPlan& plan_;
    std::function<void(const Mac&)> visit_;
    Mac mac_;
    Extents base_{}, size_{};
    std::vector<int> index_, limit_, pass_limit_, pass_base_, step_index_;
    int row_ = -1, col_ = -1; ///< of the input, from the pass's first, where loops run over them
    bool at_first_ = false;
};

} // namespace heddle::test_walk
