#include "hw/controller.hpp"

namespace heddle {

Controller::Controller(const sc_core::sc_module_name& name, std::vector<Channel<Command>*> commands_out,
                       std::vector<Channel<Command>*> done_in)
    : Block(name), commands_out_(std::move(commands_out)), done_in_(std::move(done_in))
{
    for (Channel<Command>* c : commands_out_) c->bind_writer(*this);
    for (Channel<Command>* c : done_in_) c->bind_reader(*this);
}

void Controller::begin_layer(const Command& command, Cycle start)
{
    command_ = command;
    start_ = start;
    sent_ = tokens_ = 0;
    done_ = false;
}

Cycle Controller::tick(Cycle now)
{
    if (done_) return never;
    if (now < start_) return start_; // the array changes its dataflow
    if (sent_ == 0) {                // all blocks learn of the layer in the same cycle
        for (Channel<Command>* c : commands_out_) c->push(now) = command_;
        sent_ = commands_out_.size();
    }
    for (Channel<Command>* c : done_in_) {
        if (!c->can_pop(now)) continue;
        c->pop(now);
        ++tokens_;
    }
    done_ = tokens_ == done_in_.size();
    return never;
}

std::string Controller::status() const
{
    return done_ ? "no layer" : std::to_string(tokens_) + " of " + std::to_string(done_in_.size()) + " blocks done";
}

} // namespace heddle
