#include "tests/system/brute_counts.hpp"

namespace heddle::test_system {

namespace {

/// Taps of all windows along one dimension that lie inside the map.
std::int64_t taps_inside(int windows, int filter, int stride, int dilation, int pad, int size)
{
    std::int64_t inside = 0;
    for (int p = 0; p < windows; ++p)
        for (int r = 0; r < filter; ++r) {
            const int at = p * stride + r * dilation - pad;
            inside += at >= 0 && at < size ? 1 : 0;
        }
    return inside;
}

} // namespace

std::map<std::string, std::int64_t> brute_post_operations(const LayerPlan& plan)
{
    const Extents& e = plan.extent;
    const std::int64_t maps = std::int64_t{e[dim_n]} * e[dim_g] * e[dim_k];
    const std::int64_t outputs = maps * e[dim_p] * e[dim_q];
    std::int64_t add = 0, multiply = 0, compare = 0;
    if (plan.kind == PlanKind::array)
        add = multiply = compare = outputs;
    else if (plan.op == Op::avg_pool)
        add = outputs * e[dim_r] * e[dim_s], multiply = outputs;
    else
        compare = outputs * e[dim_r] * e[dim_s];
    if (plan.pool_layer >= 0) {
        const Window& w = plan.pool_window;
        const std::int64_t taps =
            maps * taps_inside(plan.pool_rows, w.filter_rows, w.stride_rows, w.dilation_rows, w.pad_top, e[dim_p]) *
            taps_inside(plan.pool_cols, w.filter_cols, w.stride_cols, w.dilation_cols, w.pad_left, e[dim_q]);
        (plan.pool_op == Op::avg_pool ? add : compare) += taps;
        if (plan.pool_op == Op::avg_pool) multiply += maps * plan.pool_rows * plan.pool_cols;
    }
    if (plan.add_layer >= 0) {
        add += outputs;
        multiply += 2 * outputs;
    }
    return {{"add", add}, {"multiply", multiply}, {"compare", compare}};
}

} // namespace heddle::test_system
