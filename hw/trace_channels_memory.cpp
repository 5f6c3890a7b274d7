// The fields of what travels between the DRAM, the DMA and the global buffer.
#include "hw/trace_channels.hpp"

#include <algorithm>

namespace heddle {

Signal* ChannelTracer::memory_data(const std::string& path, std::size_t words)
{
    // A request of parameters is shorter than one of map words but its values are wider.
    const Precision& p = plan_.hardware().precision;
    const int burst_bits = plan_.hardware().dma.max_burst_bytes * 8;
    const int map_bits = (burst_bits / std::min({p.weight_bits, p.input_bits, 8}) + 1) * operand_bits();
    const int parameters =
        3 * (plan_.hardware().dma.max_burst_bytes / plan_.hardware().post.parameter_bytes_per_channel + 1);
    const int words_bits = std::max(map_bits, parameters * 32);
    return table_.packed(at(path, "data"), 1, std::min(words_bits, static_cast<int>(words) * 32));
}

void ChannelTracer::show_data(Signal* signal, Region region, const std::vector<std::int32_t>& words, int count) const
{
    show_words(signal, words, count * MemoryImage::values_per_word(region), bits_of(region));
}

ChannelTracer::Fields<MemoryRequest> ChannelTracer::fields(const std::string& path, const MemoryRequest& prototype)
{
    Signal* region = table_.name(at(path, "region"), region_names());
    Signal* write = table_.bit(at(path, "write"));
    Signal* address = table_.add(at(path, "address"), 40, SignalForm::decimal);
    Signal* bytes = number(at(path, "bytes"), plan_.hardware().dma.max_burst_bytes);
    Signal* first = table_.add(at(path, "first_word"), word_bits(), SignalForm::decimal);
    Signal* words = number(at(path, "words"), static_cast<std::int64_t>(prototype.data.size()));
    Signal* tile = number(at(path, "tile"), static_cast<std::int64_t>(plan_.tiles().size()));
    Signal* data = memory_data(path, prototype.data.size());
    return [=](const MemoryRequest& r) {
        show(region, static_cast<int>(r.region));
        show(write, r.write);
        show(address, static_cast<std::int64_t>(r.address));
        show(bytes, r.bytes);
        show(first, r.first_word);
        show(words, r.words);
        show(tile, r.tile);
        if (r.write && !r.encoded()) show_data(data, r.region, r.data, r.words);
    };
}

ChannelTracer::Fields<MemoryResponse> ChannelTracer::fields(const std::string& path, const MemoryResponse& prototype)
{
    Signal* region = table_.name(at(path, "region"), region_names());
    Signal* write = table_.bit(at(path, "write"));
    Signal* first = table_.add(at(path, "first_word"), word_bits(), SignalForm::decimal);
    Signal* words = number(at(path, "words"), static_cast<std::int64_t>(prototype.data.size()));
    Signal* tile = number(at(path, "tile"), static_cast<std::int64_t>(plan_.tiles().size()));
    Signal* data = memory_data(path, prototype.data.size());
    return [=](const MemoryResponse& r) {
        show(region, static_cast<int>(r.region));
        show(write, r.write);
        show(first, r.first_word);
        show(words, r.words);
        show(tile, r.tile);
        if (!r.write && !r.encoded()) show_data(data, r.region, r.data, r.words);
    };
}

ChannelTracer::Fields<FillBeat> ChannelTracer::fields(const std::string& path, const FillBeat& prototype)
{
    Signal* region = table_.name(at(path, "region"), region_names());
    Signal* first = table_.add(at(path, "first_word"), word_bits(), SignalForm::decimal);
    Signal* count = number(at(path, "count"), static_cast<std::int64_t>(prototype.word.size()));
    Signal* tile = number(at(path, "tile"), static_cast<std::int64_t>(plan_.tiles().size()));
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
    Signal* region = table_.name(at(path, "region"), region_names());
    Signal* words = table_.add(at(path, "words"), word_bits(), SignalForm::decimal);
    return [=](const Credit& c) {
        show(region, static_cast<int>(c.region));
        show(words, c.words);
    };
}

ChannelTracer::Fields<DrainRequest> ChannelTracer::fields(const std::string& path, const DrainRequest&)
{
    Signal* first = table_.add(at(path, "first_word"), word_bits(), SignalForm::decimal);
    Signal* count = number(at(path, "count"), 1 << 15);
    return [=](const DrainRequest& r) {
        show(first, r.first_word);
        show(count, r.count);
    };
}

} // namespace heddle
