// The units of a compressed map that a tile needs, as requests.
//
// A code can only be read from its start, so a unit of which any word is wanted is fetched whole, once in a move; words
// that nobody asked for are decoded and dropped. How many code words a unit has is taken as known (its encoder counted
// them); those counts are not stored in DRAM and cost nothing here.
#pragma once

#include "hw/box.hpp"
#include "hw/compressed_map.hpp"

namespace heddle {

/// Adjacent code words of one unit, and which of the words that they hold are wanted.
struct CodeRequest {
    std::int64_t unit = 0;
    int first_code = 0, codes = 0;
    Run held;                ///< words of the map that they stand for
    std::int64_t words = 0;  ///< wanted, possibly none
    std::vector<Run> wanted; ///< words of the map, in order
};

/// `address` of the map; a request is at most `max_bytes` and crosses no multiple of it.
std::vector<CodeRequest> code_requests(const CompressedMap& map, const CodeIndex& index, const TensorLayout& layout,
                                       const std::vector<Box>& boxes, std::uint64_t address, int max_bytes);

/// Do the results come to each unit from its first word to its last? A code can be written in no other order; it may be
/// interrupted, since each open unit has an encoder state of its own.
bool stored_in_order(const TensorLayout& layout, const std::vector<Box>& stores, int unit_words);

} // namespace heddle
