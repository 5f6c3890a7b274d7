// Measured cycles of an accelerator's RTL, one row per layer and setting, as CSV. docs/calibration.md lists the
// columns.
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
    int line = 0;         ///< of the file, from 1
    std::string name;     ///< for people; "row LINE" when not given
    std::string workload; ///< gemm:MxNxK or conv:CxKxHxWxRxSxSTRIDExPAD[xGROUPS]
    std::string dataflow; ///< empty: the command's
    /// In cycles: cycles, array_cycles, and the phases first_request, first_operand, last_result, last_write.
    std::map<std::string, std::int64_t> measured;
    std::map<std::string, std::string> keys; ///< hardware key -> value, of this row
    std::array<std::int64_t, 3> tile{};      ///< M, N, K on chip at once; zeros: not given
    std::string mapping_file;                ///< empty: not given

    bool has(const std::string& target) const { return measured.count(target) > 0; }
    bool tiled() const { return tile[0] > 0; }
};

/// How a file's own columns are to be taken.
struct ColumnNames {
    std::map<std::string, std::string> ours; ///< the file's name -> ours
    std::set<std::string> ignored;           ///< the file's names
};

/// Names of what can be measured, in the order in which reports list them.
const std::vector<std::string>& measured_targets();

/// At least one row. UserError `file:line: column: expected …, got …`: unknown or missing columns, cells that are no
/// positive integer (NaN among them), rows that contradict themselves or repeat another.
std::vector<Measurement> read_measurements(const std::string& path, const ColumnNames& names = {});
std::vector<Measurement> parse_measurements(const std::string& text, const std::string& file,
                                            const ColumnNames& names = {});

/// One layer (index 1) behind an input. UserError when the text is no workload.
Network workload_network(const std::string& workload);

} // namespace heddle
