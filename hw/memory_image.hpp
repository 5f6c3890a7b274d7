// What the DRAM holds during a layer, and where. The words belong to the host program that runs the layers, so that
// what one layer stores is what the next one loads.
#pragma once

#include "hw/beats.hpp"

#include <array>
#include <cstdint>
#include <vector>

namespace heddle {

class CompressedMap;

/// Contents and place of the regions a layer touches.
struct MemoryImage {
    std::array<std::vector<std::int16_t>*, region_count> words{}; ///< null: region not used; parameters: see below
    std::array<CompressedMap*, region_count> compressed{};        ///< instead of words
    std::vector<std::int32_t>* parameters = nullptr;              ///< bias, multiplier, shift of every channel
    std::array<std::uint64_t, region_count> address{};            ///< bytes
    std::array<int, region_count> bits{};                         ///< of a word in memory

    /// Values that one word stands for: a parameter word is a channel's bias, multiplier and shift.
    static int values_per_word(Region r) { return r == Region::parameters ? 3 : 1; }
    std::int32_t read(Region r, std::int64_t value) const
    {
        if (r == Region::parameters) return (*parameters)[static_cast<std::size_t>(value)];
        return (*words[static_cast<int>(r)])[static_cast<std::size_t>(value)];
    }
    void write(Region r, std::int64_t word, std::int32_t value)
    {
        (*words[static_cast<int>(r)])[static_cast<std::size_t>(word)] = static_cast<std::int16_t>(value);
    }
};

} // namespace heddle
