// Random plans for layers of random shape: any tiles, axes, loop orders and spatial placements that cover every index
// once, whether or not an array could run them. And where the words of a tensor lie, written down from hw/plan.hpp.
#pragma once

#include "hw/plan.hpp"
#include "sim/layer_shape.hpp"
#include "tests/unit/sim_networks.hpp"

#include <algorithm>
#include <vector>

namespace heddle::random_plan {

/// `parts` of a list in random order, orders within each part kept.
template <typename T> std::vector<T> interleave(Random& random, std::vector<std::vector<T>> parts)
{
    std::vector<T> out;
    for (;;) {
        std::vector<std::size_t> left;
        for (std::size_t i = 0; i < parts.size(); ++i)
            if (!parts[i].empty()) left.push_back(i);
        if (left.empty()) return out;
        std::vector<T>& from = parts[left[random.below(left.size())]];
        out.push_back(from.front());
        from.erase(from.begin());
    }
}

inline std::vector<Axis> random_axes(Random& random)
{
    std::vector<Axis> axes = {{{dim_n}}, {{dim_g}}, {{dim_k}}};
    const auto split = [&](std::vector<Dim> dims) {
        for (std::size_t i = dims.size(); i > 1; --i) std::swap(dims[i - 1], dims[random.below(i)]);
        while (!dims.empty()) {
            const std::size_t take = 1 + random.below(dims.size());
            axes.push_back({std::vector<Dim>(dims.begin(), dims.begin() + static_cast<std::ptrdiff_t>(take))});
            dims.erase(dims.begin(), dims.begin() + static_cast<std::ptrdiff_t>(take));
        }
    };
    split({dim_p, dim_q});
    split({dim_c, dim_r, dim_s});
    for (std::size_t i = axes.size(); i > 1; --i) std::swap(axes[i - 1], axes[random.below(i)]);
    return axes;
}

/// A layer of random shape under a random mapping on rows x cols PEs.
inline LayerPlan make(Random& random, int rows, int cols)
{
    const Network net = test_networks::random_conv(random);
    const LayerShape shape = layer_shape(net, 1);
    LayerPlan plan;
    plan.name = "random";
    plan.layer = plan.fused_layer = 1;
    plan.extent = shape.extent;
    plan.window = shape.window;
    plan.in_rows = shape.in_rows;
    plan.in_cols = shape.in_cols;

    std::vector<std::vector<TileLoop>> tiles;
    for (int d = 0; d < dim_count; ++d)
        if (plan.extent[d] > 1 && random.below(3) == 0)
            tiles.push_back({{static_cast<Dim>(d), static_cast<int>(random.range(1, plan.extent[d]))}});
    plan.tile_loops = interleave(random, tiles);

    plan.axes = random_axes(random);
    std::vector<std::vector<AxisLoop>> glb, pass;
    int free[] = {rows, cols};
    for (int a = 0; a < static_cast<int>(plan.axes.size()); ++a) {
        int extent = 1;
        for (Dim d : plan.axes[static_cast<std::size_t>(a)].dims) extent *= plan.dim_tile(d);
        int outside = extent; // what the loops so far leave for those inside
        glb.emplace_back();
        pass.emplace_back();
        for (int n = static_cast<int>(random.below(3)); n > 0 && outside > 1; --n) {
            const int step = static_cast<int>(random.range(1, outside));
            glb.back().push_back({a, step, outside});
            outside = step;
        }
        // Positions on one side: neighbouring indices inside the steps of a pass, or whole stretches outside them.
        const bool y = random.below(2) == 0;
        const int room = free[y ? 0 : 1];
        int count = static_cast<int>(random.range(1, std::min(outside, room)));
        const bool stretches = random.below(2) == 0;
        // What a step of a loop outside covers, the positions cover exactly.
        if (stretches && !glb.back().empty())
            while (outside % count != 0) --count;
        if (count > 1 && stretches) {
            const int stretch = (outside + count - 1) / count;
            plan.spatial.push_back({a, y ? Place::y : Place::x, stretch, count});
            if (stretch > 1) pass.back().push_back({a, 1, stretch});
        } else {
            if (outside > count) pass.back().push_back({a, count, outside});
            if (count > 1) plan.spatial.push_back({a, y ? Place::y : Place::x, 1, count});
        }
        if (count > 1) free[y ? 0 : 1] /= count;
    }
    plan.glb_loops = interleave(random, glb);
    plan.pass_loops = interleave(random, pass);
    return plan;
}

/// Index of a word in its tensor: maps N,H,W,(G,C), weights (G,K),R,S,C. -1 on padding.
inline std::int64_t word(const LayerPlan& plan, Tensors t, const Extents& at)
{
    const Extents& e = plan.extent;
    const Window& w = plan.window;
    if (t == Tensors::weights)
        return (((std::int64_t{at[dim_g]} * e[dim_k] + at[dim_k]) * e[dim_r] + at[dim_r]) * e[dim_s] + at[dim_s]) *
                   e[dim_c] +
               at[dim_c];
    if (t == Tensors::outputs)
        return ((std::int64_t{at[dim_n]} * e[dim_p] + at[dim_p]) * e[dim_q] + at[dim_q]) * (e[dim_g] * e[dim_k]) +
               at[dim_g] * e[dim_k] + at[dim_k];
    const int h = at[dim_p] * w.stride_rows + at[dim_r] * w.dilation_rows - w.pad_top;
    const int x = at[dim_q] * w.stride_cols + at[dim_s] * w.dilation_cols - w.pad_left;
    if (h < 0 || h >= plan.in_rows || x < 0 || x >= plan.in_cols) return -1;
    return ((std::int64_t{at[dim_n]} * plan.in_rows + h) * plan.in_cols + x) * (e[dim_g] * e[dim_c]) +
           at[dim_g] * e[dim_c] + at[dim_c];
}

} // namespace heddle::random_plan
