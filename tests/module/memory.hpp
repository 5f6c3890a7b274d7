// Memory side of the machine on a bench: requests as the DMA makes them, images to serve them from.
#pragma once

#include "hw/beats.hpp"
#include "hw/dram.hpp"
#include "tests/module/toys.hpp"

#include <numeric>

namespace heddle::bench {

/// Weights 0, 1, 2, … at address 0, outputs from 64 KiB on.
struct Image {
    Image() : weights(4096), outputs(4096, -1)
    {
        std::iota(weights.begin(), weights.end(), std::int16_t{0});
        image.words[static_cast<int>(Region::weights)] = &weights;
        image.words[static_cast<int>(Region::outputs)] = &outputs;
        image.address[static_cast<int>(Region::outputs)] = 65536;
        image.bits.fill(8);
    }
    std::vector<std::int16_t> weights, outputs;
    MemoryImage image;
};

/// `words` bytes from `first` on, read from the weights or written to the outputs as value, value + 1, …
inline MemoryRequest request(bool write, std::int64_t first, int words, int value = 0)
{
    MemoryRequest r(64);
    r.region = write ? Region::outputs : Region::weights;
    r.write = write;
    r.address = static_cast<std::uint64_t>(first) + (write ? 65536u : 0u);
    r.bytes = r.words = words;
    r.first_word = first;
    for (int i = 0; i < words; ++i) r.data[static_cast<std::size_t>(i)] = value + i;
    return r;
}

/// A DRAM between a script of requests and somebody who takes every response at once.
struct MemoryBench {
    explicit MemoryBench(const HardwareConfig& config, Cycle until = 5000, const DriverOptions& driver = {})
        : hw(config), clock(toys::unique("clock").c_str(), hw.clock_period_ps(), driver),
          requests("requests", 4, 1, MemoryRequest(64)), responses("responses", 4, 1, MemoryResponse(64)),
          dram(toys::unique("dram").c_str(), hw, requests, responses), cpu(requests), sink(responses), stop(until)
    {
        for (Block* b : {static_cast<Block*>(&cpu), static_cast<Block*>(&dram), static_cast<Block*>(&sink),
                         static_cast<Block*>(&stop)})
            clock.add(*b);
    }
    void run()
    {
        dram.begin_layer(0, memory.image);
        const Cycle end = clock.run(stop.done());
        dram.end_layer(end);
    }

    HardwareConfig hw;
    Image memory;
    ClockDomain clock;
    Channel<MemoryRequest> requests;
    Channel<MemoryResponse> responses;
    Dram dram;
    toys::Feeder<MemoryRequest> cpu;
    toys::Taker<MemoryResponse> sink;
    toys::Stop stop;
};

} // namespace heddle::bench
