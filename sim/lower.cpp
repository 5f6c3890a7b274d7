#include "sim/lower.hpp"

#include "dnn/base/error.hpp"
#include "sim/lower_detail.hpp"
#include "sim/map_place.hpp"

#include <algorithm>

namespace heddle {

namespace lower_detail {

void Lowering::fail(const std::string& level, const std::string& message) const
{
    throw UserError("layer \"" + plan.name + "\": " + level + ": " + message);
}

} // namespace lower_detail

namespace {

const Layer& at(const Network& net, int layer)
{
    return net.layers[static_cast<std::size_t>(layer)];
}

bool fuses(const Network& net, const HardwareConfig& hw, int conv, int add)
{
    const Layer& a = at(net, add);
    if (at(net, conv).op != Op::conv || a.op != Op::add || a.inputs.size() != 2) return false;
    if (hw.global_buffer.operand2.bytes <= 0 || net.readers(conv).size() != 1) return false;
    const int other = a.inputs[0] == conv ? a.inputs[1] : a.inputs[0];
    return (a.inputs[0] == conv || a.inputs[1] == conv) && other < conv;
}

/// Pooling streams through the PostProcessor behind its conv when the line buffer holds a partial of every window: then
/// any order of passes works, and the pooled map lies whole in the output partition until it is stored.
bool pools(const Network& net, const HardwareConfig& hw, int conv, int pool)
{
    const Layer& p = at(net, pool);
    if (at(net, conv).op != Op::conv || (p.op != Op::max_pool && p.op != Op::avg_pool)) return false;
    if (p.inputs.front() != conv || net.readers(conv).size() != 1) return false;
    const std::int64_t words = word_count(p.out_shape);
    return words <= hw.post.line_buffer_words && words * hw.precision.input_bits <= hw.global_buffer.outputs.bytes * 8;
}

int other_operand(const Layer& add, int conv)
{
    return add.inputs[0] == conv ? add.inputs[1] : add.inputs[0];
}

void set_problem(const Network& net, const HardwareConfig& hw, int index, lower_detail::Lowering& l)
{
    const Layer& layer = at(net, index);
    LayerPlan& p = l.plan;
    p.name = layer.name;
    p.layer = p.fused_layer = index;
    p.kind = l.shape.kind;
    p.op = layer.op;
    p.dataflow = l.mapping.dataflow;
    p.extent = l.shape.extent;
    p.window = l.shape.window;
    p.in_rows = l.shape.in_rows;
    p.in_cols = l.shape.in_cols;
    p.activation = layer.activation;
    if (layer.op == Op::add) p.add_layer = layer.inputs[1];
    const int add = fused_add(net, hw, index);
    if (add >= 0) {
        p.add_layer = other_operand(at(net, add), index);
        p.fused_layer = add;
    }
    const int pool = fused_pool(net, hw, index);
    if (pool < 0) return;
    p.pool_layer = p.fused_layer = pool;
    p.pool_op = at(net, pool).op;
    p.pool_window = at(net, pool).window;
    p.pool_rows = at(net, pool).out_shape[2];
    p.pool_cols = at(net, pool).out_shape[3];
}

} // namespace

int fused_add(const Network& net, const HardwareConfig& hw, int conv_layer)
{
    const std::vector<int> readers = net.readers(conv_layer);
    return readers.size() == 1 && fuses(net, hw, conv_layer, readers.front()) ? readers.front() : -1;
}

int fused_pool(const Network& net, const HardwareConfig& hw, int conv_layer)
{
    const std::vector<int> readers = net.readers(conv_layer);
    return readers.size() == 1 && pools(net, hw, conv_layer, readers.front()) ? readers.front() : -1;
}

int fused_into(const Network& net, const HardwareConfig& hw, int layer)
{
    for (int input : at(net, layer).inputs)
        if (fuses(net, hw, input, layer) || pools(net, hw, input, layer)) return input;
    return -1;
}

bool has_plan(const Network& net, const HardwareConfig& hw, int layer)
{
    return computes(at(net, layer)) && fused_into(net, hw, layer) < 0;
}

namespace {

void set_places(const Network& net, const LayerShape& shape, LayerPlan& p)
{
    const auto place = [&net](int layer) {
        const MapPlace m = map_place(net, layer);
        return TensorPlace{m.channel_stride, m.channel_offset};
    };
    p.inputs = place(shape.source);
    p.outputs = place(p.fused_layer);
    if (p.add_layer >= 0) p.operand2 = place(p.add_layer);
}

} // namespace

LayerPlan lower(const Network& net, int layer, const HardwareConfig& hw, const Mapping& mapping)
{
    lower_detail::Lowering l{hw, mapping, layer_shape(net, layer), {}};
    set_problem(net, hw, layer, l);
    set_places(net, l.shape, l.plan);
    set_tile_loops(l);
    set_loops(l);
    if (l.plan.kind == PlanKind::array) {
        set_kept(l);
        set_delivery(l);
    }
    check_capacity(l);
    return std::move(l.plan);
}

} // namespace heddle
