#include "hw/collector.hpp"

#include <algorithm>

namespace heddle {

Collector::Collector(const sc_core::sc_module_name& name, Channel<PsumBeat>& array_in, Channel<PsumBeat>& buffer_out,
                     Channel<PsumBeat>& post_out)
    : Block(name), array_in_(array_in), buffer_out_(buffer_out), post_out_(post_out)
{
    array_in_.bind_reader(*this);
    buffer_out_.bind_writer(*this);
    post_out_.bind_writer(*this);
}

void Collector::begin_layer(Cycle now, bool has_operand2)
{
    has_operand2_ = has_operand2;
    ledger_.restart(now, Cause::idle);
}

Cycle Collector::tick(Cycle now)
{
    if (!array_in_.can_pop(now)) {
        ledger_.mark(now, Cause::idle);
        return never;
    }
    const PsumBeat& from = array_in_.front();
    Channel<PsumBeat>& out = from.complete ? post_out_ : buffer_out_;
    if (!out.can_push(now)) {
        ledger_.mark(now, Cause::output_blocked);
        return never;
    }
    PsumBeat& to = out.push(now);
    to.count = from.count;
    to.first = from.first;
    to.last = from.last;
    to.complete = from.complete;
    to.adjacent = from.adjacent;
    copy_words(to.value, from.value, from.count);
    copy_words(to.out_word, from.out_word, from.count);
    if (has_operand2_) copy_words(to.operand2_word, from.operand2_word, from.count);
    array_in_.pop(now);
    ledger_.mark(now, Cause::busy, Cause::idle);
    return never; // the pop above wakes us for the next beat
}

std::string Collector::status() const
{
    return array_in_.empty() ? "nothing" : "psums waiting";
}

} // namespace heddle
