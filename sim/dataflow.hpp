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

/// Steps of a pass over an index.
struct PassLoop {
    std::vector<Dim> dims;
    int step = 1;
    int count = 0;          ///< of a full pass; 0: the pass runs over all of the tile
    bool collector = false; ///< its operands stay in the collectors
    bool by_input = false;  ///< over the input's rows (dims P) or columns (Q)
};

/// One way to lay a layer over the array: everything below the dram level but the sizes of tiles.
struct Spread {
    std::vector<MapLoop> spatial;      ///< over PEs, lanes and vector elements
    std::vector<std::vector<Dim>> glb; ///< indices that step from pass to pass, outermost first
    std::vector<PassLoop> pass;        ///< outermost first
    int cut = -1;                      ///< of `glb`: an index of `pass` that may be cut so that psums fit
    std::vector<Tensors> keep;         ///< in the PEs

    /// Positions of the spatial loops over an index (1 when it has none).
    int positions(const std::vector<Dim>& index) const;
    /// Indices that a pass covers: positions, times the counted loops of the pass.
    int quantum(const std::vector<Dim>& index) const;
    /// Outputs that the array works on at once: in a step, and in the counted loops of a pass.
    int outputs_at_once() const;
};

/// What the dataflow allows for the layer on the machine's MACs and register files, most regular first; wires are not
/// looked at.
std::vector<Spread> spreads(const std::string& dataflow, const LayerShape& shape, const HardwareConfig& hw);

/// The mapping of a spread: tiles at dram in the given order (dimensions that are not cut get no loop), and `chunk`
/// indices per pass along the cut index.
Mapping make_mapping(const std::string& dataflow, const Spread& spread, const LayerShape& shape, const Extents& tile,
                     const std::vector<Dim>& order, int chunk);

/// How far a tile goes along an index.
std::int64_t index_extent(const std::vector<Dim>& index, const Extents& tile);

} // namespace heddle
