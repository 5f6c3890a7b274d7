// The hardware description: what a preset's YAML says, resolved and validated. No field is a default hidden in code;
// hw/presets/README.md documents the YAML keys, which carry the names of these fields.
#pragma once

#include "dnn/base/rational.hpp"
#include "dnn/quantize.hpp"
#include "models/dram_timing.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace heddle {

enum class Tensors { weights, inputs, outputs }; ///< also the order of per-tensor arrays

enum class DramKind { dram, fixed, resident };

/// How feature maps lie in memory, and weights likewise within each filter: pixel by pixel with all their channels
/// (N,H,W,C and K,R,S,C), or channel by channel with all their pixels (N,C,H,W and K,C,R,S).
enum class MapLayout { channels_innermost, planes };

/// What is encoded on its own: a row or a plane of one channel.
enum class CompressionUnit { row, plane };

/// Run-length compression of feature maps in DRAM (hw/run_length.hpp), all but the network's input.
struct CompressionConfig {
    bool maps = false;
    CompressionUnit unit = CompressionUnit::plane;
    int run_bits = 5;
    int word_bits = 64; ///< of a code word
};

struct DramConfig {
    DramKind kind = DramKind::dram;
    MapLayout map_layout = MapLayout::channels_innermost;
    CompressionConfig compression;
    // kind dram
    std::string timing_name; ///< table in models/tables
    DramTiming timing;
    int sync_cycles = 0; ///< accelerator cycles to cross the clock domains, each way
    // kind fixed
    int latency_cycles = 0; ///< request accepted to first beat
    int beat_bytes = 0;
    int cycles_per_beat = 1;
    bool whole_beats = true;     ///< else beat_bytes every cycles_per_beat is a rate, and no transfer is rounded up
    int burst_bytes = 64;        ///< smallest transfer; DRAM bytes are multiples of it
    bool separate_queues = true; ///< reads and writes do not share the data bus
    int queue_depth = 16;

    /// Bytes for which a transfer keeps the bus (kind fixed), its last beat's rest included.
    std::int64_t bus_bytes(std::int64_t bytes) const
    {
        return whole_beats ? (bytes + beat_bytes - 1) / beat_bytes * beat_bytes : bytes;
    }
};

enum class DmaArbitration { loads_first, stores_first, round_robin };

struct DmaConfig {
    int max_burst_bytes = 64; ///< largest request; a request never crosses a multiple of it
    int requests_in_flight = 16;
    int issue_interval_cycles = 1;
    int startup_cycles = 0; ///< per move (one tile of one tensor)
    int read_bytes_per_cycle = 64;
    int write_bytes_per_cycle = 64;
    DmaArbitration arbitration = DmaArbitration::loads_first;
};

/// A port moves up to `words` words of one line of one bank per cycle, or any words when `gather`.
struct PortConfig {
    int words = 1;
    bool gather = false;
};

struct PartitionConfig {
    std::int64_t bytes = 0;
    int banks = 1;       ///< equal parts; an access costs the energy of one bank
    int line_words = 16; ///< words of one line of one bank
    PortConfig read_port;
    PortConfig write_port;
    bool shared_port = false; ///< one port for both: a read and a write never share a cycle
    bool in_pool = false;     ///< lies in the buffer's pool: no memory of its own
};

enum class FillGranularity { word, tile };

/// How psums that leave the array unfinished are continued: added to in the buffer as they arrive, or read, sent to the
/// head of the chain (or into the adder tree) and written back. Psums kept in the PEs always accumulate at the buffer.
enum class Accumulation { at_buffer, through_array };

struct GlobalBufferConfig {
    int latency_cycles = 1;        ///< read request to data
    int update_latency_cycles = 1; ///< read-modify-write of a psum; a read of the word waits for it
    FillGranularity fill_granularity = FillGranularity::word;
    Accumulation accumulation = Accumulation::at_buffer;
    PartitionConfig weights, inputs, outputs, psums, operand2;
    /// Inputs and psums share a memory of so many banks, each layer's mapping dividing them; 0: each has its own.
    int pool_banks = 0;
    std::int64_t pool_bank_bytes = 0;
};

/// One SRAM of the global buffer, whatever partitions lie in it.
struct BufferMemory {
    std::string name; ///< "weights", "pool of inputs, psums"
    std::int64_t bytes = 0;
};
/// What the buffer is made of: a pool is one memory, and partitions in it have none of their own.
std::vector<BufferMemory> buffer_memories(const GlobalBufferConfig& g);
/// An access costs the energy of one bank.
std::int64_t bank_bytes(const GlobalBufferConfig& g, const PartitionConfig& p);

/// Banks of the pool that these bits take; 0 without a pool.
int pool_banks(const GlobalBufferConfig& g, std::int64_t input_bits, std::int64_t psum_bits);

/// How a tensor reaches the PEs. `lane` below is a distinct word delivered at once.
enum class Delivery {
    unicast,      ///< every PE its own word; beats of words_per_beat, any PEs
    load_chain_y, ///< every PE its own word, shifted down the columns: one row of the array per beat
    systolic_x,   ///< one word per row, injected at column 0, one PE per hop
    systolic_y,   ///< one word per column, injected at row 0, one PE per hop
    row_bus,      ///< one word per row to all its PEs in one cycle
    column_bus,   ///< one word per column to all its PEs in one cycle
    broadcast,    ///< one word to all PEs
    multicast,    ///< a word to any set of PEs
    shift,        ///< a PE takes a word that a neighbour holds; only new words are read
};
const char* delivery_name(Delivery d);

enum class PsumPath {
    local,   ///< accumulates in the PE, leaves by the drain
    chain_y, ///< summed down the columns, one row per hop
    tree_y,  ///< summed over each column by an adder tree
};
const char* psum_path_name(PsumPath p);

