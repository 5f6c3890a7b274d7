// The waveform of the blocks themselves: cause of every cycle, states, occupancies, sequencers.
//
// Causes and port beats are those of the cycle shown; states, occupancies, ids and loop counters are registers: they
// show what the block holds as the cycle begins.
#pragma once

#include "hw/accelerator.hpp"
#include "hw/trace_signals.hpp"

#include <functional>
#include <vector>

namespace heddle {

/// The cause in which each block spent the last cycle, from the differences of its ledger. Needs every cycle.
class CauseWatch {
public:
    struct BlockCauses {
        const char* block;
        SignalNames names;
    };
    static const std::vector<BlockCauses>& blocks();

    /// Of these causes: does the array compute or load, or the PostProcessor move a word?
    static bool works(const std::vector<int>& causes);

    explicit CauseWatch(Accelerator& machine) : machine_(machine) {}
    /// At the end of a cycle; causes by block in the order of blocks().
    const std::vector<int>& look();

private:
    Accelerator& machine_;
    std::vector<std::vector<std::int64_t>> before_;
    std::vector<int> causes_;
};

class BlockTracer {
public:
    BlockTracer(SignalTable& table, Accelerator& machine, const CompiledPlan& plan);

    /// At the end of cycle `now`; causes as CauseWatch gives them.
    void sample(const std::vector<int>& causes);
    /// DRAM commands are collected as they are issued.
    void command(const DramCommand& c);

private:
    template <typename Value> void reg(const std::string& path, std::int64_t largest, Value value);
    void add_dram(SignalTable& table);
    void add_memory_side();
    void add_buffer();
    void add_array();
    void add_ids();

    SignalTable& table_;
    Accelerator& machine_;
    const CompiledPlan& plan_;
    std::vector<Signal*> causes_;
    std::vector<std::function<void()>> samplers_;
    int commands_ = 0; ///< in this cycle
    DramCommand last_command_;
};

const SignalNames& dram_command_names();

} // namespace heddle
