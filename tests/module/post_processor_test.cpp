// The PostProcessor alone: rate, latency, parameters that are missing, arithmetic.
#include "hw/post_processor.hpp"
#include "tests/module/toys.hpp"

#include <catch2/catch.hpp>

using namespace heddle;
using namespace heddle::toys;

namespace {

constexpr int width = 32;

struct PostBench {
    explicit PostBench(int words_per_cycle, int latency = 1)
        : clock(unique("clock").c_str(), 1000, {}), command("command", 2, 1),
          parameters("parameters", 2, 1, FillBeat(64)), collector("collector", 2, 1, PsumBeat(width)),
          buffer("buffer", 2, 1, PsumBeat(width)), windows("windows", 2, 1, OperandBeat::for_post(width)),
          ask("ask", 2, 1, Operand2Request(width)), operand2("operand2", 2, 1, Operand2Beat(width)),
          results("results", latency + 1, latency, ResultBeat(width)), done("done", 2, 1), hw(config(words_per_cycle)),
          post(unique("post").c_str(), hw,
               PostProcessor::Channels{command, parameters, collector, buffer, windows, ask, operand2, results, done},
               width),
          controller(command), dma(parameters), array(collector), sink(results), stop(500)
    {
        for (Block* b : std::initializer_list<Block*>{&post, &controller, &dma, &array, &sink, &stop}) clock.add(*b);
        setup.channels = 4;
        setup.channel_stride = 4;
        setup.clamp_lo = -128;
        setup.clamp_hi = 127;
        controller.add(0, Command{nullptr, &setup});
    }
    static HardwareConfig config(int words_per_cycle)
    {
        HardwareConfig hw;
        hw.post.words_per_cycle = words_per_cycle;
        return hw;
    }
    /// Bias 10 * channel, multiplier 1, shift 1.
    void send_parameters(Cycle at, int first, int count)
    {
        FillBeat b(64);
        b.region = Region::parameters;
        b.first_word = first;
        b.count = count;
        for (int i = 0; i < count; ++i) {
            b.word[static_cast<std::size_t>(3 * i)] = 10 * (first + i);
            b.word[static_cast<std::size_t>(3 * i + 1)] = 1;
            b.word[static_cast<std::size_t>(3 * i + 2)] = 1;
        }
        dma.add(at, b);
    }
    void send_psums(Cycle at, int count, int value)
    {
        PsumBeat b(width);
        b.count = count;
        for (int i = 0; i < count; ++i) {
            b.value[static_cast<std::size_t>(i)] = value;
            b.out_word[static_cast<std::size_t>(i)] = i;
        }
        array.add(at, b);
    }
    void run()
    {
        post.begin_layer(0, nullptr);
        post.end_layer(clock.run(stop.done()));
    }

    ClockDomain clock;
    PostSetup setup;
    Channel<Command> command;
    Channel<FillBeat> parameters;
    Channel<PsumBeat> collector, buffer;
    Channel<OperandBeat> windows;
    Channel<Operand2Request> ask;
    Channel<Operand2Beat> operand2;
    Channel<ResultBeat> results;
    Channel<Command> done; ///< nobody waits for it here
    HardwareConfig hw;
    PostProcessor post;
    Feeder<Command> controller;
    Feeder<FillBeat> dma;
    Feeder<PsumBeat> array;
    Taker<ResultBeat> sink;
    Stop stop;
};

using Cycles = std::vector<Cycle>;

} // namespace

TEST_CASE("a beat of psums takes its words over words_per_cycle, rounded up")
{
    PostBench equal(16), quarter(4), odd(5), late(16, 7);
    for (PostBench* b : {&equal, &quarter, &odd, &late}) {
        b->send_parameters(0, 0, 4);
        for (int i = 0; i < 5; ++i) b->send_psums(20, 16, i);
        b->run();
    }
    // Pushed in 20, begun in 21, done after 1, 16/4 = 4 or ceil(16/5) = 4 cycles, results seen one cycle after the
    // last.
    CHECK(equal.sink.cycles() == Cycles{22, 23, 24, 25, 26});
    CHECK(quarter.sink.cycles() == Cycles{25, 29, 33, 37, 41});
    CHECK(odd.sink.cycles() == Cycles{25, 29, 33, 37, 41});
    CHECK(late.sink.cycles() == Cycles{28, 29, 30, 31, 32}); // latency_cycles 7
    CHECK(quarter.post.ledger().cycles(PostProcessor::Cause::busy) == 5 * 4);
    CHECK(equal.post.ledger().cycles(PostProcessor::Cause::busy) == 5);
    CHECK(equal.post.stats().words_out == 5 * 16);
}

TEST_CASE("psums wait until the parameters of every channel are there")
{
    PostBench b(16);
    b.send_psums(20, 16, 6);
    b.send_parameters(30, 0, 3);
    b.send_parameters(50, 3, 1);
    b.run();
    // The last parameters are pushed in 50 and taken in 51; the psums, there since 21, go on in the same cycle.
    CHECK(b.sink.cycles() == Cycles{52});
    CHECK(b.post.ledger().cycles(PostProcessor::Cause::parameters_missing) == 51 - 21);
    CHECK(b.post.ledger().cycles(PostProcessor::Cause::busy) == 1);
    CHECK(b.post.stats().parameter_words == 4);
}

TEST_CASE("bias, multiplier and shift are the channel's; halves round up; the clamp holds")
{
    PostBench b(16);
    b.send_parameters(0, 0, 4);
    b.send_psums(20, 4, 5);
    b.send_psums(21, 4, 1000);
    b.send_psums(22, 4, -1000);
    b.run();
    REQUIRE(b.sink.popped.size() == 3);
    const auto words = [&](std::size_t i) {
        const std::vector<std::int16_t>& w = b.sink.popped[i].second.word;
        return std::vector<int>(w.begin(), w.begin() + 4);
    };
    CHECK(words(0) == std::vector<int>{3, 8, 13, 18}); // (5 + 10 k + 1) >> 1
    CHECK(words(1) == std::vector<int>{127, 127, 127, 127});
    CHECK(words(2) == std::vector<int>{-128, -128, -128, -128});
}