/// Which PEs share a delivered word: those whose spatial loops do not index the tensor, or also those that need the
/// same word for another reason (inputs: p + r is the same along Eyeriss' diagonals).
enum class Sharing { by_loop, by_value };

struct NetworkConfig {           ///< one per tensor
    std::vector<Delivery> modes; ///< weights and inputs
    int words_per_beat = 1;
    bool one_set = false; ///< the words of one beat go to one set of PEs (psums: come from one column's tap)
    Sharing sharing = Sharing::by_loop;
    int hop_cycles = 1;      ///< systolic and chain: cycles per PE
    int latency_cycles = 1;  ///< buffer side to array edge (channel latency)
    int link_fifo_words = 1; ///< shift: how many past words a neighbour can pass on
};

struct PsumNetworkConfig {
    std::vector<PsumPath> paths;
    int words_per_beat = 1; ///< psum words that leave the array per cycle
    bool one_set = false;   ///< the words of one beat are psums of one PE (or chain)
    int hop_cycles = 1;
    int latency_cycles = 1;
};

/// exposed: the neighbouring pass waits. hidden: a second set of registers takes the words meanwhile. word (loads
/// only): the register file takes words of the next tile as far as it has room, as a buffet (`prefetch: word` of
/// design.md §5.6).
enum class Overlap { exposed, hidden, word };

struct PassConfig { ///< design.md §5.6
    Overlap load = Overlap::exposed;
    Overlap drain = Overlap::exposed; ///< hidden: a second set of psum registers
    bool wavefront_chained = false;   ///< the next pass follows the wavefront of this one
    int min_cycles = 0;
    int gap_cycles = 0;
    int switch_cycles = 0;  ///< to write the mode registers for another dataflow, before a layer starts
    bool edges_full = true; ///< a partial tile pays load, skew and drain of the whole array
};

/// Storage of one tensor in a PE, and what stands between it and the MACs.
struct RegisterFileConfig {
    int words = 1;           ///< of a PE, all its lanes and vector elements together
    int port_words = 0;      ///< to (psums: also from) the collectors per cycle; 0: as wide as the MACs use
    int collector_depth = 1; ///< entries of the collector; an entry has what all lanes and vector elements use at once
};

/// How psums of neighbouring PEs are added on their way out of the register files.
enum class ChainAdd {
    own_adder, ///< beside the MAC
    datapath,  ///< by the MAC's adder: a cycle of its own for each psum (Eyeriss, JSSC 2017, fig. 13)
};

struct ArrayConfig {
    int rows = 0, cols = 0;
    int lanes = 1, vector = 1;  ///< MACs of a PE: two more spatial axes; a reduction along vector ends in an adder tree
    int mac_latency_cycles = 1; ///< operand consumed to psum registered; 1 = next cycle
    RegisterFileConfig weights, inputs, psums;
    bool collectors = false; ///< between register files and MACs: register files are read when a collector is filled
    ChainAdd chain_add = ChainAdd::own_adder;
    bool zero_gating = false;   ///< a zero operand costs the cycle but no MAC energy
    bool sums_channels = false; ///< MACs summed together take input channels only, one filter tap at a time
    bool one_group = false;     ///< groups of a convolution cannot share the array, each on rows and columns of its own
};

struct PostConfig {
    int words_per_cycle = 1;
    int latency_cycles = 1;
    int line_buffer_words = 0;            ///< partial pooling windows it can hold while a conv streams through
    int parameter_bytes_per_channel = 10; ///< bias, multiplier, shift, fetched per layer
};

struct HardwareConfig {
    std::string name;
    std::string source_file;
    std::string content_hash;
    Rational clock_mhz; ///< exact; only kernel time and waveforms round the period
    Precision precision;
    DramConfig dram;
    DmaConfig dma;
    GlobalBufferConfig global_buffer;
    NetworkConfig weight_network, input_network;
    PsumNetworkConfig psum_network;
    PassConfig passes;
    ArrayConfig array;
    PostConfig post;
    std::vector<std::string>
        dataflows;            ///< names of sim's constraint sets that its wires were made for; first = default
    std::string energy_table; ///< default table

    int pes() const { return array.rows * array.cols; }
    int macs() const { return pes() * array.lanes * array.vector; }
    /// The MACs as a grid: the vector elements of a PE below each other, its lanes beside each other.
    int grid_rows() const { return array.rows * array.vector; }
    int grid_cols() const { return array.cols * array.lanes; }
    const RegisterFileConfig& register_file(Tensors t) const
    {
        return t == Tensors::weights ? array.weights : t == Tensors::inputs ? array.inputs : array.psums;
    }
    const NetworkConfig& operand_network(Tensors t) const
    {
        return t == Tensors::weights ? weight_network : input_network;
    }
    /// Clocks of the DRAM's command bus in an accelerator cycle, of kind dram.
    Rational memory_clocks_per_cycle() const
    {
        return {dram.timing.clock_khz * clock_mhz.denominator(), 1000 * clock_mhz.numerator()};
    }
    /// The nearest whole number of picoseconds: the kernel's time, in which nothing is counted.
    int clock_period_ps() const
    {
        const std::int64_t mhz = clock_mhz.numerator();
        return static_cast<int>((1000000 * clock_mhz.denominator() + mhz / 2) / mhz);
    }
};

/// Shipped preset name or YAML path. UserError `file:line:col: key: expected …, got …`.
HardwareConfig load_hardware(const std::string& name_or_path);
/// The same from YAML text, for tests and overlays.
HardwareConfig parse_hardware(const std::string& text, const std::string& file_name);

} // namespace heddle
