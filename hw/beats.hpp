// What travels between the blocks. Buffers are sized once, from the channel's prototype; `count` says how many are
// used.
#pragma once

#include "hw/compiled_plan.hpp"
#include "hw/post_setup.hpp"

#include <cstdint>
#include <cstring>
#include <vector>

namespace heddle {

/// Copies `n` words between buffers that are padded to whole cache lines: constant sizes stay inline, where a small
/// memcpy of unknown size is a call.
template <typename Word> void copy_words(std::vector<Word>& to, const std::vector<Word>& from, int n)
{
    constexpr int line = 64 / sizeof(Word);
    for (int i = 0; i < n; i += line) std::memcpy(to.data() + i, from.data() + i, 64);
}
inline int padded(int words)
{
    return (words + 31) / 32 * 32;
}

/// Lanes [first, first + count) of one delivery event of weights or inputs. A word on padding is 0 with valid 0.
struct OperandBeat {
    int first = 0, count = 0;
    int words_read = 0;             ///< distinct words that left the buffer
    bool last = false;              ///< completes the event
    bool dense = true;              ///< lanes first, first + 1, …; else they stand in `lane`
    std::vector<std::int16_t> word; ///< [count]
    std::vector<std::int32_t> lane; ///< [count], unless dense (shift delivers only new words)
    int entry = 0;                  ///< of the register files, for all words, unless `mixed`
    bool mixed = false;
    std::vector<std::int32_t> entries; ///< [count], when mixed
    int through = 1;                   ///< of the entries that the load brings, this beat touches none behind this one
    // Only on the way to the PostProcessor (pooling, add): what is padding, and where the result goes.
    std::vector<std::uint8_t> valid;
    std::vector<std::int32_t> out_word, operand2_word;
    bool first_of_window = false, last_of_window = false;

    OperandBeat() = default;
    explicit OperandBeat(int words) : word(padded(words)), lane(padded(words)), entries(padded(words)) {}
    int entry_at(int i) const { return mixed ? entries[static_cast<std::size_t>(i)] : entry; }
    int lane_at(int i) const { return dense ? first + i : lane[static_cast<std::size_t>(i)]; }
    static OperandBeat for_post(int words)
    {
        OperandBeat b(words);
        b.valid.resize(padded(words));
        b.out_word.resize(padded(words));
        b.operand2_word.resize(padded(words));
        return b;
    }
};

/// Psums with the coordinates they belong to.
struct PsumBeat {
    int count = 0;
    bool first = true;     ///< nothing accumulated before
    bool last = true;      ///< complete after this
    bool complete = true;  ///< complete as it stands: nothing in the buffer is still to be added
    bool adjacent = false; ///< out_word[i] = out_word[0] + i
    std::vector<std::int32_t> value, out_word, operand2_word;

    PsumBeat() = default;
    explicit PsumBeat(int words) : value(padded(words)), out_word(padded(words)), operand2_word(padded(words)) {}
};

/// Finished words on their way to the output partition.
struct ResultBeat {
    int count = 0;
    std::vector<std::int16_t> word;
    std::vector<std::int32_t> out_word;

    ResultBeat() = default;
    explicit ResultBeat(int words) : word(words), out_word(words) {}
};

/// Words of the second operand that the PostProcessor asks for, and the answer.
struct Operand2Request {
    int count = 0;
    std::vector<std::int32_t> word;

    Operand2Request() = default;
    explicit Operand2Request(int words) : word(words) {}
};
struct Operand2Beat {
    int count = 0;
    std::vector<std::int16_t> word;

    Operand2Beat() = default;
    explicit Operand2Beat(int words) : word(words) {}
};

enum class Region { weights, inputs, operand2, parameters, outputs };
inline constexpr int region_count = 5;

/// Code words of a compressed map, where a request or response moves such instead of words.
struct MovedCodes {
    std::int64_t unit = 0;
    int first_code = 0;
    int codes = 0;      ///< 0: plain words
    int held_words = 0; ///< of a read: words of the map that they stand for
    int tag = 0;        ///< of a read: which request a response answers

    bool encoded() const { return codes > 0; }
};

inline void put_code(std::vector<std::int32_t>& data, int i, std::uint64_t code)
{
    data[static_cast<std::size_t>(2 * i)] = static_cast<std::int32_t>(code & 0xffffffffu);
    data[static_cast<std::size_t>(2 * i + 1)] = static_cast<std::int32_t>(code >> 32);
}
inline std::uint64_t code_in(const std::vector<std::int32_t>& data, int i)
{
    const std::uint64_t low = static_cast<std::uint32_t>(data[static_cast<std::size_t>(2 * i)]);
    return low | static_cast<std::uint64_t>(static_cast<std::uint32_t>(data[static_cast<std::size_t>(2 * i + 1)]))
                     << 32;
}

/// One DMA request: adjacent words (or code words) of one tensor, never across a burst boundary. Of an encoded one,
/// `words` says how many words of the map are wanted, or were encoded; a code word takes two entries of the data.
struct MemoryRequest : MovedCodes {
    Region region = Region::weights;
    bool write = false;
    std::uint64_t address = 0; ///< of the first byte touched
    int bytes = 0;
    std::int64_t first_word = 0;
    int words = 0;
    int tile = 0;                   ///< that a load is for
    std::vector<std::int32_t> data; ///< of a write

    MemoryRequest() = default;
    explicit MemoryRequest(int max_words) : data(max_words) {}
};
struct MemoryResponse : MovedCodes {
    Region region = Region::weights;
    bool write = false;
    std::int64_t first_word = 0;
    int words = 0;
    int bytes = 0;
    int tile = 0;
    std::vector<std::int32_t> data; ///< of a read

    MemoryResponse() = default;
    explicit MemoryResponse(int max_words) : data(max_words) {}
};

/// Adjacent words moving from the DMA into a partition (or into the PostProcessor's parameter memory).
struct FillBeat {
    Region region = Region::weights;
    std::int64_t first_word = 0;
    int count = 0;
    int tile = 0;
    std::vector<std::int32_t> word;

    FillBeat() = default;
    explicit FillBeat(int words) : word(words) {}
};

/// Room that a partition gained.
struct Credit {
    Region region = Region::weights;
    std::int64_t words = 0;
};

/// The DMA asks the output partition for adjacent words; they come back when all of them have been written.
struct DrainRequest {
    std::int64_t first_word = 0;
    int count = 0;
};

/// What the controller hands out: the layer to run. Blocks walk its tiles on their own.
struct Command {
    const CompiledPlan* plan = nullptr;
    const PostSetup* post = nullptr;
};

} // namespace heddle
