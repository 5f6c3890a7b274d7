// What a plan moves between DRAM and buffer, exactly: the fills of its tiles and its stores, cut into requests and
// bursts as the Dma cuts them.
#pragma once

#include "hw/beats.hpp"
#include "hw/plan.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

namespace heddle {

/// Code words of each unit of a compressed map, in the order of the layer's own tensor.
struct EncodedMap {
    int unit_words = 1;
    std::vector<int> codes;
};
EncodedMap encode_map(const HardwareConfig& hw, const std::vector<std::int16_t>& values, int unit_words);

/// Maps that lie in DRAM compressed.
struct EncodedMaps {
    std::optional<EncodedMap> inputs, operand2, outputs;
};

struct DramMoves {
    struct Side {
        std::int64_t moves = 0, requests = 0, bursts = 0;
        std::int64_t bytes = 0; ///< of the words (compressed: of the code words), before rounding to bursts
        std::int64_t rows = 0;  ///< kind dram: rows that each move touches, all banks together; an estimate
    };
    Side read, written;
    int burst_bytes = 1;

    std::int64_t read_bytes() const { return read.bursts * burst_bytes; }
    std::int64_t write_bytes() const { return written.bursts * burst_bytes; }
    std::int64_t bytes() const { return read_bytes() + write_bytes(); }
};

/// Nothing when tensors are resident. Of compressed maps the least: units fetched and stored whole, each in one go.
DramMoves count_dram_moves(const LayerPlan& plan, const HardwareConfig& hw, const EncodedMaps& maps = {});

/// Addresses of the regions, one behind the other from 0, each aligned so that it starts in the first bank of a row
/// (kind dram) or on 4 KiB. Returns the end.
std::uint64_t place_regions(const HardwareConfig& hw, const std::array<std::uint64_t, region_count>& bytes,
                            std::array<std::uint64_t, region_count>& address);

} // namespace heddle
