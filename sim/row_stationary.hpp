// Row-stationary mappings (Chen, Emer, Sze: Eyeriss, ISCA 2016, sections V and VI; the names of JSSC 2017, table III).
//
// A logical set of R x e PEs convolves one channel of e output rows: a PE runs one filter row over one input row. Sets
// are folded over the array when e exceeds its columns, and replicated over what is left: r sets take other channels
// (their psums are summed up the column with the rest), t sets other filters. In a PE, q channels and p filters are
// interleaved. A pass of the array is one output column; columns follow each other by sliding. The global buffer holds
// the inputs of q*r channels and e rows of n images, and psums of m filters, over all channels.
#pragma once

#include "sim/layer_shape.hpp"
#include "sim/mapping.hpp"

#include <vector>

namespace heddle {

/// The loops for these parameters. UserError when they do not fit the array.
Mapping row_stationary_mapping(const RowStationary& parameters, const LayerShape& shape, const HardwareConfig& hw);

/// Parameters that fit array, register files and buffer: by a closed form the `most` fastest, best first, then as many
/// that move the fewest words, and whose product of both is least. UserError when nothing fits the layer `name`: what
/// its smallest set needs and there is not.
std::vector<RowStationary> row_stationary_choices(const LayerShape& shape, const std::string& name,
                                                  const HardwareConfig& hw, std::size_t most);

} // namespace heddle
