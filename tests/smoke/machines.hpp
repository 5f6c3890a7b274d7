// Every shipped preset with each of the dataflows that its wires were made for, and the best of them where it has
// several.
#pragma once

#include "dnn/base/files.hpp"
#include "hw/hardware.hpp"

#include <string>
#include <vector>

namespace heddle::test_smoke {

struct Machine {
    std::string preset, dataflow;
    bool adds; ///< has a place for the second operand of residual adds
};

inline std::vector<Machine> machines()
{
    std::vector<Machine> all;
    for (const std::string& preset : shipped_names("hw/presets")) {
        const HardwareConfig hw = load_hardware(preset);
        std::vector<std::string> dataflows = hw.dataflows;
        if (dataflows.size() > 1) dataflows.emplace_back("best");
        for (const std::string& d : dataflows) all.push_back({preset, d, hw.global_buffer.operand2.bytes > 0});
    }
    return all;
}

inline std::string on(const Machine& m)
{
    return " --hw " + m.preset + " --dataflow " + m.dataflow;
}

} // namespace heddle::test_smoke
