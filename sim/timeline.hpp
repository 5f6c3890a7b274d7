// A run as a Chrome/Perfetto trace: JSON with one track per block (what each cycle was spent on), the array's tiles and
// passes, and the commands on the DRAM's bus. chrome://tracing and ui.perfetto.dev open it.
#pragma once

#include "hw/trace.hpp"

#include <string>
#include <vector>

namespace heddle {

class Timeline {
public:
    /// Keeps at most `max_bytes` of text; what comes later is left out, and full() says so.
    Timeline(Accelerator& machine, const CompiledPlan& plan, const TraceWindow& window, std::int64_t max_bytes);

    void command(const DramCommand& c);
    /// At the end of every cycle.
    void look(Cycle now, const std::vector<int>& causes);
    /// The layer ended before cycle `end`: the whole JSON text.
    std::string finish(Cycle end);

    bool full() const { return full_; }
    std::int64_t slices() const { return slices_; }

private:
    struct Track {
        std::string label;
        Cycle since = -1; ///< -1: no slice is open
        std::string arguments;
    };

    void enter(int track, const std::string& label, Cycle now, const std::string& arguments = "");
    void leave(int track, Cycle now);
    void look_at_passes(Cycle next);
    void slice(int track, const std::string& name, double start_us, double length_us, const std::string& arguments);
    void name_tracks(const std::string& layer);
    double microseconds(Cycle c) const { return static_cast<double>(c) * period_us_; }

    const PeArray& array_;
    const CompiledPlan& plan_;
    WindowWatch window_;
    double period_us_, memory_period_us_;
    std::int64_t max_bytes_;
    std::vector<Track> tracks_;
    std::string text_;
    std::int64_t slices_ = 0;
    bool inside_ = false, full_ = false;
};

} // namespace heddle
