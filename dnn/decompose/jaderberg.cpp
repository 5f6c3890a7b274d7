// Jaderberg's first scheme: every input channel has its own M separable filters, from which all outputs are mixed.
#include "dnn/base/random.hpp"
#include "dnn/decompose/cp.hpp"

#include <algorithm>

namespace heddle {

/// Channel c alone, (K,1,R,S), is a sum of M terms: its mix for every output, a column and a row.
Decomposition decompose_jaderberg1(const Layer& layer, const Ranks& ranks, const DecomposeOptions& options)
{
    const int basis = ranks.at(0);
    return by_group(layer, Method::jaderberg1, ranks, [&](const Filters& filters, int group) {
        Factors all;
        Matrix rows = Matrix::Zero(filters.c * basis, filters.r), cols = Matrix::Zero(filters.c * basis, filters.s);
        Matrix mix = Matrix::Zero(filters.k, filters.c * basis);
        const std::uint64_t stream = derive_seed(options.seed, static_cast<std::uint64_t>(group));
        for (int c = 0; c < filters.c; ++c) {
            const Filters channel = one_channel(filters, c);
            if (channel.by_output.squaredNorm() == 0.0) continue;
            const Factors factors = cp(channel, basis, derive_seed(stream, static_cast<std::uint64_t>(c)));
            const Matrix& scale = factors.parts[1]; // of the only channel: 1 x M
            mix.middleCols(c * basis, basis) = factors.parts[0] * scale.row(0).asDiagonal();
            rows.middleRows(c * basis, basis) = factors.parts[2].transpose();
            cols.middleRows(c * basis, basis) = factors.parts[3].transpose();
            all.squared_error += factors.squared_error;
            all.sweeps = std::max(all.sweeps, factors.sweeps);
            all.converged = all.converged && factors.converged;
        }
        all.parts = {std::move(rows), std::move(cols), std::move(mix)};
        return all;
    });
}

} // namespace heddle
