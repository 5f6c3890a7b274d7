// Why the array waits for its operands: the ledger blames what would have to be bought. Two machines that differ in one
// property of their memory run the same layer with the same mapping, and the cycles that the worse one takes longer are
// booked under that property, but for what is derived here.
#include "sim/layer_run.hpp"
#include "sim/results.hpp"
#include "tests/system/bench.hpp"
#include "tests/unit/sim_networks.hpp"

#include <catch2/catch.hpp>

#include <sstream>

using namespace heddle;
using namespace heddle::test_system;

namespace {

/// Of one layer: cycles of the array by cause (all its PEs share one, where the layer fills the array), and the DMA's
/// requests and moves.
struct Waits {
    std::int64_t cycles = 0;
    std::int64_t on_chip = 0, refresh = 0, bandwidth = 0, window = 0, latency = 0; ///< operands missing
    std::int64_t outside = 0; ///< nothing to do, or results that find no room: what stores cost
    std::int64_t requests = 0, moves = 0;
    DramActivity dram;
    std::int64_t missing() const { return on_chip + refresh + bandwidth + window + latency; }
};

Waits waits_of(const LayerResult& r, int macs, const std::string& note)
{
    Waits w;
    w.cycles = r.cycles;
    w.dram = r.dram;
    std::istringstream(note) >> w.requests >> w.moves;
    for (const auto& [cause, mac_cycles] : r.ledger.at("array")) {
        const auto names = [&, &text = cause](const char* word) { return text.find(word) != std::string::npos; };
        std::int64_t* booked = names("missing_dram_refresh")     ? &w.refresh
                               : names("missing_dram_bandwidth") ? &w.bandwidth
                               : names("missing_dram_window")    ? &w.window
                               : names("missing_dram_latency")   ? &w.latency
                               : names("missing")                ? &w.on_chip
                                                                 : nullptr;
        if (cause == "nothing_to_do" || cause == "output_blocked") booked = &w.outside;
        if (booked) *booked += mac_cycles;
    }
    for (std::int64_t* booked : {&w.on_chip, &w.refresh, &w.bandwidth, &w.window, &w.latency, &w.outside}) {
        CHECK(*booked % macs == 0);
        *booked /= macs;
    }
    return w;
}

std::string traffic_of(Accelerator& machine)
{
    const Dma::Stats& s = machine.dma().stats();
    return std::to_string(s.requests) + " " + std::to_string(s.moves);
}

/// The layer on `hw`, under every driver.
Waits waits_on(RunOptions o, const HardwareConfig& hw)
{
    o.hardware = hw;
    const Outcome fast = simulate(o, 1, {}, traffic_of);
    AcceleratorOptions reference, shuffled;
    reference.driver.kind = DriverKind::reference;
    shuffled.driver.shuffle_seed = 3;
    for (const AcceleratorOptions& other : {reference, shuffled})
        CHECK(first_difference(fast.result, simulate(o, 1, {other, {}}).result) == "");
    return waits_of(fast.result, hw.macs(), fast.note);
}

/// pixels x filters x depth; on a weight-stationary 16 x 16 array whole if filters and depth are multiples of 16.
RunOptions gemm_on(const HardwareConfig& hw, int pixels, int filters, int depth)
{
    RunOptions o = workload(
        gemm_network("gemm:" + std::to_string(pixels) + "x" + std::to_string(filters) + "x" + std::to_string(depth), 1),
        hw, "ws");
    o.chosen[1] = LayerRunner::choose(o, 1);
    return o;
}

HardwareConfig fixed_memory(int latency, int beat_bytes, int in_flight)
{
    HardwareConfig hw = load_hardware("tpu_like");
    hw.dram.kind = DramKind::fixed;
    hw.dram.latency_cycles = latency;
    hw.dram.beat_bytes = beat_bytes;
    hw.dram.queue_depth = 64;
    hw.dma.requests_in_flight = in_flight;
    return hw;
}

std::ostream& operator<<(std::ostream& out, const Waits& w)
{
    return out << w.cycles << " cycles: on chip " << w.on_chip << ", refresh " << w.refresh << ", bandwidth "
               << w.bandwidth << ", window " << w.window << ", latency " << w.latency << ", outside " << w.outside
               << "; " << w.requests << " requests, " << w.moves << " moves, " << w.dram.read_bytes << " bytes read, "
               << w.dram.write_bytes << " written, " << w.dram.refreshes << " refreshes\n";
}

} // namespace

