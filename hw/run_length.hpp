// Run-length compression of feature maps as in Eyeriss (Chen et al., JSSC 2017, section V-B and fig. 10): a run of
// zeros and the value behind it make a pair, as many pairs as fit stand in a code word from its top, and the lowest bit
// says that the word is the unit's last. A run longer than its field ends with a value of zero. With 16-bit values,
// 5-bit runs and 64-bit words there are three pairs.
#pragma once

#include <cstdint>
#include <vector>

namespace heddle {

struct RunLengthFormat {
    int run_bits = 5;
    int value_bits = 16;
    int word_bits = 64;

    int pair_bits() const { return run_bits + value_bits; }
    int pairs() const { return (word_bits - 1) / pair_bits(); } ///< of a code word
    int word_bytes() const { return word_bits / 8; }
    int longest_run() const { return (1 << run_bits) - 1; }
    /// Code words of a unit without a zero: no unit takes more, since every pair stands for one value or more.
    int most_words(int values) const { return (values + pairs() - 1) / pairs(); }
};

/// Encodes one unit, value by value.
class RunLengthEncoder {
public:
    RunLengthEncoder() = default;
    RunLengthEncoder(const RunLengthFormat& format, int values) : format_(format), left_(values) {}

    /// True when a code word is complete: it stands in `word`.
    bool put(std::int16_t value, std::uint64_t& word);
    /// Values still to come.
    int left() const { return left_; }

private:
    bool add_pair(int run, std::int16_t value, std::uint64_t& word);

    RunLengthFormat format_;
    int left_ = 0;
    int run_ = 0;
    int pairs_ = 0; ///< in the word that is being filled
    std::uint64_t word_ = 0;
};

/// Appends what a code word stands for, at most `most` values: the pairs behind a unit's last value are empty.
void decode_run_length(const RunLengthFormat& format, std::uint64_t word, int most, std::vector<std::int16_t>& values);
/// Values that it stands for, at most `most`.
int decoded_length(const RunLengthFormat& format, std::uint64_t word, int most);
/// Is it the last of its unit?
inline bool last_of_unit(std::uint64_t word)
{
    return (word & 1) != 0;
}

} // namespace heddle
