// Layers for the array slice: the descriptor for the RTL, the plan for the model, and the operand beats of both, which
// the test walks out on its own.
#pragma once

#include "dnn/base/random.hpp"
#include "hw/compiled_plan.hpp"
#include "tests/rtl/twins.hpp"

#include <map>

namespace heddle::rtl {

enum class Flow { ws, is, os };

/// C[m][n] = sum over k of A[m][k] B[k][n], as loops over the three axes.
struct ArrayLayer {
    Flow flow = Flow::ws;
    int extent[3] = {1, 1, 1};  ///< by RtlAxis
    int fold[3] = {1, 1, 1};    ///< what a pass covers
    std::vector<RtlLoop> tiles; ///< at the dram level, outermost first
    std::vector<int> order;     ///< of the folds, axes outermost first
    std::uint64_t seed = 1;     ///< of the values
    bool ragged = false;        ///< beats of random size instead of full ones

    bool stationary() const { return flow != Flow::os; }
    std::int32_t x_value(int y, int s) const;
    std::int32_t k_value(int y, int x, int s) const; ///< held: of (y, x), streamed: of (s, x)
    int address_stride(int axis) const;
    std::string describe() const;
};

/// A layer that fits the twin's array; `os_only` where its wires have no chain.
ArrayLayer random_layer(Random& random, const Parameters& p, bool os_only);
Descriptor descriptor(const ArrayLayer& layer);
LayerPlan plan(const ArrayLayer& layer, const Parameters& p);
PassOptions random_options(Random& random, const Parameters& p);
std::string describe(const PassOptions& options);
/// What the twin is, as a hardware description; `layer` says which tensor takes which wires.
void configure(HardwareConfig& hw, const Parameters& p, const PassOptions& options, const ArrayLayer& layer);

struct Operands {
    std::vector<Beat> x, k;
    std::int64_t passes = 0, loads = 0, steps = 0;
    std::map<int, std::int64_t> expected; ///< result by address, exact
};
Operands operands(const ArrayLayer& layer, const Parameters& p);

} // namespace heddle::rtl
