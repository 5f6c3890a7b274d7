// Run-length coded maps and stated zeros from the command line.
#include "tests/smoke/workplace.hpp"

using namespace heddle::test_smoke;

namespace {

/// tpu_like with further keys in its dram section.
void write_machine(const Workplace& place, const std::string& file, const std::string& keys)
{
    std::ostringstream text;
    text << std::ifstream(std::string(HEDDLE_SOURCE_DIR) + "/hw/presets/tpu_like.yaml").rdbuf();
    std::string yaml = text.str();
    const std::string from = "dram: {kind: dram,";
    REQUIRE(yaml.find(from) != std::string::npos);
    yaml.replace(yaml.find(from), from.size(), from + " " + keys + ",");
    std::ofstream(place.path() / file) << yaml;
}

std::int64_t dram_bytes(const boost::json::value& layer)
{
    return whole(layer.at("dram").at("read_bytes")) + whole(layer.at("dram").at("write_bytes"));
}

const std::string zeros = "layer,ifmap_zeros_pct,ofmap_zeros_pct\nCONV3,72.5,72.44\nConv5,77.6,90.5\nTotal,57.53,\n";

} // namespace

TEST_CASE("layers between coded maps with stated zeros are verified and move fewer bytes, in one process or two")
{
    const Workplace place;
    std::ofstream(place.path() / "zeros.csv") << zeros;
    write_machine(place, "plain.yaml", "map_layout: planes");
    write_machine(place, "coded.yaml", "map_layout: planes, compression: {maps: run_length}");
    const std::string rest = " --layers conv3,conv5 --zeros zeros.csv";
    const boost::json::value plain = place.run("alexnet --hw plain.yaml" + rest);
    const boost::json::value coded = place.run("alexnet --hw coded.yaml" + rest);
    const boost::json::value two = place.run("alexnet --hw coded.yaml --jobs 2" + rest);
    check_verified(plain);
    check_verified(coded);
    CHECK(coded.at("layers") == two.at("layers"));
    for (const std::size_t i : {0, 1}) {
        const boost::json::value &a = plain.at("layers").at(i), &b = coded.at("layers").at(i);
        CHECK(dram_bytes(b) < dram_bytes(a));
        CHECK(b.at("macs_effectual") == a.at("macs_effectual"));
        CHECK(whole(a.at("macs_effectual")) < whole(a.at("macs")) * 3 / 10);
    }
}

TEST_CASE("compression that cannot be is refused with its place in the file")
{
    const Workplace place;
    const auto refused = [&](const std::string& keys, const std::string& words, const std::string& more = "") {
        write_machine(place, "m.yaml", keys);
        const Answer answer = place.heddle("run alexnet --hw m.yaml --layers conv5 --out x" + more);
        INFO(answer.text);
        CHECK(answer.code == 2);
        CHECK(answer.text.find(words) != std::string::npos);
    };
    refused("compression: {maps: run_length}", "m.yaml:48:20: dram.compression: expected map_layout planes");
    refused("map_layout: planes, compression: {maps: run_length, word_bits: 48}",
            "dram.compression.word_bits: expected 16, 32 or 64, got 48");
    refused("map_layout: planes, compression: {maps: run_length, run_bits: 9, word_bits: 16}",
            "dram.compression.word_bits: expected room for a run, a value and the last bit: at least 18 bits, got 16");
    refused("map_layout: planes, compression: {maps: run_length}", "--timing-only: ", " --timing-only");
}
