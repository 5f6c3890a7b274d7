// A whole machine: neither the order of construction, nor the driver, nor who sleeps changes a cycle or a count; random
// stalls only lengthen a layer; a layer's cycles do not depend on what ran before.
#include "tests/module/bench.hpp"
#include "tests/unit/sim_networks.hpp"

#include "sim/mapper.hpp"

using namespace heddle;
using namespace heddle::bench;
using namespace heddle::test_networks;

namespace {

/// A convolution whose residual add is fused, and a pooling that is a layer of its own.
Network small_network()
{
    Network net = input_of(1, 24, 14, 14);
    const int a = add_conv(net, 0, 40, square(3, 1, 1), "a");
    const int b = add_conv(net, 0, 40, square(1), "b");
    const int sum = add_op(net, Op::add, {a, b}, "sum");
    add_op(net, Op::max_pool, {sum}, "pool", square(2, 2));
    return net;
}

bool same(LayerResult& a, LayerResult& b)
{
    const auto counts = [](LayerResult& r) {
        std::vector<std::int64_t> n = {
            r.cycles,          r.array_cycles,     r.macs,           r.macs_effectual, r.post_words, r.padding_words,
            r.dram.read_bytes, r.dram.write_bytes, r.dram.activates, r.dram.row_hits};
        for (auto& [level, tensors] : r.accesses)
            for (auto& [tensor, c] : tensors)
                n.insert(n.end(), {c.fills, c.reads, c.updates, c.drains, c.read_beats, c.write_beats});
        for (auto& [tensor, hops] : r.hops) n.push_back(hops);
        for (auto& [phase, cycle] : r.phases) n.push_back(cycle);
        return n;
    };
    CHECK(counts(a) == counts(b));
    CHECK(a.ledger == b.ledger);
    return counts(a) == counts(b) && a.ledger == b.ledger;
}

std::vector<LayerResult> run_all(Machine& m, const Network& net, const std::string& dataflow)
{
    std::vector<LayerResult> results;
    for (int l = 1; l < static_cast<int>(net.layers.size()); ++l)
        if (has_plan(net, m.hardware(), l))
            results.push_back(m.run(net, map_layer(net, l, m.hardware(), dataflow).plan));
    return results;
}

} // namespace

TEST_CASE("construction order, driver, sleep and tick order change no cycle and no count of a machine")
{
    const Network net = small_network();
    const HardwareConfig hw = load_hardware("tpu_like");
    std::vector<AcceleratorOptions> options(6);
    options[1].reverse_construction = true;
    options[2].driver = {DriverKind::reference, false, 0};
    options[3].driver = {DriverKind::reference, false, 0};
    options[3].reverse_construction = true;
    options[4].driver = {DriverKind::fast, true, 0};
    options[5].driver = {DriverKind::fast, false, 77};
    std::vector<std::unique_ptr<Machine>> machines;
    machines.reserve(std::size(options));
    for (const AcceleratorOptions& o : options) machines.push_back(std::make_unique<Machine>(hw, o));
    for (const char* dataflow : {"ws", "os", "is"}) {
        std::vector<LayerResult> expected = run_all(*machines[0], net, dataflow);
        REQUIRE(expected.size() == 3); // a, b with the add, pool
        for (std::size_t i = 1; i < machines.size(); ++i) {
            CAPTURE(dataflow, i);
            std::vector<LayerResult> got = run_all(*machines[i], net, dataflow);
            for (std::size_t l = 0; l < expected.size(); ++l) CHECK(same(got[l], expected[l]));
        }
    }
}

TEST_CASE("a layer that runs again, after others, takes the same cycles")
{
    const Network net = small_network();
    Machine machine(load_hardware("tpu_like"));
    std::vector<LayerResult> first = run_all(machine, net, "ws");
    run_all(machine, net, "os");
    std::vector<LayerResult> again = run_all(machine, net, "ws");
    for (std::size_t l = 0; l < first.size(); ++l) CHECK(same(again[l], first[l]));
}

TEST_CASE("random stalls only lengthen a layer with ideal memory, repeat with their seed, and change no value")
{
    std::vector<std::unique_ptr<Machine>> machines;
    machines.push_back(std::make_unique<Machine>(systolic()));
    for (std::uint64_t seed : {1, 2, 3, 3}) {
        AcceleratorOptions o;
        o.stall_seed = seed;
        machines.push_back(std::make_unique<Machine>(systolic(), o));
    }
    const Network net = gemm(37, 41, 53);
    for (const Mapping& mapping : {weight_stationary(16, 16), input_stationary(16, 16), output_stationary(16, 16)}) {
        CAPTURE(mapping.dataflow);
        std::vector<LayerResult> r;
        r.reserve(machines.size());
        for (auto& m : machines) r.push_back(m->run(net, 1, mapping));
        for (std::size_t i = 1; i < r.size(); ++i) {
            CHECK(r[i].array_cycles > r[0].array_cycles);
            CHECK(r[i].cycles > r[0].cycles);
            CHECK(r[i].macs == r[0].macs);
            CHECK(r[i].accesses["global_buffer"]["inputs"].reads == r[0].accesses["global_buffer"]["inputs"].reads);
        }
        CHECK(r[3].cycles == r[4].cycles);
        CHECK(r[1].cycles != r[2].cycles);
    }
}
