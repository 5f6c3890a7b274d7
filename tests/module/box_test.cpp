// Boxes, their differences and their runs in memory, against loops over single words.
#include "dnn/base/random.hpp"
#include "hw/map_layout.hpp"

#include <catch2/catch.hpp>

#include <functional>
#include <map>
#include <set>

using namespace heddle;

namespace {

using Point = std::array<int, box_dims>;

void each_point(const Box& b, const std::function<void(const Point&)>& visit)
{
    Point at = b.lo;
    if (b.empty()) return;
    for (;;) {
        visit(at);
        int d = box_dims - 1;
        for (; d >= 0; --d) {
            if (++at[d] < b.hi[d]) break;
            at[d] = b.lo[d];
        }
        if (d < 0) return;
    }
}

Box random_box(Random& random, const std::array<int, box_dims>& extent)
{
    Box b;
    for (int d = 0; d < box_dims; ++d) {
        b.lo[d] = static_cast<int>(random.range(0, extent[d] - 1));
        b.hi[d] = static_cast<int>(random.range(b.lo[d], extent[d])); // may be empty
    }
    return b;
}

/// Dense, or with room between rows, pixels and channels (concat, lattices), and an offset.
TensorLayout random_layout(Random& random)
{
    TensorLayout l;
    std::int64_t stride = 1;
    for (int d = box_dims - 1; d >= 0; --d) {
        l.extent[d] = static_cast<int>(random.range(1, 5));
        if (random.below(4) == 0) stride += static_cast<std::int64_t>(random.below(7));
        l.stride[d] = stride;
        stride *= l.extent[d];
    }
    l.offset = static_cast<std::int64_t>(random.below(3)) * 10;
    l.words = l.offset + stride;
    return l;
}

} // namespace

TEST_CASE("a difference of boxes holds exactly the words of one that the other lacks, each once, in order")
{
    const std::uint64_t seed = 20;
    CAPTURE(seed);
    Random random(seed);
    for (int trial = 0; trial < 2000; ++trial) {
        CAPTURE(trial);
        const std::array<int, box_dims> extent = {3, 4, 4, 2, 5};
        const Box a = random_box(random, extent), b = random_box(random, extent);
        std::set<Point> expected;
        each_point(a, [&](const Point& p) { expected.insert(p); });
        REQUIRE(static_cast<std::int64_t>(expected.size()) == a.words());
        std::int64_t common = 0;
        each_point(b, [&](const Point& p) { common += static_cast<std::int64_t>(expected.erase(p)); });
        REQUIRE(a.intersect(b).words() == common);
        std::set<Point> got;
        for (const Box& part : difference(a, b)) {
            REQUIRE_FALSE(part.empty());
            each_point(part, [&](const Point& p) { REQUIRE(got.insert(p).second); });
        }
        REQUIRE(got == expected);
    }
}

TEST_CASE("runs cover a box's words in memory order, each as long as it can be")
{
    const std::uint64_t seed = 21;
    CAPTURE(seed);
    Random random(seed);
    for (int trial = 0; trial < 2000; ++trial) {
        CAPTURE(trial);
        const TensorLayout layout = random_layout(random);
        const Box box = random_box(random, layout.extent);
        std::vector<Run> expected; // words in order, adjacent ones joined
        each_point(box, [&](const Point& p) {
            std::int64_t word = layout.offset;
            for (int d = 0; d < box_dims; ++d) word += p[d] * layout.stride[d];
            if (!expected.empty() && expected.back().first_word + expected.back().words == word)
                ++expected.back().words;
            else
                expected.push_back({word, 1});
        });
        std::vector<Run> got;
        std::int64_t words = 0;
        for (RunWalk walk(layout, box); !walk.done(); walk.next()) {
            got.push_back(walk.run());
            words += walk.run().words;
        }
        REQUIRE(words == box.words());
        // Rows that happen to touch may come as two runs (a box that ends and begins at the map's edge); never words
        // out of order, never twice.
        std::vector<Run> joined;
        for (const Run& r : got)
            if (!joined.empty() && joined.back().first_word + joined.back().words == r.first_word)
                joined.back().words += r.words;
            else
                joined.push_back(r);
        REQUIRE(joined.size() == expected.size());
        for (std::size_t i = 0; i < joined.size(); ++i) {
            REQUIRE(joined[i].first_word == expected[i].first_word);
            REQUIRE(joined[i].words == expected[i].words);
        }
    }
}

