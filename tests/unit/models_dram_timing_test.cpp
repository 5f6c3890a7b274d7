// Are DRAM tables read strictly, and do addresses mean what their order says?
#include "dnn/base/error.hpp"
#include "dnn/base/files.hpp"
#include "dnn/base/random.hpp"
#include "models/dram_address.hpp"
#include "models/dram_timing.hpp"

#include <catch2/catch.hpp>

using namespace heddle;

namespace {

/// The shipped DDR4 table with one line replaced (or removed, when `line` is empty).
DramTiming load_with(const std::string& key, const std::string& line)
{
    std::string text = read_file(data_root() + "/models/tables/dram_ddr4_2400_x64.yaml");
    const std::size_t begin = text.find("\n" + key + ":") + 1;
    const std::size_t end = text.find('\n', begin) + 1;
    text.replace(begin, end - begin, line.empty() ? "" : line + "\n");
    return load_dram_timing(YamlReader::load_string(text, "t.yaml"));
}

} // namespace

TEST_CASE("the shipped DRAM tables have their data sheets' size and speed")
{
    const DramTiming ddr4 = load_dram_timing("dram_ddr4_2400_x64");
    CHECK(ddr4.capacity_bytes() == 8ull << 30);
    CHECK(ddr4.burst_bytes() == 64);
    CHECK(ddr4.burst_bytes() / ddr4.burst_clocks() * ddr4.clock_khz * 1000 == 19200000000);
    CHECK(ddr4.read_to_write() == 17 + 4 + 2 - 12);
    CHECK(ddr4.trc == 56);

    const DramTiming lpddr4 = load_dram_timing("lpddr4_3200_x32");
    CHECK(lpddr4.capacity_bytes() == 2ull << 30);
    CHECK(lpddr4.burst_bytes() == 32);
    CHECK(lpddr4.channels * lpddr4.burst_bytes() / lpddr4.burst_clocks() * lpddr4.clock_khz * 1000 == 12800000000);
    CHECK(lpddr4.read_to_write() == 28 + 6 + 8 + 2 - 14);
    CHECK(lpddr4.tccd_l == lpddr4.tccd_s);
}

TEST_CASE("wrong DRAM tables are refused with the key")
{
    CHECK_THROWS_WITH(load_with("tras_clocks", "tras_clocks: 16"),
                      Catch::Contains("tras_clocks: expected at least trcd_clocks (17), got 16"));
    CHECK_THROWS_WITH(load_with("trc_clocks", "trc_clocks: 38"), Catch::Contains("at least tras_clocks (39)"));
    CHECK_THROWS_WITH(load_with("rows", "rows: 49152"), Catch::Contains("rows: expected a power of two, got 49152"));
    CHECK_THROWS_WITH(load_with("tccd_s_clocks", "tccd_s_clocks: 3"),
                      Catch::Contains("half of burst_length_beats (4)"));
    CHECK_THROWS_WITH(load_with("trefi_clocks", "trefi_clocks: 500"),
                      Catch::Contains("trefi_clocks: expected at least"));
    CHECK_THROWS_WITH(
        load_with("address_order", "address_order: row:bank:column:channel"),
        Catch::Contains("address_order: expected row, rank, bank, bankgroup, column and channel once each"));
    CHECK_THROWS_WITH(load_with("trcd_clocks", ""), Catch::Contains("trcd_clocks"));
    CHECK_THROWS_WITH(load_with("trcd_clocks", "trcd_clocks: 17\ntrcd_ns: 14"), Catch::Contains("trcd_ns"));
    CHECK_THROWS_AS(load_with("tcl_clocks", "tcl_clocks: 0"), UserError);
    CHECK_THROWS_AS(load_with("ranks", "ranks: 8"), UserError); // more than 64 banks
    CHECK_THROWS_WITH(load_dram_timing("ddr9"), Catch::Contains("unknown DRAM \"ddr9\"; known: dram_ddr4_2400_x64"));
}

TEST_CASE("addresses are cut in the stated order")
{
    DramTiming timing = load_dram_timing("ddr4_2400_x64");
    const DramAddressMap map(timing); // row:rank:bank:column:bankgroup:channel
    CHECK(map.place(64).group == 1);
    CHECK(map.place(256).column == 1);
    CHECK(map.place(4 * 8192).bank == 1);
    CHECK(map.place(16 * 8192).row == 1);

    timing = load_dram_timing("lpddr4_3200_x32");
    const DramAddressMap interleaved(timing);
    CHECK(interleaved.place(32).channel == 1);
    CHECK(interleaved.place(64).column == 1);
    CHECK(interleaved.place(2 * 2048).bank == 1);
}

TEST_CASE("every address has its own place")
{
    DramTiming timing = load_dram_timing("ddr4_2400_x64");
    timing.channels = 4;
    timing.ranks = 2;
    timing.address_order = GENERATE("row:rank:bank:column:bankgroup:channel", "channel:column:row:bank:rank:bankgroup");
    const DramAddressMap map(timing);
    Random random(7);
    for (int i = 0; i < 1000; ++i) {
        const std::uint64_t address = random.below(timing.capacity_bytes() / 64) * 64;
        REQUIRE(map.address(map.place(address)) == address);
    }
}
