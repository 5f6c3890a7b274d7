// What share of a network the simulator times, and what it leaves out: nothing is silently free.
#pragma once

#include "dnn/network.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace heddle {

struct Coverage {
    std::int64_t timed_macs = 0, macs = 0;
    /// Words that layers read and write (inputs, weights, outputs), each layer on its own.
    std::int64_t timed_words = 0, words = 0;
    std::vector<std::string> no_data; ///< `flatten (reshape)`: moves no data, zero bytes
    std::vector<std::string> host;    ///< `softmax (softmax)`: left to the host, not timed

    double macs_share() const { return macs == 0 ? 1.0 : static_cast<double>(timed_macs) / static_cast<double>(macs); }
    double words_share() const
    {
        return words == 0 ? 1.0 : static_cast<double>(timed_words) / static_cast<double>(words);
    }
};

/// Folded batch-norms are part of their conv and appear nowhere.
Coverage coverage_of(const Network& net);

/// `timed: 100.00 % of 4.1 M MACs, 99.98 % of 0.32 MB; no data moved: flatten (reshape); left to the host: ...`
/// with words of `bits` bits.
std::string coverage_line(const Coverage& coverage, int bits);

} // namespace heddle
