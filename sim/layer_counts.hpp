// Reads the blocks' counters after a layer into its result, and checks that they conserve words.
#pragma once

#include "hw/accelerator.hpp"
#include "sim/result.hpp"

namespace heddle {

/// Fills accesses, hops, ledger, phases, dram and MAC counts. CheckFailure when a conservation law of design.md §6.3 or
/// a ledger's sum does not hold: that is a bug of ours, never the user's.
void collect_counts(Accelerator& machine, const CompiledPlan& plan, Cycle cycles, bool timing_only,
                    LayerResult& result);

} // namespace heddle
