// One layer of a network, simulated while it is looked at: waveform and timeline.
#pragma once

#include "hw/trace_options.hpp"
#include "hw/trace_signals.hpp"
#include "sim/driver.hpp"

#include <functional>
#include <string>
#include <vector>

namespace heddle {

struct TraceRequest {
    TraceOptions trace;   ///< vcd empty: no waveform
    std::string timeline; ///< path of the JSON; empty: none
};

/// What is known of the waveform before the first cycle, from a run that writes none.
struct TracePlan {
    std::int64_t signals = 0, expected_bytes = 0;
    Cycle expected_cycles = 0; ///< of the window
};

struct TraceOutcome {
    LayerResult result;
    struct SignalFact {
        std::string path;
        int width;
        SignalForm form;
        SignalNames names;
    };
    std::vector<SignalFact> signals;
    Cycle first_cycle = never, last_cycle = -1; ///< of the waveform
    Cycle first_work = never;                   ///< in which the array takes its first operand there
    bool limited = false;                       ///< the waveform was cut short by max_bytes
    bool timeline_limited = false;
    std::int64_t timeline_slices = 0;
};

/// Runs `layer` alone, its inputs from the reference, every value compared, with the reference driver whatever
/// `options` says. `announce` is called before the first cycle of a waveform, which then is simulated twice. The result
/// equals that of run_network. UserError for a window outside the layer: known beforehand for tiles and passes, at the
/// end for cycles; no file is then left.
TraceOutcome trace_layer(const RunOptions& options, int layer, const TraceRequest& request,
                         const std::function<void(const TracePlan&)>& announce);

} // namespace heddle
