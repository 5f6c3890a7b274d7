// How much of a random test is run: all of it in the build that is measured, a share in the one with sanitisers, which
// is many times slower. HEDDLE_DRAWS=N and HEDDLE_SEED=S in the environment run N draws from another seed instead.
#pragma once

#include <cstdint>
#include <cstdlib>

namespace heddle::test_system {

#ifdef HEDDLE_CHECKED
inline constexpr int slowdown = 8;
#else
inline constexpr int slowdown = 1;
#endif

inline int draws(int all)
{
    if (const char* n = std::getenv("HEDDLE_DRAWS")) return std::atoi(n);
    return all < slowdown ? 1 : all / slowdown;
}

inline std::uint64_t first_seed(std::uint64_t seed)
{
    const char* s = std::getenv("HEDDLE_SEED");
    return s ? std::strtoull(s, nullptr, 10) : seed;
}

} // namespace heddle::test_system
