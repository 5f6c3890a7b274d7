#include "hw/request_walk.hpp"

#include <algorithm>
#include <numeric>

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

namespace {

/// Counts the requests of one box. Places are in bits from a multiple of the period: the least common multiple of
/// request and burst, so that equal places are cut alike.
class BoxRequests {
public:
    BoxRequests(const TensorLayout& layout, const Box& box, int bits, int max_bytes, int burst_bytes)
        : bits_(bits), request_(std::int64_t{8} * max_bytes), burst_(std::int64_t{8} * burst_bytes),
          period_(std::lcm(request_, burst_))
    {
        const RunWalk runs(layout, box);
        first_ = runs.run().first_word * bits;
        length_ = runs.run().words * bits;
        for (int place = 0; place < runs.outer_places(); ++place) {
            const int d = layout.order[static_cast<std::size_t>(place)];
            if (const int n = box.hi[d] - box.lo[d]; n > 1) loops_.push_back({n, layout.stride[d] * bits % period_});
        }
    }

    RequestCount count(std::uint64_t address) const
    {
        const auto period_bytes = static_cast<std::uint64_t>(period_ / 8);
        return loop(0, (static_cast<std::int64_t>(address % period_bytes) * 8 + first_) % period_);
    }

private:
    struct Loop {
        std::int64_t count, stride; ///< stride within the period
    };

    RequestCount loop(std::size_t l, std::int64_t at) const
    {
        if (l == loops_.size()) return run(at);
        const Loop& here = loops_[l];
        const std::int64_t cycle = here.stride == 0 ? 1 : period_ / std::gcd(here.stride, period_);
        const std::int64_t turns = here.count / cycle, rest = here.count % cycle;
        RequestCount all;
        for (std::int64_t i = 0; i < std::min(here.count, cycle); ++i) {
            all += loop(l + 1, at) * (turns + (i < rest ? 1 : 0));
            at = (at + here.stride) % period_;
        }
        return all;
    }

    RequestCount run(std::int64_t at) const
    {
        const bool whole_words = request_ % bits_ == 0 && at % bits_ == 0;
        if (whole_words && request_ % burst_ == 0) return {pieces(at, request_), pieces(at, burst_)};
        RequestCount all;
        for (std::int64_t begin = at, end = at + length_; begin < end;) {
            const std::int64_t room = (begin / request_ + 1) * request_ - begin;
            const std::int64_t next = std::min(end, begin + (room + bits_ - 1) / bits_ * bits_);
            all += {1, (next - 1) / burst_ - begin / burst_ + 1};
            begin = next;
        }
        return all;
    }

    std::int64_t pieces(std::int64_t at, std::int64_t size) const { return (at + length_ - 1) / size - at / size + 1; }

    std::int64_t bits_, request_, burst_, period_;
    std::int64_t first_ = 0, length_ = 0;
    std::vector<Loop> loops_;
};

} // namespace

RequestCount count_requests(const TensorLayout& layout, const std::vector<Box>& boxes, std::uint64_t address, int bits,
                            int max_bytes, int burst_bytes)
{
    RequestCount all;
    for (const Box& box : boxes)
        if (!box.empty()) all += BoxRequests(layout, box, bits, max_bytes, burst_bytes).count(address);
    return all;
}

} // namespace heddle