// 16 pixels, filters and channels, one tile: 160 bytes of parameters in 3 requests, 256 bytes of weights in 4, of
// inputs in 4, and 4 stores. With one request in flight the next one leaves when an answer comes, so each takes latency
// + beats + a channel there + one back, and the array waits for all loads; stores end the layer. A move's start-up of
// 16 cycles hides behind the last request of the move before.
TEST_CASE("one request at a time: every load's latency is booked as the window's, every beat as bandwidth")
{
    const RunOptions o = gemm_on(fixed_memory(100, 64, 1), 16, 16, 16);
    const Waits near = waits_on(o, fixed_memory(100, 64, 1)), far = waits_on(o, fixed_memory(1100, 64, 1)),
                thin = waits_on(o, fixed_memory(100, 4, 1));
    INFO(near << far << thin);
    REQUIRE(near.requests == 3 + 4 + 4 + 4);
    const std::int64_t loads = 11, stores = 4;
    CHECK(far.cycles - near.cycles == 1000 * (loads + stores));
    CHECK(far.window - near.window == 1000 * loads);
    CHECK(far.outside - near.outside == 1000 * stores);
    CHECK(far.bandwidth == near.bandwidth);
    CHECK(far.latency == near.latency);
    CHECK(far.on_chip == near.on_chip);
    // 16 beats for each burst of 64 bytes instead of one. The three requests of parameters, words of 10 bytes, touch 2,
    // 2 and 1 bursts.
    const std::int64_t bursts = loads + 2;
    CHECK(thin.cycles - near.cycles == 15 * (bursts + stores));
    CHECK(thin.bandwidth - near.bandwidth == 15 * bursts);
    CHECK(thin.outside - near.outside == 15 * stores);
    CHECK(thin.window == near.window);
    CHECK(thin.latency == near.latency);
    CHECK(thin.on_chip == near.on_chip);
}

// The same layer on DDR4-2400 without refreshes and with one, in the middle of the loads: with one request in flight
// the array waits for all of it.
TEST_CASE("one request at a time: a refresh in the middle of the loads is booked as such")
{
    HardwareConfig hw = load_hardware("tpu_like");
    hw.dma.requests_in_flight = 1;
    const RunOptions o = gemm_on(hw, 16, 16, 16);
    HardwareConfig calm = hw;
    calm.dram.timing.trefi = 0;
    const Waits without = waits_on(o, calm);
    CHECK(without.refresh == 0);
    CHECK(without.dram.refreshes == 0);
    // The loads last from cycle 17 to 486 without it. Due at half the interval, at 1.5 clocks a cycle: in 334, 347, …
    // 454.
    for (int interval = 1000; interval <= 1240; interval += 40) {
        HardwareConfig once = hw;
        once.dram.timing.trefi = interval;
        const Waits with = waits_on(o, once);
        INFO("interval " << interval << '\n' << without << with);
        CHECK(with.dram.refreshes == 1);
        const DramTiming& t = hw.dram.timing;
        const auto cycles = [](std::int64_t clocks) { return (2 * clocks + 2) / 3; };
        const std::int64_t closed = cycles(t.trp_all + t.trfc);
        // A request on its way when the refresh falls due is answered first, and the next one comes while the rank is
        // closed; one whose row has just been opened waits until that may be closed, and opens it again.
        const std::int64_t way =
            2 + 2 * hw.dram.sync_cycles + cycles(t.read_data_end()) + 2; // channels, crossings, edges
        CHECK(with.refresh >= closed - way);
        CHECK(with.refresh <= closed + cycles(t.tras));
        // Without it the row would have been open, or would have been opened in part of that time.
        const std::int64_t longer = with.missing() - without.missing();
        CHECK(longer >= with.refresh - cycles(t.tras) - 1);
        CHECK(longer <= with.refresh + cycles(t.trcd) + 1);
        CHECK(std::abs(with.bandwidth - without.bandwidth) <= 13); // 4 clocks of a burst are 2 or 3 cycles
    }
}

