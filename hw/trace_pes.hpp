// The waveform of every PE: array.pe_ROW_COL.{active, weight, input, product, psum}.
//
// The array evaluates a step when its first operand enters. What a PE shows is moved to the cycle in which the step's
// wavefront reaches it, as in RTL: col x hop cycles later for operands that travel along x, row x hop cycles later for
// what travels along y (the larger hop when both operands and psums do), in array time. `active`, `weight` and `input`
// show the operands in the cycle in which the PE consumes them; `product` and `psum` follow mac_latency - 1 cycles
// later, in the cycle at whose end the PE registers them. `psum` is the sum down the chain so far (chain_y), the PE's
// own accumulated psum (local), or its product (tree_y). Without a step, and while the array stands still, `active` is
// 0 and the rest keeps its value.
#pragma once

#include "hw/pe_array.hpp"
#include "hw/trace_signals.hpp"

#include <vector>

namespace heddle {

class PeTracer {
public:
    PeTracer(SignalTable& table, const PeArray& array, const CompiledPlan& plan);

    /// At the end of every cycle from the layer's first on, shown or not: remembers the step of cycle `now`.
    void record(Cycle now);
    /// Shows cycle `now`, which was recorded.
    void sample(Cycle now);
    /// Array cycles from a step's entry to its last PE's result.
    int depth() const { return static_cast<int>(steps_.size()); }

private:
    struct Pe {
        int row, col;
        Signal *active, *weight, *input, *product, *psum;
    };
    struct Step {
        Cycle entered = -1; ///< array time
        const LaneSet* lanes = nullptr;
        std::vector<std::int32_t> weight, input, product, psum; ///< [pe]
    };

    void find_skew();
    void compute(Step& step) const;
    int skew(const Pe& pe) const { return pe.row * per_row_ + pe.col * per_col_; }
    const Step* entered(Cycle time) const;

    const PeArray& array_;
    const CompiledPlan& plan_;
    std::vector<Pe> pes_;
    int per_row_ = 0, per_col_ = 0;
    std::vector<Step> steps_;        ///< ring by array time
    const LaneSet* lanes_ = nullptr; ///< of the next step
};

} // namespace heddle
