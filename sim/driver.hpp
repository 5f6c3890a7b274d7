// Streams the layers of a network through the simulated hardware and checks every value against the reference.
#pragma once

#include "dnn/network.hpp"
#include "dnn/quantize.hpp"
#include "hw/hardware.hpp"
#include "sim/mapper.hpp"
#include "sim/mapping.hpp"
#include "sim/result.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace heddle {

enum class TimeDriver { fast, reference };

struct RunOptions {
    QuantizedNetwork network;           ///< weights already integers; synthetic or trained
    Tensor input;                       ///< integers of the network's input layer
    std::map<int, Tensor> given_inputs; ///< by layer: read instead of what its producer wrote
    HardwareConfig hardware;
    std::string dataflow; ///< empty: the preset's first; "best": of the preset's, layer by layer
    MapperOptions mapper;
    /// Simulate so many of a dataflow's best mappings by each measure and take the really best; 0 takes the mapper's
    /// by its estimate. -1: 1 for "best", else 1 for layers of at most `simulated_by_default_cycles`, where the
    /// estimate leaves out more than what tells mappings apart.
    int simulate_best = -1;
    static constexpr std::int64_t simulated_by_default_cycles = 250'000;
    std::map<int, MapChoice> chosen;    ///< by layer, set by run_network; a layer without is mapped when it is run
    std::vector<int> layers;            ///< indices to simulate, sorted; empty: all
    std::vector<NamedMapping> mappings; ///< taken instead of the mapper's where the layer's name matches
    std::uint64_t seed = 1;
    std::uint64_t stall_seed = 0; ///< nonzero: random extra channel latencies
    bool timing_only = false;     ///< no values; identical layers are simulated once
    int jobs = 1;                 ///< processes; inputs then come from the reference
    TimeDriver driver = TimeDriver::fast;
};

struct Progress {
    int layers_done = 0, layers_total = 0;
    std::string layer;
    std::int64_t cycles = 0; ///< simulated so far
    double fraction = 0.0;   ///< of the MACs
};

/// Simulates. CheckFailure (exit 1) names layer, coordinate, expected and got on the first differing value, or the
/// blocks and channel fills of a deadlock; UserError (exit 2) when a layer cannot be mapped. Energies are not filled:
/// see price() in sim/price.hpp.
RunResult run_network(RunOptions options, const std::function<void(const Progress&)>& progress);

} // namespace heddle
