#include "hw/run_length.hpp"

#include <algorithm>

namespace heddle {

namespace {

std::uint64_t low_bits(std::uint64_t word, int bits)
{
    return word & ((std::uint64_t{1} << bits) - 1);
}

struct Pair {
    int run = 0;
    std::int16_t value = 0;
};

/// Pair i of a code word, counted from its top.
Pair pair_of(const RunLengthFormat& f, std::uint64_t word, int i)
{
    const std::uint64_t bits = word >> (f.word_bits - (i + 1) * f.pair_bits());
    const std::uint64_t value = low_bits(bits, f.value_bits);
    const std::uint64_t sign = std::uint64_t{1} << (f.value_bits - 1);
    return {static_cast<int>(low_bits(bits >> f.value_bits, f.run_bits)),
            static_cast<std::int16_t>(static_cast<std::int64_t>(value ^ sign) - static_cast<std::int64_t>(sign))};
}

} // namespace

bool RunLengthEncoder::put(std::int16_t value, std::uint64_t& word)
{
    --left_;
    // At the end of the unit, zeros are a run that ends with a value of zero.
    if (value == 0 && run_ < format_.longest_run() && left_ > 0) {
        ++run_;
        return false;
    }
    const int run = run_;
    run_ = 0;
    return add_pair(run, value, word);
}

bool RunLengthEncoder::add_pair(int run, std::int16_t value, std::uint64_t& word)
{
    const std::uint64_t pair = (static_cast<std::uint64_t>(run) << format_.value_bits) |
                               low_bits(static_cast<std::uint64_t>(std::int64_t{value}), format_.value_bits);
    ++pairs_;
    word_ |= pair << (format_.word_bits - pairs_ * format_.pair_bits());
    if (pairs_ < format_.pairs() && left_ > 0) return false;
    word = word_ | (left_ == 0 ? 1 : 0);
    word_ = 0;
    pairs_ = 0;
    return true;
}

void decode_run_length(const RunLengthFormat& f, std::uint64_t word, int most, std::vector<std::int16_t>& values)
{
    for (int i = 0; i < f.pairs() && most > 0; ++i) {
        const Pair p = pair_of(f, word, i);
        const int zeros = std::min(p.run, most);
        values.insert(values.end(), static_cast<std::size_t>(zeros), std::int16_t{0});
        most -= zeros;
        if (most-- > 0) values.push_back(p.value);
    }
}

int decoded_length(const RunLengthFormat& f, std::uint64_t word, int most)
{
    int length = 0;
    for (int i = 0; i < f.pairs(); ++i) length += pair_of(f, word, i).run + 1;
    return std::min(length, most);
}

} // namespace heddle
