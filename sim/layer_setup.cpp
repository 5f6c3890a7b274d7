#include "sim/layer_setup.hpp"

#include "dnn/base/error.hpp"
#include "sim/layer_shape.hpp"

#include <algorithm>
#include <limits>

namespace heddle {

MapStore::MapStore(const Network& net) : net_(net), places_(net.layers.size()), last_reader_(net.layers.size(), 0)
{
    const int count = static_cast<int>(net.layers.size());
    maps_.resize(net.layers.size());
    for (int i = 0; i < count; ++i)
        places_[static_cast<std::size_t>(i)] = {i, net.layers[static_cast<std::size_t>(i)].out_shape[1], 0};
    for (int i = 0; i < count; ++i) {
        const Layer& l = net.layers[static_cast<std::size_t>(i)];
        if (l.op == Op::reshape || l.op == Op::softmax) places_[static_cast<std::size_t>(i)] = place(l.inputs[0]);
    }
    // From the last concat to the first, so that nested ones find their parent's place.
    for (int i = count - 1; i >= 0; --i) {
        const Layer& l = net.layers[static_cast<std::size_t>(i)];
        if (l.op != Op::concat) continue;
        int offset = place(i).channel_offset;
        for (int in : l.inputs) {
            const Op op = net.layers[static_cast<std::size_t>(in)].op;
            Place& p = places_[static_cast<std::size_t>(in)];
            if (p.owner != in || op == Op::input || op == Op::reshape)
                throw UserError("layer " + l.name + ": its input " + net.layers[static_cast<std::size_t>(in)].name +
                                " lies elsewhere already (a map can feed one concat, and must be computed)");
            p = {place(i).owner, place(i).channel_stride, offset};
            offset += net.layers[static_cast<std::size_t>(in)].out_shape[1];
        }
    }
    for (int i = 0; i < count; ++i)
        for (int in : net.layers[static_cast<std::size_t>(i)].inputs) {
            const int owner = place(in).owner;
            last_reader_[static_cast<std::size_t>(owner)] = std::max(last_reader_[static_cast<std::size_t>(owner)], i);
        }
    for (int i = count - 1; i >= 0; --i) // what is read under another name lives as long as that name
        for (int in : net.layers[static_cast<std::size_t>(i)].inputs) {
            int& last = last_reader_[static_cast<std::size_t>(place(in).owner)];
            if (place(i).owner == place(in).owner)
                last = std::max(last, last_reader_[static_cast<std::size_t>(place(i).owner)]);
        }
}

std::vector<std::int16_t>& MapStore::words(int layer)
{
    const Place& p = place(layer);
    std::vector<std::int16_t>& map = maps_[static_cast<std::size_t>(p.owner)];
    if (map.empty())
        map.resize(static_cast<std::size_t>(word_count(net_.layers[static_cast<std::size_t>(p.owner)].out_shape)));
    return map;
}

void MapStore::write(int layer, const Tensor& values)
{
    const Place& p = place(layer);
    const Shape4& s = values.shape;
    std::vector<std::int16_t>& map = words(layer);
    for (int n = 0; n < s[0]; ++n)
        for (int c = 0; c < s[1]; ++c)
            for (int i = 0; i < s[2] * s[3]; ++i)
                map[(static_cast<std::size_t>(n) * s[2] * s[3] + i) * p.channel_stride + p.channel_offset + c] =
                    values.data[(static_cast<std::size_t>(n) * s[1] + c) * s[2] * s[3] + i];
}

Tensor MapStore::read(int layer) const
{
    const Place& p = place(layer);
    const std::vector<std::int16_t>& map = maps_[static_cast<std::size_t>(p.owner)];
    Tensor t(net_.layers[static_cast<std::size_t>(layer)].out_shape);
    const Shape4& s = t.shape;
    for (int n = 0; n < s[0]; ++n)
        for (int c = 0; c < s[1]; ++c)
            for (int i = 0; i < s[2] * s[3]; ++i)
                t.data[(static_cast<std::size_t>(n) * s[1] + c) * s[2] * s[3] + i] =
                    map[(static_cast<std::size_t>(n) * s[2] * s[3] + i) * p.channel_stride + p.channel_offset + c];
    return t;
}

void MapStore::forget_before(int layer)
{
    for (std::size_t i = 0; i < maps_.size(); ++i)
        if (!maps_[i].empty() && last_reader_[i] < layer && static_cast<int>(i) < layer)
            std::vector<std::int16_t>().swap(maps_[i]);
}

namespace {

/// (K,C/G,R,S) to the order in memory: (G,K),R,S,C.
std::vector<std::int16_t> weights_in_memory_order(const Tensor& w, const Extents& e)
{
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

PostSetup make_post_setup(const QuantizedNetwork& net, const LayerPlan& plan)
{
    const QuantizedLayer& q = net.layers[static_cast<std::size_t>(plan.layer)];
    PostSetup post;
    post.op = plan.op;
    post.clamp_lo = q.clamp_lo;
    post.clamp_hi = q.clamp_hi;
    post.channel_stride = plan.outputs.channel_stride;
    post.channel_offset = plan.outputs.channel_offset;
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

std::unique_ptr<LayerSetup> make_layer_setup(const QuantizedNetwork& net, const HardwareConfig& hw,
                                             const LayerPlan& plan, MapStore& maps)
{
    auto s = std::make_unique<LayerSetup>();
    s->plan = plan;
    LayerPlan& p = s->plan;
    const int result = p.fused_layer >= 0 ? p.fused_layer : p.layer;
    const int source = layer_shape(net.net, p.layer).source;
    const auto put = [&](TensorPlace& place, int layer) {
        place.channel_stride = maps.place(layer).channel_stride;
        place.channel_offset = maps.place(layer).channel_offset;
    };
    put(p.inputs, source);
    put(p.outputs, result);
    if (p.add_layer >= 0) put(p.operand2, p.add_layer);
    s->post = make_post_setup(net, p);

    const auto bind = [&](Region r, std::vector<std::int16_t>* words, int bits) {
        s->image.words[static_cast<int>(r)] = words;
        s->image.bits[static_cast<int>(r)] = bits;
    };
    const QuantizedLayer& q = net.layers[static_cast<std::size_t>(p.layer)];
    if (p.kind == PlanKind::array) s->weights = weights_in_memory_order(q.weights, p.extent);
    if (s->post.channels > 0) s->parameters = make_parameters(q, s->post.channels);
    bind(Region::weights, &s->weights, hw.precision.weight_bits);
    bind(Region::inputs, &maps.words(source), hw.precision.input_bits);
    bind(Region::outputs, &maps.words(result), hw.precision.input_bits);
    bind(Region::operand2, p.add_layer >= 0 ? &maps.words(p.add_layer) : nullptr, hw.precision.input_bits);
    s->image.parameters = &s->parameters;
    s->image.bits[static_cast<int>(Region::parameters)] = hw.post.parameter_bytes_per_channel * 8;

    const DramTiming& t = hw.dram.timing;
    const std::uint64_t align = hw.dram.kind == DramKind::dram
                                    ? static_cast<std::uint64_t>(t.row_bytes) * t.banks_per_rank() * t.channels
                                    : 4096;
    std::uint64_t next = 0;
    for (int r = 0; r < region_count; ++r) {
        s->image.address[static_cast<std::size_t>(r)] = next;
        const auto* words = s->image.words[static_cast<std::size_t>(r)];
        const std::uint64_t count = r == static_cast<int>(Region::parameters) ? s->parameters.size() / 3
                                    : words                                   ? words->size()
                                                                              : 0;
        const std::uint64_t bytes =
            (count * static_cast<std::uint64_t>(s->image.bits[static_cast<std::size_t>(r)]) + 7) / 8;
        next += (bytes + align - 1) / align * align;
    }
    if (hw.dram.kind == DramKind::dram && next > t.capacity_bytes())
        throw UserError("layer " + p.name + ": its tensors take " + std::to_string(next) + " bytes, the DRAM holds " +
                        std::to_string(t.capacity_bytes()));
    return s;
}

} // namespace heddle
