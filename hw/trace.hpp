// Waveforms: a VCD of one layer on a machine with the reference driver, through SystemC's tracing.
//
// Hierarchy as in the hardware: clk, cycle, controller, dram, dma, global_buffer, distributor, array.pe_ROW_COL,
// collector, post; every channel stands under the block that writes it. Cycle n of the layer begins at n x period, with
// the rising edge of clk. Looking at the machine changes nothing in it.
#pragma once

#include "dnn/base/random.hpp"
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

/// All that a waveform shows of the machine.
class TraceProbe {
public:
    /// Before the layer runs, from cycle 0 of the machine. UserError when a scope matches no signal or the declarations
    /// alone exceed max_bytes.
    TraceProbe(Accelerator& machine, const CompiledPlan& plan, const TraceOptions& options);

    /// At the end of every cycle: is `now` in the window?
    bool step(Cycle now);
    bool next_inside() const { return inside_; }
    void command(const DramCommand& c) { blocks_.command(c); }
    /// Sets the signals to cycle `now`; registers need the cycle before as well.
    void sample(Cycle now, const std::vector<int>& causes);

    SignalTable& signals() { return table_; }
    const SignalTable& signals() const { return table_; }

private:
    SignalTable table_;
    ChannelTracer channels_;
    BlockTracer blocks_;
    PeTracer pes_;
    WindowWatch window_;
    bool inside_ = false; ///< the cycle that comes
};

class Tracer {
public:
    /// As TraceProbe.
    Tracer(Accelerator& machine, const CompiledPlan& plan, const TraceOptions& options);
    ~Tracer();
    Tracer(const Tracer&) = delete;
    Tracer& operator=(const Tracer&) = delete;

    const SignalTable& signals() const { return probe_.signals(); }
    void command(const DramCommand& c) { probe_.command(c); }
    /// At the end of every cycle.
    void look(Cycle now, const std::vector<int>& causes);
    /// Closes the file; look() no longer writes.
    void close();

    Cycle first_cycle() const { return first_; } ///< written; `never` when none was
    Cycle last_cycle() const { return last_; }
    Cycle first_work() const { return work_; } ///< in which the array, or else the PostProcessor, works; `never`
    bool limited() const { return limited_; }  ///< stopped by max_bytes before the window's end

private:
    void open();
    void stamp_first_values() const;

    Accelerator& machine_;
    TraceOptions options_;
    TraceProbe probe_;
    sc_dt::uint64 cycle_number_ = 0;
    int period_ps_;
    std::string clock_note_; ///< where a cycle is no whole number of picoseconds
    sc_core::sc_trace_file* file_ = nullptr;
    bool closed_ = false, limited_ = false;
    Cycle first_ = never, last_ = -1, work_ = never;
};

/// What a waveform of the window would take: watches the same signals and writes nothing. Long windows of many signals
/// are sampled, in groups of cycles at random distances.
class TraceForecast {
public:
    /// As TraceProbe. After every so many looks at a signal the groups lie twice as far apart.
    TraceForecast(Accelerator& machine, const CompiledPlan& plan, const TraceOptions& options,
                  std::int64_t looks_per_pace = 20'000'000);

    void command(const DramCommand& c) { probe_.command(c); }
    /// At the end of every cycle.
    void look(Cycle now, const std::vector<int>& causes);
    /// The window is behind us.
    bool over() const { return cycles_ > 0 && over_; }

    Cycle cycles() const { return cycles_; } ///< of the window
    std::int64_t signals() const { return static_cast<std::int64_t>(probe_.signals().all().size()); }
    std::int64_t bytes() const;

private:
    void measure(Cycle now, const std::vector<int>& causes);

    TraceProbe probe_;
    int period_ps_;
    Random random_{1};
    Cycle cycles_ = 0;
    std::int64_t fixed_bytes_ = 0; ///< declarations, time stamps, clk and cycle
    double changed_bytes_ = 0.0, rate_ = 0.0;
    std::int64_t looks_ = 0, looks_per_pace_, limit_;
    Cycle gap_ = 0; ///< mean distance of two groups; 0: every cycle
    Cycle skip_ = 0, unmeasured_ = 0;
    int in_group_ = 0;
    double group_bytes_ = 0.0;
    bool over_ = false;
};

} // namespace heddle
