// Fused pooling takes a conv's results in any order and must give what pooling the finished map gives.
#include "dnn/base/random.hpp"
#include "hw/pool_unit.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <numeric>

using namespace heddle;

namespace {

FusedPool random_pool(Random& random)
{
    FusedPool p;
    p.active = true;
    p.average = random.below(2) == 0;
    p.images = static_cast<int>(random.range(1, 2));
    p.in_rows = static_cast<int>(random.range(2, 9));
    p.in_cols = static_cast<int>(random.range(2, 9));
    Window& w = p.window;
    w.filter_rows = static_cast<int>(random.range(1, std::min(3, p.in_rows)));
    w.filter_cols = static_cast<int>(random.range(1, std::min(3, p.in_cols)));
    w.stride_rows = static_cast<int>(random.range(1, 3));
    w.stride_cols = static_cast<int>(random.range(1, 3));
    w.pad_top = w.pad_bottom = w.filter_rows / 2;
    w.pad_left = w.pad_right = w.filter_cols / 2;
    p.rows = (p.in_rows + 2 * w.pad_top - w.filter_rows) / w.stride_rows + 1;
    p.cols = (p.in_cols + 2 * w.pad_left - w.filter_cols) / w.stride_cols + 1;
    p.clamp_lo = -100;
    p.clamp_hi = 90;
    for (int n = 1; n <= w.filter_rows * w.filter_cols; ++n)
        p.rules.push_back({static_cast<std::int32_t>(1000 / n), 10});
    return p;
}

/// The window at (n, row, col, channel), read from the whole map.
std::int32_t pooled(const FusedPool& p, int channels, const std::vector<int>& map, int n, int row, int col, int channel)
{
    std::int64_t sum = 0;
    std::int32_t largest = -1000;
    int valid = 0;
    for (int r = 0; r < p.window.filter_rows; ++r)
        for (int s = 0; s < p.window.filter_cols; ++s) {
            const int h = row * p.window.stride_rows - p.window.pad_top + r;
            const int x = col * p.window.stride_cols - p.window.pad_left + s;
            if (h < 0 || h >= p.in_rows || x < 0 || x >= p.in_cols) continue;
            const int v = map[static_cast<std::size_t>(((n * p.in_rows + h) * p.in_cols + x) * channels + channel)];
            sum += v;
            largest = std::max(largest, v);
            ++valid;
        }
    if (!p.average) return std::clamp(largest, p.clamp_lo, p.clamp_hi);
    return requantize(sum, p.rules[static_cast<std::size_t>(valid - 1)], p.clamp_lo, p.clamp_hi);
}

} // namespace

TEST_CASE("windows pooled from results in any order equal windows pooled from the whole map")
{
    for (std::uint64_t seed = 1; seed <= 200; ++seed) {
        INFO("seed " << seed);
        Random random(seed);
        FusedPool p = random_pool(random);
        const int channels = static_cast<int>(random.range(1, 5));
        p.channel_stride = channels + 3; // as one input of a concat
        p.channel_offset = 2;
        std::vector<int> map(static_cast<std::size_t>(p.images * p.in_rows * p.in_cols * channels));
        for (int& v : map) v = static_cast<int>(random.range(-128, 127));
        std::vector<int> order(map.size());
        std::iota(order.begin(), order.end(), 0);
        for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);

        PoolUnit unit;
        unit.start(p, channels);
        for (int word : order) unit.take(map[static_cast<std::size_t>(word)], word);
        CHECK(unit.live() == 0);
        std::map<std::int32_t, std::int32_t> got;
        for (const PoolUnit::Pooled& done : unit.completed()) got[done.out_word] = done.value;
        REQUIRE(got.size() == unit.completed().size()); // each window once
        REQUIRE(got.size() == static_cast<std::size_t>(p.images * p.rows * p.cols * channels));
        for (int n = 0; n < p.images; ++n)
            for (int row = 0; row < p.rows; ++row)
                for (int col = 0; col < p.cols; ++col)
                    for (int k = 0; k < channels; ++k) {
                        const int at = ((n * p.rows + row) * p.cols + col) * p.channel_stride + p.channel_offset + k;
                        CHECK(got[at] == pooled(p, channels, map, n, row, col, k));
                    }
    }
}
