// The filters of one group of a convolution as a tensor (K,C,R,S) of doubles, and its matrices.
#pragma once

#include "dnn/network.hpp"

#include <Eigen/Dense>

namespace heddle {

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Vector = Eigen::VectorXd;

struct Filters {
    int k = 0, c = 0, r = 0, s = 0;
    Matrix by_output; ///< mode-0 unfolding: K x (C R S)

    int taps() const { return r * s; }
};

/// UserError naming the layer when a weight is not finite.
Filters group_filters(const Layer& layer, int group);

/// Mode-1 unfolding: C x (K R S).
Matrix by_input(const Filters& filters);
/// The tensor whose mode-1 unfolding is `matrix`; C is its number of rows.
Filters from_by_input(const Matrix& matrix, int k, int r, int s);
/// The vertical and horizontal halves apart: (C R) x (K S).
Matrix rows_against_cols(const Filters& filters);
/// Channel `c` alone, as (K,1,R,S).
Filters one_channel(const Filters& filters, int c);

/// Squared singular values of `matrix`, largest first, as many as its smaller extent. Relative accuracy is that of the
/// Gramian: 1e-16 of the largest.
Vector squared_singular_values(const Matrix& matrix);
/// The `count` left singular vectors of the largest singular values, as columns, each with its largest entry positive.
Matrix leading_vectors(const Matrix& matrix, int count);

} // namespace heddle
