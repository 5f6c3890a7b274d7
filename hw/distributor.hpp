// The networks that carry weights and inputs from the buffer's ports to the edge of the array: a port beat becomes as
// many network beats as its words need. What a word drives inside the array (hops) is counted there.
#pragma once

#include "hw/beats.hpp"
#include "hw/channel.hpp"
#include "hw/ledger.hpp"

namespace heddle {

class Distributor : public Block {
public:
    enum class Cause { busy, blocked, idle, count };

    Distributor(const sc_core::sc_module_name& name, const HardwareConfig& hardware, Channel<OperandBeat>& weights_in,
                Channel<OperandBeat>& inputs_in, Channel<OperandBeat>& weights_out, Channel<OperandBeat>& inputs_out);

    Cycle tick(Cycle now) override;
    std::string status() const override;
    void begin_layer(Cycle now);
    void end_layer(Cycle now) { ledger_.settle(now); }

    const LedgerOf<Cause>& ledger() const { return ledger_; }

private:
    struct Network {
        Channel<OperandBeat>* in;
        Channel<OperandBeat>* out;
        int words_per_beat;
        int sent; ///< lanes of the beat at the front that have left
    };
    bool forward(Network& n, Cycle now);

    Network networks_[2];
    LedgerOf<Cause> ledger_;
};

} // namespace heddle
