#include "sim/layer_run.hpp"

#include "dnn/base/error.hpp"
#include "dnn/reference.hpp"
#include "hw/code_walk.hpp"
#include "sim/layer_counts.hpp"
#include "sim/zeros.hpp"

#include <algorithm>
#include <chrono>
#include <sstream>

namespace heddle {

namespace {

double seconds_since(std::chrono::steady_clock::time_point start)
{
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

AcceleratorOptions machine_options(const RunOptions& o)
{
    AcceleratorOptions a;
    a.driver.kind = o.driver == TimeDriver::fast ? DriverKind::fast : DriverKind::reference;
    a.stall_seed = o.stall_seed;
    a.timing_only = o.timing_only;
    return a;
}

/// All that a layer's cycles depend on: equal keys, equal results (design.md §8.6).
std::string plan_key(const LayerPlan& p)
{
    std::ostringstream k;
    const auto place = [&](const TensorPlace& t) { k << t.channel_stride << ',' << t.channel_offset << ' '; };
    k << static_cast<int>(p.kind) << ' ' << static_cast<int>(p.op) << ' ' << p.in_rows << ' ' << p.in_cols << ' ';
    for (int e : p.extent) k << e << ' ';
    const Window& w = p.window;
    for (int v : {w.stride_rows, w.stride_cols, w.dilation_rows, w.dilation_cols, w.pad_top, w.pad_left}) k << v << ' ';
    for (const TileLoop& l : p.tile_loops) k << 't' << l.dim << ',' << l.tile << ' ';
    for (const Axis& a : p.axes) {
        k << 'a';
        for (Dim d : a.dims) k << d;
    }
    for (const AxisLoop& l : p.glb_loops) k << " g" << l.axis << ',' << l.step << ',' << l.span;
    for (const AxisLoop& l : p.pass_loops)
        k << " p" << l.axis << ',' << l.step << ',' << l.span << (l.by_input ? "i" : "");
    for (const SpatialLoop& l : p.spatial)
        k << " s" << l.axis << ',' << static_cast<int>(l.place) << ',' << l.step << ',' << l.count;
    k << ' ' << p.switch_cycles << ' ' << p.keep_weights << p.keep_inputs << p.keep_psums
      << static_cast<int>(p.weight_delivery) << static_cast<int>(p.input_delivery) << static_cast<int>(p.psum_path)
      << ' ' << (p.add_layer >= 0) << ' ' << p.pool_rows << ',' << p.pool_cols << ',' << static_cast<int>(p.pool_op)
      << ' ';
    for (const TensorPlace* t : {&p.inputs, &p.outputs, &p.operand2}) place(*t);
    return k.str();
}

/// A layer's mapping and its machine's compression must go together.
void check_compressed_stores(const LayerSetup& setup, const CompiledPlan& plan)
{
    const CompressedMap* map = setup.image.compressed[static_cast<int>(Region::outputs)];
    if (map && !stored_in_order(plan.results(), plan.stores(), map->unit_words()))
        throw UserError("layer " + setup.plan.name +
                        ": its mapping splits the columns of the output map, so planes are " +
                        "not stored from their first word to their last and cannot be compressed as one unit: " +
                        "expected dram.compression.unit: row, or a mapping that keeps whole rows");
}

/// What the reference's maps take, of those that lie in DRAM compressed.
EncodedMaps encode_maps(const LayerSetup& setup, const HardwareConfig& hw, const std::vector<Tensor>& reference)
{
    EncodedMaps maps;
    const auto encode = [&](Region r, int layer, std::optional<EncodedMap>& to) {
        const CompressedMap* map = setup.image.compressed[static_cast<std::size_t>(r)];
        if (map) to = encode_map(hw, reference[static_cast<std::size_t>(layer)].data, map->unit_words());
    };
    const LayerPlan& p = setup.plan;
    encode(Region::inputs, setup.source, maps.inputs);
    encode(Region::outputs, p.fused_layer >= 0 ? p.fused_layer : p.layer, maps.outputs);
    if (p.add_layer >= 0) encode(Region::operand2, p.add_layer, maps.operand2);
    return maps;
}

} // namespace

std::string describe_op(const Layer& l)
{
    if (l.op != Op::conv) return op_name(l.op);
    if (l.fully_connected) return "fc";
    return l.depthwise() ? "dwconv" : "conv";
}

std::string describe_shape(const Layer& l)
{
    std::ostringstream s;
    s << l.in_shape[1] << 'x' << l.in_shape[2] << 'x' << l.in_shape[3] << " -> " << l.out_shape[1] << 'x'
      << l.out_shape[2] << 'x' << l.out_shape[3];
    if (l.op == Op::conv || l.op == Op::max_pool || l.op == Op::avg_pool)
        s << ' ' << l.window.filter_rows << 'x' << l.window.filter_cols << '/' << l.window.stride_rows;
    if (l.window.groups > 1 && l.op == Op::conv && !l.depthwise()) s << " g" << l.window.groups;
    return s.str();
}

LayerRunner::LayerRunner(const RunOptions& options)
    : options_(options), machine_(std::make_unique<Accelerator>("heddle", options.hardware, machine_options(options))),
      maps_(options.network.net, options.hardware), valid_(options.network.net.layers.size(), false)
{
    if (options.timing_only && options.hardware.dram.compression.maps)
        throw UserError("--timing-only: how far maps are compressed depends on their values (dram.compression of " +
                        options.hardware.name + ")");
    if (options.timing_only) return;
    pending_ = std::async(std::launch::async, [this] { // beside the simulation, in its own thread
        const auto start = std::chrono::steady_clock::now();
        Reference r;
        r.outputs = run_reference_slices(options_.network, options_.input, options_.given_inputs, &r.overflows);
        r.seconds = seconds_since(start);
        return r;
    });
    maps_.write(0, options.input);
    valid_[0] = true;
}

LayerRunner::~LayerRunner()
{
    if (pending_.valid()) pending_.wait();
}

const std::vector<Tensor>& LayerRunner::reference()
{
    if (pending_.valid()) reference_ = pending_.get();
    return reference_.outputs;
}

double LayerRunner::reference_seconds()
{
    if (!options_.timing_only) reference();
    return reference_.seconds;
}

MapChoice LayerRunner::choose(const RunOptions& o, int layer)
{
    const auto chosen = o.chosen.find(layer);
    if (chosen != o.chosen.end()) return chosen->second;
    const std::string& name = o.network.net.layers[static_cast<std::size_t>(layer)].name;
    for (const NamedMapping& m : o.mappings)
        if (m.layer == name) return use_mapping(o.network.net, layer, o.hardware, m.mapping);
    const std::string dataflow = o.dataflow.empty() ? o.hardware.dataflows.front() : o.dataflow;
    return map_layer(o.network.net, layer, o.hardware, dataflow, o.mapper);
}

/// A map that nothing simulated here has written comes from the reference.
void LayerRunner::provide(int layer)
{
    if (options_.timing_only || valid_[static_cast<std::size_t>(layer)]) return;
    const Op op = options_.network.net.layers[static_cast<std::size_t>(layer)].op;
    const std::vector<int>& inputs = options_.network.net.layers[static_cast<std::size_t>(layer)].inputs;
    if (op == Op::concat || op == Op::reshape)
        for (int in : inputs) provide(in);
    else
        maps_.write(layer, reference()[static_cast<std::size_t>(layer)]);
    valid_[static_cast<std::size_t>(layer)] = true;
}

void LayerRunner::verify(const LayerPlan& plan, LayerResult& result)
{
    const int written = plan.fused_layer >= 0 ? plan.fused_layer : plan.layer;
    const Tensor got = maps_.read(written);
    const Tensor& expected = reference()[static_cast<std::size_t>(written)];
    for (std::size_t i = 0; i < expected.data.size(); ++i) {
        if (got.data[i] == expected.data[i]) continue;
        std::int64_t rest = static_cast<std::int64_t>(i);
        std::int64_t at[4];
        for (int d = 3; d >= 0; --d) {
            at[d] = rest % expected.shape[static_cast<std::size_t>(d)];
            rest /= expected.shape[static_cast<std::size_t>(d)];
        }
        throw CheckFailure("layer " + plan.name + ": output (n=" + std::to_string(at[0]) + ", k=" +
                           std::to_string(at[1]) + ", p=" + std::to_string(at[2]) + ", q=" + std::to_string(at[3]) +
                           "): expected " + std::to_string(expected.data[i]) + ", got " + std::to_string(got.data[i]));
    }
    result.verified = true;
    result.overflows = reference_.overflows[static_cast<std::size_t>(plan.layer)];
    valid_[static_cast<std::size_t>(written)] = true;
    valid_[static_cast<std::size_t>(plan.layer)] = true;
}

LayerResult LayerRunner::run(int layer)
{
    const Network& net = options_.network.net;
    const Layer& l = net.layers[static_cast<std::size_t>(layer)];
    const MapChoice choice = choose(options_, layer);
    for (int in : l.inputs) provide(in);
    const auto given = options_.given_inputs.find(layer);
    if (given != options_.given_inputs.end()) {
        if (choice.plan.add_layer == l.inputs.front())
            throw UserError("layer " + l.name + ": its given input is also what is added to its output");
        maps_.write(l.inputs.front(), given->second);
        valid_[static_cast<std::size_t>(l.inputs.front())] = false; // other readers get their own
    }
    if (choice.plan.add_layer >= 0) provide(choice.plan.add_layer);
    const std::unique_ptr<LayerSetup> setup = make_layer_setup(options_.network, options_.hardware, choice.plan, maps_);

    LayerResult r;
    const std::string key = options_.timing_only ? plan_key(setup->plan) : std::string();
    const auto seen = options_.stall_seed == 0 ? seen_.find(key) : seen_.end();
    if (options_.timing_only && seen != seen_.end()) r = seen->second;
    r.name = l.name;
    r.op = describe_op(l);
    r.dataflow = choice.plan.dataflow;
    r.shape = describe_shape(l);
    if (choice.plan.fused_layer >= 0 && choice.plan.fused_layer != layer)
        r.note = "with " + net.layers[static_cast<std::size_t>(choice.plan.fused_layer)].name;
    if (r.cycles == 0) {
        const CompiledPlan plan(setup->plan, options_.hardware);
        check_compressed_stores(*setup, plan);
        const std::shared_ptr<void> watching = watch_ ? watch_(*machine_, plan) : nullptr;
        const Cycle cycles = machine_->run_layer(plan, setup->post, setup->image);
        collect_counts(*machine_, plan, cycles, options_.timing_only, r);
    }
    r.bound_cycles = r.bound_actual_cycles = choice.bound.cycles;
    if (options_.hardware.dram.compression.maps)
        r.bound_actual_cycles =
            compute_bound_actual(choice.plan, options_.hardware, encode_maps(*setup, options_.hardware, reference()))
                .cycles;
    r.bound_by = choice.bound.by;
    r.bound_terms_cycles = choice.bound.parts;
    r.mapping = choice.mapping;
    if (const auto& parameters = choice.mapping.row_stationary) r.mapping_parameters = describe(*parameters);
    r.wire_utilization = choice.wire_utilization;
    if (r.cycles < r.bound_actual_cycles)
        throw CheckFailure("layer " + l.name + ": " + std::to_string(r.cycles) + " cycles are below the bound of " +
                           std::to_string(r.bound_actual_cycles) + " (" + r.bound_by + ")");
    if (options_.timing_only)
        seen_[key] = r;
    else
        verify(setup->plan, r);
    maps_.forget_before(layer);
    return r;
}

} // namespace heddle
