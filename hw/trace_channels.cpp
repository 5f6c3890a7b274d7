#include "hw/trace_channels.hpp"

#include <algorithm>

namespace heddle {

namespace {

/// Names of signals that begin with a scope.
std::string at(const std::string& scope, const char* name)
{
    return scope + "." + name;
}

template <typename Word> void show_words(Signal* signal, const std::vector<Word>& words, int count, int bits)
{
    if (signal) signal->show_words(words, count, bits);
}

} // namespace

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

Signal* ChannelTracer::memory_data(const std::string& path, std::size_t words)
{
    // A request of parameters is shorter than one of map words but its values are wider.
    const Precision& p = plan_.hardware().precision;
    const int burst_bits = plan_.hardware().dma.max_burst_bytes * 8;
    const int map_bits = (burst_bits / std::min({p.weight_bits, p.input_bits, 8}) + 1) * operand_bits();
    const int parameters =
        3 * (plan_.hardware().dma.max_burst_bytes / plan_.hardware().post.parameter_bytes_per_channel + 1);
    const int words_bits = std::max(map_bits, parameters * 32);
    return table_.packed(at(path, "data"), 1, std::min(words_bits, static_cast<int>(words) * 32), 0.15);
}

void ChannelTracer::show_data(Signal* signal, Region region, const std::vector<std::int32_t>& words, int count) const
{
    show_words(signal, words, count * MemoryImage::values_per_word(region), bits_of(region));
}

ChannelTracer::Fields<Command> ChannelTracer::fields(const std::string&, const Command&)
{
    return [](const Command&) {};
}

ChannelTracer::Fields<MemoryRequest> ChannelTracer::fields(const std::string& path, const MemoryRequest& prototype)
{
    Signal* region = table_.name(at(path, "region"), region_names());
    Signal* write = table_.bit(at(path, "write"), 0.05);
    Signal* address = table_.add(at(path, "address"), 40, SignalForm::decimal, 0.2);
    Signal* bytes = number(at(path, "bytes"), plan_.hardware().dma.max_burst_bytes);
    Signal* first = table_.add(at(path, "first_word"), word_bits(), SignalForm::decimal, 0.2);
    Signal* words = number(at(path, "words"), static_cast<std::int64_t>(prototype.data.size()));
    Signal* tile = number(at(path, "tile"), static_cast<std::int64_t>(plan_.tiles().size()), 0.01);
    Signal* data = memory_data(path, prototype.data.size());
    return [=](const MemoryRequest& r) {
        show(region, static_cast<int>(r.region));
        show(write, r.write);
        show(address, static_cast<std::int64_t>(r.address));
        show(bytes, r.bytes);
        show(first, r.first_word);
        show(words, r.words);
        show(tile, r.tile);
        if (r.write) show_data(data, r.region, r.data, r.words);
    };
}

ChannelTracer::Fields<MemoryResponse> ChannelTracer::fields(const std::string& path, const MemoryResponse& prototype)
{
    Signal* region = table_.name(at(path, "region"), region_names());
    Signal* write = table_.bit(at(path, "write"), 0.05);
    Signal* first = table_.add(at(path, "first_word"), word_bits(), SignalForm::decimal, 0.2);
    Signal* words = number(at(path, "words"), static_cast<std::int64_t>(prototype.data.size()));
    Signal* tile = number(at(path, "tile"), static_cast<std::int64_t>(plan_.tiles().size()), 0.01);
    Signal* data = memory_data(path, prototype.data.size());
    return [=](const MemoryResponse& r) {
        show(region, static_cast<int>(r.region));
        show(write, r.write);
        show(first, r.first_word);
        show(words, r.words);
        show(tile, r.tile);
        if (!r.write) show_data(data, r.region, r.data, r.words);
    };
}

ChannelTracer::Fields<FillBeat> ChannelTracer::fields(const std::string& path, const FillBeat& prototype)
{
    Signal* region = table_.name(at(path, "region"), region_names());
    Signal* first = table_.add(at(path, "first_word"), word_bits(), SignalForm::decimal, 0.2);
    Signal* count = number(at(path, "count"), static_cast<std::int64_t>(prototype.word.size()));
    Signal* tile = number(at(path, "tile"), static_cast<std::int64_t>(plan_.tiles().size()), 0.01);
    Signal* data = memory_data(path, prototype.word.size());
    return [=](const FillBeat& b) {
        show(region, static_cast<int>(b.region));
        show(first, b.first_word);
        show(count, b.count);
        show(tile, b.tile);
        show_data(data, b.region, b.word, b.count);
    };
}

ChannelTracer::Fields<Credit> ChannelTracer::fields(const std::string& path, const Credit&)
{
    Signal* region = table_.name(at(path, "region"), region_names(), 0.01);
    Signal* words = table_.add(at(path, "words"), word_bits(), SignalForm::decimal, 0.01);
    return [=](const Credit& c) {
        show(region, static_cast<int>(c.region));
        show(words, c.words);
    };
}

ChannelTracer::Fields<DrainRequest> ChannelTracer::fields(const std::string& path, const DrainRequest&)
{
    Signal* first = table_.add(at(path, "first_word"), word_bits(), SignalForm::decimal, 0.1);
    Signal* count = number(at(path, "count"), 1 << 15, 0.05);
    return [=](const DrainRequest& r) {
        show(first, r.first_word);
        show(count, r.count);
    };
}

ChannelTracer::Fields<OperandBeat> ChannelTracer::fields(const std::string& path, const OperandBeat& prototype)
{
    const std::int64_t lanes = static_cast<std::int64_t>(prototype.word.size());
    Signal* first = number(at(path, "first_lane"), lanes * 1024, 0.1);
    Signal* count = number(at(path, "count"), lanes, 0.1);
    Signal* read = number(at(path, "words_read"), lanes);
    Signal* last = table_.bit(at(path, "last"), 0.1);
    Signal* data = table_.packed(at(path, "data"), static_cast<int>(lanes), operand_bits(), 0.4);
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
    const int lanes = static_cast<int>(prototype.value.size());
    Signal* count = number(at(path, "count"), lanes, 0.1);
    Signal* first = table_.bit(at(path, "first"), 0.01);
    Signal* last = table_.bit(at(path, "last"), 0.01);
    Signal* data = table_.packed(at(path, "data"), lanes, plan_.hardware().precision.psum_bits, 0.25);
    Signal* word = table_.packed(at(path, "out_words"), lanes, word_bits(), 0.25);
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
    Signal* count = number(at(path, "count"), lanes, 0.05);
    Signal* word = table_.packed(at(path, "words"), lanes, word_bits(), 0.1);
    return [=, bits = word_bits()](const Operand2Request& r) {
        show(count, r.count);
        show_words(word, r.word, r.count, bits);
    };
}

ChannelTracer::Fields<Operand2Beat> ChannelTracer::fields(const std::string& path, const Operand2Beat& prototype)
{
    const int lanes = static_cast<int>(prototype.word.size());
    Signal* count = number(at(path, "count"), lanes, 0.05);
    Signal* data = table_.packed(at(path, "data"), lanes, operand_bits(), 0.1);
    return [=, bits = operand_bits()](const Operand2Beat& b) {
        show(count, b.count);
        show_words(data, b.word, b.count, bits);
    };
}

ChannelTracer::Fields<ResultBeat> ChannelTracer::fields(const std::string& path, const ResultBeat& prototype)
{
    const int lanes = static_cast<int>(prototype.word.size());
    Signal* count = number(at(path, "count"), lanes, 0.1);
    Signal* data = table_.packed(at(path, "data"), lanes, operand_bits(), 0.25);
    Signal* word = table_.packed(at(path, "out_words"), lanes, word_bits(), 0.25);
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
