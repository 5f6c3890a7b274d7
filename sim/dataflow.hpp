// Dataflows as constraints on mappings: what stays in the PEs, what may be spatial, what the steps of a pass run over.
#pragma once

#include "sim/layer_shape.hpp"
#include "sim/mapping.hpp"

#include <string>
#include <vector>

namespace heddle {

std::vector<std::string> dataflow_names();
/// One line: what is stationary, spatial and innermost. UserError listing the known ones when unknown.
std::string describe_dataflow(const std::string& dataflow);

/// One way to lay a layer over the array: everything below the dram level but the sizes of tiles.
struct Spread {
    std::vector<MapLoop> spatial;
    std::vector<std::vector<Dim>> glb;  ///< indices that step from pass to pass, outermost first
    std::vector<std::vector<Dim>> pass; ///< indices that the steps of a pass run over, outermost first
    int cut = -1;                       ///< of `glb`: an index of `pass` that may be cut so that psums fit
    std::vector<Tensors> keep;          ///< in the PEs

    /// Positions of the spatial loops over an index (1 when it has none).
    int quantum(const std::vector<Dim>& index) const;
    /// Outputs that the array works on in one step.
    int outputs_per_step() const;
};

/// What the dataflow allows for the layer on an array of that size, most regular first; wires are not looked at.
std::vector<Spread> spreads(const std::string& dataflow, const LayerShape& shape, int rows, int cols);

/// The mapping of a spread: tiles at dram in the given order (dimensions that are not cut get no loop), and `chunk`
/// indices per pass along the cut index.
Mapping make_mapping(const std::string& dataflow, const Spread& spread, const LayerShape& shape, const Extents& tile,
                     const std::vector<Dim>& order, int chunk);

/// How far a tile goes along an index.
std::int64_t index_extent(const std::vector<Dim>& index, const Extents& tile);

} // namespace heddle
