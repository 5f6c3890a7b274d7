// What a run produces: counts from the simulation, before any energy table. Everything a report prints is computed from
// this, and report.json carries it, so that `heddle energy` can price it again without simulating.
#pragma once

#include "hw/hardware.hpp"
#include "sim/mapping.hpp"

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace heddle {

/// Words and port beats of one level and tensor (design.md §6.3).
struct AccessCounts {
    std::int64_t fills = 0, reads = 0, updates = 0, drains = 0; ///< words
    std::int64_t read_beats = 0, write_beats = 0;               ///< port beats
};

/// One cause of one block's ledger in order of first match (design.md §5.5).
using Ledger = std::vector<std::pair<std::string, std::int64_t>>;

struct DramActivity {
    std::int64_t read_bytes = 0, write_bytes = 0;
    std::int64_t activates = 0, precharges = 0, reads = 0, writes = 0, refreshes = 0; ///< commands
    std::int64_t row_hits = 0;
    std::int64_t active_standby_clocks = 0, precharge_standby_clocks = 0; ///< memory clocks
};

/// An off-chip energy by parts; 0 where the memory's model has no such part.
struct DramEnergyParts {
    double activate = 0.0; ///< and precharge
    double read = 0.0, write = 0.0;
    double refresh = 0.0, active_standby = 0.0, precharge_standby = 0.0, power_down = 0.0;
    double io = 0.0;

    double traffic() const { return activate + read + write + io; }
    double background() const { return refresh + active_standby + precharge_standby + power_down; }
    double total() const { return traffic() + background(); }
};

/// Which dataflow a layer runs under, where the mapper chose among several.
struct DataflowChoice {
    std::string chosen;
    double margin = 0.0;                            ///< share by which the runner-up costs more, by the objective
    std::map<std::string, std::int64_t> candidates; ///< cycles of each dataflow's best mapping
};

/// What it costs that a layer's dataflow is not that of the array layer before it. Layers do not overlap, so flush and
/// reload are in the layers' cycles, with or without a change; the mode registers are what a change adds.
struct DataflowSwitch {
    std::string from;               ///< empty: no change
    std::int64_t mode_cycles = 0;   ///< the mode registers are written: in this layer's cycles
    std::int64_t flush_cycles = 0;  ///< wavefront and drain of a last full pass: in the cycles of the layer before
    std::int64_t reload_cycles = 0; ///< load of a first full pass, of what stays in the PEs: in this layer's cycles
};

struct LayerResult {
    int position = -1; ///< of the layer in the network, 0 the input; what --layers counts in
    std::string name;
    std::string op;
    std::string dataflow;
    std::string shape; ///< for people: "64x56x56 -> 64x56x56 3x3/1"
    DataflowChoice dataflow_choice;
    DataflowSwitch dataflow_switch;
    std::string note; ///< "fused into conv2", "moves no data", "host: not timed", …
    bool timed = true;
    bool verified = false;      ///< true only when the values were compared with the reference
    std::int64_t overflows = 0; ///< outputs whose exact sum did not fit the psum
    std::int64_t macs = 0, macs_effectual = 0, macs_gated = 0, macs_skipped = 0;
    std::int64_t cycles = 0;
    std::int64_t array_cycles = 0; ///< design.md §5.7
    std::int64_t bound_cycles = 0, bound_actual_cycles = 0;
    std::string bound_by;          ///< "compute", "dram", "weights port", …
    double utilization = 0.0;      ///< compute PE-cycles / (cycles x PEs)
    double wire_utilization = 0.0; ///< highest that the preset's wires allow for this layer and dataflow
    std::map<std::string, std::map<std::string, AccessCounts>> accesses; ///< level -> tensor
    /// tensor -> uses and fills of the operand registers closest to the MACs, in PE-cycles, and most_uses of one fill
    /// (hw/reuse_meter.hpp)
    std::map<std::string, std::map<std::string, std::int64_t>> reuse;
    std::map<std::string, std::int64_t> hops;            ///< tensor -> links driven, words
    std::map<std::string, Ledger> ledger;                ///< block -> causes
    std::map<std::string, std::int64_t> phases;          ///< cycles from the layer's start
    std::map<std::string, std::int64_t> post_operations; ///< add, multiply, compare: words
    std::int64_t post_words = 0;                         ///< words through the PostProcessor
    std::int64_t padding_words = 0;                      ///< zeros inserted, never read
    DramActivity dram;
    std::map<std::string, double> energy_pj; ///< filled by price(): mac, register_file, …
    std::map<std::string, double> energy_by_tensor_pj;
    DramEnergyParts dram_energy_pj; ///< adds up to energy_pj["dram"]
    /// The least cycles by each of the bound's terms, in its order: compute, ports, networks, dram, …
    Ledger bound_terms_cycles;
    Mapping mapping;                ///< that was simulated; no levels and no parameters: unknown
    std::string mapping_parameters; ///< of a row-stationary one: "m 64, n 4, …"
};

struct RunResult {
    std::string network, hardware, energy_table;
    std::string dataflow;   ///< that was asked for: ws, best, the name of constraints, …
    bool synthetic = false; ///< seeded weights and inputs
    bool timing_only = false;
    std::uint64_t seed = 0, stall_seed = 0;
    int batch = 1;
    double clock_mhz = 0.0;
    int pes = 0;
    std::vector<LayerResult> layers;
    double coverage_macs = 1.0; ///< share of MACs that was timed
    double coverage_bytes = 1.0;
    // Wall-clock facts of the simulator itself, not of the model.
    double simulate_seconds = 0.0, reference_seconds = 0.0;
    std::vector<float> output;        ///< last layer's values, dequantised (class scores)
    std::vector<std::string> missing; ///< energy parts without an entry
    double area_mm2 = 0.0;
    std::map<std::string, double> area_by_block_mm2;
};

} // namespace heddle
