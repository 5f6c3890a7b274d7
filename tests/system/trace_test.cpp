// What a waveform or a timeline shows: wavefronts, windows, limits, slices, and two waveforms compared.
#include "dnn/base/error.hpp"
#include "hw/trace.hpp"
#include "sim/layer_run.hpp"
#include "sim/vcd.hpp"
#include "sim/wave_diff.hpp"
#include "tests/system/trace_bench.hpp"

#include <catch2/catch.hpp>

#include <fstream>
#include <map>
#include <sstream>

using namespace heddle;
using namespace heddle::test_system;
namespace fs = std::filesystem;

TEST_CASE("a result leaves the array in the cycle in which the wavefront is at the PE that completes it")
{
    // 16 channels on 16 rows, 32 filters on 16 columns: all PEs in every pass.
    const Subject s{"full array", workload(conv_network(16, 6, 32, square(1)), load_hardware("tpu_like"), "ws"), 1};
    const Folder folder;
    traced(s, waveform(folder.file("w.vcd"), {"array.pe_*", "array.array_psums"}));
    VcdCycles w(folder.file("w.vcd"), "clk");
    const VcdReader& f = w.file();
    const auto pe = [&](int row, int col, const char* name) {
        return f.require("array.pe_" + std::to_string(row) + "_" + std::to_string(col) + "." + name);
    };
    const int push = f.require("array.array_psums.push"), valid = f.require("array.array_psums.valid"),
              ready = f.require("array.array_psums.ready"), data = f.require("array.array_psums.data");
    std::vector<std::int64_t> pushed, popped;
    std::vector<std::vector<std::pair<std::int64_t, std::int64_t>>> work(256); ///< by PE: input, product
    while (w.next()) {
        if (w.is_one(push)) pushed.push_back(word_of(w.value(pe(15, 15, "psum")), 0, 32));
        if (w.is_one(valid) && w.is_one(ready)) popped.push_back(word_of(w.value(data), 15, 32));
        for (int i = 0; i < 256; ++i) {
            const int y = i / 16, x = i % 16;
            if (!w.is_one(pe(y, x, "active"))) continue;
            const std::int64_t a = word_of(w.value(pe(y, x, "weight")), 0, 8);
            const std::int64_t b = word_of(w.value(pe(y, x, "input")), 0, 8);
            work[static_cast<std::size_t>(i)].emplace_back(w.cycle(), b);
            REQUIRE(word_of(w.value(pe(y, x, "product")), 0, 16) == a * b);
        }
    }
    CHECK(pushed.size() == 72); // 36 pixels, twice
    CHECK(pushed == popped);
    for (int i = 0; i < 256;
         ++i) { // the inputs of PE (y, 0) pass PE (y, x) x cycles later, row y starts y cycles later
        const auto &first = work[static_cast<std::size_t>(i / 16 * 16)], &here = work[static_cast<std::size_t>(i)];
        REQUIRE(here.size() == first.size());
        REQUIRE(first.front().first == work[0].front().first + i / 16);
        for (std::size_t n = 0; n < here.size(); ++n) {
            REQUIRE(here[n].first == first[n].first + i % 16);
            REQUIRE(here[n].second == first[n].second);
        }
    }
}

TEST_CASE("a window holds exactly the cycles, tiles or passes asked for, with the values of the whole trace")
{
    const Subject s = subjects()[1]; // many tiles
    const Folder folder;
    const std::vector<std::string> scopes{"array.tile",    "array.pass",          "array.cause",    "dma.cause",
                                          "dma.in_flight", "dma.credit_inputs",   "dma.fill.valid", "dma.fill.push",
                                          "dma.fill.fill", "global_buffer.sram_*"};
    traced(s, waveform(folder.file("all.vcd"), scopes));
    TraceRequest part = waveform(folder.file("part.vcd"), scopes);
    part.trace.window = {TraceWindow::Unit::cycle, 300, 400};
    traced(s, part);
    VcdCycles all(folder.file("all.vcd"), "clk"), window(folder.file("part.vcd"), "clk");
    const std::size_t signals = all.file().signals().size();
    REQUIRE(window.file().signals().size() == signals);
    for (int c = 0; c <= 300; ++c) REQUIRE(all.next());
    int cycles = 0;
    for (; window.next(); ++cycles, all.next())
        for (int i = 0; i < static_cast<int>(signals); ++i) REQUIRE(window.value(i) == all.value(i));
    CHECK(cycles == 101);

    part.trace.window = {TraceWindow::Unit::tile, 2, 3};
    traced(s, part);
    VcdCycles tiles(folder.file("part.vcd"), "clk");
    const int tile = tiles.file().require("array.tile");
    REQUIRE(tiles.next());
    CHECK(tiles.number(tile) == 2);
    bool left = false; // behind the last tile only its wavefront
    for (cycles = 0; tiles.next(); cycles += left ? 1 : 0) left = left || tiles.number(tile) > 3;
    CHECK(cycles <= 34);
}

