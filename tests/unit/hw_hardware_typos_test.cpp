// A slip of the finger in any key of any shipped hardware description is told at its line, with the key that was meant.
#include "dnn/base/error.hpp"
#include "dnn/base/files.hpp"
#include "dnn/base/random.hpp"
#include "hw/hardware.hpp"

#include <catch2/catch.hpp>
#include <string>
#include <vector>
#include <yaml-cpp/yaml.h>

using namespace heddle;

namespace {

struct Key {
    std::string name;
    int line, col; ///< from 0
};

void collect(const YAML::Node& node, std::vector<Key>& keys)
{
    if (!node.IsMap()) return;
    for (const auto& e : node) {
        keys.push_back({e.first.Scalar(), e.first.Mark().line, e.first.Mark().column});
        collect(e.second, keys);
    }
}

/// One letter inserted, deleted, replaced or swapped with the next.
std::string misspelt(std::string word, Random& random)
{
    const auto at = static_cast<std::size_t>(random.below(word.size()));
    const char letter = static_cast<char>('a' + random.below(26));
    switch (random.below(4)) {
    case 0:
        word.insert(at, 1, letter);
        break;
    case 1:
        if (word.size() > 3) word.erase(at, 1);
        break;
    case 2:
        word[at] = letter;
        break;
    default:
        if (at + 1 < word.size()) std::swap(word[at], word[at + 1]);
    }
    return word;
}

} // namespace

TEST_CASE("a misspelt key of any hardware description is unknown at its line, and the right one is named", "[hardware]")
{
    const std::uint64_t seed = 15;
    Random random(seed);
    int tried = 0;
    for (const std::string& preset : shipped_names("hw/presets")) {
        const std::string text = read_file(data_root() + "/hw/presets/" + preset + ".yaml");
        std::vector<Key> keys;
        collect(YAML::Load(text), keys);
        for (const Key& key : keys) {
            const std::string wrong = misspelt(key.name, random);
            if (wrong == key.name) continue;
            std::size_t at = 0;
            for (int line = 0; line < key.line; ++line) at = text.find('\n', at) + 1;
            at += static_cast<std::size_t>(key.col);
            REQUIRE(text.compare(at, key.name.size(), key.name) == 0);
            std::string broken = text;
            broken.replace(at, key.name.size(), wrong);
            CAPTURE(seed, preset, key.name, wrong);
            const std::string place = "hw.yaml:" + std::to_string(key.line + 1) + ":" + std::to_string(key.col + 1);
            CHECK_THROWS_WITH(parse_hardware(broken, "hw.yaml"),
                              Catch::StartsWith(place) &&
                                  Catch::Contains("unknown key (did you mean \"" + key.name + "\"?)"));
            ++tried;
        }
    }
    CHECK(tried > 500);
}
