#include "hw/request_walk.hpp"

#include <algorithm>

namespace heddle {

RequestWalk::RequestWalk(const TensorLayout& layout, const std::vector<Box>& boxes, std::uint64_t address, int bits,
                         int max_bytes)
    : layout_(&layout), boxes_(&boxes), count_(boxes.size()), address_(address), bits_(bits), max_bytes_(max_bytes)
{
    if (count_ == 0) return;
    runs_ = RunWalk(*layout_, boxes[0]);
    word_ = runs_.run().first_word;
    run_end_ = word_ + runs_.run().words;
    cut();
}

int RequestWalk::bytes() const
{
    const std::int64_t first_bit = word_ * bits_, last_bit = (word_ + words_) * bits_ - 1;
    return static_cast<int>(last_bit / 8 - first_bit / 8 + 1);
}

/// A word belongs to the burst that holds its first bit.
void RequestWalk::cut()
{
    const std::int64_t burst_bits = std::int64_t{max_bytes_} * 8;
    const std::int64_t start = static_cast<std::int64_t>(address_) * 8 + word_ * bits_;
    const std::int64_t room = (start / burst_bits + 1) * burst_bits - start;
    words_ = static_cast<int>(std::min(run_end_ - word_, std::max<std::int64_t>(1, (room + bits_ - 1) / bits_)));
}

void RequestWalk::next()
{
    word_ += words_;
    if (word_ >= run_end_) {
        runs_.next();
        while (runs_.done()) {
            if (++box_ >= count_) return;
            runs_ = RunWalk(*layout_, (*boxes_)[box_]);
        }
        word_ = runs_.run().first_word;
        run_end_ = word_ + runs_.run().words;
    }
    cut();
}

} // namespace heddle
