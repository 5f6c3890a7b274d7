// The run-length code against the example of the paper, hand-made words, and a codec of pairs written here.
#include "dnn/base/random.hpp"
#include "hw/compressed_map.hpp"

#include <catch2/catch.hpp>

#include <utility>

using namespace heddle;

namespace {

using Values = std::vector<std::int16_t>;

std::vector<std::uint64_t> encoded(const RunLengthFormat& format, const Values& values)
{
    RunLengthEncoder encoder(format, static_cast<int>(values.size()));
    std::vector<std::uint64_t> words;
    std::uint64_t word = 0;
    for (std::int16_t v : values)
        if (encoder.put(v, word)) words.push_back(word);
    CHECK(encoder.left() == 0);
    return words;
}

Values decoded(const RunLengthFormat& format, const std::vector<std::uint64_t>& words, std::size_t count)
{
    Values values;
    for (std::uint64_t w : words) decode_run_length(format, w, static_cast<int>(count - values.size()), values);
    return values;
}

/// Three pairs of 5 and 16 bits and the last bit, as in figure 10.
std::uint64_t word_of(std::vector<std::pair<std::uint64_t, std::uint64_t>> pairs, bool last)
{
    std::uint64_t w = 0;
    pairs.resize(3);
    for (const auto& [run, level] : pairs) w = (w << 21) | (run << 16) | level;
    return (w << 1) | (last ? 1 : 0);
}

Values zeros(std::size_t n)
{
    return Values(n, 0);
}

} // namespace

TEST_CASE("the example of the paper: 2 zeros and 12, 4 zeros and 53, 2 zeros and 22")
{
    const Values input = {0, 0, 12, 0, 0, 0, 0, 53, 0, 0, 22};
    CHECK(encoded({}, input) == std::vector<std::uint64_t>{word_of({{2, 12}, {4, 53}, {2, 22}}, true)});
    Values longer = input;
    longer.push_back(7);
    CHECK(encoded({}, longer) ==
          std::vector<std::uint64_t>{word_of({{2, 12}, {4, 53}, {2, 22}}, false), word_of({{0, 7}}, true)});
}

TEST_CASE("runs longer than 31 end with a level of zero, and so do zeros at a unit's end")
{
    Values input = zeros(31);
    input.push_back(1);
    CHECK(encoded({}, input) == std::vector<std::uint64_t>{word_of({{31, 1}}, true)});
    input = zeros(32);
    input.push_back(1);
    CHECK(encoded({}, input) == std::vector<std::uint64_t>{word_of({{31, 0}, {0, 1}}, true)});
    CHECK(encoded({}, zeros(1)) == std::vector<std::uint64_t>{word_of({{0, 0}}, true)});
    CHECK(encoded({}, zeros(32)) == std::vector<std::uint64_t>{word_of({{31, 0}}, true)});
    CHECK(encoded({}, zeros(100)) ==
          std::vector<std::uint64_t>{word_of({{31, 0}, {31, 0}, {31, 0}}, false), word_of({{3, 0}}, true)});
    CHECK(encoded({}, {-1, 0}) == std::vector<std::uint64_t>{word_of({{0, 0xffff}, {0, 0}}, true)});
}

TEST_CASE("other widths: as many pairs as fit beside the last bit")
{
    const RunLengthFormat bytes{5, 8, 64}, nibbles{3, 4, 16};
    CHECK(bytes.pairs() == 4);
    CHECK(nibbles.pairs() == 2);
    // 13-bit pairs from the top; 11 bits stay empty above the last one.
    CHECK(encoded(bytes, {0, -2, 5}) ==
          std::vector<std::uint64_t>{(std::uint64_t{0x1fe} << 51) | (std::uint64_t{5} << 38) | 1});
    CHECK(encoded(nibbles, {0, 0, 0, -8, 7}) == std::vector<std::uint64_t>{(0x38 << 9) | (0x07 << 2) | 1});
}

TEST_CASE("what was encoded is decoded, for all widths and shares of zeros")
{
    Random random(5);
    for (int trial = 0; trial < 600; ++trial) {
        CAPTURE(trial);
        constexpr RunLengthFormat formats[] = {{5, 16, 64}, {5, 8, 64}, {4, 2, 16},
                                               {3, 11, 32}, {1, 5, 16}, {8, 16, 32}};
        const RunLengthFormat f = formats[random.below(6)];
        Values input(1 + random.below(400));
        const std::uint64_t share = random.below(101);
        const int half = 1 << (f.value_bits - 1);
        std::size_t pairs = 0;
        int run = 0;
        for (std::size_t i = 0; i < input.size(); ++i) {
            std::int16_t& v = input[i];
            v = random.below(100) < share ? std::int16_t{0} : static_cast<std::int16_t>(random.range(-half, half - 1));
            const bool ends = v != 0 || run == f.longest_run() || i + 1 == input.size();
            pairs += ends ? 1 : 0;
            run = ends ? 0 : run + 1;
        }
        const std::vector<std::uint64_t> words = encoded(f, input);
        const std::size_t per_word = static_cast<std::size_t>(f.pairs());
        REQUIRE(words.size() == (pairs + per_word - 1) / per_word);
        REQUIRE(static_cast<int>(words.size()) <= f.most_words(static_cast<int>(input.size())));
        for (std::size_t i = 0; i < words.size(); ++i) REQUIRE(last_of_unit(words[i]) == (i + 1 == words.size()));
        REQUIRE(decoded(f, words, input.size()) == input);
    }
}

TEST_CASE("a map's units lie in slots of whole bursts")
{
    const RunLengthFormat f;
    CompressedMap map(f, 40, 10, 64); // 10 words without a zero: 4 code words, 32 bytes
    CHECK(map.units() == 4);
    CHECK(map.slot_codes() == 8);
    CHECK(map.bytes() == 256);
    CHECK(map.byte_address(3, 2) == 208);
    const Values first = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, third = {0, 0, 0, 0, 1, 0, 0, 2, 3, 4};
    map.encode(0, first.data());
    map.encode(2, third.data());
    CHECK(map.codes(0) == 4);
    CHECK(map.codes(2) == 2);
    Values back(10);
    map.decode(2, back.data());
    CHECK(back == third);
    map.encode(1, zeros(10).data());
    map.encode(3, zeros(10).data());
    const CodeIndex index(map);
    CHECK(index.codes(2) == 2);
    CHECK(index.begin(2, 1) == 9); // pairs (4,1), (2,2), (0,3) hold words 0 to 8
    CHECK(index.begin(2, 2) == 10);
}
