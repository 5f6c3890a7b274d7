#include "hw/distributor.hpp"

#include <algorithm>

namespace heddle {

Distributor::Distributor(const sc_core::sc_module_name& name, const HardwareConfig& hardware,
                         Channel<OperandBeat>& weights_in, Channel<OperandBeat>& inputs_in,
                         Channel<OperandBeat>& weights_out, Channel<OperandBeat>& inputs_out)
    : Block(name), networks_{{&weights_in, &weights_out, hardware.weight_network.words_per_beat, 0},
                             {&inputs_in, &inputs_out, hardware.input_network.words_per_beat, 0}}
{
    for (Network& n : networks_) {
        n.in->bind_reader(*this);
        n.out->bind_writer(*this);
    }
}

void Distributor::begin_layer(Cycle now)
{
    ledger_.restart(now, Cause::idle);
}

bool Distributor::forward(Network& n, Cycle now)
{
    // Splitting a beat is our doing; else what is missing here is what was missing before.
    n.out->set_reason(now, n.sent > 0 ? Reason::network : n.in->reason(now));
    if (!n.in->can_pop(now) || !n.out->can_push(now)) return false;
    const OperandBeat& from = n.in->front();
    OperandBeat& to = n.out->push(now);
    const int count = std::min(n.words_per_beat, from.count - n.sent);
    to.first = from.first + n.sent;
    to.dense = from.dense;
    if (!from.dense) std::copy_n(from.lane.begin() + n.sent, count, to.lane.begin());
    to.entry = from.entry;
    to.mixed = from.mixed;
    if (from.mixed) std::copy_n(from.entries.begin() + n.sent, count, to.entries.begin());
    to.through = from.through;
    if (n.sent == 0)
        copy_words(to.word, from.word, count);
    else
        std::copy_n(from.word.begin() + n.sent, count, to.word.begin());
    to.count = count;
    to.words_read = from.words_read;
    n.sent += count;
    const bool complete = n.sent == from.count;
    to.last = from.last && complete;
    if (!complete) return true;
    n.sent = 0;
    n.in->pop(now);
    return true;
}

Cycle Distributor::tick(Cycle now)
{
    const bool w = forward(networks_[0], now), i = forward(networks_[1], now);
    if (w || i) { // look again in the next cycle, which then books itself
        ledger_.mark(now, Cause::busy);
        return now + 1;
    }
    const bool waiting = networks_[0].in->can_pop(now) || networks_[1].in->can_pop(now);
    const Cause then = waiting ? Cause::blocked : Cause::idle;
    ledger_.mark(now, then);
    Cycle next = never;
    for (const Network& n : networks_)
        if (n.in->front_ready() != never && n.out->can_push(now + 1))
            next = std::min(next, std::max(now + 1, n.in->front_ready()));
    return next;
}

std::string Distributor::status() const
{
    return std::string(networks_[0].in->empty() ? "no weights" : "weights waiting") + ", " +
           (networks_[1].in->empty() ? "no inputs" : "inputs waiting");
}

} // namespace heddle
