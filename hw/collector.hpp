// Carries psums from the array to where they belong: unfinished ones to the buffer's psum partition, complete ones that
// never needed it straight to the PostProcessor.
#pragma once

#include "hw/beats.hpp"
#include "hw/channel.hpp"
#include "hw/ledger.hpp"

namespace heddle {

class Collector : public Block {
public:
    enum class Cause { busy, output_blocked, idle, count };

    Collector(const sc_core::sc_module_name& name, Channel<PsumBeat>& array_in, Channel<PsumBeat>& buffer_out,
              Channel<PsumBeat>& post_out);

    Cycle tick(Cycle now) override;
    std::string status() const override;
    void begin_layer(Cycle now, bool has_operand2);
    void end_layer(Cycle now) { ledger_.settle(now); }

    const LedgerOf<Cause>& ledger() const { return ledger_; }

private:
    Channel<PsumBeat>& array_in_;
    Channel<PsumBeat>& buffer_out_;
    Channel<PsumBeat>& post_out_;
    bool has_operand2_ = false;
    LedgerOf<Cause> ledger_;
};

} // namespace heddle
