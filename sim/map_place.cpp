#include "sim/map_place.hpp"

namespace heddle {

MapPlace map_place(const Network& net, int layer)
{
    const Layer& l = net.layers[static_cast<std::size_t>(layer)];
    if (l.op == Op::reshape || l.op == Op::softmax) return map_place(net, l.inputs.front());
    for (int reader : net.readers(layer)) {
        const Layer& concat = net.layers[static_cast<std::size_t>(reader)];
        if (concat.op != Op::concat) continue;
        MapPlace p = map_place(net, reader);
        for (int in : concat.inputs) {
            if (in == layer) return p;
            p.channel_offset += net.layers[static_cast<std::size_t>(in)].out_shape[1];
        }
    }
    return {layer, l.out_shape[1], 0};
}

} // namespace heddle
