// Waveforms: a VCD of one layer on a machine with the reference driver, through SystemC's tracing.
//
// Hierarchy as in the hardware: clk, cycle, controller, dram, dma, global_buffer, distributor, array.pe_ROW_COL,
// collector, post; every channel stands under the block that writes it. Cycle n of the layer begins at n x period, with
// the rising edge of clk. Looking at the machine changes nothing in it.
#pragma once

#include "hw/trace_blocks.hpp"
#include "hw/trace_channels.hpp"
#include "hw/trace_options.hpp"
#include "hw/trace_pes.hpp"

#include <memory>
#include <string>
#include <vector>

namespace heddle {

/// Follows the array through the layer: is cycle `next` in the window?
class WindowWatch {
public:
    WindowWatch(const TraceWindow& window, const PeArray& array, int wavefront)
        : window_(window), array_(array), wavefront_(wavefront)
    {
    }
    /// Asked at the end of cycle next - 1 (or before cycle 0).
    bool holds(Cycle next);

private:
    TraceWindow window_;
    const PeArray& array_;
    int wavefront_;
    bool was_inside_ = false;
    Cycle left_ = 0;
};

class Tracer {
public:
    /// Before the layer runs, from cycle 0 of the machine. UserError when a scope matches no signal or the declarations
    /// alone exceed max_bytes.
    Tracer(Accelerator& machine, const CompiledPlan& plan, const TraceOptions& options);
    ~Tracer();
    Tracer(const Tracer&) = delete;
    Tracer& operator=(const Tracer&) = delete;

    const SignalTable& signals() const { return table_; }
    /// For `cycles` cycles.
    std::int64_t expected_bytes(Cycle cycles) const;

    void command(const DramCommand& c) { blocks_.command(c); }
    /// At the end of every cycle.
    void look(Cycle now, const std::vector<int>& causes);
    /// Closes the file; look() no longer writes.
    void close();

    Cycle first_cycle() const { return first_; } ///< written; `never` when none was
    Cycle last_cycle() const { return last_; }
    bool limited() const { return limited_; } ///< stopped by max_bytes before the window's end

private:
    void open();
    void stamp_first_values() const;

    Accelerator& machine_;
    TraceOptions options_;
    SignalTable table_;
    sc_dt::uint64 cycle_number_ = 0;
    ChannelTracer channels_;
    BlockTracer blocks_;
    PeTracer pes_;
    WindowWatch window_;
    int period_ps_;
    sc_core::sc_trace_file* file_ = nullptr;
    bool inside_ = false, closed_ = false, limited_ = false;
    Cycle first_ = never, last_ = -1;
};

} // namespace heddle
