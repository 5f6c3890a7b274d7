#include "sim/map_store.hpp"

#include "dnn/base/error.hpp"

#include <algorithm>

namespace heddle {

MapStore::MapStore(const Network& net, const HardwareConfig& hw)
    : net_(net), hw_(hw), places_(net.layers.size()), last_reader_(net.layers.size(), 0), maps_(net.layers.size()),
      compressed_(net.layers.size())
{
    const int count = static_cast<int>(net.layers.size());
    for (int i = 0; i < count; ++i) places_[static_cast<std::size_t>(i)] = map_place(net, i);
    for (int i = count - 1; i >= 0; --i) {
        const Layer& l = net.layers[static_cast<std::size_t>(i)];
        if (l.op != Op::concat) continue;
        MapPlace expected = place(i);
        for (int in : l.inputs) {
            const Op op = net.layers[static_cast<std::size_t>(in)].op;
            if (!(place(in) == expected) || op == Op::input || op == Op::reshape)
                throw UserError("layer " + l.name + ": its input " + net.layers[static_cast<std::size_t>(in)].name +
                                " lies elsewhere already (a map can feed one concat, and must be computed)");
            expected.channel_offset += net.layers[static_cast<std::size_t>(in)].out_shape[1];
        }
    }
    for (int i = 0; i < count; ++i)
        for (int in : net.layers[static_cast<std::size_t>(i)].inputs) {
            const int owner = place(in).owner;
            last_reader_[static_cast<std::size_t>(owner)] = std::max(last_reader_[static_cast<std::size_t>(owner)], i);
        }
    for (int i = count - 1; i >= 0; --i) // what is read under another name lives as long as that name
        for (int in : net.layers[static_cast<std::size_t>(i)].inputs) {
            int& last = last_reader_[static_cast<std::size_t>(place(in).owner)];
            if (place(i).owner == place(in).owner)
                last = std::max(last, last_reader_[static_cast<std::size_t>(place(i).owner)]);
        }
}

std::vector<std::int16_t>& MapStore::words(int layer)
{
    const MapPlace& p = place(layer);
    std::vector<std::int16_t>& map = maps_[static_cast<std::size_t>(p.owner)];
    if (map.empty())
        map.resize(static_cast<std::size_t>(word_count(net_.layers[static_cast<std::size_t>(p.owner)].out_shape)));
    return map;
}

std::size_t MapStore::index(int layer, const Shape4& s, int n, int c, int pixel) const
{
    const MapPlace& p = place(layer);
    const std::size_t plane = static_cast<std::size_t>(s[2]) * s[3], at = static_cast<std::size_t>(pixel);
    const std::size_t image = static_cast<std::size_t>(n), channel = static_cast<std::size_t>(p.channel_offset + c);
    const std::size_t stored = static_cast<std::size_t>(p.channel_stride);
    return hw_.dram.map_layout == MapLayout::planes ? (image * stored + channel) * plane + at
                                                    : (image * plane + at) * stored + channel;
}

int MapStore::unit_words(int layer) const
{
    const Layer& owner = net_.layers[static_cast<std::size_t>(place(layer).owner)];
    if (!hw_.dram.compression.maps || owner.op == Op::input) return 1;
    return compression_unit_words(hw_, owner.out_shape[2], owner.out_shape[3]);
}

CompressedMap* MapStore::compressed(int layer)
{
    const int words = unit_words(layer);
    if (words == 1) return nullptr;
    const std::size_t owner = static_cast<std::size_t>(place(layer).owner);
    if (!compressed_[owner])
        compressed_[owner] = std::make_unique<CompressedMap>(
            run_length_format(hw_), word_count(net_.layers[owner].out_shape), words, dram_burst_bytes(hw_));
    return compressed_[owner].get();
}

/// Calls move(unit, first word of the unit in the layer's own tensor).
template <typename Move> void MapStore::each_unit(int layer, const Move& move) const
{
    const Shape4& s = net_.layers[static_cast<std::size_t>(layer)].out_shape;
    const int words = unit_words(layer), plane = s[2] * s[3];
    for (int n = 0; n < s[0]; ++n)
        for (int c = 0; c < s[1]; ++c)
            for (int i = 0; i < plane; i += words)
                move(static_cast<std::int64_t>(index(layer, s, n, c, i)) / words,
                     (static_cast<std::size_t>(n) * s[1] + c) * plane + i);
}

void MapStore::write(int layer, const Tensor& values)
{
    if (CompressedMap* map = compressed(layer)) {
        each_unit(layer, [&](std::int64_t unit, std::size_t word) { map->encode(unit, &values.data[word]); });
        return;
    }
    const Shape4& s = values.shape;
    std::vector<std::int16_t>& map = words(layer);
    for (int n = 0; n < s[0]; ++n)
        for (int c = 0; c < s[1]; ++c)
            for (int i = 0; i < s[2] * s[3]; ++i)
                map[index(layer, s, n, c, i)] = values.data[(static_cast<std::size_t>(n) * s[1] + c) * s[2] * s[3] + i];
}

Tensor MapStore::read(int layer) const
{
    const Layer& l = net_.layers[static_cast<std::size_t>(layer)];
    Tensor t(l.out_shape);
    if (l.op == Op::reshape) { // the same words in the same order
        t.data = read(l.inputs.front()).data;
        return t;
    }
    const std::size_t owner = static_cast<std::size_t>(place(layer).owner);
    if (const CompressedMap* map = compressed_[owner].get()) {
        each_unit(layer, [&](std::int64_t unit, std::size_t word) { map->decode(unit, &t.data[word]); });
        return t;
    }
    const std::vector<std::int16_t>& map = maps_[owner];
    const Shape4& s = t.shape;
    for (int n = 0; n < s[0]; ++n)
        for (int c = 0; c < s[1]; ++c)
            for (int i = 0; i < s[2] * s[3]; ++i)
                t.data[(static_cast<std::size_t>(n) * s[1] + c) * s[2] * s[3] + i] = map[index(layer, s, n, c, i)];
    return t;
}

void MapStore::forget_before(int layer)
{
    for (std::size_t i = 0; i < maps_.size(); ++i)
        if (last_reader_[i] < layer && static_cast<int>(i) < layer) {
            std::vector<std::int16_t>().swap(maps_[i]);
            compressed_[i].reset();
        }
}

} // namespace heddle
