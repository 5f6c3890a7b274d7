// The ways to replace a convolution by a sequence of smaller ones: which layers each fits, its parts and their bill.
//
// H, W in; P, Q out; a filter of R x S. Padding, stride and dilation go with the part that has the filter's extent.
// Only the last part has bias and activation, so zero padding commutes. A conv in G groups decomposes group by group
// and stays grouped; ranks are those of one group.
#pragma once

#include "dnn/network.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace heddle {

enum class Method {
    svd,        ///< r: the layer's window C->r; 1x1 r->K
    jaderberg1, ///< M: Rx1, M filters for each channel; 1xS, each on its own; 1x1 MC->K (Jaderberg et al. 2014, scheme
                ///< 1)
    jaderberg2, ///< r: Rx1 C->r; 1xS r->K (scheme 2)
    cp,         ///< r: 1x1 C->r; depthwise Rx1; depthwise 1xS; 1x1 r->K (Lebedev et al. 2015)
    tucker1,    ///< R4: RxS C->R4; 1x1 R4->K
    tucker2,    ///< R3, R4: 1x1 C->R3; RxS R3->R4; 1x1 R4->K (Kim et al. 2016)
};
constexpr int method_count = 6;

const char* method_name(Method method);
/// The names of all, in the order of Method.
std::vector<std::string> method_names();
/// UserError that lists the known ones.
Method parse_method(const std::string& name);

using Ranks = std::vector<int>;

/// "32" or "16,32".
std::string ranks_text(const Ranks& ranks);

/// Why the method does not fit the layer, for "layer conv1: ..."; empty when it does.
std::string misfit(const Layer& layer, Method method);

/// Above these no decomposition gains accuracy. One number for each rank of the method.
Ranks largest_ranks(const Layer& layer, Method method);
/// UserError naming layer and numbers unless there are as many as the method has, from 1 to the largest.
void check_ranks(const Layer& layer, Method method, const Ranks& ranks);

struct PartShape {
    const char* suffix; ///< of its name: in, core, out, rows, cols
    Window window;
    int channels; ///< K
};
std::vector<PartShape> part_shapes(const Layer& layer, Method method, const Ranks& ranks);

/// The parts as layers with shapes, each reading the one before; [0] has the inputs of `layer`, the last its
/// activation. Names are suffixes only. No weights.
std::vector<Layer> part_layers(const Layer& layer, Method method, const Ranks& ranks);

std::int64_t total_macs(const std::vector<Layer>& parts);
std::int64_t total_weight_words(const std::vector<Layer>& parts);

} // namespace heddle
