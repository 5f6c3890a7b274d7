// Where the loops of a plan stand in its tensors, as numbers that can be compared and put into sets.
#pragma once

#include "hw/plan.hpp"

namespace heddle::test_system {

using Word = std::int64_t;

struct Position {
    int n, g, c, row, col; ///< of the input map; rows and columns outside it are padding
};

class Coordinates {
public:
    explicit Coordinates(const LayerPlan& plan) : plan_(plan) {}

    Word weight_at(const Extents& i) const
    {
        const Extents& e = plan_.extent;
        return (((Word{i[dim_g]} * e[dim_k] + i[dim_k]) * e[dim_c] + i[dim_c]) * e[dim_r] + i[dim_r]) * e[dim_s] +
               i[dim_s];
    }
    Word output_at(const Extents& i) const
    {
        const Extents& e = plan_.extent;
        return (((Word{i[dim_n]} * e[dim_g] + i[dim_g]) * e[dim_k] + i[dim_k]) * e[dim_p] + i[dim_p]) * e[dim_q] +
               i[dim_q];
    }
    Position position(const Extents& i) const
    {
        const Window& w = plan_.window;
        return {i[dim_n], i[dim_g], i[dim_c], i[dim_p] * w.stride_rows + i[dim_r] * w.dilation_rows - w.pad_top,
                i[dim_q] * w.stride_cols + i[dim_s] * w.dilation_cols - w.pad_left};
    }
    Word input_at(const Position& p) const
    {
        const Extents& e = plan_.extent;
        constexpr Word wide = 1 << 14, middle = wide / 2;
        return (((Word{p.n} * e[dim_g] + p.g) * e[dim_c] + p.c) * wide + p.row + middle) * wide + p.col + middle;
    }
    Word input_index(const Extents& i) const
    {
        Word index = 0;
        for (Dim d : {dim_n, dim_g, dim_c, dim_p, dim_q, dim_r, dim_s}) index = index * plan_.extent[d] + i[d];
        return index;
    }
    bool inside(const Position& p) const
    {
        return p.row >= 0 && p.row < plan_.in_rows && p.col >= 0 && p.col < plan_.in_cols;
    }

private:
    const LayerPlan& plan_;
};

} // namespace heddle::test_system
