// Requests and bursts in closed form against the walk that the Dma does.
#include "hw/map_layout.hpp"
#include "hw/request_walk.hpp"

#include "dnn/base/random.hpp"

#include <catch2/catch.hpp>

using namespace heddle;

namespace {

RequestCount walked(const TensorLayout& layout, const std::vector<Box>& boxes, std::uint64_t address, int bits,
                    int max_bytes, int burst_bytes)
{
    RequestCount n;
    const auto burst = static_cast<std::uint64_t>(burst_bytes);
    for (RequestWalk walk(layout, boxes, address, bits, max_bytes); !walk.done(); walk.next()) {
        const std::uint64_t last = walk.byte_address() + static_cast<std::uint64_t>(walk.bytes()) - 1;
        n += {1, static_cast<std::int64_t>(last / burst - walk.byte_address() / burst + 1)};
    }
    return n;
}

Box random_box(Random& random, const TensorLayout& layout)
{
    Box b;
    for (std::size_t d = 0; d < box_dims; ++d) {
        b.lo[d] = static_cast<int>(random.range(0, layout.extent[d] - 1));
        b.hi[d] = static_cast<int>(random.range(b.lo[d] + 1, layout.extent[d]));
        if (random.below(3) == 0) b.lo[d] = 0, b.hi[d] = layout.extent[d];
    }
    return b;
}

} // namespace

// 40 channels in runs of 16 from a map of 20 pixels, bursts of 64 bytes: pixel p starts at byte 40 p, so a run crosses
// a burst's end where 40 p mod 64 > 48: p = 7 (280 = 4 x 64 + 24: no), 40 p mod 64 takes 0 40 16 56 32 8 48 24 in turn:
// one in eight crosses, at p = 3 and 11 and 19.
TEST_CASE("a run takes every burst that it touches")
{
    const TensorLayout map = map_layout(MapLayout::channels_innermost, {1, 4, 5, 1, 40, 40, 0});
    const std::vector<Box> sixteen = {Box{{0, 0, 0, 0, 0}, {1, 4, 5, 1, 16}}};
    const RequestCount n = count_requests(map, sixteen, 0, 8, 64, 64);
    CHECK(n.requests == 20 + 3);
    CHECK(n.bursts == 20 + 3);
    // A request of up to 256 bytes is cut at 256, 512 and 768; these lie at places 16, 32 and 8 of a run's bytes
    // (240..256, 480..496, 720..736 and 760..776): only the last run crosses one.
    CHECK(count_requests(map, sixteen, 0, 8, 256, 64).requests == 20 + 1);
    CHECK(count_requests(map, sixteen, 0, 8, 256, 64).bursts == 20 + 3);
    // All channels: one run of 800 bytes.
    const std::vector<Box> all = {Box{{0, 0, 0, 0, 0}, {1, 4, 5, 1, 40}}};
    CHECK(count_requests(map, all, 0, 8, 256, 64).requests == 4);
    CHECK(count_requests(map, all, 0, 8, 256, 64).bursts == 13);
}

TEST_CASE("requests in closed form are those of the walk, for all layouts, widths and sizes")
{
    for (std::uint64_t seed = 1; seed <= 3000; ++seed) {
        Random random(seed);
        const auto kind = random.below(2) == 0 ? MapLayout::channels_innermost : MapLayout::planes;
        const auto upto = [&random](int most) { return static_cast<int>(random.range(1, most)); };
        MapShape s{upto(2), upto(7), upto(9), upto(3), upto(40), 0, 0};
        s.first_channel = static_cast<int>(random.below(5));
        s.stored_channels = s.groups * s.channels + s.first_channel + static_cast<int>(random.below(5));
        TensorLayout layout = map_layout(kind, s);
        if (random.below(4) == 0) { // every second column, as one-tap windows with a stride read them
            layout.stride[2] *= 2;
            layout.extent[2] = (layout.extent[2] + 1) / 2;
        }
        constexpr int widths[] = {8, 8, 16, 4, 2, 5, 11, 80};
        const int bits = widths[random.below(8)];
        const int max_bytes = 16 << random.below(6);
        const int burst = random.below(4) == 0 ? upto(200) : 8 << random.below(6);
        const std::uint64_t address = 4096 * random.below(3);
        std::vector<Box> boxes = {random_box(random, layout)};
        if (random.below(2) == 0) boxes = difference(boxes.front(), random_box(random, layout), layout.order);
        const RequestCount n = count_requests(layout, boxes, address, bits, max_bytes, burst);
        const RequestCount expected = walked(layout, boxes, address, bits, max_bytes, burst);
        INFO("seed " << seed << ": " << bits << " bits, requests of " << max_bytes << ", bursts of " << burst);
        CHECK(n.requests == expected.requests);
        CHECK(n.bursts == expected.bursts);
    }
}
