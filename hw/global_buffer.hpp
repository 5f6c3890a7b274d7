// The global buffer: partitions of on-chip SRAM, each a buffet (fill, read, update, shrink with credits).
//
// Weights, inputs and the second operand are filled by the DMA and read by engines that walk the layer's passes; a
// tile's words are given back as credits when the last pass that uses them has been read, so the next tile fills
// meanwhile as far as the capacity allows. Psums accumulate on arrival (read-modify-write; a word with an update in
// flight waits); the last update of a word leaves for the PostProcessor as it is added, without being written. Results
// are collected until the DMA drains them, in memory order.
#pragma once

#include "hw/ledger.hpp"
#include "hw/memory_image.hpp"
#include "hw/psum_reader.hpp"
#include "hw/read_engine.hpp"

#include <deque>

namespace heddle {

class GlobalBuffer : public Block {
public:
    enum class Cause { busy, port, output_blocked, waiting_for_fill, waiting_for_psums, idle, count };

    struct Channels {
        Channel<Command>& command_in;
        Channel<FillBeat>& fill_in;
        Channel<Credit>& credit_out;
        Channel<OperandBeat>& weights_out;
        Channel<OperandBeat>& inputs_out;  ///< to the distributor
        Channel<OperandBeat>& windows_out; ///< inputs of a post layer, to the PostProcessor
        Channel<PsumBeat>& psums_in;
        Channel<PsumBeat>& array_psums_out; ///< back to the array, when psums accumulate through it
        Channel<PsumBeat>& psums_out;       ///< complete, to the PostProcessor
        Channel<Operand2Request>& operand2_in;
        Channel<Operand2Beat>& operand2_out;
        Channel<ResultBeat>& results_in;
        Channel<DrainRequest>& drain_in;
        Channel<FillBeat>& drain_out;
        Channel<Command>& done_out; ///< one token when the layer's last result has been written
    };

    GlobalBuffer(const sc_core::sc_module_name& name, const HardwareConfig& hardware, const Channels& channels,
                 int beat_words);

    Cycle tick(Cycle now) override;
    std::string status() const override;
    /// Resident memory: `image` is copied in at no cost, and the results stay.
    void begin_layer(Cycle now, const CompiledPlan& plan, const MemoryImage& image);
    void end_layer(Cycle now) { ledger_.settle(now); }

    struct Stats {
        std::int64_t fills[region_count] = {}; ///< words written from outside; outputs: results arriving
        std::int64_t drains = 0;               ///< words of results read to go outwards
        std::int64_t psum_updates = 0, psum_reads = 0, psum_first = 0;
        std::int64_t operand2_reads = 0;
        Cycle last_result = 0;
    };
    const Stats& stats() const { return stats_; }
    const ReadEngine& engine(Tensors t) const { return t == Tensors::weights ? weight_engine_ : input_engine_; }
    Partition<std::int16_t>& partition(Region r);
    Partition<std::int32_t>& psums() { return psums_; }
    const LedgerOf<Cause>& ledger() const { return ledger_; }

private:
    bool start(Cycle now);
    bool fill(Cycle now);
    bool return_credits(Cycle now);
    bool read_operands(Cycle now);
    Reason fill_reason(Cycle now);
    bool update(Cycle now);
    int update_beats(const PsumBeat& beat) const;
    bool in_flight(const PsumBeat& beat, Cycle now) const;
    void add_psums(const PsumBeat& beat, Cycle now);
    void pass_on(const PsumBeat& beat, Cycle now);
    bool write_psums(const PsumBeat& beat, Cycle now);
    bool serve_operand2(Cycle now);
    bool store_results(Cycle now);
    bool drain(Cycle now);
    void shrink_operand2(std::int64_t words);
    Cycle next_wake(Cycle now) const;
    void book(Cycle now);

    const HardwareConfig& hw_;
    Channels io_;
    Partition<std::int16_t> weights_, inputs_, operand2_, outputs_;
    Partition<std::int32_t> psums_;
    struct Span {
        std::int32_t first = 0, last = -1;
        Cycle ready = 0;
    };
    std::vector<Span> recent_updates_; ///< ring: what can still be in flight lies in these spans
    std::size_t recent_ = 0;
    std::vector<std::uint32_t> psum_ready_; ///< cycles of the layer; by word: when its last update can be read
    ReadEngine weight_engine_, input_engine_;
    PsumReader psum_reader_;
    const CompiledPlan* plan_ = nullptr;
    bool active_ = false;
    std::deque<Credit> credits_; ///< to be returned
    std::size_t operand2_tile_ = 0;
    std::int64_t operand2_left_ = 0;
    int drain_scanned_ = 0; ///< words of the request at the front known to be present
    // Of the entries at the fronts of the channels: words that their port has moved, or beats that it still has to.
    int filled_words_ = 0, stored_words_ = 0;
    int update_left_ = 0, operand2_left_beats_ = 0, drain_left_ = 0;
    std::int64_t results_left_ = 0;
    bool done_pending_ = false;
    Cycle layer_start_ = 0;
    Stats stats_;
    LedgerOf<Cause> ledger_;
};

} // namespace heddle
