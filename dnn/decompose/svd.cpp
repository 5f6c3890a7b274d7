// Truncated singular value decompositions: the best possible for a given rank (Eckart-Young).
#include "dnn/decompose/decomposition.hpp"

#include <Eigen/SVD>

namespace heddle {

namespace {

/// matrix ~ left * right, singular values shared evenly. `tail`: squared error.
struct LowRank {
    Matrix left, right;
    double tail = 0.0;
};

LowRank truncated(const Matrix& matrix, int rank)
{
    const Eigen::BDCSVD<Eigen::MatrixXd> svd(matrix, Eigen::ComputeThinU | Eigen::ComputeThinV);
    const Vector& values = svd.singularValues();
    const Vector roots = values.head(rank).cwiseSqrt();
    LowRank low;
    low.left = svd.matrixU().leftCols(rank) * roots.asDiagonal();
    low.right = roots.asDiagonal() * svd.matrixV().leftCols(rank).transpose();
    low.tail = values.tail(values.size() - rank).squaredNorm();
    return low;
}

/// K x (C R S) at rank r: the window C->r, then 1x1 r->K.
Decomposition by_outputs(const Layer& layer, Method method, const Ranks& ranks)
{
    return by_group(layer, method, ranks, [&](const Filters& filters, int) {
        LowRank low = truncated(filters.by_output, ranks.at(0));
        Factors factors;
        factors.squared_error = low.tail;
        factors.parts = {std::move(low.right), std::move(low.left)};
        return factors;
    });
}

} // namespace

Decomposition decompose_svd(const Layer& layer, const Ranks& ranks, const DecomposeOptions&)
{
    return by_outputs(layer, Method::svd, ranks);
}

Decomposition decompose_tucker1(const Layer& layer, const Ranks& ranks, const DecomposeOptions&)
{
    return by_outputs(layer, Method::tucker1, ranks);
}

Decomposition decompose_jaderberg2(const Layer& layer, const Ranks& ranks, const DecomposeOptions&)
{
    return by_group(layer, Method::jaderberg2, ranks, [&](const Filters& filters, int) {
        const LowRank low = truncated(rows_against_cols(filters), ranks.at(0));
        Factors factors;
        factors.squared_error = low.tail;
        Matrix cols(filters.k, ranks[0] * filters.s); // (K,r,1,S)
        for (int k = 0; k < filters.k; ++k)
            for (int rank = 0; rank < ranks[0]; ++rank)
                cols.row(k).segment(rank * filters.s, filters.s) =
                    low.right.row(rank).segment(k * filters.s, filters.s);
        factors.parts = {low.left.transpose(), std::move(cols)};
        return factors;
    });
}

} // namespace heddle
