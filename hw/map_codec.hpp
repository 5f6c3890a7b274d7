// The DMA's run-length codec: code words that come from DRAM become words of a tile, results become code words.
#pragma once

#include "hw/beats.hpp"
#include "hw/code_walk.hpp"
#include "hw/memory_image.hpp"

#include <deque>
#include <map>

namespace heddle {

/// Reads tiles of compressed maps.
class MapReader {
public:
    void begin_layer(const MemoryImage& image, int max_bytes);
    bool reads(Region r) const { return image_->compressed[static_cast<int>(r)] && r != Region::outputs; }
    /// Enters a tile's move.
    void start(Region region, const TensorLayout& layout, const std::vector<Box>& boxes);
    bool done() const { return next_ == requests_.size(); }
    /// Wanted words of the next request.
    std::int64_t words() const { return requests_[next_].words; }
    /// The next request, remembered until its response has been decoded.
    void issue(MemoryRequest& r);

    /// Adjacent wanted words of the map, behind some that are not; at a response's end there may be only such.
    struct Piece {
        int dropped = 0;
        std::int64_t first_word = 0;
        std::vector<std::int16_t> values;
    };
    /// All words that the response's code words stand for.
    std::vector<Piece> decode(const MemoryResponse& r);

private:
    const MemoryImage* image_ = nullptr;
    int max_bytes_ = 64;
    std::array<CodeIndex, region_count> index_;
    Region region_ = Region::inputs;
    std::vector<CodeRequest> requests_;
    std::size_t next_ = 0;
    std::map<int, CodeRequest> open_; ///< by tag
    int tag_ = 0;
};

/// Encodes results. A unit may come in several parts, in order: its encoder waits for the next one with the code word
/// that is not full yet. Complete code words are collected up to the end of a burst.
class MapWriter {
public:
    void begin_layer(const MemoryImage& image, int max_bytes);
    bool active() const { return map_ != nullptr; }
    /// Bytes of code words that became complete.
    int take(const FillBeat& results);
    /// Code words to be written.
    struct Write {
        std::int64_t unit = 0;
        int first_code = 0;
        std::int64_t words = 0; ///< results that came since the unit's last write
        std::vector<std::uint64_t> codes;
    };
    std::deque<Write>& ready() { return ready_; }
    const std::deque<Write>& ready() const { return ready_; }
    void fill(const Write& write, MemoryRequest& r) const;

private:
    struct OpenUnit {
        RunLengthEncoder encoder;
        int codes = 0; ///< written or collected
        std::int64_t words = 0;
    };
    void collect(std::int64_t unit, OpenUnit& open, std::uint64_t code);
    void flush();

    CompressedMap* map_ = nullptr;
    std::uint64_t address_ = 0, max_bytes_ = 64;
    std::map<std::int64_t, OpenUnit> open_;
    Write collecting_;
    std::deque<Write> ready_;
};

} // namespace heddle
