// Tucker-2: bases of the input and output channels, with a small convolution between them.
#include "dnn/decompose/tucker.hpp"

#include <cmath>

namespace heddle {

namespace {

constexpr int most_sweeps = 50;
constexpr double least_change = 1e-9; // of the error, relative
constexpr double exact = 1e-12;       // of the norm: rounding of the squared error, which is a difference

/// `filters` seen through a basis of its input channels (C x r3), and of its output channels (K x r4).
Filters project_inputs(const Filters& f, const Matrix& basis)
{
    return from_by_input(basis.transpose() * by_input(f), f.k, f.r, f.s);
}
Filters project_outputs(const Filters& f, const Matrix& basis)
{
    return {static_cast<int>(basis.cols()), f.c, f.r, f.s, basis.transpose() * f.by_output};
}

} // namespace

TuckerSweeps tucker2(const Filters& filters, int rank_in, int rank_out)
{
    TuckerSweeps t;
    const double norm = filters.by_output.squaredNorm();
    // Bases are orthonormal, so the squared error is what the core lacks of the norm.
    const auto keep_error = [&] {
        t.core = project_inputs(project_outputs(filters, t.output_basis), t.input_basis);
        t.errors.push_back(std::sqrt(std::max(norm - t.core.by_output.squaredNorm(), 0.0)));
    };
    t.input_basis = leading_vectors(by_input(filters), rank_in);
    t.output_basis = leading_vectors(filters.by_output, rank_out);
    keep_error();
    while (!t.converged && t.sweeps < most_sweeps) {
        t.output_basis = leading_vectors(project_inputs(filters, t.input_basis).by_output, rank_out);
        t.input_basis = leading_vectors(by_input(project_outputs(filters, t.output_basis)), rank_in);
        keep_error();
        ++t.sweeps;
        const double before = t.errors[t.errors.size() - 2], now = t.errors.back();
        t.converged = now * now <= exact * norm || before - now < least_change * before;
    }
    return t;
}

Decomposition decompose_tucker2(const Layer& layer, const Ranks& ranks, const DecomposeOptions&)
{
    return by_group(layer, Method::tucker2, ranks, [&](const Filters& filters, int) {
        TuckerSweeps t = tucker2(filters, ranks.at(0), ranks.at(1));
        Factors factors;
        const Matrix composed =
            t.output_basis * from_by_input(t.input_basis * by_input(t.core), t.core.k, filters.r, filters.s).by_output;
        factors.squared_error = (filters.by_output - composed).squaredNorm();
        factors.sweeps = t.sweeps;
        factors.converged = t.converged;
        factors.parts = {t.input_basis.transpose(), std::move(t.core.by_output), std::move(t.output_basis)};
        return factors;
    });
}

} // namespace heddle
