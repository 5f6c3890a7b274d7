// Layers that between them use every block, memory and way of waiting: what drivers, stalls and slices are tried on.
#pragma once

#include "tests/system/bench.hpp"
#include "tests/system/random_networks.hpp"

#include <string>
#include <vector>

namespace heddle::test_system {

struct Subject {
    std::string what;
    RunOptions options;
    int layer = 1;
};

inline Network conv_network(int c, int size, int k, const Window& window)
{
    Network net = input_of(1, c, size, size);
    add_conv(net, 0, k, window);
    return net;
}

/// Buffers that cut a layer into many tiles, reductions included.
inline HardwareConfig small_buffers(const std::string& preset, std::int64_t bytes)
{
    HardwareConfig hw = load_hardware(preset);
    GlobalBufferConfig& g = hw.global_buffer;
    for (PartitionConfig* p : {&g.weights, &g.inputs, &g.outputs, &g.psums, &g.operand2}) p->bytes = bytes;
    return hw;
}

inline HardwareConfig with_memory(DramKind kind)
{
    HardwareConfig hw = load_hardware("tpu_like");
    hw.dram.kind = kind;
    hw.dram.latency_cycles = 37;
    hw.dram.beat_bytes = 16;
    hw.dram.separate_queues = false;
    return hw;
}

inline std::vector<Subject> subjects()
{
    const HardwareConfig tpu = load_hardware("tpu_like"), plane = load_hardware("shidiannao_like");
    const HardwareConfig tight = small_buffers("tpu_like", 1200);
    const Network conv = conv_network(20, 12, 40, square(3, 1, 1)), deep = conv_network(50, 7, 20, square(3));
    const Network depthwise = conv_network(48, 13, 48, square(3, 2, 1, 48));
    const Network vector = conv_network(600, 1, 70, square(1));
    Random random(3);
    const Network join = joined(random);
    std::vector<Subject> list;
    for (const char* dataflow : {"ws", "os", "is"}) {
        const std::string name = dataflow;
        list.push_back({"conv " + name, workload(conv, tpu, name), 1});
        list.push_back({"conv in small buffers " + name, workload(deep, tight, name), 1});
    }
    list.push_back({"fully connected, waits for DRAM", workload(vector, tpu, "ws"), 1});
    list.push_back({"depthwise os", workload(depthwise, tpu, "os"), 1});
    list.push_back({"conv on the plane", workload(conv, plane, "os"), 1});
    list.push_back({"depthwise on the plane", workload(depthwise, plane, "os"), 1});
    list.push_back({"residual add behind a conv", workload(join, tpu, "ws"), join.find("b")});
    list.push_back({"residual add in small buffers", workload(join, tight, "os"), join.find("b")});
    list.push_back({"max pool", workload(join, tpu, "ws"), join.find("pool")});
    list.push_back({"add alone", workload(join, tight, "ws"), join.find("alone")});
    list.push_back({"conv into a concat", workload(join, tight, "ws"), join.find("right")});
    list.push_back({"fixed memory", workload(conv, with_memory(DramKind::fixed), "ws"), 1});
    list.push_back({"resident", workload(conv, with_memory(DramKind::resident), "is"), 1});
    const Network wide = conv_network(24, 9, 40, square(3, 1, 1));
    for (const char* dataflow : {"ws", "os", "is", "ws_los", "os_lws"})
        list.push_back(
            {"vector PEs " + std::string(dataflow), workload(wide, load_hardware("magnet_like"), dataflow), 1});
    HardwareConfig narrow = tpu; // a parameter's bytes take several cycles
    narrow.dma.read_bytes_per_cycle = 3;
    list.push_back({"narrow DMA", workload(conv, narrow, "ws"), 1});
    HardwareConfig eyeriss = load_hardware("eyeriss");
    eyeriss.dram.compression.maps = false; // coded bytes depend on values: some subjects run without
    list.push_back({"row-stationary", workload(wide, eyeriss, "rs"), 1});
    list.push_back({"row-stationary depthwise", workload(depthwise, eyeriss, "rs"), 1});
    list.push_back({"channels summed in adder trees", workload(wide, load_hardware("nvdla_like"), "ws"), 1});
    return list;
}

} // namespace heddle::test_system
