// A feature map that lies in DRAM compressed, unit by unit: a row or a plane of one channel. A unit has a slot of fixed
// size, its worst case rounded up to whole bursts of the memory, so that units can be written and read in any order:
// compression saves transfers, not room.
#pragma once

#include "hw/hardware.hpp"
#include "hw/run_length.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace heddle {

RunLengthFormat run_length_format(const HardwareConfig& hw);
/// Words of a unit of a map with these rows and columns.
int compression_unit_words(const HardwareConfig& hw, int rows, int cols);
/// Smallest transfer of the memory.
int dram_burst_bytes(const HardwareConfig& hw);

class CompressedMap {
public:
    /// `words` of the map, `unit_words` adjacent ones in each unit.
    CompressedMap(const RunLengthFormat& format, std::int64_t words, int unit_words, int burst_bytes);

    const RunLengthFormat& format() const { return format_; }
    int unit_words() const { return unit_words_; }
    std::int64_t units() const { return units_; }
    int slot_codes() const { return slot_codes_; }
    std::int64_t bytes() const { return units_ * slot_codes_ * format_.word_bytes(); }
    /// From the map's start.
    std::int64_t byte_address(std::int64_t unit, int code) const
    {
        return (unit * slot_codes_ + code) * format_.word_bytes();
    }
    std::uint64_t code(std::int64_t unit, int i) const { return codes_[at(unit, i)]; }
    void set_code(std::int64_t unit, int i, std::uint64_t code) { codes_[at(unit, i)] = code; }
    /// Code words up to the one that says it is the last.
    int codes(std::int64_t unit) const;

    /// The host's side: whole units, outside simulated time.
    void encode(std::int64_t unit, const std::int16_t* words);
    void decode(std::int64_t unit, std::int16_t* words) const;

private:
    std::size_t at(std::int64_t unit, int i) const { return static_cast<std::size_t>(unit * slot_codes_ + i); }

    RunLengthFormat format_;
    int unit_words_ = 0, slot_codes_ = 0;
    std::int64_t units_ = 0;
    std::vector<std::uint64_t> codes_;
};

/// Which words of its unit a code word holds: simulated requests are cut by it, since what a response will decode to
/// must be within the buffer's credit when it is asked for.
class CodeIndex {
public:
    CodeIndex() = default;
    explicit CodeIndex(const CompressedMap& map);
    int codes(std::int64_t unit) const
    {
        return static_cast<int>(first_[static_cast<std::size_t>(unit) + 1] - first_[static_cast<std::size_t>(unit)]);
    }
    /// Words of the unit that code words before `code` hold; the unit's words for the end.
    int begin(std::int64_t unit, int code) const
    {
        return code == codes(unit) ? unit_words_ : begin_[static_cast<std::size_t>(first_[unit] + code)];
    }

private:
    int unit_words_ = 0;
    std::vector<std::int64_t> first_; ///< by unit
    std::vector<std::int32_t> begin_; ///< by code word
};

} // namespace heddle
