#include "sim/calibrate_rows.hpp"

#include "dnn/base/error.hpp"
#include "dnn/base/yaml_scalar.hpp"
#include "sim/calibrate_counts.hpp"
#include "sim/layer_run.hpp"
#include "sim/mapper_tiles.hpp"
#include "sim/text.hpp"

#include <algorithm>

namespace heddle {

namespace {

constexpr int layer = 1; // of a workload: the one behind the input

std::int64_t ceil_div(std::int64_t a, std::int64_t b)
{
    return (a + b - 1) / b;
}

/// Why no machine of this description can be that fast; empty when it can.
std::string impossible(const Measurement& m, const Network& net, const HardwareConfig& hw, bool bandwidth_is_fitted)
{
    const Layer& l = net.layers[layer];
    const std::int64_t compute = ceil_div(l.macs(), hw.macs());
    for (const char* target : {"array_cycles", "cycles"})
        if (m.has(target) && m.measured.at(target) < compute)
            return std::string(target) + ": " + std::to_string(m.measured.at(target)) + " cycles are below the " +
                   std::to_string(compute) + " that " + std::to_string(l.macs()) + " MACs take on " +
                   std::to_string(hw.macs()) + " MACs";
    if (bandwidth_is_fitted || !m.has("cycles")) return "";
    const bool reads_all = l.window.stride_rows <= l.window.filter_rows && l.window.stride_cols <= l.window.filter_cols;
    const std::int64_t words_in = reads_all ? word_count(l.in_shape) : 0;
    const std::int64_t read = (l.weight_words() * hw.precision.weight_bits + words_in * hw.precision.input_bits) / 8;
    const std::int64_t memory = dram_cycles(hw, read, word_count(l.out_shape) * hw.precision.input_bits / 8);
    if (m.measured.at("cycles") >= memory) return "";
    return "cycles: " + std::to_string(m.measured.at("cycles")) + " cycles are below the " + std::to_string(memory) +
           " that the memory takes to move each word once";
}

/// `size` indices of a flattened loop as extents of its dimensions, which are given innermost first.
void cut(Extents& tile, const LayerShape& shape, const char* what, std::int64_t size, const std::vector<Dim>& dims)
{
    std::int64_t all = 1, rest = size;
    for (Dim d : dims) all *= shape.extent[d];
    if (size >= all) return;
    for (Dim d : dims) {
        const int extent = shape.extent[d];
        tile[d] = static_cast<int>(std::min<std::int64_t>(rest, extent));
        if (rest > extent && rest % extent != 0)
            throw UserError(std::string(what) + ": expected at most, or a multiple of, " + std::to_string(extent) +
                            " (" + dim_names[d] + "), got " + std::to_string(size) + "; give a mapping instead");
        rest = std::max<std::int64_t>(1, rest / extent);
    }
}

/// Tiles of a GEMM laid over a conv's loops: M over output pixels, N over filters, K over the taps of all channels.
Extents tile_extents(const LayerShape& shape, const Measurement& m)
{
    Extents tile = shape.extent;
    cut(tile, shape, "tile.M", m.tile[0], {dim_q, dim_p, dim_n});
    cut(tile, shape, "tile.N", m.tile[1], {dim_k, dim_g});
    cut(tile, shape, "tile.K", m.tile[2], {dim_s, dim_r, dim_c});
    return tile;
}

/// Of all ways to run these tiles under the dataflow (loops over the array, order of tiles, longest or no cut of the
/// passes) the one with the least bound.
MapChoice map_tiles(const Network& net, const HardwareConfig& hw, const std::string& dataflow, const Measurement& m)
{
    const LayerShape shape = layer_shape(net, layer);
    const Extents tile = tile_extents(shape, m);
    MapChoice best;
    std::string first_error;
    for (const Spread& spread : spreads(dataflow, shape, hw)) {
        const std::int64_t length =
            spread.cut < 0 ? 1 : index_extent(spread.glb[static_cast<std::size_t>(spread.cut)], tile);
        for (const TileOrder& order : tile_orders())
            for (std::int64_t pieces = 1; pieces <= length; pieces *= 2) {
                try {
                    const int chunk = static_cast<int>(ceil_div(length, pieces));
                    MapChoice c =
                        use_mapping(net, layer, hw,
                                    make_mapping(dataflow, spread, shape, tile, {order.begin(), order.end()}, chunk));
                    const auto traffic = [](const Bound& b) { return b.dram_read_bytes + b.dram_write_bytes; };
                    if (best.mapping.levels.empty() || c.bound.cycles < best.bound.cycles ||
                        (c.bound.cycles == best.bound.cycles && traffic(c.bound) < traffic(best.bound)))
                        best = std::move(c);
                    break; // a finer cut only costs
                } catch (const UserError& e) {
                    if (first_error.empty()) first_error = e.what();
                }
            }
    }
    if (best.mapping.levels.empty()) throw UserError("tile: " + first_error);
    return best;
}

/// Quantities that a difference between two machines may grow with.
std::map<std::string, double> shape_quantities(const MapChoice& c, const Network& net, const HardwareConfig& hw,
                                               const Measurement& m)
{
    std::map<std::string, double> q;
    const Traffic t = compute_traffic(c.plan, hw);
    double passes = 0, steps = 0, partial = 0;
    for (const PassClass& p : t.passes) {
        passes += static_cast<double>(p.count);
        steps += static_cast<double>(p.count * p.steps);
        if (p.used_rows < hw.array.rows || p.used_cols < hw.array.cols) partial += static_cast<double>(p.count);
    }
    q["passes (folds)"] = passes;
    q["passes on part of the array (partial edges)"] = partial;
    q["steps of all passes"] = steps;
    q["loads of stationary operands"] = static_cast<double>(t.loads);
    q["tiles"] = static_cast<double>(t.tiles);
    q["outputs"] = static_cast<double>(t.outputs);
    q["words fetched for tiles"] = static_cast<double>(t.weight_fills + t.input_fills);
    q["MACs"] = static_cast<double>(c.plan.macs());
    q["depth of the reduction"] =
        static_cast<double>(net.layers[layer].weight_words()) / net.layers[layer].out_shape[1];
    q["conv with a window"] = net.layers[layer].window.filter_rows * net.layers[layer].window.filter_cols > 1 ? 1 : 0;
    for (const auto& [key, value] : m.keys) {
        double number = 0;
        if (parse_real(value, number)) q[key] = number;
    }
    return q;
}

double stall_share(const LayerResult& r)
{
    std::int64_t stalled = 0, all = 0;
    for (const auto& [cause, pe_cycles] : r.ledger.at("array")) {
        if (cause == "idle_by_mapping") continue;
        all += pe_cycles;
        const bool after_the_last = cause == "nothing_to_do";
        if (after_the_last || cause.find("missing") != std::string::npos || cause == "output_blocked")
            stalled += pe_cycles;
    }
    return all > 0 ? static_cast<double>(stalled) / static_cast<double>(all) : 0.0;
}

} // namespace

HardwareConfig MeasuredSet::hardware(const Measurement& m, const KeyValues& parameters) const
{
    KeyValues values = parameters;
    for (const auto& [key, value] : m.keys) values[key] = value;
    std::vector<OverlayEntry> overlay;
    for (const auto& [key, value] : values) overlay.push_back({key, value, m.line, 1});
    return overlaid_hardware(hardware_yaml, hardware_file, overlay, m.file).config;
}

void prepare(MeasuredSet& set, bool bandwidth_is_fitted)
{
    std::map<std::string, std::vector<NamedMapping>> files;
    for (const Measurement& m : set.rows) {
        try {
            const HardwareConfig hw = set.hardware(m, {});
            describe_dataflow(m.dataflow.empty() ? set.dataflow.empty() ? hw.dataflows.front() : set.dataflow
                                                 : m.dataflow);
            const std::string reason = impossible(m, workload_network(m.workload), hw, bandwidth_is_fitted);
            if (!reason.empty()) throw UserError(reason);
            if (!m.mapping_file.empty() && files.count(m.mapping_file) == 0)
                files[m.mapping_file] = read_mappings(m.mapping_file);
        } catch (const UserError& e) {
            const std::string what = e.what(), place = m.file + ":" + std::to_string(m.line) + ":";
            throw UserError(what.compare(0, place.size(), place) == 0 ? what : m.where() + what);
        }
        set.mappings.push_back(m.mapping_file.empty() ? std::vector<NamedMapping>() : files.at(m.mapping_file));
    }
}

MapChoice choose_mapping(const MeasuredSet& set, std::size_t row, const Network& net, const HardwareConfig& hw)
{
    const Measurement& m = set.rows[row];
    std::string dataflow = m.dataflow.empty() ? set.dataflow : m.dataflow;
    if (dataflow.empty()) dataflow = hw.dataflows.front();
    const std::vector<NamedMapping>& given = set.mappings[row];
    if (!given.empty()) {
        for (const NamedMapping& n : given)
            if (n.layer == m.name || given.size() == 1) return use_mapping(net, layer, hw, n.mapping);
        throw UserError("mapping: " + m.mapping_file + " names no layer " + quoted(m.name));
    }
    MapperOptions first; // what was measured is no searched mapping
    first.kind = MapperKind::first;
    return m.tiled() ? map_tiles(net, hw, dataflow, m) : map_layer(net, layer, hw, dataflow, first);
}

RowOutcome simulate_row(const MeasuredSet& set, std::size_t row, const KeyValues& parameters)
{
    const Measurement& m = set.rows[row];
    RowOutcome outcome;
    try {
        RunOptions o;
        o.hardware = set.hardware(m, parameters);
        const Network net = workload_network(m.workload);
        const MapChoice choice = choose_mapping(set, row, net, o.hardware);
        o.network = synthesize(net, o.hardware.precision, 1);
        o.mappings = {{net.layers[layer].name, choice.mapping}};
        o.timing_only = true;
        LayerRunner runner(o);
        const LayerResult r = runner.run(layer);
        outcome.simulated = r.phases;
        outcome.simulated["cycles"] = r.cycles;
        outcome.simulated["array_cycles"] = r.array_cycles;
        compare_counts(set, m, o.hardware, r, outcome);
        outcome.stall_share = stall_share(r);
        outcome.bound_cycles = r.bound_cycles;
        outcome.shape = shape_quantities(choice, net, o.hardware, m);
    } catch (const UserError& e) {
        outcome.error = e.what();
    }
    return outcome;
}

} // namespace heddle
