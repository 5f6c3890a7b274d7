// Counts to energy: what a run costs by a table, without simulating again.
#pragma once

#include "hw/hardware.hpp"
#include "models/energy.hpp"
#include "sim/result.hpp"

#include <string>

namespace heddle {

/// Fills energy_pj and energy_by_tensor_pj of every layer with cycles, and area, energy_table and missing of the run.
///
///  - mac: every MAC that was not skipped; gated ones at the gated price.
///  - register_file: words written (fills, updates) and read (reads, drains). A file of one word is an operand
///  register.
///  - network: words times links driven.
///  - global_buffer: port beats, as wide as the port, of a memory of one bank's size.
///  - dram: commands and standby where the table prices the device's, else bits moved; nothing when resident. By parts
///  in dram_energy_pj.
///  - post: additions, multiplications and comparisons of the PostProcessor, as counted.
///  - static: leakage over the layer's time plus the clock tree, where the table has them.
///
/// Energy by tensor covers register files, network, global buffer and the DRAM's traffic (in proportion to the bits
/// read or written for it), not its background: refresh and standby run whoever waits. `missing` names what this
/// machine has and the table lacks. UserError when the table lacks an entry that the counts need.
void price(RunResult& run, const EnergyTable& table, const HardwareConfig& hardware);

/// "horowitz_45nm (45 nm)", for a normalised table with its unit.
std::string describe_table(const EnergyTable& table);

} // namespace heddle
