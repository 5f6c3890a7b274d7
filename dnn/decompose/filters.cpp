#include "dnn/decompose/filters.hpp"

#include "dnn/base/error.hpp"

#include <Eigen/Eigenvalues>
#include <cmath>
#include <stdexcept>

namespace heddle {

namespace {

/// matrix * matrix^T.
Eigen::MatrixXd gramian(const Matrix& matrix)
{
    Eigen::MatrixXd gram = Eigen::MatrixXd::Zero(matrix.rows(), matrix.rows());
    gram.selfadjointView<Eigen::Lower>().rankUpdate(matrix);
    return gram;
}

} // namespace

Filters group_filters(const Layer& layer, int group)
{
    const Shape4 shape = layer.weight_shape();
    Filters f{shape[0] / layer.window.groups, shape[1], shape[2], shape[3], {}};
    const Eigen::Index columns = static_cast<Eigen::Index>(f.c) * f.taps();
    if (static_cast<std::int64_t>(layer.weights.size()) != layer.weight_words())
        throw std::logic_error("group_filters: layer " + layer.name + " has no weights");
    using Words = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
    f.by_output = Eigen::Map<const Words>(layer.weights.data() + group * f.k * columns, f.k, columns).cast<double>();
    if (f.by_output.allFinite()) return f;
    Eigen::Index at = 0;
    while (std::isfinite(f.by_output.data()[at])) ++at;
    throw UserError("layer " + layer.name + ": weight " + std::to_string(at + group * f.k * columns) + " of " +
                    std::to_string(layer.weight_words()) + " is not finite");
}

Matrix by_input(const Filters& f)
{
    const Eigen::Index taps = f.taps();
    Matrix m(f.c, f.k * taps);
    for (int k = 0; k < f.k; ++k)
        for (int c = 0; c < f.c; ++c) m.row(c).segment(k * taps, taps) = f.by_output.row(k).segment(c * taps, taps);
    return m;
}

Filters from_by_input(const Matrix& matrix, int k, int r, int s)
{
    Filters f{k, static_cast<int>(matrix.rows()), r, s, {}};
    const Eigen::Index taps = f.taps();
    f.by_output.resize(k, f.c * taps);
    for (int filter = 0; filter < k; ++filter)
        for (int c = 0; c < f.c; ++c)
            f.by_output.row(filter).segment(c * taps, taps) = matrix.row(c).segment(filter * taps, taps);
    return f;
}

Matrix rows_against_cols(const Filters& f)
{
    Matrix m(static_cast<Eigen::Index>(f.c) * f.r, static_cast<Eigen::Index>(f.k) * f.s);
    for (int k = 0; k < f.k; ++k)
        for (int c = 0; c < f.c; ++c)
            for (int r = 0; r < f.r; ++r)
                for (int s = 0; s < f.s; ++s) m(c * f.r + r, k * f.s + s) = f.by_output(k, (c * f.r + r) * f.s + s);
    return m;
}

Filters one_channel(const Filters& f, int c)
{
    return {f.k, 1, f.r, f.s, f.by_output.middleCols(static_cast<Eigen::Index>(c) * f.taps(), f.taps())};
}

Vector squared_singular_values(const Matrix& matrix)
{
    const bool wide = matrix.rows() <= matrix.cols();
    const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(gramian(wide ? matrix : Matrix(matrix.transpose())),
                                                                Eigen::EigenvaluesOnly);
    return solver.eigenvalues().reverse().cwiseMax(0.0);
}

Matrix leading_vectors(const Matrix& matrix, int count)
{
    const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(gramian(matrix));
    Matrix vectors = solver.eigenvectors().rowwise().reverse().leftCols(count);
    for (int i = 0; i < count; ++i) {
        Eigen::Index at = 0;
        vectors.col(i).cwiseAbs().maxCoeff(&at);
        if (vectors(at, i) < 0.0) vectors.col(i) *= -1.0;
    }
    return vectors;
}

} // namespace heddle
