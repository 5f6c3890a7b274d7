// Dense tensors. Operand words are integers of 2..16 bits held in int16_t, psums int32_t.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace heddle {

/// Four extents, outermost first: (N,C,H,W) for feature maps, (K,C/G,R,S) for weights.
using Shape4 = std::array<int, 4>;

inline std::int64_t word_count(const Shape4& s)
{
    return static_cast<std::int64_t>(s[0]) * s[1] * s[2] * s[3];
}

/// Row major in the order of its shape.
template <typename T> struct TensorOf {
    Shape4 shape{0, 0, 0, 0};
    std::vector<T> data;

    TensorOf() = default;
    explicit TensorOf(const Shape4& s) : shape(s), data(static_cast<std::size_t>(word_count(s))) {}
    std::int64_t index(int a, int b, int c, int d) const
    {
        return ((static_cast<std::int64_t>(a) * shape[1] + b) * shape[2] + c) * shape[3] + d;
    }
    T& at(int a, int b, int c, int d) { return data[static_cast<std::size_t>(index(a, b, c, d))]; }
    T at(int a, int b, int c, int d) const { return data[static_cast<std::size_t>(index(a, b, c, d))]; }
};

using Tensor = TensorOf<std::int16_t>;
using FloatTensor = TensorOf<float>;

} // namespace heddle
