// What every measured row must be, from wherever it comes.
#include "dnn/base/error.hpp"
#include "dnn/base/yaml_scalar.hpp"
#include "sim/measurements.hpp"

#include <algorithm>

namespace heddle {

namespace {

[[noreturn]] void fail(const Measurement& m, const std::string& message)
{
    throw UserError(m.where() + message);
}

/// stall_cycles = cycles - array_cycles: two of the three give the third.
void resolve_stall(Measurement& m)
{
    const auto stall = m.measured.find("stall_cycles");
    if (stall == m.measured.end()) return;
    const std::int64_t cycles = stall->second;
    m.measured.erase(stall);
    if (m.has("cycles") && m.has("array_cycles")) {
        const std::int64_t outside = m.measured["cycles"] - m.measured["array_cycles"];
        if (cycles != outside)
            fail(m, "stall_cycles: expected cycles - array_cycles = " + std::to_string(outside) + ", got " +
                        std::to_string(cycles));
    } else if (m.has("cycles")) {
        if (cycles >= m.measured["cycles"])
            fail(m, "stall_cycles: expected less than cycles (" + std::to_string(m.measured["cycles"]) + "), got " +
                        std::to_string(cycles));
        m.measured["array_cycles"] = m.measured["cycles"] - cycles;
    } else if (m.has("array_cycles")) {
        m.measured["cycles"] = m.measured["array_cycles"] + cycles;
    } else {
        fail(m, "stall_cycles: expected cycles or array_cycles beside it");
    }
}

void check_tile(const Measurement& m)
{
    const auto given = std::count_if(m.tile.begin(), m.tile.end(), [](std::int64_t s) { return s > 0; });
    if (given != 0 && given != 3) fail(m, "expected all of tile.M, tile.N and tile.K");
    if (given == 3 && !m.mapping_file.empty()) fail(m, "tile.M and mapping are both given: expected one");
}

/// The last phase that was measured; empty: none.
std::string check_phases(const Measurement& m)
{
    std::string before;
    for (auto p = measured_targets().begin() + 2; p != measured_targets().end(); ++p) {
        if (!m.has(*p)) continue;
        if (!before.empty() && m.measured.at(*p) < m.measured.at(before))
            fail(m, *p + ": expected at least " + before + " (" + std::to_string(m.measured.at(before)) + "), got " +
                        std::to_string(m.measured.at(*p)));
        before = *p;
    }
    return before;
}

void check_times(const Measurement& m)
{
    if (!m.has("cycles") && !m.has("array_cycles")) fail(m, "expected cycles, array_cycles or both, got neither");
    const std::string last = check_phases(m);
    if (m.has("cycles") && !last.empty() && m.measured.at(last) >= m.measured.at("cycles"))
        fail(m, last + ": expected less than cycles (" + std::to_string(m.measured.at("cycles")) +
                    "; phases count from 0), got " + std::to_string(m.measured.at(last)));
    if (m.has("cycles") && m.has("array_cycles") && m.measured.at("array_cycles") > m.measured.at("cycles"))
        fail(m, "array_cycles: expected at most cycles (" + std::to_string(m.measured.at("cycles")) + "), got " +
                    std::to_string(m.measured.at("array_cycles")));
    if (m.has("array_cycles") && m.has("first_operand") && m.has("last_result")) {
        const std::int64_t window = m.measured.at("last_result") - m.measured.at("first_operand") + 1;
        if (window != m.measured.at("array_cycles"))
            fail(m, "array_cycles: expected last_result - first_operand + 1 = " + std::to_string(window) + ", got " +
                        std::to_string(m.measured.at("array_cycles")));
    }
}

/// A part cannot cost more than everything.
void check_energies(const Measurement& m)
{
    const auto total = m.compared.find("energy_pj");
    double parts = 0.0;
    for (const auto& [column, value] : m.compared)
        if (column.rfind("energy_pj.", 0) == 0) parts += value;
    if (total != m.compared.end() && parts > total->second * (1 + 1e-6))
        fail(m, "energy_pj: expected at least the sum of its parts in this row, " + std::to_string(parts) + ", got " +
                    std::to_string(total->second));
}

/// What two rows must not share: everything but what was measured and the name.
std::string setting(const Measurement& m)
{
    std::string s = m.workload + "|" + m.dataflow + "|" + m.mapping_file;
    for (std::int64_t t : m.tile) s += "|" + std::to_string(t);
    for (const auto& [key, value] : m.keys) s += "|" + key + "=" + value;
    return s;
}

/// conv:...x1x1 with groups, dilation or batch of 1 is the layer without them: one text, so that it is seen twice.
void shorten(std::string& workload)
{
    if (workload.rfind("conv:", 0) != 0) return;
    while (std::count(workload.begin(), workload.end(), 'x') > 7 && workload.compare(workload.size() - 2, 2, "x1") == 0)
        workload.resize(workload.size() - 2);
}

} // namespace

void settle_measurement(Measurement& m)
{
    if (m.workload.rfind("layer:", 0) != 0) std::replace(m.workload.begin(), m.workload.end(), ',', 'x');
    shorten(m.workload);
    if (m.name.empty()) m.name = "row " + std::to_string(m.line);
    try {
        workload_network(m.workload);
    } catch (const UserError& e) {
        fail(m, std::string("workload: ") + e.what());
    }
    resolve_stall(m);
    check_tile(m);
    check_times(m);
    check_energies(m);
}

void refuse_duplicates(const std::vector<Measurement>& rows)
{
    std::map<std::string, const Measurement*> seen;
    for (const Measurement& m : rows) {
        const auto [other, is_new] = seen.emplace(setting(m), &m);
        if (is_new) continue;
        const bool same_file = other->second->file == m.file;
        fail(m, "duplicated row: the same workload and setting as " + (same_file ? "" : other->second->file + ":") +
                    std::string(same_file ? "line " : "") + std::to_string(other->second->line));
    }
}

} // namespace heddle
