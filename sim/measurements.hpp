// What was measured on an accelerator's RTL, one row per layer and setting: from CSV, or from a waveform
// (sim/measured_waves.hpp). docs/calibration.md lists the columns.
#pragma once

#include "dnn/network.hpp"

#include <array>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace heddle {

struct Measurement {
    std::string file;     ///< where it stands, for messages
    int line = 0;         ///< of the file, from 1
    std::string name;     ///< for people; "row LINE" when not given
    std::string workload; ///< gemm:MxNxK, conv:CxKxHxWxRxSxSTRIDExPAD[xGROUPS[xDILATION[xBATCH]]] or
                          ///< layer:NETWORK/LAYER
    std::string dataflow; ///< empty: the command's
    /// In cycles: cycles, array_cycles, and the phases first_request, first_operand, last_result, last_write.
    std::map<std::string, std::int64_t> measured;
    /// Energies (energy_pj, energy_pj.PART) and counts (ledger.BLOCK.CAUSE, counts.PATH): compared, not fitted.
    std::map<std::string, double> compared;
    std::map<std::string, std::string> keys; ///< hardware key -> value, of this row
    std::array<std::int64_t, 3> tile{};      ///< M, N, K on chip at once; zeros: not given
    std::string mapping_file;                ///< empty: not given

    bool has(const std::string& target) const { return measured.count(target) > 0; }
    bool tiled() const { return tile[0] > 0; }
    std::string where() const { return file + ":" + std::to_string(line) + ": "; }
};

/// How a file's own columns are to be taken.
struct ColumnNames {
    std::map<std::string, std::string> ours; ///< the file's name -> ours
    std::set<std::string> ignored;           ///< the file's names
};

/// name, workload, ...; M, N, K, C, H, ...; tile.M, ...
const std::vector<std::string>& text_columns();
const std::vector<std::string>& shape_columns();
const std::vector<std::string>& tile_columns();
/// Names of what is fitted, in the order in which reports list them.
const std::vector<std::string>& measured_targets();
/// A column's one name: capitals do not matter, layer is name, pad is padding, compute_cycles is array_cycles,
/// phases.X is X. A name that is not known stays as it is.
std::string canonical_column(const std::string& name);
bool is_known_column(const std::string& column);
/// All of them, for messages.
std::string known_columns();
/// energy_pj, energy_pj.mac, ledger.array.compute, counts.dram.read_bytes: compared with the simulation, not fitted.
bool is_compared(const std::string& column);

/// Turns stall_cycles into the cycles or array_cycles that it implies, makes the workload's form one, names a row
/// without a name. UserError at the row's place when it contradicts itself.
void settle_measurement(Measurement& m);
/// UserError at the second of two rows with the same workload and setting.
void refuse_duplicates(const std::vector<Measurement>& rows);

/// At least one row. UserError `file:line: column: expected …, got …`: unknown or missing columns, cells that are no
/// positive number (NaN among them), rows that contradict themselves or repeat another.
std::vector<Measurement> read_measurements(const std::string& path, const ColumnNames& names = {});
std::vector<Measurement> parse_measurements(const std::string& text, const std::string& file,
                                            const ColumnNames& names = {});

/// The workload that a row's cells of shape_columns() spell: a GEMM by M, N, K; a conv by C, H, W, K (filters), R, S
/// and, where they differ from 1, 0, 1, 1, 1, stride, padding, dilation, groups and N (batch). UserError naming what is
/// missing, or what belongs to the other kind.
std::string shape_workload(const std::map<std::string, std::int64_t>& cells);

/// One layer (index 1) behind an input. UserError when the text is no workload.
Network workload_network(const std::string& workload);

} // namespace heddle
