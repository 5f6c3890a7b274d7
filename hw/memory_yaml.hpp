// The keys of a machine's YAML that say how maps lie in memory and share it.
#pragma once

#include "dnn/base/yaml_reader.hpp"
#include "hw/hardware.hpp"

namespace heddle {

/// `compression` of the `dram` section.
CompressionConfig read_compression(const YamlReader& dram);
/// Rules between these keys and others.
void check_memory(const YamlReader& hardware, const HardwareConfig& config);

} // namespace heddle
