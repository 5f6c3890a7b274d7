// What the decoder makes of a response: wanted words in pieces, those dropped before them, and behind the last one only
// what is really left.
#include "hw/map_codec.hpp"

#include <catch2/catch.hpp>

using namespace heddle;

namespace {

constexpr int unit = 16;

/// Pieces of one unit of 16 words, of which [from, to) is wanted.
std::vector<MapReader::Piece> pieces_of(int from, int to)
{
    CompressedMap map(RunLengthFormat{}, unit, unit, 64);
    std::vector<std::int16_t> words;
    for (int i = 0; i < unit; ++i) words.push_back(static_cast<std::int16_t>(i % 3 == 0 ? 0 : i));
    map.encode(0, words.data());
    const std::size_t inputs = static_cast<std::size_t>(Region::inputs);
    MemoryImage image;
    image.compressed[inputs] = &map;
    image.bits[inputs] = 16;
    TensorLayout layout;
    layout.extent = {1, 1, 1, 1, unit};
    layout.stride = {unit, unit, unit, unit, 1};
    layout.words = unit;
    Box box;
    box.hi = layout.extent;
    box.lo[4] = from;
    box.hi[4] = to;
    MapReader reader;
    reader.begin_layer(image, 64);
    reader.start(Region::inputs, layout, {box});
    std::vector<MapReader::Piece> pieces;
    while (!reader.done()) {
        MemoryRequest request(64);
        CHECK(reader.words() <= to - from);
        reader.issue(request);
        MemoryResponse response(64);
        static_cast<MovedCodes&>(response) = request;
        response.region = Region::inputs;
        for (int i = 0; i < request.codes; ++i) put_code(response.data, i, map.code(0, request.first_code + i));
        for (MapReader::Piece& p : reader.decode(response)) pieces.push_back(std::move(p));
    }
    for (const MapReader::Piece& p : pieces)
        for (std::size_t i = 0; i < p.values.size(); ++i)
            CHECK(p.values[i] == words[static_cast<std::size_t>(p.first_word) + i]);
    return pieces;
}

} // namespace

// 16 words with 11 that are not zero are 4 code words of three pairs, all in one burst of 64 bytes.
TEST_CASE("a unit that is wanted whole is one piece, with nothing dropped and nothing behind it")
{
    const auto pieces = pieces_of(0, unit);
    REQUIRE(pieces.size() == 1);
    CHECK(pieces[0].dropped == 0);
    CHECK(pieces[0].values.size() == unit);
}

TEST_CASE("words before and behind the wanted ones of a response are dropped")
{
    const auto pieces = pieces_of(4, 8);
    std::size_t wanted = 0, dropped = 0;
    for (const MapReader::Piece& p : pieces) {
        wanted += p.values.size();
        dropped += static_cast<std::size_t>(p.dropped);
        CHECK((p.dropped > 0 || !p.values.empty()));
    }
    CHECK(wanted == 4);
    CHECK(wanted + dropped <= unit);
    CHECK(pieces.front().first_word == 4);
}
