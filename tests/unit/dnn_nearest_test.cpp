#include "dnn/base/nearest.hpp"
#include "dnn/base/random.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>

using namespace heddle;

namespace {

/// Shortest way through words of at most three letters of "ab", one edit a step: no table of prefixes.
std::map<std::string, int> distances_from(const std::string& start)
{
    std::map<std::string, int> found{{start, 0}};
    std::vector<std::string> edge{start};
    while (!edge.empty()) {
        std::vector<std::string> next;
        const auto reach = [&](const std::string& word, int distance) {
            if (word.size() <= 4 && found.emplace(word, distance).second) next.push_back(word);
        };
        for (const std::string& word : edge) {
            const int d = found.at(word) + 1;
            for (std::size_t i = 0; i <= word.size(); ++i) {
                for (const char* letter : {"a", "b"}) reach(std::string(word).insert(i, letter), d);
                if (i == word.size()) continue;
                reach(std::string(word).erase(i, 1), d);
                for (const char* letter : {"a", "b"}) reach(std::string(word).replace(i, 1, letter), d);
                if (i + 1 < word.size()) {
                    std::string swapped = word;
                    std::swap(swapped[i], swapped[i + 1]);
                    reach(swapped, d);
                }
            }
        }
        edge = next;
    }
    return found;
}

} // namespace

TEST_CASE("distance of spelling: inserted, deleted, replaced and swapped letters", "[nearest]")
{
    CHECK(spelling_distance("", "") == 0);
    CHECK(spelling_distance("", "abc") == 3);
    CHECK(spelling_distance("mac_latency_cycle", "mac_latency_cycles") == 1);
    CHECK(spelling_distance("tup_like", "tpu_like") == 1);
    CHECK(spelling_distance("TPU_like", "tpu_like") == 0);
    CHECK(spelling_distance("kitten", "sitting") == 3);
}

TEST_CASE("distance of spelling equals the shortest way from word to word", "[nearest]")
{
    std::vector<std::string> words{""};
    for (std::size_t i = 0; i < words.size(); ++i)
        if (words[i].size() < 3)
            for (const char* letter : {"a", "b"}) words.push_back(words[i] + letter);
    REQUIRE(words.size() == 15); // 1 + 2 + 4 + 8
    for (const std::string& from : words) {
        const std::map<std::string, int> truth = distances_from(from);
        for (const std::string& to : words) {
            CAPTURE(from, to);
            CHECK(spelling_distance(from, to) == truth.at(to));
        }
    }
}

TEST_CASE("nearest name: the nearest there is, none when all are far", "[nearest]")
{
    const std::vector<std::string> names{
        "rows", "cols", "lanes", "mac_latency_cycles", "read_bytes_per_cycle", "write_bytes_per_cycle"};
    CHECK(nearest_name(names, "row") == "rows");
    CHECK(nearest_name(names, "mac_latency_cycle") == "mac_latency_cycles");
    CHECK(nearest_name(names, "raed_bytes_per_cycle") == "read_bytes_per_cycle");
    CHECK_FALSE(nearest_name(names, "clock").has_value());
    CHECK_FALSE(nearest_name(names, "").has_value());
    CHECK_FALSE(nearest_name(names, "x").has_value());
    CHECK_FALSE(nearest_name({}, "rows").has_value());
    CHECK_FALSE(nearest_name({"m"}, "n").has_value()); // one letter for another is no misspelling
    CHECK_FALSE(nearest_name({"write_bytes_per_cycle"}, "read_bytes_per_cycle", 2).has_value());
    CHECK(did_you_mean(names, "colls") == " (did you mean \"cols\"?)");
    CHECK(did_you_mean(names, "zzz").empty());
}
