// Inputs handed from neighbour to neighbour (ShiDianNao): only words that no neighbour holds are read.
#include "tests/module/bench.hpp"
#include "tests/unit/sim_networks.hpp"

using namespace heddle;
using namespace heddle::bench;
using namespace heddle::test_networks;

namespace {

/// One output pixel a PE; per pass a filter's whole window, channel by channel.
Mapping shifted()
{
    return {"os",
            {{"glb", {loop({dim_k}, 1), loop({dim_p}, 8), loop({dim_q}, 8)}, {}, all_tensors},
             {"array", {}, {spread({dim_p}, Place::y, 8), spread({dim_q}, Place::x, 8)}, {}},
             {"rf", {loop({dim_c}, 1), loop({dim_r}, 1), loop({dim_s}, 1)}, {}, {Tensors::outputs}}}};
}

HardwareConfig shidiannao(int fifo = 64)
{
    HardwareConfig hw = load_hardware("shidiannao_like");
    hw.input_network.link_fifo_words = fifo;
    return hw;
}

std::int64_t input_reads(LayerResult& r)
{
    return r.accesses["global_buffer"]["inputs"].reads;
}

/// c channels to k filters, so many output rows and columns, no padding.
Network conv(int c, int k, int out_rows, int out_cols, int filter, int stride = 1)
{
    Network net = input_of(1, c, (out_rows - 1) * stride + filter, (out_cols - 1) * stride + filter);
    add_conv(net, 0, k, square(filter, stride));
    return net;
}

} // namespace

TEST_CASE("at stride 1 a full tile reads (8 + R - 1)(8 + S - 1) inputs per channel")
{
    Machine machine(shidiannao());
    LayerResult one = machine.run(conv(1, 1, 8, 8, 3), 1, shifted());
    CHECK(input_reads(one) == 10 * 10);
    LayerResult channels = machine.run(conv(5, 1, 8, 8, 3), 1, shifted());
    CHECK(input_reads(channels) == 5 * 10 * 10);
    LayerResult filters = machine.run(conv(5, 3, 8, 8, 3), 1, shifted());
    CHECK(input_reads(filters) == 3 * 5 * 10 * 10); // each filter streams the tile again
    LayerResult tiles = machine.run(conv(2, 1, 16, 24, 3), 1, shifted());
    CHECK(input_reads(tiles) == 6 * 2 * 10 * 10);
    LayerResult five = machine.run(conv(1, 1, 8, 8, 5), 1, shifted());
    CHECK(input_reads(five) == 12 * 12);
    LayerResult partial = machine.run(conv(1, 1, 5, 3, 3), 1, shifted());
    CHECK(input_reads(partial) == 7 * 5); // a tile of 5 x 3 pixels
    // The other operands of the 64 x 9 MACs came over a link: one hop each.
    LayerResult again = machine.run(conv(1, 1, 8, 8, 3), 1, shifted());
    CHECK(machine.accelerator().array().stats().shifted_words == 64 * 9 - 100);
    CHECK(again.hops["inputs"] == 64 * 9); // read words to one PE each, shifted words over one link each
}

TEST_CASE("at stride 2 only words two columns or two rows away can be handed on")
{
    Machine machine(shidiannao());
    // Row taps 0 and 1, column taps 0 and 1 are new: 64 words each. Column tap 2 is what the right neighbour held at
    // tap 0: only the last column reads. Row tap 2 is what the neighbour below held at row tap 0, for column taps 0 and
    // 1: the last row reads 8; at column tap 2 the right neighbour has it but for the last column, and that but for its
    // last row from below.
    LayerResult r = machine.run(conv(1, 1, 8, 8, 3, 2), 1, shifted());
    CHECK(input_reads(r) == 17 * 17); // every input word of the tile once: 2 * 64 + 8 twice, then 8 + 8 + 1
    CHECK(2 * (2 * 64 + 8) + 8 + 8 + 1 == 17 * 17);
    // 1 x 1 filters at any stride share nothing.
    LayerResult pointwise = machine.run(conv(3, 1, 8, 8, 1), 1, shifted());
    CHECK(input_reads(pointwise) == 3 * 64);
}

TEST_CASE("words that left the link FIFO are read again")
{
    // A 3 x 3 window, taps in row order: the right neighbour's word is one step old, the one from below three.
    Machine one(shidiannao(1)), two(shidiannao(2)), three(shidiannao(3));
    const Network net = conv(1, 1, 8, 8, 3);
    LayerResult a = one.run(net, 1, shifted()), b = two.run(net, 1, shifted()), c = three.run(net, 1, shifted());
    // Without links from below: three filter rows of 64 + 8 + 8.
    CHECK(input_reads(a) == 3 * (64 + 8 + 8));
    CHECK(input_reads(b) == 3 * (64 + 8 + 8));
    CHECK(input_reads(c) == 10 * 10);
}
