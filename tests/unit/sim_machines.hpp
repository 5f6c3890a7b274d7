// Machines built in code for the mapper's tests, so that a changed preset changes no expectation here.
#pragma once

#include "hw/hardware.hpp"

namespace heddle::test_machines {

inline PartitionConfig partition(std::int64_t bytes, int read_words, int write_words)
{
    PartitionConfig p;
    p.bytes = bytes;
    p.banks = 16;
    p.read_port = {read_words, true};
    p.write_port = {write_words, true};
    return p;
}

/// 16x16 systolic array with the wires of all three stationary forms.
inline HardwareConfig tpu()
{
    HardwareConfig hw;
    hw.name = "tpu_like";
    hw.clock_mhz = 500;
    hw.dram.kind = DramKind::fixed;
    hw.dram.latency_cycles = 100;
    hw.dram.beat_bytes = 64;
    hw.dram.cycles_per_beat = 2;
    hw.global_buffer.weights = partition(128 << 10, 16, 64);
    hw.global_buffer.inputs = partition(256 << 10, 16, 64);
    hw.global_buffer.outputs = partition(64 << 10, 64, 16);
    hw.global_buffer.psums = partition(128 << 10, 16, 16);
    hw.global_buffer.operand2 = partition(64 << 10, 16, 64);
    hw.weight_network.modes = {Delivery::load_chain_y, Delivery::systolic_y, Delivery::systolic_x};
    hw.weight_network.words_per_beat = 16;
    hw.input_network.modes = {Delivery::systolic_x, Delivery::load_chain_y};
    hw.input_network.words_per_beat = 16;
    hw.psum_network.paths = {PsumPath::chain_y, PsumPath::local};
    hw.psum_network.words_per_beat = 16;
    hw.passes.load = Overlap::hidden;
    hw.passes.drain = Overlap::hidden;
    hw.passes.wavefront_chained = true;
    hw.array.rows = hw.array.cols = 16;
    hw.post.words_per_cycle = 16;
    hw.dataflows = {"ws", "os", "is"};
    return hw;
}

/// The same array with exposed phases and all tensors on chip: the classical systolic counts.
inline HardwareConfig resident_tpu()
{
    HardwareConfig hw = tpu();
    hw.dram.kind = DramKind::resident;
    for (PartitionConfig* p : {&hw.global_buffer.weights, &hw.global_buffer.inputs, &hw.global_buffer.outputs,
                               &hw.global_buffer.psums, &hw.global_buffer.operand2})
        *p = partition(64 << 20, 16, 16);
    hw.passes = PassConfig{};
    return hw;
}

/// 8x8 array: weights to all PEs, inputs from neighbours, psums stay.
inline HardwareConfig shidiannao()
{
    HardwareConfig hw;
    hw.name = "shidiannao_like";
    hw.clock_mhz = 1000;
    hw.precision.weight_bits = hw.precision.input_bits = 16;
    hw.dram.kind = DramKind::fixed;
    hw.dram.latency_cycles = 100;
    hw.dram.beat_bytes = 32;
    hw.global_buffer.weights = partition(128 << 10, 1, 16);
    hw.global_buffer.inputs = partition(64 << 10, 64, 16);
    hw.global_buffer.outputs = partition(64 << 10, 16, 8);
    hw.global_buffer.psums = partition(64 << 10, 8, 8);
    hw.global_buffer.operand2 = partition(64 << 10, 8, 16);
    hw.weight_network.modes = {Delivery::broadcast};
    hw.weight_network.words_per_beat = 1;
    hw.input_network.modes = {Delivery::shift};
    hw.input_network.words_per_beat = 64;
    hw.psum_network.paths = {PsumPath::local};
    hw.psum_network.words_per_beat = 8;
    hw.passes.edges_full = false;
    hw.array.rows = hw.array.cols = 8;
    hw.post.words_per_cycle = 8;
    hw.dataflows = {"os"};
    return hw;
}

} // namespace heddle::test_machines
