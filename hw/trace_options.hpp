// What of a layer is to be traced.
#pragma once

#include "hw/block.hpp"

#include <string>
#include <vector>

namespace heddle {

/// The cycles that are written: [first, last] in cycles, or in tiles or passes as the array enters and leaves them
/// (with the wavefront behind the last).
struct TraceWindow {
    enum class Unit { cycle, tile, pass };
    Unit unit = Unit::cycle;
    std::int64_t first = 0, last = never;
};

struct TraceOptions {
    std::string vcd; ///< path, ending in .vcd
    std::vector<std::string> scopes;
    TraceWindow window;
    std::int64_t max_bytes = 512 << 20;
    std::string title; ///< written as a comment
};

} // namespace heddle
