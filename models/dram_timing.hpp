// What a DRAM is made of and how long it takes: geometry, JEDEC timings in memory clocks, controller sizes.
#pragma once

#include "dnn/base/yaml_reader.hpp"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

namespace heddle {

/// Timings are in memory clocks (the command clock; data move on both of its edges). A time "from A to B" counts from
/// the first clock of command A to the first clock of command B.
struct DramTiming {
    std::string name;
    std::int64_t clock_khz = 0; ///< of the command clock; the data rate is twice this

    // Geometry. A rank is all the chips of one channel that answer together, so row_bytes and bus_bits are per channel.
    int channels = 1;
    int ranks = 1;
    int bank_groups = 1;
    int banks_per_group = 1;
    std::int64_t rows = 1; ///< of one bank
    int row_bytes = 1;
    int bus_bits = 8;
    int burst_length = 2; ///< beats

    // Controller.
    std::string address_order; ///< most significant first, see DramAddressMap
    int queue_depth = 32;      ///< bursts waiting for their column command, per channel
    int max_bypass = 64;       ///< bursts that may overtake the oldest one (0 = strictly first come, first served)

    // Clocks for which one command occupies the command bus (LPDDR4 sends ACT and RD/WR as two two-clock halves).
    int act_command_clocks = 1;
    int column_command_clocks = 1;
    int pre_command_clocks = 1;
    int ref_command_clocks = 1;

    int tcl = 1;        ///< RD to first data beat at the device (LPDDR4: RL)
    int tcwl = 1;       ///< WR to first data beat (LPDDR4: WL)
    int tdqsck = 0;     ///< what the device's read strobe adds to tCL (LPDDR4)
    int tdqss = 0;      ///< what the write strobe adds to tCWL (LPDDR4)
    int trcd = 1;       ///< ACT to RD or WR, same bank
    int trp = 1;        ///< PRE to ACT, same bank
    int trp_all = 1;    ///< PRE of all banks to REF or ACT
    int tras = 1;       ///< ACT to PRE, same bank
    int trc = 2;        ///< ACT to ACT, same bank
    int trrd_s = 1;     ///< ACT to ACT, another bank group of the rank
    int trrd_l = 1;     ///< ACT to ACT, same bank group
    int tfaw = 1;       ///< window that holds at most four ACT of one rank
    int tccd_s = 1;     ///< RD to RD or WR to WR, another bank group of the rank
    int tccd_l = 1;     ///< the same, same bank group
    int twr = 1;        ///< end of write data to PRE, same bank
    int twtr_s = 1;     ///< end of write data to RD, another bank group of the rank
    int twtr_l = 1;     ///< the same, same bank group
    int trtp = 1;       ///< RD to PRE, same bank
    int turnaround = 0; ///< idle clocks of the data bus between read data and write data
    int trtrs = 0;      ///< idle clocks of the data bus between two ranks
    int trefi = 0;      ///< time between REF of one rank; 0 = no refresh
    int trfc = 1;       ///< REF to ACT or REF, same rank

    int burst_clocks() const { return burst_length / 2; }
    int burst_bytes() const { return bus_bits / 8 * burst_length; }
    int banks_per_rank() const { return bank_groups * banks_per_group; }
    /// Of one rank, in so many clocks from the canonical start of a layer: the first one is due after half an interval,
    /// so this is the number of intervals, rounded.
    std::int64_t refreshes_in(std::int64_t clocks) const
    {
        return trefi == 0 ? 0 : (clocks + trefi - trefi / 2) / trefi;
    }
    std::uint64_t capacity_bytes() const
    {
        return static_cast<std::uint64_t>(channels) * ranks * banks_per_rank() * rows * row_bytes;
    }

    // Command to first and past last data beat.
    int read_latency() const { return tcl + tdqsck; }
    int write_latency() const { return tcwl + tdqss; }
    int read_data_end() const { return read_latency() + burst_clocks(); }
    int write_data_end() const { return write_latency() + burst_clocks(); }
    /// RD to WR anywhere on the channel (JESD79-4, JESD209-4: RL + tDQSCK + BL/2 + gap - WL).
    int read_to_write() const { return std::max(1, read_data_end() + std::max(turnaround, trtrs) - tcwl); }
    int write_to_read_other_rank() const { return std::max(1, write_data_end() + trtrs - read_latency()); }
    int same_direction_other_rank() const { return burst_clocks() + trtrs; }

    /// First broken rule as {YAML key, message}; the message is empty when the timing is sound.
    std::pair<std::string, std::string> broken_rule() const;
};

/// Strict: every key of models/tables/dram_*.yaml, units in the names.
DramTiming load_dram_timing(const YamlReader& yaml);
/// A shipped name ("dram_ddr4_2400_x64", also without "dram_") or a path to a YAML file.
DramTiming load_dram_timing(const std::string& name_or_path);

} // namespace heddle
