#include "hw/compressed_map.hpp"

#include <algorithm>

namespace heddle {

RunLengthFormat run_length_format(const HardwareConfig& hw)
{
    return {hw.dram.compression.run_bits, hw.precision.input_bits, hw.dram.compression.word_bits};
}

int compression_unit_words(const HardwareConfig& hw, int rows, int cols)
{
    return hw.dram.compression.unit == CompressionUnit::row ? cols : rows * cols;
}

int dram_burst_bytes(const HardwareConfig& hw)
{
    return hw.dram.kind == DramKind::dram ? hw.dram.timing.burst_bytes() : hw.dram.burst_bytes;
}

CompressedMap::CompressedMap(const RunLengthFormat& format, std::int64_t words, int unit_words, int burst_bytes)
    : format_(format), unit_words_(unit_words), units_(words / unit_words)
{
    const int bytes = format.most_words(unit_words) * format.word_bytes();
    slot_codes_ = (bytes + burst_bytes - 1) / burst_bytes * burst_bytes / format.word_bytes();
    codes_.assign(static_cast<std::size_t>(units_ * slot_codes_), 0);
}

int CompressedMap::codes(std::int64_t unit) const
{
    int n = 1;
    while (n < slot_codes_ && !last_of_unit(code(unit, n - 1))) ++n;
    return n;
}

void CompressedMap::encode(std::int64_t unit, const std::int16_t* words)
{
    RunLengthEncoder encoder(format_, unit_words_);
    int n = 0;
    std::uint64_t word = 0;
    for (int i = 0; i < unit_words_; ++i)
        if (encoder.put(words[i], word)) set_code(unit, n++, word);
}

void CompressedMap::decode(std::int64_t unit, std::int16_t* words) const
{
    std::vector<std::int16_t> values;
    for (int i = 0, n = codes(unit); i < n; ++i)
        decode_run_length(format_, code(unit, i), unit_words_ - static_cast<int>(values.size()), values);
    values.resize(static_cast<std::size_t>(unit_words_)); // code words that were damaged may stand for fewer
    std::copy(values.begin(), values.end(), words);
}

CodeIndex::CodeIndex(const CompressedMap& map) : unit_words_(map.unit_words())
{
    first_.reserve(static_cast<std::size_t>(map.units()) + 1);
    for (std::int64_t unit = 0; unit < map.units(); ++unit) {
        first_.push_back(static_cast<std::int64_t>(begin_.size()));
        int word = 0;
        for (int i = 0, n = map.codes(unit); i < n && word < unit_words_; ++i) {
            begin_.push_back(word);
            word += decoded_length(map.format(), map.code(unit, i), unit_words_ - word);
        }
    }
    first_.push_back(static_cast<std::int64_t>(begin_.size()));
}

} // namespace heddle
