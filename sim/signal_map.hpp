// Which signals of a waveform tell what: `heddle calibrate --vcd F --map signals.yaml`. docs/calibration.md shows one.
#pragma once

#include "dnn/base/yaml_reader.hpp"
#include "sim/measurements.hpp"

#include <optional>
#include <string>
#include <vector>

namespace heddle {

/// A signal with its place in the map, where a dump without it is reported.
struct MappedSignal {
    std::string path;
    YamlReader at;
};

struct WaveEvent {
    enum Kind { rise, fall, change, equal, dump_end }; ///< dump_end: the dump's last cycle; no signal
    MappedSignal signal;
    Kind kind = rise;
    std::uint64_t value = 0; ///< of equal
    std::int64_t offset = 0; ///< cycles from the event to the window's first or last cycle
};

/// A word moves in each cycle in which valid and ready are 1.
struct WaveChannel {
    std::string name;
    MappedSignal valid;
    std::optional<MappedSignal> ready, data;
    std::string first, last;    ///< phases: of its first and last transfer in a window; empty: none
    std::string transfers, sum; ///< counts: of its transfers, and of `data` over them
    YamlReader at;
};

struct SignalMap {
    enum class Window { cycles, array_cycles, none };
    struct Entry {
        Measurement row; ///< nothing measured yet
        bool skip = false;
        YamlReader at;
    };
    MappedSignal clock;
    WaveEvent start, stop;
    Window window = Window::cycles; ///< what the length of a window is
    std::vector<WaveChannel> channels;
    std::vector<Entry> layers; ///< of successive windows
};

/// Strict: UserError `file:line:col: key: expected …, got …`.
SignalMap read_signal_map(const std::string& path);

/// One row per layer of the map that is not skipped, from the dumps' windows in order. UserError: a dump lacks a
/// signal, a window does not end, there are fewer or more windows than layers, a phase's channels do not move.
std::vector<Measurement> measure_waves(const std::vector<std::string>& vcds, const SignalMap& map);

} // namespace heddle
