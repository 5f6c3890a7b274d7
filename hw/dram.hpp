// Off-chip memory behind one interface: `dram` (banks, rows, refresh, commands) or `fixed` (latency and rate, in
// order). With `resident` the block exists and stays idle.
//
// A request's words are read when the last beat of its last burst has been transferred, and written at the same point.
// A response is pushed for every request, reads and writes. Kind dram may complete requests out of order.
#pragma once

#include "hw/channel.hpp"
#include "hw/ledger.hpp"
#include "hw/memory_image.hpp"
#include "models/dram_controller.hpp"

#include <deque>
#include <memory>

namespace heddle {

class Dram : public Block {
public:
    /// refresh: what is awaited lies in a rank that refreshes, or a rank refreshes while nothing is in flight.
    enum class Cause { busy, refresh, response_blocked, idle, count };

    Dram(const sc_core::sc_module_name& name, const HardwareConfig& hardware, Channel<MemoryRequest>& request_in,
         Channel<MemoryResponse>& response_out);

    Cycle tick(Cycle now) override;
    std::string status() const override;

    /// Canonical start: rows close, the first refresh is due after half an interval; cycles count from
    /// here.
    void begin_layer(Cycle now, MemoryImage& image);
    void end_layer(Cycle now);

    struct Stats {
        std::int64_t read_bytes = 0, write_bytes = 0; ///< bursts x burst size
        std::int64_t requested_words[region_count] = {};
        DramCounts commands; ///< kind dram
    };
    const Stats& stats() const { return stats_; }
    const LedgerOf<Cause>& ledger() const { return ledger_; }
    int in_flight() const { return in_flight_; }
    /// Kind dram: called for every command, at its memory clock since the layer's start.
    void log_commands(std::function<void(const DramCommand&)> log);

private:
    struct Pending {
        MemoryRequest request;
        int bursts_left = 0;
        Cycle first = never, done = never; ///< accelerator cycles of the first (kind fixed) and the last beat
        bool used = false;
    };

    Cycle tick_fixed(Cycle now);
    Cycle tick_device(Cycle now);
    void accept(Cycle now);
    void use_bus(Pending& p, Cycle now, std::int64_t bytes);
    void enqueue_bursts(Cycle now);
    void run_memory_to(std::int64_t clock, Cycle now);
    void finish(Pending& p);
    bool respond(Cycle now);
    void book(Cycle now, bool pushed);
    Reason reason(Cycle now, DramWait wait) const;
    void sleep_until(Cycle now);
    bool bus_carries(Cycle now) const;
    bool queue_stops(Cycle now) const;
    Cycle next_state_change() const;
    std::int64_t memory_clock(Cycle now) const;
    Cycle cycle_of(std::int64_t clock) const;
    int bursts_of(const MemoryRequest& r, int burst_bytes) const;

    const HardwareConfig& hw_;
    Channel<MemoryRequest>& request_in_;
    Channel<MemoryResponse>& response_out_;
    MemoryImage* image_ = nullptr;
    std::unique_ptr<DramController> device_;
    std::vector<Pending> slots_;
    std::deque<int> waiting_;  ///< accepted, bursts not all enqueued
    std::deque<int> finished_; ///< transferred, response to be pushed
    struct Sync {
        int slot;
        int next_burst;
        Cycle visible;
    };
    std::deque<Sync> crossing_;                          ///< on the way into the memory's clock domain
    std::int64_t memory_clocks_ = 1, memory_cycles_ = 1; ///< so many memory clocks in so many accelerator cycles
    Cycle origin_ = 0;                                   ///< first cycle of the layer
    std::int64_t clock_base_ = 0, clock_ = 0;
    /// Kind fixed: when the bus has carried everything so far, in cycles and, of a cycle, bytes of beat_bytes.
    struct Bus {
        Cycle cycle = 0;
        std::int64_t part = 0;
    };
    Bus read_bus_, write_bus_;
    Cycle carried_ = 0;           ///< kind fixed: the last beat of what was transferred
    DramController::State state_; ///< at clock_
    int in_flight_ = 0;
    Stats stats_;
    DramCounts counts_before_;
    LedgerOf<Cause> ledger_;
};

} // namespace heddle