TEST_CASE("the forecast of a waveform's size holds on machines, windows and scopes drawn at random")
{
    const std::uint64_t seed = 18;
    Random random(seed);
    const std::vector<Subject> all = subjects();
    const Folder folder;
    for (int round = 0; round < 12; ++round) {
        const Subject& s = all[random.below(all.size())];
        TraceRequest request = waveform(folder.file("w.vcd"), {});
        if (random.below(4) == 0) request.trace.scopes = {"dma", "array.pe_1_*"};
        if (random.below(3) > 0) {
            request.trace.window.first = random.range(0, 700);
            request.trace.window.last = request.trace.window.first + random.range(20, 400);
        }
        CAPTURE(seed, round, s.what, request.trace.window.first, request.trace.window.last);
        try {
            const Facts f = traced(s, request, 0, true);
            CHECK(f.plan.expected_cycles == f.written);
            const auto size = static_cast<double>(fs::file_size(folder.file("w.vcd")));
            CAPTURE(f.plan.expected_bytes, size);
            CHECK(static_cast<double>(f.plan.expected_bytes) < 1.2 * size); // these are short: nothing is sampled
            CHECK(static_cast<double>(f.plan.expected_bytes) > size / 1.2);
        } catch (const CheckFailure& e) { // a window behind the layer's end is refused, with no file
            CHECK(request.trace.window.first > 0);
            CHECK(std::string(e.what()).find("ends with cycle") != std::string::npos);
        }
    }
}

