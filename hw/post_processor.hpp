// Bias, requantisation, clamp (ReLU, ReLU6), residual add, pooling: words_per_cycle words a cycle.
//
// Complete psums come from the collector or, when they accumulated there, from the global buffer; the windows of
// pooling and stand-alone adds come from the buffer's input partition. A second operand is asked of the buffer as
// results pass. All arithmetic is dnn/quantize.hpp's rule, in 64 bits.
#pragma once

#include "hw/beats.hpp"
#include "hw/channel.hpp"
#include "hw/ledger.hpp"
#include "hw/pool_unit.hpp"

#include <deque>

namespace heddle {

class PostProcessor : public Block {
public:
    enum class Cause { busy, parameters_missing, operand2_missing, output_blocked, idle, count };

    struct Channels {
        Channel<Command>& command_in;
        Channel<FillBeat>& parameters_in;
        Channel<PsumBeat>& collector_in;
        Channel<PsumBeat>& buffer_in;
        Channel<OperandBeat>& windows_in;
        Channel<Operand2Request>& operand2_out;
        Channel<Operand2Beat>& operand2_in;
        Channel<ResultBeat>& results_out;
        Channel<Command>& done_out; ///< one token when the layer's last psum has been taken
    };

    PostProcessor(const sc_core::sc_module_name& name, const HardwareConfig& hardware, const Channels& channels,
                  int beat_words);

    Cycle tick(Cycle now) override;
    std::string status() const override;
    /// Resident memory: the parameters are there from the start.
    void begin_layer(Cycle now, const std::vector<std::int32_t>* resident_parameters);
    void end_layer(Cycle now) { ledger_.settle(now); }

    struct Stats {
        std::int64_t words_in = 0, words_out = 0, adds = 0, multiplies = 0, compares = 0;
        std::int64_t parameter_words = 0;
    };
    const Stats& stats() const { return stats_; }
    const LedgerOf<Cause>& ledger() const { return ledger_; }
    std::int64_t adds_waiting() const { return static_cast<std::int64_t>(waiting_count_); }

private:
    struct Waiting { ///< requantised, the second operand on its way
        int count = 0;
        std::vector<std::int32_t> value, out_word;
    };

    bool take_parameters(Cycle now);
    bool finish_add(Cycle now);
    bool finish_pool(Cycle now);
    void pool(const PsumBeat& beat);
    int cycles_of(int words) const;
    bool worked(const ChannelBase& in, int words, Cycle now);
    bool take_psums(Channel<PsumBeat>& in, Cycle now);
    bool take_window(Cycle now);
    bool can_pass_on(Cycle now) const;
    void pass_on(int count, const std::vector<std::int32_t>& out_word, const std::vector<std::int32_t>& operand2_word,
                 Cycle now);
    std::int32_t requantized(std::int32_t psum, std::int32_t out_word) const;
    std::int32_t pooled(std::size_t lane) const;
    bool parameters_ready() const { return parameter_count_ >= setup_->channels; }

    const HardwareConfig& hw_;
    Channels io_;
    const PostSetup* setup_ = nullptr;
    std::vector<std::int32_t> parameters_;
    int parameter_count_ = 0;         ///< channels whose parameters have arrived
    std::vector<std::int32_t> value_; ///< results of the beat in work
    std::vector<std::int64_t> window_sum_;
    std::vector<std::int32_t> window_max_, window_valid_;
    std::vector<Waiting> waiting_; ///< ring
    std::size_t waiting_head_ = 0, waiting_count_ = 0;
    PoolUnit pool_;
    std::int64_t psums_left_ = 0; ///< of the layer: some may lie in no pooling window
    bool done_sent_ = true;
    std::size_t pooled_sent_ = 0; ///< of the completed windows
    Cycle busy_until_ = 0;
    const ChannelBase* working_ = nullptr; ///< whose front beat is in work
    const std::vector<std::int32_t>* resident_ = nullptr;
    Stats stats_;
    LedgerOf<Cause> ledger_;
};

} // namespace heddle
