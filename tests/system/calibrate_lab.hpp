// A machine to calibrate, and measurements of what hides behind it. Internal to the tests of heddle calibrate.
#pragma once

#include "dnn/base/files.hpp"
#include "sim/calibrate_simulator.hpp"
#include "sim/commands/commands.hpp"
#include "sim/overlay.hpp"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>
#include <string>
#include <unistd.h>

namespace heddle::test_calibrate {

/// Cycles that the hidden machine takes beyond those of the model.
using ExtraCycles = std::function<std::int64_t(const RowOutcome&)>;

/// A folder with the description: the TPU-like preset with a memory of fixed latency.
class Lab {
public:
    Lab()
    {
        std::string name = (std::filesystem::temp_directory_path() / "heddle-calibrate-XXXXXX").string();
        path_ = ::mkdtemp(name.data());
        const DescribedHardware tpu = load_overlaid_hardware("tpu_like", "");
        const std::size_t from = tpu.yaml.find("\ndram: {") + 1;
        yaml_ = tpu.yaml;
        yaml_.replace(from, yaml_.find('\n', from) - from,
                      "dram: {kind: fixed, latency_cycles: 60, beat_bytes: 16, cycles_per_beat: 1}");
        write("hw.yaml", yaml_);
    }
    ~Lab() { std::filesystem::remove_all(path_); }
    Lab(const Lab&) = delete;
    Lab& operator=(const Lab&) = delete;

    std::string file(const std::string& name) const { return (path_ / name).string(); }
    void write(const std::string& name, const std::string& content) const { std::ofstream(path_ / name) << content; }

    MeasuredSet rows_on(const std::vector<Measurement>& rows, const std::string& dataflow = "ws") const
    {
        MeasuredSet set;
        set.file = "m.csv";
        set.hardware_yaml = yaml_;
        set.hardware_file = file("hw.yaml");
        set.dataflow = dataflow;
        set.rows = rows;
        return set;
    }

    /// CSV of what the model takes for the rows under `secrets`, and `extra`. All rows set the same keys.
    std::string measure(const std::vector<Measurement>& rows, const KeyValues& secrets, const ExtraCycles& extra = {},
                        const std::string& dataflow = "ws") const
    {
        MeasuredSet set = rows_on(rows, dataflow);
        prepare(set, true);
        RowSimulator simulator(set, 2);
        std::string csv = "name,workload,";
        for (const auto& [key, value] : rows.front().keys) csv += key + ",";
        csv += "tile.M,tile.N,tile.K,cycles,array_cycles,first_operand\n";
        for (std::size_t i = 0; i < rows.size(); ++i) {
            simulator.run({secrets}, {i});
            const RowOutcome& o = simulator.outcome(secrets, i);
            INFO(rows[i].name);
            REQUIRE(o.error.empty());
            const std::int64_t more = extra ? extra(o) : 0;
            csv += rows[i].name + "," + rows[i].workload + ",";
            for (const auto& [key, value] : rows[i].keys) csv += value + ",";
            for (const std::int64_t t : rows[i].tile) csv += (rows[i].tiled() ? std::to_string(t) : "") + ",";
            csv += std::to_string(o.simulated.at("cycles") + more) + "," +
                   std::to_string(o.simulated.at("array_cycles") + more) + "," +
                   std::to_string(o.simulated.at("first_operand")) + "\n";
        }
        return csv;
    }

    std::string calibrate(const std::string& csv, const std::string& fit, const std::vector<std::string>& more = {},
                          const std::string& jobs = "2") const
    {
        write("rtl.csv", csv);
        std::vector<std::string> arguments{"--hw", file("hw.yaml"), "--measured", file("rtl.csv"),
                                           "-o",   file("o.yaml"),  "--jobs",     jobs};
        if (!fit.empty()) arguments.insert(arguments.end(), {"--fit", fit});
        arguments.insert(arguments.end(), more.begin(), more.end());
        std::ostringstream out;
        const int code = calibrate_command(arguments, out);
        CHECK(code == 0);
        return out.str();
    }

private:
    std::filesystem::path path_;
    std::string yaml_;
};

} // namespace heddle::test_calibrate
