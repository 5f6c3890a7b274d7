// The DMA: how tiles are cut into requests, and when these are issued.
#include "hw/dma.hpp"
#include "tests/module/bench.hpp"
#include "tests/module/memory.hpp"

using namespace heddle;
using namespace heddle::bench;
using namespace heddle::toys;

namespace {

/// A DMA whose requests are noted and answered as told; what it fills is taken at once.
struct DmaBench {
    DmaBench(const HardwareConfig& config, int m, int n, int k)
        : hw(config), net(gemm(m, n, k)), q(synthesize(net, hw.precision, 1)), maps(q.net, hw),
          setup(make_layer_setup(q, hw, lower(net, 1, hw, weight_stationary(16, 16)), maps)), plan(setup->plan, hw),
          clock(unique("clock").c_str(), hw.clock_period_ps(), {}), command("command", 2, 1),
          requests("requests", 4, 1, MemoryRequest(600)), responses("responses", 4, 1, MemoryResponse(600)),
          fills("fills", 2, 1, FillBeat(600)), parameters("parameters", 2, 1, FillBeat(600)), credits("credits", 4, 1),
          asks("asks", 4, 1), drains("drains", 2, 1, FillBeat(600)), done("done", 2, 1),
          dma(unique("dma").c_str(), hw,
              Dma::Ports{command, requests, responses, fills, parameters, credits, asks, drains, done}),
          controller(command), memory(responses), requested(requests), filled(fills), parameter(parameters),
          asked(asks), stop(2000)
    {
        for (Block* b :
             std::initializer_list<Block*>{&dma, &controller, &memory, &requested, &filled, &parameter, &asked, &stop})
            clock.add(*b);
        controller.add(0, Command{&plan, &setup->post});
    }
    void run()
    {
        dma.begin_layer(0, setup->image);
        dma.end_layer(clock.run(stop.done()));
    }
    /// (cycle of issue, region, bytes) of every request; the request channel takes one cycle.
    std::vector<std::tuple<Cycle, Region, int>> issued() const
    {
        std::vector<std::tuple<Cycle, Region, int>> all;
        for (const auto& [at, r] : requested.popped) all.emplace_back(at - 1, r.region, r.bytes);
        return all;
    }

    HardwareConfig hw;
    Network net;
    QuantizedNetwork q;
    MapStore maps;
    std::unique_ptr<LayerSetup> setup;
    CompiledPlan plan;
    ClockDomain clock;
    Channel<Command> command;
    Channel<MemoryRequest> requests;
    Channel<MemoryResponse> responses;
    Channel<FillBeat> fills, parameters;
    Channel<Credit> credits;
    Channel<DrainRequest> asks;
    Channel<FillBeat> drains;
    Channel<Command> done;
    Dma dma;
    Feeder<Command> controller;
    Feeder<MemoryResponse> memory;
    Taker<MemoryRequest> requested;
    Taker<FillBeat> filled, parameter;
    Taker<DrainRequest> asked;
    Stop stop;
};

HardwareConfig with_dma(int startup, int interval, int in_flight, int read_bytes = 64)
{
    HardwareConfig hw = systolic();
    hw.dram.kind = DramKind::fixed;
    hw.dram.latency_cycles = 10;
    hw.dram.beat_bytes = 64;
    hw.dma = {};
    hw.dma.max_burst_bytes = 64;
    hw.dma.startup_cycles = startup;
    hw.dma.issue_interval_cycles = interval;
    hw.dma.requests_in_flight = in_flight;
    hw.dma.read_bytes_per_cycle = read_bytes;
    return hw;
}

using Issue = std::tuple<Cycle, Region, int>;

struct Cut {
    std::uint64_t address;
    int bytes;
    std::int64_t word;
    int words;
    bool operator==(const Cut& o) const
    {
        return address == o.address && bytes == o.bytes && word == o.word && words == o.words;
    }
};

std::vector<Cut> cuts(const TensorLayout& layout, const Box& box, std::uint64_t address, int bits, int burst)
{
    const std::vector<Box> boxes = {box};
    std::vector<Cut> all;
    for (RequestWalk w(layout, boxes, address, bits, burst); !w.done(); w.next())
        all.push_back({w.byte_address(), w.bytes(), w.first_word(), w.words()});
    return all;
}

} // namespace

