#include "sim/layer_setup.hpp"

#include "dnn/base/error.hpp"
#include "hw/map_layout.hpp"
#include "sim/dram_moves.hpp"
#include "sim/layer_shape.hpp"

#include <algorithm>
#include <limits>

namespace heddle {

namespace {

/// (K,C/G,R,S) to the order in memory.
std::vector<std::int16_t> weights_in_memory_order(const Tensor& w, const Extents& e, MapLayout layout)
{
    if (layout == MapLayout::planes) return w.data;
    std::vector<std::int16_t> out(w.data.size());
    const int filters = e[dim_g] * e[dim_k], taps = e[dim_r] * e[dim_s], channels = e[dim_c];
    std::size_t to = 0;
    for (int k = 0; k < filters; ++k)
        for (int t = 0; t < taps; ++t)
            for (int c = 0; c < channels; ++c)
                out[to++] = w.data[(static_cast<std::size_t>(k) * channels + c) * taps + t];
    return out;
}

void set_add(PostSetup& post, const QuantizedLayer& add, bool operand2_is_first)
{
    post.add = true;
    post.add_multiplier = add.requant[operand2_is_first ? 1 : 0].multiplier;
    post.operand2_multiplier = add.requant[operand2_is_first ? 0 : 1].multiplier;
    post.add_shift = add.requant[0].shift;
    post.add_lo = add.clamp_lo;
    post.add_hi = add.clamp_hi;
}

/// Psums keep the conv's own coordinates; what is written follows the pooled map.
void set_pool(PostSetup& post, const QuantizedLayer& pool, const LayerPlan& plan)
{
    FusedPool& p = post.pool;
    p.active = true;
    p.average = plan.pool_op == Op::avg_pool;
    p.window = plan.pool_window;
    p.in_rows = plan.extent[dim_p];
    p.in_cols = plan.extent[dim_q];
    p.rows = plan.pool_rows;
    p.cols = plan.pool_cols;
    p.images = plan.extent[dim_n];
    p.clamp_lo = pool.clamp_lo;
    p.clamp_hi = pool.clamp_hi;
    p.rules = pool.requant;
    p.channel_stride = post.channel_stride;
    p.channel_offset = post.channel_offset;
    post.channel_stride = post.channels;
    post.channel_offset = 0;
}

PostSetup make_post_setup(const QuantizedNetwork& net, const LayerPlan& plan, MapLayout layout)
{
    const QuantizedLayer& q = net.layers[static_cast<std::size_t>(plan.layer)];
    PostSetup post;
    post.op = plan.op;
    post.clamp_lo = q.clamp_lo;
    post.clamp_hi = q.clamp_hi;
    post.channel_stride = plan.outputs.channel_stride;
    post.channel_offset = plan.outputs.channel_offset;
    post.channel_step = static_cast<std::int32_t>(channel_step(layout, plan.extent[dim_p], plan.extent[dim_q]));
    post.pool.planes = layout == MapLayout::planes;
    if (plan.op == Op::conv) post.channels = plan.extent[dim_g] * plan.extent[dim_k];
    if (plan.kind == PlanKind::array)
        post.psum_words = std::int64_t{plan.extent[dim_n]} * plan.extent[dim_p] * plan.extent[dim_q] * post.channels;
    if (plan.op == Op::avg_pool) post.average = q.requant;
    if (plan.op == Op::add) {
        post.clamp_lo = std::numeric_limits<std::int16_t>::min(); // the sum is clamped, not its operand
        post.clamp_hi = std::numeric_limits<std::int16_t>::max();
        set_add(post, q, false);
    } else if (plan.pool_layer >= 0) {
        set_pool(post, net.layers[static_cast<std::size_t>(plan.pool_layer)], plan);
    } else if (plan.add_layer >= 0) {
        const Layer& add = net.net.layers[static_cast<std::size_t>(plan.fused_layer)];
        set_add(post, net.layers[static_cast<std::size_t>(plan.fused_layer)], add.inputs[0] != plan.layer);
    }
    return post;
}

std::vector<std::int32_t> make_parameters(const QuantizedLayer& q, int channels)
{
    std::vector<std::int32_t> p;
    for (int k = 0; k < channels; ++k) {
        const std::size_t i = static_cast<std::size_t>(k);
        p.push_back(q.bias.empty() ? 0 : q.bias[i]);
        p.push_back(q.requant[i].multiplier);
        p.push_back(q.requant[i].shift);
    }
    return p;
}

} // namespace

namespace {

std::uint64_t region_bytes(const LayerSetup& s, int region)
{
    const std::size_t r = static_cast<std::size_t>(region);
    if (s.image.compressed[r]) return static_cast<std::uint64_t>(s.image.compressed[r]->bytes());
    const auto* words = s.image.words[r];
    const std::uint64_t count = region == static_cast<int>(Region::parameters) ? s.parameters.size() / 3
                                : words                                        ? words->size()
                                                                               : 0;
    return (count * static_cast<std::uint64_t>(s.image.bits[r]) + 7) / 8;
}

} // namespace

std::unique_ptr<LayerSetup> make_layer_setup(const QuantizedNetwork& net, const HardwareConfig& hw,
                                             const LayerPlan& plan, MapStore& maps)
{
    auto s = std::make_unique<LayerSetup>();
    s->plan = plan;
    LayerPlan& p = s->plan;
    const int result = p.fused_layer >= 0 ? p.fused_layer : p.layer;
    const int source = s->source = layer_shape(net.net, p.layer).source;
    s->post = make_post_setup(net, p, hw.dram.map_layout);

    const auto bind = [&](Region r, std::vector<std::int16_t>* words, int bits) {
        s->image.words[static_cast<int>(r)] = words;
        s->image.bits[static_cast<int>(r)] = bits;
    };
    const auto bind_map = [&](Region r, int layer) {
        CompressedMap* compressed = maps.compressed(layer);
        s->image.compressed[static_cast<int>(r)] = compressed;
        bind(r, compressed ? nullptr : &maps.words(layer), hw.precision.input_bits);
    };
    const QuantizedLayer& q = net.layers[static_cast<std::size_t>(p.layer)];
    if (p.kind == PlanKind::array) s->weights = weights_in_memory_order(q.weights, p.extent, hw.dram.map_layout);
    if (s->post.channels > 0) s->parameters = make_parameters(q, s->post.channels);
    bind(Region::weights, &s->weights, hw.precision.weight_bits);
    bind_map(Region::inputs, source);
    bind_map(Region::outputs, result);
    if (p.add_layer >= 0)
        bind_map(Region::operand2, p.add_layer);
    else
        bind(Region::operand2, nullptr, hw.precision.input_bits);
    s->image.parameters = &s->parameters;
    s->image.bits[static_cast<int>(Region::parameters)] = hw.post.parameter_bytes_per_channel * 8;

    std::array<std::uint64_t, region_count> bytes{};
    for (int r = 0; r < region_count; ++r) bytes[static_cast<std::size_t>(r)] = region_bytes(*s, r);
    const std::uint64_t end = place_regions(hw, bytes, s->image.address);
    if (hw.dram.kind == DramKind::dram && end > hw.dram.timing.capacity_bytes())
        throw UserError("layer " + p.name + ": its tensors take " + std::to_string(end) + " bytes, the DRAM holds " +
                        std::to_string(hw.dram.timing.capacity_bytes()));
    return s;
}

} // namespace heddle
