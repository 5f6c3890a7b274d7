#include "hw/map_codec.hpp"

#include <algorithm>
#include <stdexcept>

namespace heddle {

void MapReader::begin_layer(const MemoryImage& image, int max_bytes)
{
    image_ = &image;
    max_bytes_ = max_bytes;
    requests_.clear();
    next_ = 0;
    open_.clear();
    for (Region r : {Region::inputs, Region::operand2})
        if (reads(r)) index_[static_cast<int>(r)] = CodeIndex(*image.compressed[static_cast<int>(r)]);
}

void MapReader::start(Region region, const TensorLayout& layout, const std::vector<Box>& boxes)
{
    const std::size_t r = static_cast<std::size_t>(region);
    region_ = region;
    requests_ = code_requests(*image_->compressed[r], index_[r], layout, boxes, image_->address[r], max_bytes_);
    next_ = 0;
}

void MapReader::issue(MemoryRequest& r)
{
    const CodeRequest& c = requests_[next_++];
    const std::size_t region = static_cast<std::size_t>(region_);
    const CompressedMap& map = *image_->compressed[region];
    r.codes = c.codes;
    r.unit = c.unit;
    r.first_code = c.first_code;
    r.address = image_->address[region] + static_cast<std::uint64_t>(map.byte_address(c.unit, c.first_code));
    r.bytes = c.codes * map.format().word_bytes();
    r.first_word = c.held.first_word;
    r.held_words = static_cast<int>(c.held.words);
    r.words = static_cast<int>(c.words);
    r.tag = ++tag_;
    open_.emplace(tag_, c);
}

std::vector<MapReader::Piece> MapReader::decode(const MemoryResponse& r)
{
    const CompressedMap& map = *image_->compressed[static_cast<std::size_t>(r.region)];
    const auto open = open_.find(r.tag);
    const Run held = open->second.held;
    std::vector<std::int16_t> values;
    for (int i = 0; i < r.codes; ++i)
        decode_run_length(map.format(), code_in(r.data, i),
                          static_cast<int>(held.words) - static_cast<int>(values.size()), values);
    values.resize(static_cast<std::size_t>(held.words)); // damaged code words may stand for fewer
    std::vector<Piece> pieces;
    std::int64_t at = 0;
    for (const Run& run : open->second.wanted) {
        const std::int64_t from = run.first_word - held.first_word;
        pieces.push_back(
            {static_cast<int>(from - at), run.first_word, {values.begin() + from, values.begin() + from + run.words}});
        at = from + run.words;
    }
    if (at < held.words) pieces.push_back({static_cast<int>(held.words - at), 0, {}});
    open_.erase(open);
    return pieces;
}

void MapWriter::begin_layer(const MemoryImage& image, int max_bytes)
{
    const std::size_t outputs = static_cast<std::size_t>(Region::outputs);
    map_ = image.compressed[outputs];
    address_ = image.address[outputs];
    max_bytes_ = static_cast<std::uint64_t>(max_bytes);
    open_.clear();
    ready_.clear();
    collecting_ = {};
}

int MapWriter::take(const FillBeat& results)
{
    int bytes = 0;
    for (int i = 0; i < results.count; ++i) {
        const std::int64_t word = results.first_word + i, unit = word / map_->unit_words();
        if (!collecting_.codes.empty() && collecting_.unit != unit) flush();
        auto found = open_.find(unit);
        if (found == open_.end())
            found = open_.emplace(unit, OpenUnit{RunLengthEncoder(map_->format(), map_->unit_words()), 0, 0}).first;
        OpenUnit& open = found->second;
        if (word % map_->unit_words() != map_->unit_words() - open.encoder.left())
            throw std::logic_error("results of a compressed unit are stored out of order");
        ++open.words;
        std::uint64_t code = 0;
        if (!open.encoder.put(static_cast<std::int16_t>(results.word[static_cast<std::size_t>(i)]), code)) continue;
        bytes += map_->format().word_bytes();
        collect(unit, open, code);
        if (open.encoder.left() == 0) open_.erase(found);
    }
    return bytes;
}

void MapWriter::collect(std::int64_t unit, OpenUnit& open, std::uint64_t code)
{
    if (collecting_.codes.empty()) {
        collecting_.unit = unit;
        collecting_.first_code = open.codes;
    }
    collecting_.codes.push_back(code);
    collecting_.words += open.words;
    open.words = 0;
    ++open.codes;
    const std::uint64_t end = address_ + static_cast<std::uint64_t>(map_->byte_address(unit, open.codes));
    if (open.encoder.left() == 0 || end % max_bytes_ == 0) flush();
}

void MapWriter::flush()
{
    ready_.push_back(std::move(collecting_));
    collecting_ = {};
}

void MapWriter::fill(const Write& write, MemoryRequest& r) const
{
    r.unit = write.unit;
    r.first_code = write.first_code;
    r.codes = static_cast<int>(write.codes.size());
    r.address = address_ + static_cast<std::uint64_t>(map_->byte_address(write.unit, write.first_code));
    r.bytes = r.codes * map_->format().word_bytes();
    r.first_word = write.unit * map_->unit_words();
    r.words = static_cast<int>(write.words);
    for (int i = 0; i < r.codes; ++i) put_code(r.data, i, write.codes[static_cast<std::size_t>(i)]);
}

} // namespace heddle