TEST_CASE("a tile is cut at every address discontinuity and at every multiple of the largest burst")
{
    TensorLayout map; // 1 x 4 x 10 pixels of 8 channels, one byte each: rows of 80 bytes
    map.extent = {1, 4, 10, 1, 8};
    map.stride = {320, 80, 8, 8, 1};
    map.words = 320;
    // Rows 1 and 2, pixels 2 to 9: bytes 96 to 159 and 176 to 239 from 4096 on; bursts of 64 end at multiples of 64.
    const Box part{{0, 1, 2, 0, 0}, {1, 3, 10, 1, 8}};
    CHECK(cuts(map, part, 4096, 8, 64) ==
          std::vector<Cut>{{4192, 32, 96, 32}, {4224, 32, 128, 32}, {4272, 16, 176, 16}, {4288, 48, 192, 48}});
    // Larger bursts: only 4096 + 128, 4096 + 256, … cut.
    CHECK(cuts(map, part, 4096, 8, 128) ==
          std::vector<Cut>{{4192, 32, 96, 32}, {4224, 32, 128, 32}, {4272, 64, 176, 64}});
    // An address that is no multiple of the burst moves the cuts.
    CHECK(cuts(map, part, 4096 + 16, 8, 64).front() == Cut{4208, 16, 96, 16});
    // Whole rows lie one behind the other.
    CHECK(cuts(map, Box{{0, 1, 0, 0, 0}, {1, 3, 10, 1, 8}}, 0, 8, 256) == std::vector<Cut>{{80, 160, 80, 160}});
}

TEST_CASE("a word that is no byte belongs to the burst of its first bit")
{
    TensorLayout line;
    line.extent = {1, 1, 1, 1, 20};
    line.stride = {20, 20, 20, 20, 1};
    line.words = 20;
    const Box all{{0, 0, 0, 0, 0}, {1, 1, 1, 1, 20}};
    // 12 bits: bytes 0..29. Bursts of 8 bytes = 64 bits: words 0-5 begin before bit 64 (72 bits, 9 bytes), 6-10 before
    // 128.
    CHECK(cuts(line, all, 0, 12, 8) == std::vector<Cut>{{0, 9, 0, 6}, {9, 8, 6, 5}, {16, 8, 11, 5}, {24, 6, 16, 4}});
    // 80-bit words, such as a channel's parameters: 64 bytes hold the beginnings of 7.
    CHECK(cuts(line, all, 0, 80, 64).front() == Cut{0, 70, 0, 7});
    CHECK(cuts(line, all, 0, 80, 64).size() == 3); // words begin in bytes 0-60, 70-120, 130-190
}

TEST_CASE("moves start after startup_cycles, requests follow each other by the issue interval")
{
    // 4 channels of 10 bytes; 4 x 20 weights; 8 x 20 inputs: requests of 40; 64 + 16; 64 + 64 + 32 bytes.
    DmaBench slow(with_dma(5, 3, 16), 8, 4, 20), fast(with_dma(0, 1, 16), 8, 4, 20);
    slow.run();
    fast.run();
    // Command pushed in 0, seen in 1. A move's first request waits for the start-up, counted from the cycle after the
    // last request of the move before.
    CHECK(slow.issued() == std::vector<Issue>{{6, Region::parameters, 40},
                                              {12, Region::weights, 64},
                                              {15, Region::weights, 16},
                                              {21, Region::inputs, 64},
                                              {24, Region::inputs, 64},
                                              {27, Region::inputs, 32}});
    CHECK(fast.issued() == std::vector<Issue>{{1, Region::parameters, 40},
                                              {2, Region::weights, 64},
                                              {3, Region::weights, 16},
                                              {4, Region::inputs, 64},
                                              {5, Region::inputs, 64},
                                              {6, Region::inputs, 32}});
    CHECK(slow.dma.stats().requests == 6);
    CHECK(slow.dma.stats().first_request == 6);
}

TEST_CASE("no more requests are in flight than allowed; a response makes room for the next")
{
    DmaBench d(with_dma(0, 1, 2), 8, 4, 20);
    MemoryResponse answer(600);
    answer.region = Region::parameters;
    answer.words = 4;
    answer.bytes = 40;
    d.memory.add(100, answer);
    d.run();
    // Two at once; the response pushed in 100 is taken in 101, and the third request leaves in that cycle.
    CHECK(d.issued() ==
          std::vector<Issue>{{1, Region::parameters, 40}, {2, Region::weights, 64}, {101, Region::weights, 16}});
    REQUIRE(d.parameter.popped.size() == 1);
    CHECK(d.parameter.popped[0].first == 102);
    CHECK(d.parameter.popped[0].second.count == 4);
}

TEST_CASE("read data move on at read_bytes_per_cycle")
{
    DmaBench d(with_dma(0, 1, 16, 24), 8, 4, 20);
    MemoryResponse answer(600);
    answer.region = Region::weights;
    answer.words = answer.bytes = 64;
    answer.first_word = 0;
    for (int i = 0; i < 64; ++i) answer.data[static_cast<std::size_t>(i)] = i;
    d.memory.add(50, answer);
    d.run();
    // Seen in 51: 24, 24 and 16 words in 51, 52, 53, each taken one cycle later.
    REQUIRE(d.filled.popped.size() == 3);
    for (int i = 0; i < 3; ++i) {
        const auto& [at, beat] = d.filled.popped[static_cast<std::size_t>(i)];
        CHECK(at == 52 + i);
        CHECK(beat.first_word == 24 * i);
        CHECK(beat.count == (i < 2 ? 24 : 16));
        CHECK(beat.word[0] == 24 * i);
    }
}

