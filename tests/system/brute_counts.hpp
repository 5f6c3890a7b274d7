// What a layer must count (design.md §6.3), from its plan's loops and coordinates alone: every MAC is visited with its
// PE, and the words that a step, pass or tile needs are collected as sets. Shares no code with hw/.
#pragma once

#include "dnn/tensor.hpp"
#include "hw/plan.hpp"
#include "sim/result.hpp"
#include "tests/system/coordinates.hpp"
#include "tests/unit/sim_plan_walk.hpp"

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace heddle::test_system {

/// The fields of LayerResult that a walk of the loops decides.
struct Counts {
    std::map<std::string, std::map<std::string, AccessCounts>> accesses;
    std::map<std::string, std::int64_t> hops;
    std::map<std::string, std::int64_t> post_operations;
    std::map<std::string, std::pair<std::int64_t, std::int64_t>> reuse; ///< by tensor: uses and fills, PE-cycles
    std::int64_t macs = 0, effectual = 0, padding_words = 0, post_words = 0;
};

/// What PEs hold in the registers closest to their MACs: a coordinate, or a tile of them, until another comes.
class Holding {
public:
    /// A PE uses `entry` of the tile that is held now.
    void use(Word entry, int pe)
    {
        ++uses;
        fills += held_.insert({entry, pe}).second ? 1 : 0;
    }
    void drop() { held_.clear(); }

    std::int64_t uses = 0, fills = 0;

private:
    std::set<std::pair<Word, int>> held_;
};

/// Words that the PostProcessor adds, multiplies and compares: every psum its bias, scale and clamp; every tap of a
/// pooling window, of a layer of its own with the padding; every average its scale; every residual sum two scales.
std::map<std::string, std::int64_t> brute_post_operations(const LayerPlan& plan);

/// `weights` as the network holds them, `inputs` the map that the layer reads as it is stored.
Counts brute_counts(const LayerPlan& plan, const HardwareConfig& hw, const Tensor& weights, const Tensor& inputs);

/// The same on machines whose PEs keep weights, inputs and psums, with lanes, vector elements and collectors, without
/// beats and hops.
Counts brute_pe_counts(const LayerPlan& plan, const HardwareConfig& hw, const Tensor& weights, const Tensor& inputs);

/// The same for any nest, with hops and without beats.
Counts brute_nest_counts(const LayerPlan& plan, const HardwareConfig& hw, const Tensor& weights, const Tensor& inputs);

/// Which counts: all, without beats, also without hops, or without these and with the reads of inputs as a lower limit.
enum class Compared { everything, words_and_hops, words, least_inputs };
/// First count of `result` that is not the expected one, as text; empty when all agree. Port beats of transfers whose
/// width is a DMA request's are only compared with the least that the port's width allows.
std::string first_wrong_count(const LayerResult& result, const Counts& expected, const HardwareConfig& hw,
                              Compared compared = Compared::everything);

} // namespace heddle::test_system
