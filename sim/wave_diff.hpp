// Two waveforms side by side, cycle by cycle from a common event on: where signals differ, how far transfers drift.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace heddle {

/// Which signal of A stands for which of B. Paths are without the outermost scope.
struct WaveMap {
    struct Pair {
        std::string a, b;
    };
    struct Channel {
        std::string name;
        Pair valid, ready, data; ///< data may be empty
    };
    Pair clock{"clk", "clk"};
    Pair align; ///< cycle 0 is the first in which it is 1; empty: the first cycle of each file
    std::vector<Pair> signals;
    std::vector<Channel> channels;
};

/// YAML: clock, align: {a, b}; signals: [{a, b}]; channels: [{name, a: {valid, ready, data}, b: {…}}]. UserError
/// `file:line:col: …`.
WaveMap read_wave_map(const std::string& path);
/// All signals with equal paths, and the channels among them (scopes with valid and ready); without clk and cycle.
WaveMap common_signals(const std::string& a, const std::string& b);

struct WaveDiff {
    struct Difference {
        std::string name;
        std::int64_t first_cycle = 0; ///< from the event
        std::string a, b;             ///< values then, hexadecimal
        std::int64_t cycles = 0;      ///< in which they differ
    };
    struct Drift {
        std::string name;
        std::int64_t transfers_a = 0, transfers_b = 0;
        std::int64_t first = 0, last = 0, smallest = 0, largest = 0; ///< cycles that B's transfer is later than A's
        std::int64_t first_drift = -1; ///< number of the first transfer that is not in the same cycle; -1: none
        std::int64_t data_differ = -1; ///< number of the first transfer whose data differ; -1: none
    };
    std::int64_t event_a = 0, event_b = 0; ///< cycles of the files
    std::int64_t cycles = 0;               ///< compared, from the event to the end of the shorter file
    std::int64_t cycles_a = 0, cycles_b = 0;
    std::int64_t signals = 0;
    std::vector<Difference> differences; ///< by first cycle
    std::vector<Drift> channels;
    bool same() const;
};

/// A value with x or z is not compared. UserError when a signal is missing or the event never happens.
WaveDiff compare_waves(const std::string& a, const std::string& b, const WaveMap& map);

} // namespace heddle