TEST_CASE("the forecast of a window too long to look at every cycle holds within a factor of two")
{
    const std::uint64_t seed = 19;
    Random random(seed);
    const std::vector<Subject> all = subjects();
    const Folder folder;
    for (int round = 0; round < 6; ++round) {
        const Subject& s = all[random.below(all.size())];
        const TraceRequest request = waveform(folder.file("w.vcd"), {});
        const Facts f = traced(s, request);
        const json::value looked = json::parse(in_process([&] {
            RunOptions options = s.options;
            options.driver = TimeDriver::reference;
            LayerRunner runner(options);
            std::shared_ptr<TraceForecast> seen;
            runner.watch([&](Accelerator& machine, const CompiledPlan& plan) {
                // Some 1,500 signals: 100 cycles are looked at, then groups of six.
                seen = std::make_shared<TraceForecast>(machine, plan, request.trace, 150'000);
                auto causes = std::make_shared<CauseWatch>(machine);
                machine.dram().log_commands([seen](const DramCommand& c) { seen->command(c); });
                machine.clock().observe([seen, causes](Cycle now) { seen->look(now, causes->look()); });
                return seen;
            });
            runner.run(s.layer);
            return json::serialize(json::object{{"bytes", seen->bytes()}, {"cycles", seen->cycles()}});
        }));
        const auto size = static_cast<double>(fs::file_size(folder.file("w.vcd")));
        const double forecast = looked.at("bytes").to_number<double>();
        CAPTURE(seed, round, s.what, f.written, forecast, size);
        CHECK(looked.at("cycles").to_number<Cycle>() == f.written);
        CHECK(forecast < 2 * size);
        CHECK(forecast > size / 2);
    }
}

TEST_CASE("the view opens in the cycle in which the array takes its first operand")
{
    const Subject s{"full array", workload(conv_network(16, 6, 32, square(1)), load_hardware("tpu_like"), "ws"), 1};
    const Folder folder;
    const Facts f = traced(s, waveform(folder.file("w.vcd"), {"distributor.array_*", "array.cause"}));
    VcdCycles w(folder.file("w.vcd"), "clk");
    const VcdReader& r = w.file();
    Cycle first = never;
    while (w.next() && first == never)
        for (const char* channel : {"distributor.array_weights", "distributor.array_inputs"})
            if (w.is_one(r.require(std::string(channel) + ".valid")) &&
                w.is_one(r.require(std::string(channel) + ".ready")))
                first = w.cycle();
    CHECK(f.first_work == first);
    CHECK(first > 0);
}

TEST_CASE("a clock without a period of whole picoseconds keeps its cycles, and the waveform says so")
{
    std::vector<Cycle> cycles;
    const Folder folder;
    for (const Rational& mhz : {Rational(800), Rational(700), Rational(2800, 3)}) {
        HardwareConfig hw = with_memory(DramKind::fixed);
        hw.clock_mhz = mhz;
        const Subject s{"clock", workload(conv_network(20, 12, 40, square(3, 1, 1)), hw, "ws"), 1};
        cycles.push_back(traced(s, waveform(folder.file("w.vcd"), {"array.cause"})).result.cycles);
        std::ostringstream text;
        text << std::ifstream(folder.file("w.vcd")).rdbuf();
        const bool odd = text.str().find("is no whole number of picoseconds") != std::string::npos;
        CHECK(odd == (mhz != Rational(800)));
        if (mhz == Rational(700)) CHECK(text.str().find("the clock has 700 MHz") != std::string::npos);
        VcdCycles w(folder.file("w.vcd"), "clk");
        Cycle shown = 0;
        while (w.next()) ++shown;
        CHECK(shown == cycles.back());
    }
    CHECK(cycles[1] == cycles[0]); // a memory of so many cycles does not know the clock
    CHECK(cycles[2] == cycles[0]);
}

TEST_CASE("a limit on the size ends the file early and leaves it valid")
{
    const Subject s = subjects()[0];
    const Folder folder;
    TraceRequest request = waveform(folder.file("w.vcd"), {});
    request.trace.max_bytes = 1 << 20;
    CHECK(traced(s, request).limited);
    CHECK(fs::file_size(folder.file("w.vcd")) <= 1u << 20);
    VcdCycles w(folder.file("w.vcd"), "clk");
    int cycles = 0;
    while (w.next()) ++cycles;
    CHECK(cycles > 20);
}

TEST_CASE("the timeline is a Chrome trace whose slices add up to the ledger and the DRAM's commands")
{
    const Subject s = subjects()[3];
    const Folder folder;
    TraceRequest request;
    request.timeline = folder.file("t.json");
    LayerResult r = traced(s, request).result;
    std::ostringstream text;
    text << std::ifstream(request.timeline).rdbuf();
    const json::value v = json::parse(text.str());
    std::map<std::int64_t, std::string> threads;
    std::map<std::string, std::map<std::string, std::int64_t>> cycles, slices;
    for (const json::value& e : v.at("traceEvents").as_array()) {
        REQUIRE(e.at("pid").as_int64() == 1);
        const std::int64_t tid = e.at("tid").as_int64();
        const std::string name = json::value_to<std::string>(e.at("name")),
                          ph = json::value_to<std::string>(e.at("ph"));
        if (ph == "M") {
            if (name == "thread_name") threads[tid] = json::value_to<std::string>(e.at("args").at("name"));
            continue;
        }
        REQUIRE(ph == "X");
        REQUIRE(e.at("ts").to_number<double>() >= 0.0);
        REQUIRE(e.at("dur").to_number<double>() > 0.0);
        REQUIRE(threads.count(tid) == 1);
        slices[threads[tid]][name] += 1;
        if (const auto* n = e.at("args").as_object().if_contains("cycles")) {
            cycles[threads[tid]][name] += n->as_int64();
            CHECK(e.at("dur").to_number<double>() == Approx(static_cast<double>(n->as_int64()) / 800.0));
        }
    }
    for (const char* block : {"dram", "dma", "global_buffer", "distributor", "collector", "post"})
        for (const auto& [cause, n] : r.ledger[block]) CHECK(cycles[block][cause] == n);
    CHECK(slices["dram commands"]["RD"] == r.dram.reads);
    CHECK(slices["dram commands"]["WR"] == r.dram.writes);
    CHECK(slices["dram commands"]["ACT"] == r.dram.activates);
    CHECK(slices["array tiles"].size() > 2);
    CHECK(slices["array passes"].size() >= slices["array tiles"].size());
}

TEST_CASE("refreshes are seen: REF in waveform and timeline, and the DRAM's cause while its rank is closed")
{
    Subject s{"refreshed often", workload(conv_network(16, 24, 16, square(1)), load_hardware("tpu_like"), "ws"), 1};
    DramTiming& t = s.options.hardware.dram.timing;
    t.trefi = 1000;
    const Folder folder;
    TraceRequest request = waveform(folder.file("w.vcd"), {"dram.command", "dram.cause"});
    request.timeline = folder.file("t.json");
    const LayerResult r = traced(s, request).result;
    REQUIRE(r.dram.refreshes == t.refreshes_in(r.cycles * 3 / 2));
    REQUIRE(r.dram.refreshes >= 2);

    VcdCycles w(folder.file("w.vcd"), "clk");
    const int command = w.file().require("dram.command"), cause = w.file().require("dram.cause");
    std::vector<std::int64_t> seen;
    std::int64_t closed = 0;
    while (w.next()) {
        if (w.number(command) == 1 + static_cast<int>(DramCommandKind::ref)) seen.push_back(w.cycle());
        closed += w.number(cause) == static_cast<int>(Dram::Cause::refresh);
    }
    std::map<std::string, std::int64_t> dram(r.ledger.at("dram").begin(), r.ledger.at("dram").end());
    CHECK(closed == dram.at("refresh"));
    CHECK(closed > 0);
    std::ostringstream text;
    text << std::ifstream(request.timeline).rdbuf();
    const json::value v = json::parse(text.str());
    std::vector<std::int64_t> clocks;
    for (const json::value& e : v.at("traceEvents").as_array())
        if (e.at("name") == "REF") clocks.push_back(e.at("args").at("clock").as_int64());
    CHECK(static_cast<std::int64_t>(clocks.size()) == r.dram.refreshes);
    REQUIRE(clocks.size() == seen.size());
    for (std::size_t i = 0; i < clocks.size(); ++i) {
        CHECK(seen[i] == (clocks[i] * 2 + 2) / 3); // the first cycle whose edge is not before the memory's
        const std::int64_t due = t.trefi / 2 + t.trefi * static_cast<std::int64_t>(i);
        CHECK(clocks[i] >= due);
        CHECK(clocks[i] <= due + t.tras + t.write_data_end() + t.twr + t.trp_all); // when its rows could close
    }
}

TEST_CASE("wave-diff finds no difference in equal runs and the drift in a stalled one")
{
    const Subject s = subjects()[0];
    const Folder folder;
    const std::vector<std::string> scopes{"array.array_psums", "post.results", "array.cause"};
    const std::string a = folder.file("a.vcd"), b = folder.file("b.vcd");
    const LayerResult ra = traced(s, waveform(a, scopes)).result, rb = traced(s, waveform(b, scopes), 5).result;
    CHECK(compare_waves(a, a, common_signals(a, a)).same());
    WaveMap map = common_signals(a, b);
    map.align = {"array.array_psums.push", "array.array_psums.push"};
    const WaveDiff d = compare_waves(a, b, map);
    CHECK_FALSE(d.same());
    CHECK(d.cycles_a == ra.cycles - d.event_a);
    CHECK(d.cycles_b == rb.cycles - d.event_b);
    REQUIRE(d.channels.size() == 2);
    for (const WaveDiff::Drift& c : d.channels) {
        INFO(c.name);
        CHECK(c.transfers_a == c.transfers_b);
        CHECK(c.data_differ == -1);
        CHECK(c.last == c.largest);
        CHECK(c.last > 0);
    }
}
