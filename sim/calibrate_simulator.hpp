// Simulates measured rows under many parameter values, each once, in child processes: SystemC elaborates once per
// process. Internal to heddle calibrate.
#pragma once

#include "sim/calibrate_rows.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace heddle {

class RowSimulator {
public:
    RowSimulator(const MeasuredSet& set, int jobs) : set_(set), jobs_(jobs) {}

    /// Simulates every row of `rows` under every one of `values` that was not before, `jobs` at a time. CheckFailure
    /// when a simulation fails a check of its own.
    void run(const std::vector<KeyValues>& values, const std::vector<std::size_t>& rows);
    /// Of a run before.
    const RowOutcome& outcome(const KeyValues& values, std::size_t row) const;

    std::int64_t simulations() const { return static_cast<std::int64_t>(known_.size()); }
    const MeasuredSet& set() const { return set_; }

private:
    struct Task {
        std::string key;
        KeyValues values;
        std::size_t row = 0;
    };
    /// Rows that set a key themselves do not depend on its parameter.
    std::string key_of(const KeyValues& values, std::size_t row) const;

    const MeasuredSet& set_;
    int jobs_;
    std::map<std::string, RowOutcome> known_;
};

} // namespace heddle
