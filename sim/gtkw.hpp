// A GTKWave save file beside a waveform: signals grouped by block, with radices, and names for enumerations.
#pragma once

#include "sim/trace_layer.hpp"

#include <string>
#include <vector>

namespace heddle {

/// Writes STEM.gtkw for `dump` (the .vcd or .fst) and one translate filter per list of names into the folder
/// STEM.names, where STEM is `dump` without its suffix; states have colours. The view begins at `start_ps`. At most
/// 20,000 lines, which GTKWave opens at once: of large arrays every so many rows and columns are listed. Returns the
/// path of the save file.
std::string write_gtkw(const std::string& dump, const std::vector<TraceOutcome::SignalFact>& signals,
                       const std::string& title, std::int64_t start_ps, std::int64_t period_ps);

} // namespace heddle
