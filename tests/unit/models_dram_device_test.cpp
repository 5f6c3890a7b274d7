// Is every DRAM command constraint exact: not ready at n - 1, ready at n?
#include "models/dram_device.hpp"

#include <catch2/catch.hpp>

using namespace heddle;

namespace {

constexpr DramDevice::Clock start = 1000;

/// All timings different, so that a mixed-up constraint shows. Two ranks of two groups of two banks.
DramTiming distinct_timing()
{
    DramTiming t;
    t.name = "distinct";
    t.clock_khz = 1000000;
    t.ranks = 2;
    t.bank_groups = 2;
    t.banks_per_group = 2;
    t.rows = 16;
    t.row_bytes = 1024;
    t.bus_bits = 64;
    t.burst_length = 8;
    t.address_order = "row:rank:bank:bankgroup:column:channel";
    t.tcl = 17, t.tcwl = 12, t.tdqsck = 1, t.tdqss = 2;
    t.trcd = 19, t.trp = 21, t.trp_all = 23, t.tras = 41, t.trc = 67;
    t.trrd_s = 5, t.trrd_l = 7, t.tfaw = 37, t.tccd_s = 4, t.tccd_l = 6;
    t.twr = 18, t.twtr_s = 3, t.twtr_l = 9, t.trtp = 11, t.turnaround = 2, t.trtrs = 3;
    t.trefi = 9000, t.trfc = 400;
    return t;
}

// Banks by their relation to bank 0: same group 1, other group 2, other rank 4.
constexpr int same_group = 1, other_group = 2, other_rank = 4;

DramDevice with_open_rows(std::initializer_list<int> banks)
{
    DramDevice device(distinct_timing());
    DramDevice::Clock clock = 0;
    for (const int bank : banks) device.activate(bank, 3, clock += 100);
    return device;
}

} // namespace

TEST_CASE("ACT holds back what follows it by tRCD, tRAS, tRC, tRRD")
{
    DramDevice device(distinct_timing());
    device.activate(0, 3, start);
    CHECK(device.open_row(0) == 3);
    CHECK(device.earliest_column(0, false) == start + 19);
    CHECK(device.earliest_column(0, true) == start + 19);
    CHECK(device.earliest_pre(0) == start + 41);
    CHECK(device.earliest_pre_all(0) == start + 41);
    CHECK(device.earliest_act(same_group) == start + 7);
    CHECK(device.earliest_act(other_group) == start + 5);
    CHECK(device.earliest_act(other_rank) == 0);
    device.precharge(0, start + 41);
    CHECK(device.earliest_act(0) == start + 67); // tRC > tRAS + tRP here
}

TEST_CASE("a late PRE holds ACT back by tRP, PRE of all banks and REF by tRP of all banks")
{
    DramDevice device = with_open_rows({0, same_group});
    device.precharge(0, start);
    CHECK(device.earliest_act(0) == start + 21);
    device.precharge_all(0, start + 50);
    CHECK(device.open_banks(0) == 0);
    CHECK(device.earliest_act(other_group) == start + 73);
    CHECK(device.earliest_ref(0) == start + 73);
    device.refresh(0, start + 73);
    CHECK(device.earliest_act(0) == start + 473);
    CHECK(device.earliest_ref(0) == start + 473);
    CHECK(device.earliest_act(other_rank) == 0);
}

TEST_CASE("the fifth ACT of a rank waits for tFAW")
{
    DramDevice device(distinct_timing());
    // Acts at 0, 7, 14, 21 (tRRD_L at least); the next one is held by tFAW 37 from the first, not by 21 + 7.
    for (int i = 0; i < 4; ++i) device.activate(i, 0, start + 7 * i);
    CHECK(device.earliest_act(other_rank) == 0);
    device.precharge(0, start + 41);
    CHECK(device.earliest_act(0) == start + 67);
    DramTiming short_rows = distinct_timing();
    short_rows.trc = short_rows.tras = short_rows.trcd = 2, short_rows.trp = 1;
    DramDevice quick(short_rows);
    for (int i = 0; i < 4; ++i) quick.activate(i, 0, start + 7 * i);
    quick.precharge(0, start + 22);
    CHECK(quick.earliest_act(0) == start + 37);
    quick.activate(0, 1, start + 37);
    quick.precharge(1, start + 38);
    CHECK(quick.earliest_act(1) == start + 7 + 37);
}

TEST_CASE("RD holds back RD by tCCD, WR by the bus turnaround, PRE by tRTP")
{
    DramDevice device = with_open_rows({0, same_group, other_group, other_rank});
    device.column(0, false, start);
    CHECK(device.earliest_column(0, false) == start + 6);
    CHECK(device.earliest_column(same_group, false) == start + 6);
    CHECK(device.earliest_column(other_group, false) == start + 4);
    CHECK(device.earliest_column(other_rank, false) == start + 4 + 3); // BL/2 + tRTRS
    // CL 17 + tDQSCK 1 + BL/2 4 + max(turnaround 2, tRTRS 3) - CWL 12
    for (const int bank : {0, same_group, other_group, other_rank})
        CHECK(device.earliest_column(bank, true) == start + 13);
    CHECK(device.earliest_pre(0) == start + 11);
}

TEST_CASE("WR holds back WR by tCCD, RD by tWTR, PRE by tWR")
{
    DramDevice device = with_open_rows({0, same_group, other_group, other_rank});
    device.column(0, true, start);
    CHECK(device.earliest_column(same_group, true) == start + 6);
    CHECK(device.earliest_column(other_group, true) == start + 4);
    CHECK(device.earliest_column(other_rank, true) == start + 7);
    // write data end at CWL 12 + tDQSS 2 + BL/2 4 = 18
    CHECK(device.earliest_column(0, false) == start + 18 + 9);
    CHECK(device.earliest_column(same_group, false) == start + 18 + 9);
    CHECK(device.earliest_column(other_group, false) == start + 18 + 3);
    CHECK(device.earliest_column(other_rank, false) == start + 18 + 3 - 18); // + tRTRS - (CL + tDQSCK)
    CHECK(device.earliest_pre(0) == start + 18 + 18);
}

TEST_CASE("standby is active from the first open row of a rank to the last one closed")
{
    DramDevice device(distinct_timing());
    device.activate(0, 0, 100);
    device.activate(other_group, 0, 110);
    CHECK(device.active_clocks(150) == 50);
    device.precharge(0, 200);
    CHECK(device.active_clocks(250) == 150);
    device.precharge(other_group, 260);
    CHECK(device.active_clocks(1000) == 160);
    device.activate(other_rank, 0, 1000);
    CHECK(device.active_clocks(1001) == 161);
}
