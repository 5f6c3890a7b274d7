// Does a tile fit the global buffer's partitions; if not, what is the nearest change that would.
#include "sim/lower_detail.hpp"

#include <algorithm>
#include <functional>

namespace heddle::lower_detail {

namespace {

using Demand = std::function<std::int64_t(const Extents&)>;

Extents tile_of(const LayerPlan& plan)
{
    Extents e{};
    for (int d = 0; d < dim_count; ++d) e[d] = plan.dim_tile(static_cast<Dim>(d));
    return e;
}

/// The single cut of a tile that fits and leaves the largest share of it; empty when none does.
std::string nearest_cut(const Extents& tile, const Demand& demand, std::int64_t bound)
{
    std::string best;
    double share = 0.0;
    for (int d = 0; d < dim_count; ++d) {
        int fits = 0, fails = tile[d];
        while (fails - fits > 1) {
            Extents cut = tile;
            cut[d] = fits + (fails - fits) / 2;
            (demand(cut) <= bound ? fits : fails) = cut[d];
        }
        const double left = static_cast<double>(fits) / tile[d];
        if (left <= share) continue;
        share = left;
        best = std::string("cut ") + dim_names[d] + " from " + std::to_string(tile[d]) + " to " + std::to_string(fits) +
               " at dram";
    }
    return best;
}

void check(const Lowering& l, const std::string& tensor, const PartitionConfig& partition, int bits,
           const Demand& demand)
{
    const std::int64_t bound = partition.bytes * 8 / bits;
    const Extents tile = tile_of(l.plan);
    const std::int64_t words = demand(tile);
    if (words <= bound) return;
    const std::int64_t bytes = (words * bits + 7) / 8;
    const std::string enlarge = "give the partition " + std::to_string(bytes) + " bytes";
    const bool whole = l.hw.dram.kind == DramKind::resident;
    const std::string cut = whole ? "" : nearest_cut(tile, demand, bound);
    l.fail("glb", "the " + tensor + " tile has " + std::to_string(words) + " words of " + std::to_string(bits) +
                      " bits, its partition holds " + std::to_string(bound) + "; " +
                      (cut.empty() ? enlarge : cut + ", or " + enlarge));
}

bool axis_outputs(const Axis& axis)
{
    return std::any_of(axis.dims.begin(), axis.dims.end(), [](Dim d) { return indexes(Tensors::outputs, d); });
}

int axis_size(const LayerPlan& plan, const Axis& axis)
{
    int size = 1;
    for (Dim d : axis.dims) size *= plan.dim_tile(d);
    return size;
}

/// Outputs that the glb loops from `first` inwards touch.
std::int64_t outputs_inside(const LayerPlan& plan, std::size_t first)
{
    std::int64_t words = 1;
    for (std::size_t a = 0; a < plan.axes.size(); ++a) {
        if (!axis_outputs(plan.axes[a])) continue;
        int size = axis_size(plan, plan.axes[a]);
        for (std::size_t i = 0; i < first; ++i)
            if (plan.glb_loops[i].axis == static_cast<int>(a)) size = std::min(size, plan.glb_loops[i].step);
        words *= size;
    }
    return words;
}

bool axis_reduces(const Axis& axis)
{
    return std::all_of(axis.dims.begin(), axis.dims.end(), reduces);
}

bool runs_reduction(const LayerPlan& plan, const AxisLoop& loop)
{
    return loop.step < loop.span && axis_reduces(plan.axes[static_cast<std::size_t>(loop.axis)]);
}

void check_psums(const Lowering& l)
{
    const std::int64_t live = live_psums(l.plan);
    const int bits = l.hw.precision.psum_bits;
    const std::int64_t bound = l.hw.global_buffer.psums.bytes * 8 / bits;
    if (live <= bound) return;
    const AxisLoop* widest = nullptr; // the loop whose step holds most outputs: the one to cut
    for (const AxisLoop& loop : l.plan.glb_loops)
        if (axis_outputs(l.plan.axes[static_cast<std::size_t>(loop.axis)]) && (!widest || loop.step > widest->step))
            widest = &loop;
    std::string hint = "give the partition " + std::to_string((live * bits + 7) / 8) + " bytes";
    if (widest && bound > 0 && live / widest->step <= bound)
        hint = "step by " + std::to_string(bound / std::max<std::int64_t>(1, live / widest->step)) + " over " +
               axis_name(l.plan, widest->axis) + " at glb, outside the reduction, or " + hint;
    l.fail("glb", std::to_string(live) + " psums of " + std::to_string(bits) +
                      " bits are alive inside the outermost loop over a reduction, their partition holds " +
                      std::to_string(bound) + "; " + hint);
}

/// Banks that the psums leave are the inputs'.
void divide_pool(Lowering& l)
{
    const GlobalBufferConfig& g = l.hw.global_buffer;
    if (g.pool_banks == 0) return;
    const int bits = l.hw.precision.input_bits;
    const std::int64_t inputs = tile_words(l.shape, tile_of(l.plan), Tensors::inputs) * bits;
    const std::int64_t psums = live_psums(l.plan) * l.hw.precision.psum_bits;
    const int need = pool_banks(g, inputs, psums);
    if (need > g.pool_banks)
        l.fail("glb", "inputs of " + std::to_string((inputs + 7) / 8) + " bytes and psums of " +
                          std::to_string((psums + 7) / 8) + " bytes need " + std::to_string(need) + " banks of " +
                          std::to_string(g.pool_bank_bytes) + " bytes, their pool has " + std::to_string(g.pool_banks) +
                          "; cut the tile at dram");
    const std::int64_t left = (g.pool_banks - pool_banks(g, 0, psums)) * g.pool_bank_bytes;
    l.plan.input_words = std::min(left, g.inputs.bytes) * 8 / bits;
}

} // namespace

std::int64_t live_psums(const LayerPlan& plan)
{
    if (plan.kind == PlanKind::post) return 0;
    Extents outside = plan.extent; // what one iteration of the tile loops so far covers
    for (const TileLoop& t : plan.tile_loops) {
        if (reduces(t.dim) && t.tile < outside[t.dim]) {
            std::int64_t words = 1;
            for (Dim d : {dim_n, dim_g, dim_k, dim_p, dim_q}) words *= outside[d];
            return words;
        }
        outside[t.dim] = t.tile;
    }
    for (std::size_t i = 0; i < plan.glb_loops.size(); ++i)
        if (runs_reduction(plan, plan.glb_loops[i])) return outputs_inside(plan, i);
    if (plan.keep_psums) return 0;
    for (const AxisLoop& loop : plan.pass_loops)
        if (runs_reduction(plan, loop)) return outputs_inside(plan, plan.glb_loops.size());
    return 0;
}

void check_capacity(Lowering& l)
{
    const GlobalBufferConfig& glb = l.hw.global_buffer;
    const Precision& bits = l.hw.precision;
    const auto words = [&l](Tensors t) { return [&l, t](const Extents& e) { return tile_words(l.shape, e, t); }; };
    check(l, "weights", glb.weights, bits.weight_bits, words(Tensors::weights));
    check(l, "inputs", glb.inputs, bits.input_bits, words(Tensors::inputs));
    check(l, "outputs", glb.outputs, bits.input_bits, words(Tensors::outputs));
    if (l.plan.add_layer >= 0) check(l, "operand2", glb.operand2, bits.input_bits, words(Tensors::outputs));
    check_psums(l);
    divide_pool(l);
}

} // namespace heddle::lower_detail
