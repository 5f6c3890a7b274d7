// The machine: all blocks and the channels between them, in the shape of design.md §3.
#pragma once

#include "hw/clock_domain.hpp"
#include "hw/collector.hpp"
#include "hw/controller.hpp"
#include "hw/distributor.hpp"
#include "hw/dma.hpp"
#include "hw/dram.hpp"
#include "hw/global_buffer.hpp"
#include "hw/pe_array.hpp"
#include "hw/post_processor.hpp"

#include <memory>

namespace heddle {

class ChannelVisitor;

struct AcceleratorOptions {
    DriverOptions driver;
    std::uint64_t stall_seed = 0;   ///< nonzero: random extra channel latencies
    bool stall_memory_only = false; ///< of the channels, those between DMA and DRAM
    bool timing_only = false;
    bool reverse_construction = false; ///< tests: construction order changes nothing
};

class Accelerator : public sc_core::sc_module {
public:
    Accelerator(const sc_core::sc_module_name& name, const HardwareConfig& hardware, const AcceleratorOptions& options);
    ~Accelerator() override;

    /// Runs one layer from a canonical machine to the last word written; returns its cycles. `image` holds the tensors
    /// and receives the outputs (kind resident: they are copied out of the buffer).
    Cycle run_layer(const CompiledPlan& plan, const PostSetup& post, MemoryImage& image);

    const Dram& dram() const { return *dram_; }
    Dram& dram() { return *dram_; }
    const Dma& dma() const { return *dma_; }
    GlobalBuffer& global_buffer() { return *global_buffer_; }
    const Distributor& distributor() const { return *distributor_; }
    PeArray& array() { return *array_; }
    const Collector& collector() const { return *collector_; }
    const PostProcessor& post() const { return *post_; }
    ClockDomain& clock() { return *clock_; }
    void visit_channels(ChannelVisitor& visitor) const;

private:
    struct Wires;
    void build(bool reversed);

    HardwareConfig hw_;
    std::uint64_t stall_seed_ = 0;
    bool stall_memory_only_ = false;
    std::unique_ptr<Wires> wires_;
    std::unique_ptr<ClockDomain> clock_;
    std::unique_ptr<Controller> controller_;
    std::unique_ptr<Dram> dram_;
    std::unique_ptr<Dma> dma_;
    std::unique_ptr<GlobalBuffer> global_buffer_;
    std::unique_ptr<Distributor> distributor_;
    std::unique_ptr<PeArray> array_;
    std::unique_ptr<Collector> collector_;
    std::unique_ptr<PostProcessor> post_;
};

} // namespace heddle
