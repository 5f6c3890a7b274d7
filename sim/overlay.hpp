// Changes to a hardware description, laid over its YAML text: `heddle run --hw H --overlay O`, fitted parameters of
// `heddle calibrate`, and the hardware columns of measurements.
//
// An overlay is YAML: dotted keys (`dram.latency_cycles: 40`), nested ones (`dram: {latency_cycles: 40}`), or both.
// A key may add one that the description leaves to its default, if the mapping that it belongs to is there.
#pragma once

#include "hw/hardware.hpp"

#include <string>
#include <vector>

namespace heddle {

struct OverlayEntry {
    std::string key;   ///< dotted
    std::string value; ///< a scalar as YAML text, or a list such as [ws, os]
    int line = 0, col = 0;
};

/// Strict: UserError `file:line:col: key: expected …, got …`, also on a key that is given twice.
std::vector<OverlayEntry> parse_overlay(const std::string& text, const std::string& file);

/// The description's text with the values put in; every other character stays where it is. UserError at the overlay's
/// line when a key has no place in the description.
std::string apply_overlay(const std::string& hardware_yaml, const std::string& hardware_file,
                          const std::vector<OverlayEntry>& overlay, const std::string& overlay_file);

/// A machine with the text it was read from, which results keep.
struct DescribedHardware {
    HardwareConfig config;
    std::string yaml;
};
/// parse_hardware(apply_overlay(…)); what is wrong with a value is reported at the overlay's line.
DescribedHardware overlaid_hardware(const std::string& hardware_yaml, const std::string& hardware_file,
                                    const std::vector<OverlayEntry>& overlay, const std::string& overlay_file);
/// `overlay_file` may be empty: then load_hardware(name_or_path). Here and above also UserError for a dataflow that
/// does not exist, and for a whole description in an overlay's place.
DescribedHardware load_overlaid_hardware(const std::string& name_or_path, const std::string& overlay_file);

/// The scalar at a dotted key of a YAML text; empty when absent.
std::string yaml_value(const std::string& yaml, const std::string& key);

} // namespace heddle
