// One RTL array slice and one PeArray side by side: the same beats offered and results taken in the same cycles, and
// everything that can be seen at their ports compared in every cycle.
#pragma once

#include "hw/pe_array.hpp"
#include "tests/rtl/layers.hpp"

#include <memory>

namespace heddle::rtl {

/// In how many of 100 cycles each end is willing; out of bursts that last up to `burst` cycles.
struct Stimulus {
    std::uint64_t seed = 1;
    int x = 100, k = 100, out = 100;
    int burst = 1;
};

struct Compared {
    std::int64_t layers = 0, passes = 0, loads = 0, steps = 0, cycles = 0, results = 0, frozen = 0;
    Compared& operator+=(const Compared& o);
};

class CoSimulation {
public:
    explicit CoSimulation(const std::string& twin);
    ~CoSimulation();
    const Parameters& parameters() const { return twin_->parameters(); }

    /// Runs a layer on both. False, with a word on the first difference in `failure`, when they are not equal.
    bool run(const ArrayLayer& layer, const PassOptions& options, const Stimulus& stimulus);
    std::string failure;
    Compared compared; ///< so far

    /// Seconds for `layer` with operands always there, alone.
    double time_model(const ArrayLayer& layer, const PassOptions& options, std::int64_t& cycles);
    double time_twin(const ArrayLayer& layer, const PassOptions& options, std::int64_t& cycles);

private:
    struct Model;
    bool equal(const char* what, std::int64_t rtl, std::int64_t model);
    bool compare_state(Model& m);
    bool compare_result(const ArrayLayer& layer, Model& m, std::map<int, std::int64_t>& sums);
    Model& begin(const ArrayLayer& layer, const PassOptions& options);

    std::unique_ptr<Twin> twin_;
    std::unique_ptr<HardwareConfig> hw_;
    std::unique_ptr<Model> models_[2]; ///< weights at port k, as WS and OS have it; at port x, as IS has it
    std::unique_ptr<CompiledPlan> plan_;
    Cycle now_ = 0;
    std::int64_t passes_before_ = 0, loads_before_ = 0;
};

} // namespace heddle::rtl