// A parameter word has 10 bytes, which takes 3 cycles at 4 bytes a cycle: seen in 51, words leave in 53, 56 and 59.
TEST_CASE("words wider than read_bytes_per_cycle take as many cycles as their bytes")
{
    DmaBench d(with_dma(0, 1, 16, 4), 8, 4, 20);
    MemoryResponse answer(600);
    answer.region = Region::parameters;
    answer.words = 3;
    answer.bytes = 30;
    answer.first_word = 0;
    d.memory.add(50, answer);
    d.run();
    REQUIRE(d.hw.post.parameter_bytes_per_channel == 10);
    REQUIRE(d.parameter.popped.size() == 3);
    for (int i = 0; i < 3; ++i) {
        CHECK(d.parameter.popped[static_cast<std::size_t>(i)].first == 54 + 3 * i);
        CHECK(d.parameter.popped[static_cast<std::size_t>(i)].second.count == 1);
    }
}

TEST_CASE("loads stop where the partition's credits end")
{
    HardwareConfig hw = with_dma(0, 1, 16);
    DmaBench d(hw, 8, 4, 20);
    // The plan was made for a large buffer; a partition of 100 words then holds the first request of inputs only.
    d.hw.global_buffer.inputs.bytes = 100;
    Feeder<Credit> buffer(d.credits);
    d.clock.add(buffer);
    buffer.add(200, Credit{Region::inputs, 27});
    buffer.add(300, Credit{Region::inputs, 1});
    d.run();
    const auto issued = d.issued();
    REQUIRE(issued.size() == 5);
    CHECK(issued[3] == Issue{4, Region::inputs, 64});   // 36 words of room left, 64 asked for next
    CHECK(issued[4] == Issue{301, Region::inputs, 64}); // 63 are not enough, 64 are; seen in the cycle after the push
}

namespace {

/// Gives the memory's reason as told.
class Reasoner : public Block {
public:
    Reasoner(ChannelBase& channel, std::vector<std::pair<Cycle, Reason>> todo)
        : Block(unique("reasoner").c_str()), channel_(channel), todo_(std::move(todo))
    {
    }
    Cycle tick(Cycle now) override
    {
        while (next_ < todo_.size() && todo_[next_].first <= now) channel_.set_reason(now, todo_[next_++].second);
        return next_ < todo_.size() ? todo_[next_].first : never;
    }
    std::string status() const override { return ""; }

private:
    ChannelBase& channel_;
    std::vector<std::pair<Cycle, Reason>> todo_;
    std::size_t next_ = 0;
};

} // namespace

TEST_CASE("of the memory's reasons the DMA turns latency into window, while requests_in_flight holds a load back")
{
    DmaBench d(with_dma(5, 1, 2), 8, 4, 20);
    Reasoner memory(d.responses, {{6, Reason::dram_latency},
                                  {20, Reason::dram_refresh},
                                  {30, Reason::dram_bandwidth},
                                  {40, Reason::dram_latency},
                                  {50, Reason::dram_window},
                                  {60, Reason::idle}});
    ReasonLog said(d.fills);
    d.clock.add(memory);
    d.clock.add(said);
    MemoryResponse answer(600);
    answer.region = Region::parameters;
    answer.words = 4;
    answer.bytes = 40;
    for (int i = 0; i < 2; ++i) d.memory.add(100, answer);
    d.run();
    // Parameters leave in 6, after a start-up of 5 cycles, weights in 12: the window is full, and the rest of the
    // weights is held back. The memory's word counts a cycle later. The answers are taken in 101 and 102. In 101 the
    // rest leaves and the window is full again, but inputs start up until 107: there is room for one request of theirs
    // then, not for two.
    using R = Reason;
    CHECK(said.changes == std::vector<std::pair<Cycle, R>>{{-1, R::idle},
                                                           {1, R::dram_latency},
                                                           {12, R::dram_window},
                                                           {21, R::dram_refresh},
                                                           {31, R::dram_bandwidth},
                                                           {41, R::dram_window},
                                                           {101, R::dram_latency},
                                                           {107, R::dram_window}});
    const auto booked = [&](Dma::Cause c) { return d.dma.ledger().cycles(c); };
    CHECK(booked(Dma::Cause::memory_refresh) == 10);
    CHECK(booked(Dma::Cause::memory_bandwidth) == 10);
    CHECK(booked(Dma::Cause::memory_window) == (21 - 13) + (101 - 41) + (2001 - 108));
}

TEST_CASE("a response that takes several cycles on its way out is bandwidth")
{
    DmaBench d(with_dma(0, 1, 16, 16), 8, 4, 20);
    ReasonLog said(d.fills);
    d.clock.add(said);
    MemoryResponse answer(600);
    answer.region = Region::weights;
    answer.words = answer.bytes = 64;
    d.memory.add(50, answer);
    d.run();
    // Seen in 51; 16 words in each of 51 to 54, with the last of which it has left.
    using R = Reason;
    CHECK(said.changes == std::vector<std::pair<Cycle, R>>{
                              {-1, R::idle}, {1, R::dram_latency}, {51, R::dram_bandwidth}, {54, R::dram_latency}});
}