namespace {

struct Draw {
    RunOptions options;
    HardwareConfig hw;
};

HardwareConfig any_machine(Random& random, DramKind kind)
{
    HardwareConfig hw = load_hardware("tpu_like");
    const auto pick = [&](int lo, int hi) { return static_cast<int>(random.range(lo, hi)); };
    for (PartitionConfig* p : {&hw.global_buffer.weights, &hw.global_buffer.inputs, &hw.global_buffer.outputs})
        p->bytes = 1024 << pick(1, 6);
    hw.dma.max_burst_bytes = 64 << pick(0, 2);
    hw.dma.requests_in_flight = pick(8, 64);
    hw.dma.issue_interval_cycles = pick(1, 3);
    hw.dma.startup_cycles = pick(0, 40);
    hw.dma.read_bytes_per_cycle = 16 << pick(0, 2);
    hw.dma.write_bytes_per_cycle = 16 << pick(0, 2);
    hw.dma.arbitration = static_cast<DmaArbitration>(pick(0, 2));
    hw.dram.kind = kind;
    if (kind == DramKind::dram) {
        hw.dram.timing_name = pick(0, 1) == 0 ? "ddr4_2400_x64" : "lpddr4_3200_x32";
        hw.dram.timing = load_dram_timing(hw.dram.timing_name);
        hw.dram.timing.queue_depth = pick(8, 32);
        hw.dram.sync_cycles = pick(1, 6);
    } else {
        hw.dram.latency_cycles = pick(4, 60);
        hw.dram.beat_bytes = 16 << pick(0, 2);
        hw.dram.cycles_per_beat = pick(1, 2);
        hw.dram.burst_bytes = 16 << pick(0, 2);
        hw.dram.separate_queues = pick(0, 1) == 1;
        hw.dram.queue_depth = pick(8, 64);
    }
    return hw;
}

Draw draw(std::uint64_t seed, DramKind kind)
{
    Random random(seed);
    Draw d;
    d.hw = any_machine(random, kind);
    const auto pick = [&](int lo, int hi) { return static_cast<int>(random.range(lo, hi)); };
    d.options = gemm_on(d.hw, pick(16, 120), 16 * pick(1, 6), 16 * pick(1, 8));
    return d;
}

/// Accelerator cycles that so many memory clocks take.
std::int64_t cycles_of(const HardwareConfig& hw, std::int64_t clocks)
{
    const Rational ratio = hw.memory_clocks_per_cycle();
    return scaled_floor(clocks, ratio.denominator(), ratio.numerator());
}

/// Cycles in which anything can be short of bandwidth: beats on the bus and the spacing between them, beats through the
/// DMA, and one for every response that finds another before it.
std::int64_t bandwidth_limit(const HardwareConfig& hw, const Waits& w)
{
    const std::int64_t channels = 128; // parameters go through the DMA one at a time, at most 96 of them
    const std::int64_t through_dma = w.dram.read_bytes / hw.dma.read_bytes_per_cycle + 2 * w.requests + channels;
    if (hw.dram.kind == DramKind::fixed) {
        const std::int64_t bytes = w.dram.read_bytes + w.dram.write_bytes;
        return through_dma + (bytes / hw.dram.beat_bytes + w.requests) * hw.dram.cycles_per_beat;
    }
    // Each burst follows the last one by tCCD; a change of direction, at most two a write, costs a turnaround; a row
    // that opens waits at most tFAW for others.
    const DramTiming& t = hw.dram.timing;
    const std::int64_t clocks = (w.dram.reads + w.dram.writes) * std::max(t.tccd_l, t.burst_clocks()) +
                                w.dram.writes * (t.read_to_write() + t.write_data_end() + t.twtr_l) +
                                w.dram.activates * t.tfaw;
    return through_dma + cycles_of(hw, clocks);
}

/// What comes for a waiting array shows as an on-chip reason for the cycle in which the buffer passes it on.
std::int64_t on_chip_limit(const HardwareConfig& hw, const Waits& w)
{
    return w.dram.read_bytes / hw.dma.read_bytes_per_cycle + w.requests + 8;
}

/// Cycles in which the bus may stand though nothing but loads is to be done: once a move, from the cycle in which the
/// one before it was answered, or its room given back, to its first beat.
std::int64_t latency_limit(const HardwareConfig& hw, const Waits& w)
{
    const DramTiming& t = hw.dram.timing;
    const std::int64_t memory =
        hw.dram.kind == DramKind::fixed
            ? hw.dram.latency_cycles
            : 2 * hw.dram.sync_cycles + 2 + cycles_of(hw, t.tras + t.trp + t.trcd + t.read_data_end());
    return (w.moves + 1) * (memory + hw.dma.startup_cycles + hw.dma.issue_interval_cycles + 8);
}

/// A layer takes longer than another by these cycles, of which the slower machine books so many more in `part`.
struct Growth {
    std::int64_t cycles, part;
};

Growth growth(const Waits& from, const Waits& to, std::int64_t (*part)(const Waits&))
{
    return {to.cycles - from.cycles, part(to) + to.outside - part(from) - from.outside};
}

void check_reasons(std::uint64_t seed, DramKind kind)
{
    Draw d = draw(seed, kind);
    const Waits base = waits_on(d.options, d.hw);
    INFO("seed " << seed << "\nbase: " << base);
    CHECK(base.bandwidth <= bandwidth_limit(d.hw, base));
    if (kind == DramKind::fixed || base.dram.refreshes == 0) CHECK(base.refresh == 0);

    HardwareConfig far = d.hw; // a hundred times the latency: latency, or the window that does not cover it
    far.dram.latency_cycles *= 100;
    far.dram.sync_cycles *= 100;
    {
        const Waits w = waits_on(d.options, far);
        INFO("latency x 100: " << w);
        CHECK(w.bandwidth <= bandwidth_limit(far, w));
        const Growth g = growth(base, w, [](const Waits& x) { return x.latency + x.window + x.refresh; });
        CHECK(g.cycles > 0);
        CHECK(g.part >= g.cycles - bandwidth_limit(far, w) - on_chip_limit(far, w));
    }
    HardwareConfig narrow = far; // and a quarter of the window
    narrow.dma.requests_in_flight /= 4;
    {
        const Waits from = waits_on(d.options, far), w = waits_on(d.options, narrow);
        INFO("latency x 100: " << from << "and window / 4: " << w);
        CHECK(w.bandwidth <= bandwidth_limit(narrow, w));
        const Growth g = growth(from, w, [](const Waits& x) { return x.window + x.latency + x.refresh; });
        CHECK(g.part >= g.cycles - bandwidth_limit(narrow, w) - on_chip_limit(narrow, w));
        // Whatever is not the window's is a start-up or a first answer.
        CHECK(w.latency <= latency_limit(narrow, w));
    }
    // A sixteenth of the bandwidth. A window of 8 requests of 16 beats covers the latency, as long as writes on a bus
    // of their own do not fill it.
    HardwareConfig thin = d.hw;
    d.hw.dram.separate_queues = thin.dram.separate_queues = false;
    thin.dram.cycles_per_beat *= 16;
    thin.dram.timing.tccd_s *= 16;
    thin.dram.timing.tccd_l *= 16;
    {
        const Waits from = waits_on(d.options, d.hw), w = waits_on(d.options, thin);
        INFO("with one bus: " << from << "bandwidth / 16: " << w);
        CHECK(w.latency + w.window <= latency_limit(thin, w));
        const Growth g = growth(from, w, [](const Waits& x) { return x.bandwidth + x.refresh; });
        CHECK(g.cycles > 0);
        CHECK(g.part >= g.cycles - latency_limit(thin, w) - on_chip_limit(thin, w));
    }
    if (kind == DramKind::fixed) return;
    HardwareConfig often = d.hw;
    DramTiming& t = often.dram.timing;
    t.trefi = std::max(t.trefi / 8, 2 * (t.trc + t.trp_all + t.trfc));
    {
        const Waits w = waits_on(d.options, often);
        INFO("refresh interval / 8: " << w);
        const Rational ratio = often.memory_clocks_per_cycle();
        const std::int64_t clocks = scaled_floor(w.cycles, ratio.numerator(), ratio.denominator());
        CHECK(w.dram.refreshes == t.refreshes_in(clocks) * t.channels * t.ranks);
        // The rank that is awaited closes (after a write at the latest) and refreshes; its channels may do so one after
        // the other.
        const std::int64_t closed = t.tras + t.write_data_end() + t.twr + t.trp_all + t.trfc;
        CHECK(w.refresh <= cycles_of(often, w.dram.refreshes * closed));
        CHECK(w.refresh >= base.refresh);
    }
}

} // namespace

TEST_CASE("random fixed memories: what is slower is what the array waits for")
{
    for (std::uint64_t seed = 1; seed <= 16; ++seed) check_reasons(seed, DramKind::fixed);
}

TEST_CASE("random DRAMs: what is slower is what the array waits for")
{
    for (std::uint64_t seed = 101; seed <= 116; ++seed) check_reasons(seed, DramKind::dram);
}
