// Seeded randomness that is the same on every platform: SplitMix64 (Steele et al., OOPSLA 2014).
#pragma once

#include <cstdint>

namespace heddle {

class Random {
public:
    explicit Random(std::uint64_t seed) : state_(seed) {}

    std::uint64_t next()
    {
        std::uint64_t z = (state_ += 0x9e3779b97f4a7c15ull);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
        return z ^ (z >> 31);
    }
    /// Uniform in [0, bound); the modulo bias is below 2^-32 for the bounds used here.
    std::uint64_t below(std::uint64_t bound) { return next() % bound; }
    /// Uniform in [lo, hi].
    std::int64_t range(std::int64_t lo, std::int64_t hi) { return lo + static_cast<std::int64_t>(below(hi - lo + 1)); }
    double unit() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }
    /// Approximately normal, mean 0, deviation 1 (sum of 12 uniforms: no library-dependent rounding).
    double normal()
    {
        double sum = -6.0;
        for (int i = 0; i < 12; ++i) sum += unit();
        return sum;
    }

private:
    std::uint64_t state_;
};

/// Seed of an independent stream, e.g. of one layer: (seed, index) -> seed.
inline std::uint64_t derive_seed(std::uint64_t seed, std::uint64_t index)
{
    return Random(seed ^ (0xd1342543de82ef95ull * (index + 1))).next();
}

} // namespace heddle
