// Hands the layer's program to every block and waits until its last word is written.
#pragma once

#include "hw/beats.hpp"
#include "hw/channel.hpp"

#include <vector>

namespace heddle {

class Controller : public Block {
public:
    /// `done_in`: one token each from the global buffer, the DMA and the PostProcessor per layer.
    Controller(const sc_core::sc_module_name& name, std::vector<Channel<Command>*> commands_out,
               std::vector<Channel<Command>*> done_in);

    Cycle tick(Cycle now) override;
    std::string status() const override;
    /// The host hands over the next layer; blocks learn of it at `start`.
    void begin_layer(const Command& command, Cycle start);
    const bool& done() const { return done_; }

private:
    std::vector<Channel<Command>*> commands_out_, done_in_;
    Command command_;
    Cycle start_ = 0;
    std::size_t sent_ = 0, tokens_ = 0;
    bool done_ = true;
};

} // namespace heddle
