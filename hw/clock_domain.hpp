// Runs the blocks of one clock domain, in one of two ways that give identical results (design.md §8.2).
//
// fast:      one process ticks only the blocks that are awake, jumps over cycles in which all sleep, and returns to the
//            kernel no later than its next pending activity.
// reference: one SC_METHOD per block on an sc_clock, never sleeping; for RTL co-simulation, foreign modules, waveforms.
#pragma once

#include "dnn/base/random.hpp"
#include "hw/block.hpp"
#include "hw/channel.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <vector>

namespace heddle {

enum class DriverKind { fast, reference };

/// How the fast driver may be disturbed, to show that nothing depends on order or sleep.
struct DriverOptions {
    DriverKind kind = DriverKind::fast;
    bool never_sleep = false;       ///< ticks every block in every cycle
    std::uint64_t shuffle_seed = 0; ///< nonzero: random order every cycle, sleepers ticked at random
};

class ClockDomain : public sc_core::sc_module {
public:
    ClockDomain(const sc_core::sc_module_name& name, int period_ps, const DriverOptions& options);

    /// Before the first run.
    void add(Block& block);
    void watch(const ChannelBase& channel) { channels_.push_back(&channel); }
    /// Runs `action` once, before the blocks tick in `cycle` (fault injection, sampling).
    void at(Cycle cycle, std::function<void()> action);

    /// Calls `look` at the end of every cycle, when all blocks have ticked. Reference driver only (std::logic_error):
    /// the fast one jumps over cycles. Looking must change nothing.
    void observe(std::function<void(Cycle)> look);
    /// The clock of the reference driver; null with the fast one.
    const sc_core::sc_clock* signal() const { return clock_.get(); }

    /// Runs from the current cycle until `done` is true at the end of a cycle; returns the number of the next cycle.
    /// CheckFailure with every block's status and every channel's fill when nothing can happen any more.
    Cycle run(const bool& done);
    Cycle now() const { return now_; }
    std::int64_t cycles_executed() const { return executed_; }

private:
    void fast_process();
    void reference_begin();
    void reference_end();
    void tick_awake();
    void tick_shuffled();
    void tick_one(std::size_t i);
    void end_cycle();
    void run_actions();
    void check_progress();
    [[noreturn]] void deadlock() const;

    struct Action {
        Cycle cycle;
        std::function<void()> run;
    };

    int period_ps_;
    DriverOptions options_;
    Random shuffle_;
    std::vector<Block*> blocks_;
    std::vector<Cycle> due_;
    std::vector<WakeSlot*> slots_;
    std::vector<std::vector<const ChannelBase*>> late_inputs_; ///< by block: those whose entries can arrive late
    std::vector<const ChannelBase*> channels_;
    std::vector<Action> actions_;
    std::vector<std::function<void(Cycle)>> observers_;
    Cycle next_action_ = never;
    Cycle now_ = 0;
    std::int64_t executed_ = 0;
    std::int64_t last_transfers_ = -1;
    std::int64_t quiet_checks_ = 0;
    const bool* done_ = nullptr;
    std::exception_ptr failure_;
    sc_core::sc_event go_;
    std::unique_ptr<sc_core::sc_clock> clock_;
    std::size_t ticked_ = 0;
};

} // namespace heddle
