// Cuts a tile into DRAM requests: at every address discontinuity, and at multiples of the largest burst.
#pragma once

#include "hw/box.hpp"

#include <cstdint>
#include <vector>

namespace heddle {

/// Cuts a box of one tensor into requests.
class RequestWalk {
public:
    RequestWalk() = default;
    /// `bits` per word in memory, `address` of word 0, requests of at most `max_bytes` within multiples of it.
    RequestWalk(const TensorLayout& layout, const std::vector<Box>& boxes, std::uint64_t address, int bits,
                int max_bytes);
    bool done() const { return box_ >= count_; }
    std::int64_t first_word() const { return word_; }
    int words() const { return words_; }
    std::uint64_t byte_address() const { return address_ + static_cast<std::uint64_t>(word_ * bits_ / 8); }
    int bytes() const;
    void next();

private:
    void cut();

    const TensorLayout* layout_ = nullptr;
    const std::vector<Box>* boxes_ = nullptr;
    std::size_t box_ = 0, count_ = 0;
    RunWalk runs_;
    std::int64_t word_ = 0, run_end_ = 0;
    int words_ = 0;
    std::uint64_t address_ = 0;
    int bits_ = 8, max_bytes_ = 64;
};

/// Requests that a box is cut into, and the memory's smallest transfers that they take: each takes all that it touches.
struct RequestCount {
    std::int64_t requests = 0, bursts = 0;

    RequestCount& operator+=(const RequestCount& o)
    {
        requests += o.requests;
        bursts += o.bursts;
        return *this;
    }
    friend RequestCount operator*(RequestCount a, std::int64_t n) { return {a.requests * n, a.bursts * n}; }
};

/// What a RequestWalk over the boxes comes to, from the address where the tensor starts; runs that start at the same
/// place of a request are worked out once.
RequestCount count_requests(const TensorLayout& layout, const std::vector<Box>& boxes, std::uint64_t address, int bits,
                            int max_bytes, int burst_bytes);

} // namespace heddle
