// Shares of zeros that the maps of a synthetic workload are given, layer by layer (heddle run --zeros).
//
// A named layer becomes a slice of its own: it does not read what its producer wrote, but a seeded map with exactly the
// stated zeros. Its biases are moved so that ReLU clips the stated share of every output channel.
#pragma once

#include "dnn/network.hpp"
#include "dnn/quantize.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace heddle {

struct ZeroShares {
    double inputs = -1, outputs = -1; ///< 0..1; negative: not stated, as it comes
};

/// By layer. CSV with the columns layer, ifmap_zeros_pct and ofmap_zeros_pct, others are ignored; '#' begins a comment,
/// a row Total is left out, names match in either case, and an empty cell states nothing. UserError `file:line: column:
/// expected …, found …`.
std::map<int, ZeroShares> read_zeros(const std::string& text, const std::string& file, const Network& net);

/// What named layers read. Sets the biases that the shares of their outputs need, which hold for these inputs.
std::map<int, Tensor> apply_zeros(QuantizedNetwork& network, const Tensor& input,
                                  const std::map<int, ZeroShares>& zeros, std::uint64_t seed);

/// run_reference, with layers in `given` reading that instead of their producer's map.
std::vector<Tensor> run_reference_slices(const QuantizedNetwork& network, const Tensor& input,
                                         const std::map<int, Tensor>& given, std::vector<std::int64_t>* overflows);

} // namespace heddle
