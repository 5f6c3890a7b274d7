// Waveforms as FST, by the converter of Debian's package gtkwave.
#pragma once

#include <string>

namespace heddle {

/// UserError naming the package when vcd2fst is not installed.
void require_vcd2fst();
/// UserError when the converter fails; `fst` is then not left behind.
void convert_to_fst(const std::string& vcd, const std::string& fst);

} // namespace heddle
