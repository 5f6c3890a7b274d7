// Uses per fill of the collectors (the operand registers closest to the MACs), measured over the steps as they happen.
//
// A use is one cycle in which a PE's datapath reads the operand, all lanes and vector elements together; a fill happens
// when the coordinate held changes (design.md §4). A collector holds the tile of the plan's collector loops; without
// such loops, one coordinate. Both count PE-cycles.
#pragma once

#include "hw/walk.hpp"

#include <array>

namespace heddle {

class ReuseMeter {
public:
    struct Counts {
        std::int64_t uses = 0, fills = 0;
        std::int64_t most_uses = 0; ///< of one fill, in cycles of a PE
    };

    ReuseMeter() = default;
    explicit ReuseMeter(const CompiledPlan& plan);
    void begin_pass(const Pass& pass, const StepWalk& step);
    /// One step of `pes` PEs. Afterwards filled(t) says whether it filled the collector of t.
    void count(const StepWalk& step, int pes);
    bool filled(Tensors t) const { return filled_[static_cast<std::size_t>(t)]; }
    const Counts& counts(Tensors t) const { return counts_[static_cast<std::size_t>(t)]; }

private:
    std::size_t place(Tensors t, const StepWalk& step) const;
    void follow(const StepWalk& step);

    const CompiledPlan* plan_ = nullptr;
    std::size_t outer_ = 0; ///< pass loops outside the collector's
    struct Held {
        std::vector<int> weight;         ///< of each collector loop's iteration in the place of an entry
        std::vector<std::int64_t> stamp; ///< of each entry: the epoch in which it was filled
        std::vector<std::int64_t> used;  ///< of each entry: steps since then
        std::int64_t epoch = 0;
        int pes = 0; ///< that hold it, of a collector with one entry
    };
    std::array<Held, 3> held_;
    std::vector<int> last_; ///< iteration of each outer loop
    bool by_input_ = false; ///< loops run over the input's rows or columns
    AxisIndex index_{};     ///< of the step before, then
    std::array<bool, 3> filled_ = {};
    std::array<Counts, 3> counts_;
};

} // namespace heddle
