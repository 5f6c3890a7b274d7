#include "hw/trace_channels.hpp"

#include <algorithm>

namespace heddle {

const SignalNames& region_names()
{
    static const SignalNames names{"weights", "inputs", "operand2", "parameters", "outputs"};
    return names;
}

int ChannelTracer::operand_bits() const
{
    const Precision& p = plan_.hardware().precision;
    return std::max(p.weight_bits, p.input_bits);
}

/// The buffers of a beat are padded; this many words can be used.
int ChannelTracer::widest_beat() const
{
    const HardwareConfig& hw = plan_.hardware();
    const GlobalBufferConfig& g = hw.global_buffer;
    return std::max({hw.weight_network.words_per_beat, hw.input_network.words_per_beat, hw.psum_network.words_per_beat,
                     hw.array.cols, hw.array.rows, g.weights.read_port.words, g.inputs.read_port.words,
                     hw.post.words_per_cycle});
}

int ChannelTracer::word_bits() const
{
    return bits_for(std::max({plan_.weights().words, plan_.inputs().words, plan_.outputs().words,
                              plan_.has_operand2() ? plan_.operand2().words : 0}));
}

template <typename T> void ChannelTracer::add(const char* writer, const Channel<T>& c)
{
    const std::string scope = std::string(writer) + "." + c.name();
    const std::size_t before = table_.all().size();
    Signal* valid = table_.bit(at(scope, "valid"));
    Signal* ready = table_.bit(at(scope, "ready"));
    const Fields<T> show_fields = fields(scope, c.front());
    Signal* push = table_.bit(at(scope, "push"));
    Signal* room = table_.bit(at(scope, "room"));
    Register fill(number(at(scope, "fill"), c.depth()));
    if (table_.all().size() == before) return;
    probes_.push_back([=, &c](Cycle now) mutable {
        const bool popped = c.popped_in(now), offered = popped || c.can_pop(now);
        show(valid, offered);
        show(ready, popped);
        show(push, c.pushed_in(now));
        show(room, c.had_room_in(now));
        fill.clock(c.fill());
        if (offered) show_fields(popped ? c.popped() : c.front());
    });
}

ChannelTracer::Fields<Command> ChannelTracer::fields(const std::string&, const Command&)
{
    return [](const Command&) {};
}

ChannelTracer::Fields<OperandBeat> ChannelTracer::fields(const std::string& path, const OperandBeat& prototype)
{
    const int lanes = std::min(static_cast<int>(prototype.word.size()), widest_beat());
    Signal* first = number(at(path, "first_lane"), plan_.hardware().macs());
    Signal* count = number(at(path, "count"), lanes);
    Signal* read = number(at(path, "words_read"), lanes);
    Signal* last = table_.bit(at(path, "last"));
    Signal* data = table_.packed(at(path, "data"), lanes, operand_bits());
    return [=, bits = operand_bits()](const OperandBeat& b) {
        show(first, b.first);
        show(count, b.count);
        show(read, b.words_read);
        show(last, b.last);
        show_words(data, b.word, b.count, bits);
    };
}

ChannelTracer::Fields<PsumBeat> ChannelTracer::fields(const std::string& path, const PsumBeat& prototype)
{
    const int lanes = std::min(static_cast<int>(prototype.value.size()), widest_beat());
    Signal* count = number(at(path, "count"), lanes);
    Signal* first = table_.bit(at(path, "first"));
    Signal* last = table_.bit(at(path, "last"));
    Signal* data = table_.packed(at(path, "data"), lanes, plan_.hardware().precision.psum_bits);
    Signal* word = table_.packed(at(path, "out_words"), lanes, word_bits());
    return [=, bits = plan_.hardware().precision.psum_bits, index_bits = word_bits()](const PsumBeat& b) {
        show(count, b.count);
        show(first, b.first);
        show(last, b.last);
        show_words(data, b.value, b.count, bits);
        show_words(word, b.out_word, b.count, index_bits);
    };
}

ChannelTracer::Fields<Operand2Request> ChannelTracer::fields(const std::string& path, const Operand2Request& prototype)
{
    const int lanes = static_cast<int>(prototype.word.size());
    Signal* count = number(at(path, "count"), lanes);
    Signal* word = table_.packed(at(path, "words"), lanes, word_bits());
    return [=, bits = word_bits()](const Operand2Request& r) {
        show(count, r.count);
        show_words(word, r.word, r.count, bits);
    };
}

ChannelTracer::Fields<Operand2Beat> ChannelTracer::fields(const std::string& path, const Operand2Beat& prototype)
{
    const int lanes = static_cast<int>(prototype.word.size());
    Signal* count = number(at(path, "count"), lanes);
    Signal* data = table_.packed(at(path, "data"), lanes, operand_bits());
    return [=, bits = operand_bits()](const Operand2Beat& b) {
        show(count, b.count);
        show_words(data, b.word, b.count, bits);
    };
}

ChannelTracer::Fields<ResultBeat> ChannelTracer::fields(const std::string& path, const ResultBeat& prototype)
{
    const int lanes = static_cast<int>(prototype.word.size());
    Signal* count = number(at(path, "count"), lanes);
    Signal* data = table_.packed(at(path, "data"), lanes, operand_bits());
    Signal* word = table_.packed(at(path, "out_words"), lanes, word_bits());
    return [=, bits = operand_bits(), index_bits = word_bits()](const ResultBeat& b) {
        show(count, b.count);
        show_words(data, b.word, b.count, bits);
        show_words(word, b.out_word, b.count, index_bits);
    };
}

void ChannelTracer::visit(const char* writer, const Channel<Command>& c)
{
    add(writer, c);
}
void ChannelTracer::visit(const char* writer, const Channel<MemoryRequest>& c)
{
    add(writer, c);
}
void ChannelTracer::visit(const char* writer, const Channel<MemoryResponse>& c)
{
    add(writer, c);
}
void ChannelTracer::visit(const char* writer, const Channel<FillBeat>& c)
{
    add(writer, c);
}
void ChannelTracer::visit(const char* writer, const Channel<Credit>& c)
{
    add(writer, c);
}
void ChannelTracer::visit(const char* writer, const Channel<DrainRequest>& c)
{
    add(writer, c);
}
void ChannelTracer::visit(const char* writer, const Channel<OperandBeat>& c)
{
    add(writer, c);
}
void ChannelTracer::visit(const char* writer, const Channel<PsumBeat>& c)
{
    add(writer, c);
}
void ChannelTracer::visit(const char* writer, const Channel<Operand2Request>& c)
{
    add(writer, c);
}
void ChannelTracer::visit(const char* writer, const Channel<Operand2Beat>& c)
{
    add(writer, c);
}
void ChannelTracer::visit(const char* writer, const Channel<ResultBeat>& c)
{
    add(writer, c);
}

} // namespace heddle
