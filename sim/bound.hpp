// The closed-form bound: no run of a plan takes fewer cycles. It is worked out before simulation, from plan, machine
// and (bound_actual) tensors.
#pragma once

#include "hw/plan.hpp"
#include "sim/dram_moves.hpp"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace heddle {

/// Phases of one pass in cycles (hw/pe_array.hpp): the load from what its first step uses of the array, drain and
/// wavefront from its last one.
struct PassPhases {
    std::int64_t load = 0;      ///< of the stationary operands, side by side; 0 when only psums are kept
    std::int64_t drain = 0;     ///< of psums kept in the PEs: an array row takes at least one beat
    std::int64_t wavefront = 0; ///< skew of the operands and of the chain, and the MAC's latency
    std::int64_t additions = 0; ///< cycles that the MACs' adders spend on psums of neighbours (ChainAdd::datapath)
    std::int64_t weight_load = 0, input_load = 0; ///< parts of `load`
};

/// Passes that look alike.
struct PassClass {
    std::int64_t count = 0;
    std::int64_t steps = 0;
    int used_rows = 0, used_cols = 0, active_macs = 0;
    int used_lanes = 1, summed_rows = 1;              ///< lanes of a PE; rows of PEs whose psums add up to one
    int last_rows = 0, last_cols = 0, last_lanes = 1; ///< used in its last step, which may be a partial one
    int weight_entries = 1, input_entries = 1, psum_entries = 1; ///< of the register files, when kept
    /// Read for it: all its steps, padding included, or one load (of inputs: as few as padding may leave).
    std::int64_t weight_words = 0, input_words = 0;
    std::int64_t weight_lanes = 0, input_lanes = 0; ///< of them, delivered at once: a port beat serves one step
    bool lanes_vary = false;                        ///< ... in the first step, later ones may take fewer
    std::int64_t psum_words = 0;                    ///< that leave the array
};
PassPhases pass_phases(const LayerPlan& plan, const HardwareConfig& hw, const PassClass& pass);

/// Words that a plan moves, exact for its loops, before rounding to bursts and beats.
struct Traffic {
    std::vector<PassClass> passes;                  ///< of all tiles
    std::int64_t loads = 0;                         ///< of new stationary tiles, of both operands
    std::int64_t weight_loads = 0, input_loads = 0; ///< their parts
    std::int64_t weight_reads = 0, input_reads = 0; ///< from the global buffer to the array, without padding
    std::int64_t weight_beats = 0, input_beats = 0; ///< of their read ports, at least
    std::int64_t psums = 0, psum_accumulations = 0; ///< leave the array; of them, added to one in the buffer
    std::int64_t weight_fills = 0, input_fills = 0, operand2_fills = 0; ///< words fetched for tiles
    std::int64_t outputs = 0;                                           ///< of the layer
    std::int64_t results = 0; ///< written: the outputs, or what fused pooling leaves of them
    std::int64_t tiles = 0;
};
Traffic compute_traffic(const LayerPlan& plan, const HardwareConfig& hw);

struct Bound {
    std::int64_t cycles = 0;                                 ///< the largest part
    std::string by;                                          ///< its name
    std::vector<std::pair<std::string, std::int64_t>> parts; ///< compute, ports, networks, dram, …
    std::int64_t dram_read_bytes = 0, dram_write_bytes = 0;  ///< of words, before rounding to bursts
    DramMoves dram;                                          ///< in whole bursts
    std::int64_t buffer_words = 0;                           ///< read and written at the global buffer

    std::int64_t part(const std::string& name) const; ///< 0 when absent
};
/// For dense, uncompressed data.
Bound compute_bound(const LayerPlan& plan, const HardwareConfig& hw);
/// For the tensors as they are: what compressed maps take in DRAM. (No machine skips zeros yet, and no map stays on
/// chip between layers: all the rest is as for dense data.)
Bound compute_bound_actual(const LayerPlan& plan, const HardwareConfig& hw, const EncodedMaps& maps);

/// Cycles that the DRAM's data bus and the DMA need at least; 0 when tensors are resident.
std::int64_t dram_cycles(const HardwareConfig& hw, std::int64_t read_bytes, std::int64_t write_bytes);

/// Cycles that moves take at least: of bandwidth, of the request window, of issuing.
std::int64_t memory_cycles(const HardwareConfig& hw, const DramMoves& moves);

} // namespace heddle
