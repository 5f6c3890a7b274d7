// The rank of a matrix under noise by empirical variational Bayes, in closed form (Nakajima et al., JMLR 14, 2013).
#pragma once

#include "dnn/decompose/filters.hpp"

namespace heddle {

/// Number of components that stand out of the noise; the noise's variance is estimated. May be 0.
int vbmf_rank(const Matrix& matrix);

/// Noise alone of deviation 1 in a `rows` x `cols` matrix: squared singular values below this times the larger extent
/// are no components (the threshold of the analytic solution).
double vbmf_threshold(Eigen::Index rows, Eigen::Index cols);

} // namespace heddle