TEST_CASE("whole rows and whole maps are single runs")
{
    TensorLayout map; // 2 x 4 x 5 pixels of 3 groups x 2 channels, dense
    map.extent = {2, 4, 5, 3, 2};
    map.stride = {120, 30, 6, 2, 1};
    map.words = 240;
    const auto runs = [&](Point lo, Point hi) {
        int n = 0;
        for (RunWalk walk(map, Box{lo, hi}); !walk.done(); walk.next()) ++n;
        return n;
    };
    CHECK(runs({0, 0, 0, 0, 0}, {2, 4, 5, 3, 2}) == 1);
    CHECK(runs({0, 1, 0, 0, 0}, {1, 3, 5, 3, 2}) == 1);  // two whole rows
    CHECK(runs({0, 1, 1, 0, 0}, {1, 3, 4, 3, 2}) == 2);  // three pixels of each
    CHECK(runs({0, 0, 0, 0, 0}, {1, 4, 5, 2, 2}) == 20); // two of three groups: a run per pixel
    CHECK(runs({0, 0, 0, 0, 1}, {1, 1, 1, 3, 2}) == 3);  // one channel of each group
    CHECK(runs({0, 2, 0, 0, 0}, {1, 2, 5, 3, 2}) == 0);  // empty
}

TEST_CASE("plane by plane, a tile of channels, rows and columns is runs of columns")
{
    const TensorLayout map = map_layout(MapLayout::planes, {2, 4, 5, 3, 2, 8, 1}); // channels 1 to 6 of 8
    const auto runs = [&](Point lo, Point hi) {
        std::vector<std::pair<std::int64_t, std::int64_t>> all;
        for (RunWalk walk(map, Box{lo, hi}); !walk.done(); walk.next())
            all.emplace_back(walk.run().first_word, walk.run().words);
        return all;
    };
    using Runs = std::vector<std::pair<std::int64_t, std::int64_t>>;
    CHECK(map.words == 2 * 8 * 20);
    CHECK(runs({0, 0, 0, 0, 0}, {2, 4, 5, 3, 2}) == Runs{{20, 120}, {180, 120}});
    CHECK(runs({0, 1, 0, 1, 1}, {1, 3, 5, 3, 2}) == Runs{{85, 10}, {125, 10}}); // rows 1, 2 of channels 3 and 5 (+1)
    CHECK(runs({1, 2, 1, 0, 0}, {2, 4, 3, 1, 1}) == Runs{{191, 2}, {196, 2}});
    // New rows below the old ones, and the columns beside them: in the order of memory.
    const Box before{{0, 0, 0, 0, 0}, {1, 2, 3, 3, 2}}, now{{0, 1, 1, 0, 0}, {1, 3, 4, 3, 2}};
    const std::vector<Box> fresh = difference(now, before, map.order);
    REQUIRE(fresh.size() == 2);
    CHECK(fresh[0] == Box{{0, 1, 3, 0, 0}, {1, 2, 4, 3, 2}});
    CHECK(fresh[1] == Box{{0, 2, 1, 0, 0}, {1, 3, 4, 3, 2}});
}

TEST_CASE("filters lie plane by plane too")
{
    const TensorLayout w = weight_layout(MapLayout::planes, 2, 3, 3, 2, 5);
    CHECK(w.words == 180);
    CHECK(w.index({1, 2, 1, 1, 4}) == (1 * 3 + 2) * 30 + 4 * 6 + 1 * 2 + 1); // (k,c,r,s)
    int runs = 0;
    for (RunWalk walk(w, Box{{0, 0, 0, 0, 1}, {1, 3, 3, 2, 3}}); !walk.done(); walk.next()) {
        CHECK(walk.run().words == 12); // two channels of one filter
        ++runs;
    }
    CHECK(runs == 3);
}
