// One partition of the global buffer: words with presence, ports, and the room that is left.
#pragma once

#include "hw/block.hpp"
#include "hw/hardware.hpp"

#include <algorithm>
#include <cstdint>
#include <vector>

namespace heddle {

/// A read and a write port, or one port for both. A use occupies the port for a whole cycle; what takes several beats
/// is through with the last of them.
class Ports {
public:
    Ports() = default;
    explicit Ports(const PartitionConfig& c)
        : read_(c.read_port), write_(c.write_port), line_(c.line_words), shared_(c.shared_port)
    {
    }
    bool can_read(Cycle now) const { return read_free_ <= now; }
    bool can_write(Cycle now) const { return (shared_ ? read_free_ : write_free_) <= now; }
    Cycle next_read(Cycle now) const { return std::max(now, read_free_); }
    Cycle next_write(Cycle now) const { return std::max(now, shared_ ? read_free_ : write_free_); }
    void read(Cycle now)
    {
        read_free_ = now + 1;
        ++read_beats;
    }
    void write(Cycle now)
    {
        (shared_ ? read_free_ : write_free_) = now + 1;
        ++write_beats;
    }
    /// Reads and writes the same words: one beat each way; twice as long on a shared port.
    void read_modify_write(Cycle now)
    {
        read_free_ = now + (shared_ ? 2 : 1);
        if (!shared_) write_free_ = now + 1;
        ++read_beats;
        ++write_beats;
    }
    const PortConfig& read_port() const { return read_; }
    const PortConfig& write_port() const { return write_; }
    int line_words() const { return line_; }
    /// How many of words[from .. count) the next beat of a port moves: any when it gathers, else those of one line.
    template <typename Words> int beat(const PortConfig& port, const Words& words, int from, int count) const
    {
        const int most = std::min(count, from + port.words);
        if (port.gather) return most - from;
        const auto line = [&](int i) { return words[static_cast<std::size_t>(i)] / line_; };
        int end = from + 1;
        while (end < most && line(end) == line(from)) ++end;
        return end - from;
    }
    /// Beats that a set of words takes on a port.
    template <typename Words> int beats(const PortConfig& port, const Words& words, int count) const
    {
        if (port.gather) return count <= port.words ? 1 : (count + port.words - 1) / port.words;
        int n = 0;
        for (int from = 0; from < count; ++n) from += beat(port, words, from, count);
        return n;
    }
    void restart()
    {
        read_free_ = write_free_ = 0;
        read_beats = write_beats = 0;
    }

    std::int64_t read_beats = 0, write_beats = 0;

private:
    PortConfig read_, write_;
    int line_ = 16;
    bool shared_ = false;
    Cycle read_free_ = 0, write_free_ = 0;
};

/// Words are kept under their index in the tensor: which physical word holds them is a renaming that costs nothing.
/// What a word not present holds is poison, so that a plan which reads too early or too late computes wrong values.
template <typename Word> class Partition {
public:
    Partition() = default;
    Partition(const PartitionConfig& config, int bits) : ports(config), capacity_(config.bytes * 8 / bits) {}

    /// Empty, for a tensor of `words`.
    void restart(std::int64_t words, std::size_t tiles)
    {
        filled_of_tile_.assign(tiles, 0);
        word_.assign(static_cast<std::size_t>(words), poison);
        present_.assign(static_cast<std::size_t>(words), 0);
        used_ = 0;
        ports.restart();
    }
    std::int64_t capacity() const { return capacity_; }
    std::int64_t room() const { return capacity_ - used_; }
    std::int64_t used() const { return used_; }
    bool present(std::int64_t i) const { return present_[static_cast<std::size_t>(i)] != 0; }
    const Word* data() const { return word_.data(); }
    Word* data() { return word_.data(); }
    Word get(std::int64_t i) const { return word_[static_cast<std::size_t>(i)]; }
    void put(std::int64_t i, Word w)
    {
        word_[static_cast<std::size_t>(i)] = w;
        present_[static_cast<std::size_t>(i)] = 1;
    }
    void drop(std::int64_t i)
    {
        word_[static_cast<std::size_t>(i)] = poison;
        present_[static_cast<std::size_t>(i)] = 0;
    }
    /// Words of a tile arrive in any order. A word can be here twice, for the tile in use and for a later one.
    void fill(int tile, std::int64_t first, int count, const std::int32_t* values)
    {
        for (int i = 0; i < count; ++i) {
            const std::size_t at = static_cast<std::size_t>(first + i);
            word_[at] = static_cast<Word>(values[i]);
            ++present_[at];
        }
        filled_of_tile_[static_cast<std::size_t>(tile)] += count;
        used_ += count;
    }
    std::int64_t filled(int tile) const { return filled_of_tile_[static_cast<std::size_t>(tile)]; }
    void shrink(std::int64_t first, std::int64_t count)
    {
        for (std::int64_t at = first; at < first + count; ++at)
            if (--present_[static_cast<std::size_t>(at)] == 0) word_[static_cast<std::size_t>(at)] = poison;
        used_ -= count;
    }
    void occupy(std::int64_t words) { used_ += words; }
    void release(std::int64_t words) { used_ -= words; }
    /// A single-event upset, for tests: the contents change, the counts do not.
    void flip(std::int64_t i, int bit) { word_[static_cast<std::size_t>(i)] ^= static_cast<Word>(Word{1} << bit); }

    Ports ports;

private:
    static constexpr Word poison = static_cast<Word>(0x5a5a);
    std::int64_t capacity_ = 0, used_ = 0;
    std::vector<Word> word_;
    std::vector<std::uint8_t> present_;
    std::vector<std::int64_t> filled_of_tile_;
};

} // namespace heddle
