// A dataflow of the user's own: constraints on mappings, read from a file (`--constraints FILE`), under which the
// mapper finds tiles and pass lengths for every layer. A mapping without its numbers:
//
//   dataflow: my_os                       # its name in reports; not one that is shipped
//   levels:
//     - {name: glb, temporal: [{loop: K}, {loop: Q}]}    # innermost from pass to pass; loops not named lie outside
//     - name: array
//       spatial: [{loop: P, axis: y}, {loop: K, axis: x, at_most: 4}]
//     - name: rf
//       temporal: [{loop: C}, {loop: R}, {loop: S}]      # outermost first
//       keep: [outputs]                                  # what is not kept passes the PE by
//     - {name: collector, temporal: [{loop: Q, at_most: 8}]}
//     - {name: lanes, spatial: [{loop: K}]}
//     - {name: vector, spatial: [{loop: C}]}
//
// A loop runs over a dimension or a flattened index; in rf also over H or W (AxisLoop::by_input). How far it goes is
// the mapper's to find, within what the layer, `at_most`, the array, the collectors and the register files of what is
// kept allow, in equal parts of the extent. A loop of rf over an index that nothing kept has runs over all of a tile.
// Dimensions that a layer has not are left out.
#pragma once

#include "sim/dataflow.hpp"

#include <string>
#include <vector>

namespace heddle {

struct ConstraintLoop {
    std::vector<Dim> dims;
    Place place = Place::y; ///< spatial only
    int at_most = 0;        ///< 0: no limit of its own
    bool by_input = false;
};

struct DataflowConstraints {
    std::string name;
    std::vector<std::vector<Dim>> glb; ///< innermost from pass to pass, outermost of them first
    std::vector<ConstraintLoop> array, rf, collector, lanes, vector; ///< outermost first
    std::vector<Tensors> keep;                                       ///< in the PEs; sorted
    std::string text;                                                ///< of the file, for hashes
};

/// Strict: UserError `file:line:col: key: expected …, got …`.
DataflowConstraints read_constraints(const std::string& path);
DataflowConstraints parse_constraints(const std::string& text, const std::string& file_name);

/// The spread with the most positions, from the outermost loop over the array inwards, and the longest passes; whether
/// the wires carry it is not looked at.
Spread constrained_spread(const DataflowConstraints& constraints, const LayerShape& shape, const HardwareConfig& hw);
/// That one first, then others that the constraints allow: other shares of the array for its loops, and shorter inner
/// loops of a pass, which leave room in the register files to outer ones.
std::vector<Spread> constrained_spreads(const DataflowConstraints& constraints, const LayerShape& shape,
                                        const HardwareConfig& hw);

} // namespace heddle
