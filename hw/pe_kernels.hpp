// One step of all PEs at once: the inner loops of the array, over padded rows of 16 columns, in explicit vectors.
//
// An operand comes as a matrix (a word per MAC), as a row vector (one word per row of MACs) or as a column vector (one
// per column). `summed` rows of MACs share a row of psums (the vector elements of a PE). Accumulation is modulo 2^32;
// narrower psums are wrapped where they leave.
#pragma once

#include <cstdint>
#include <vector>

namespace heddle {

/// Columns of a row with its padding; where PE `pe` lies.
inline int matrix_stride(int cols)
{
    return (cols + 15) / 16 * 16;
}
inline int matrix_cell(int pe, int cols)
{
    return pe / cols * matrix_stride(cols) + pe % cols;
}

/// Matrix of int32 with rows padded to a multiple of 16 columns; the padding stays zero.
struct PeMatrix {
    int rows = 0, cols = 0, stride = 0;
    std::vector<std::int32_t> data;

    PeMatrix() = default;
    PeMatrix(int r, int c) : rows(r), cols(c), stride(matrix_stride(c)), data(static_cast<std::size_t>(r) * stride) {}
    std::int32_t* row(int r) { return data.data() + static_cast<std::size_t>(r) * stride; }
    const std::int32_t* row(int r) const { return data.data() + static_cast<std::size_t>(r) * stride; }
    std::int32_t& at(int pe) { return data[static_cast<std::size_t>(matrix_cell(pe, cols))]; }
};

/// Sums of the columns: out[x] = sum over y of round(a[y][x] * b[y]).
void column_sums(const PeMatrix& a, const std::int32_t* b_row, int product_shift, std::int32_t* out);
/// Sums of the columns of two matrices.
void column_sums(const PeMatrix& a, const PeMatrix& b, int product_shift, std::int32_t* out);
/// acc[y / summed][x] += round(row[y] * col[x]).
void outer_product(PeMatrix& acc, const std::int32_t* row, const std::int32_t* col, int product_shift, int summed);
/// acc[y / summed][x] += round(a[y][x] * b[y]).
void scaled_rows(PeMatrix& acc, const PeMatrix& a, const std::int32_t* b_row, int product_shift, int summed);
/// acc[y / summed][x] += round(a[y][x] * b[y][x]).
void elementwise(PeMatrix& acc, const PeMatrix& a, const PeMatrix& b, int product_shift, int summed);
/// sum[i] = value[i] + (add ? sum[i] : 0) over n adjacent words, wrapped to psum_bits.
void accumulate(std::int32_t* sum, const std::int32_t* value, int n, bool add, int psum_bits);
/// Sum of count[i] over i < n with mask[i] nonzero.
std::int64_t masked_sum(const std::int32_t* mask, const std::int32_t* count, int n);
/// Positions where both are nonzero, and `where` is, when it is given.
std::int64_t both_nonzero(const PeMatrix& a, const PeMatrix& b);
std::int64_t both_nonzero(const PeMatrix& a, const PeMatrix& b, const PeMatrix& where);

} // namespace heddle
