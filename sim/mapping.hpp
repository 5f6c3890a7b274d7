// A mapping: the loop nest of one layer cut into levels, as data. What runs where, in which order, and who keeps what.
//
// YAML (`heddle map --out`, `--mapping FILE`), outermost level and loop first:
//
//   mappings:
//     - layer: conv1
//       dataflow: ws                      # a label for reports; optional
//       levels:
//         - name: dram                    # tiles that the global buffer holds at once; single dimensions only
//           temporal: [{loop: K, step: 64}, {loop: P, step: 14}]
//         - name: glb                     # from pass to pass
//           temporal: [{loop: K, step: 16}, {loop: P*Q, step: 784}, {loop: C*R*S, step: 16}]
//           keep: [weights, inputs, outputs]
//         - name: array                   # one step over the PEs
//           spatial: [{loop: C*R*S, axis: y, step: 1, count: 16}, {loop: K, axis: x, step: 1, count: 16}]
//         - name: rf                      # the steps of a pass; what is kept stays in the PE for all of them
//           temporal: [{loop: P*Q, step: 1}]
//           keep: [weights]
//
// A loop runs over one dimension or a flattened index (outermost first). `step` is what one iteration covers; a
// temporal loop runs until what the loop outside it covers is done, so the last iteration may be partial and nothing is
// padded. A spatial loop has `count` positions on axis y (rows), x (columns) or diagonal (the same index on both, PEs
// off the diagonal idle). Below rf may follow `collector` (temporal: the innermost steps, whose operands the collectors
// hold), `lanes` and `vector` (spatial, inside the PE; their axis needs no name). Dimensions of size 1 need no loop.
// In rf, H and W in place of P and Q step over rows and columns of the input: inputs stay while the taps inside move
// the output; steps without a valid output take no cycle; weights, inputs and outputs must be kept.
// `keep` names weights, inputs and outputs (psums, inside the array). In place of levels a row-stationary mapping may
// be given by its parameters, `row_stationary: {m: 64, n: 4, e: 13, p: 16, q: 4, r: 1, t: 4}`. For layers without an
// array (pooling, add) the one spatial loop is the PostProcessor's words per cycle.
#pragma once

#include "hw/plan.hpp"

#include <optional>
#include <string>
#include <vector>

namespace heddle {

/// One loop of a mapping. `dims` is the (flattened) index, outermost first.
struct MapLoop {
    std::vector<Dim> dims;
    int step = 1;
    int count = 0;          ///< spatial only; temporal loops run until they are done
    Place place = Place::y; ///< spatial only
    bool by_input = false;  ///< written H for {P}, W for {Q}: over the input's rows, columns (AxisLoop::by_input)

    bool operator==(const MapLoop& o) const
    {
        return dims == o.dims && step == o.step && count == o.count && (count == 0 || place == o.place) &&
               by_input == o.by_input;
    }
};

struct MapLevel {
    std::string name;              ///< dram, glb, array, rf, collector, lanes, vector
    std::vector<MapLoop> temporal; ///< outermost first
    std::vector<MapLoop> spatial;  ///< outermost first
    std::vector<Tensors> keep;     ///< tensors whose tile the level holds; sorted

    bool keeps(Tensors t) const;
    bool operator==(const MapLevel& o) const
    {
        return name == o.name && temporal == o.temporal && spatial == o.spatial && keep == o.keep;
    }
};

/// Parameters of a row-stationary mapping (sim/row_stationary.hpp).
struct RowStationary {
    int m = 1, n = 1, e = 1; ///< filters, images and output rows that the buffer's psums cover
    int p = 1, q = 1;        ///< filters and channels interleaved in a PE
    int r = 1, t = 1;        ///< sets of PEs that take other channels, other filters
};
std::string describe(const RowStationary& parameters); ///< "m 64, n 4, e 13, p 16, q 4, r 1, t 4"

struct Mapping {
    std::string dataflow;         ///< label for reports; nothing depends on it
    std::vector<MapLevel> levels; ///< outermost first
    /// What the levels were made from; in a file they may stand in place of levels.
    std::optional<RowStationary> row_stationary = {};

    const MapLevel* find(const std::string& level) const; ///< nullptr when absent
    bool operator==(const Mapping& o) const { return dataflow == o.dataflow && levels == o.levels; }
};

struct NamedMapping {
    std::string layer;
    Mapping mapping;
    int line = 0; ///< of its file; 0: from none
};

const char* tensor_name(Tensors t);
const char* place_name(Place place);                 ///< y, x, diagonal, lane, vector
std::string loop_name(const std::vector<Dim>& dims); ///< "C*R*S"
std::string loop_name(const MapLoop& loop);          ///< also "H", "W"

/// The file form above; row-stationary mappings by their parameters, others by levels. Read again, it is used as
/// before.
std::string to_yaml(const std::vector<NamedMapping>& mappings);

/// Strict: UserError `file:line:col: key: expected …, got …`; also on a layer that is named twice.
std::vector<NamedMapping> read_mappings(const std::string& path);
std::vector<NamedMapping> parse_mappings(const std::string& text, const std::string& file_name);

/// The nest for people, one loop a line, indented, with what each level keeps; parameters of a row-stationary one
/// first.
std::string describe(const Mapping& mapping);

} // namespace heddle
