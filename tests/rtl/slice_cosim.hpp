// An RTL accelerator slice beside the whole SystemC machine: whatever the machine's controller, DMA and post-processor
// do at the slice's boundary in a cycle is done to the RTL too, and everything on the channels inside is compared.
#pragma once

#include "hw/accelerator.hpp"
#include "hw/channel_visitor.hpp"
#include "tests/rtl/slice_layers.hpp"

#include <memory>

namespace heddle::rtl {

struct SliceCompared {
    std::int64_t layers = 0, tiles = 0, passes = 0, loads = 0, cycles = 0, fills = 0, operand_beats = 0, psum_beats = 0;
};

class SliceCosim {
public:
    /// The machine's driver must be the reference one. The RTL starts from reset.
    SliceCosim(Slice& slice, Accelerator& machine, const SliceMachine& constants);
    SliceCosim(const SliceCosim&) = delete;
    SliceCosim& operator=(const SliceCosim&) = delete;

    std::string failure; ///< first difference
    SliceCompared compared;
    double rtl_seconds = 0; ///< spent in the RTL since set to 0

private:
    class Finder : public ChannelVisitor {
    public:
        void visit(const char*, const Channel<Command>& c) override { commands[c.name()] = &c; }
        void visit(const char*, const Channel<MemoryRequest>&) override {}
        void visit(const char*, const Channel<MemoryResponse>&) override {}
        void visit(const char*, const Channel<FillBeat>& c) override { fills[c.name()] = &c; }
        void visit(const char*, const Channel<Credit>& c) override { credit = &c; }
        void visit(const char*, const Channel<DrainRequest>&) override {}
        void visit(const char*, const Channel<OperandBeat>& c) override { operands[c.name()] = &c; }
        void visit(const char*, const Channel<PsumBeat>& c) override { psums[c.name()] = &c; }
        void visit(const char*, const Channel<Operand2Request>&) override {}
        void visit(const char*, const Channel<Operand2Beat>&) override {}
        void visit(const char*, const Channel<heddle::ResultBeat>&) override {}

        std::map<std::string, const Channel<Command>*> commands;
        std::map<std::string, const Channel<FillBeat>*> fills;
        std::map<std::string, const Channel<OperandBeat>*> operands;
        std::map<std::string, const Channel<PsumBeat>*> psums;
        const Channel<Credit>* credit = nullptr;
    };

    void look(Cycle now);
    void drive(Cycle now);
    bool compare(Cycle now);
    bool compare_operand(SliceChannel c, const Channel<OperandBeat>& channel, Cycle now);
    bool compare_sums(SliceChannel c, const Channel<PsumBeat>& channel, Cycle now);
    bool compare_after(Cycle now);
    bool equal(Cycle now, const char* what, std::int64_t rtl, std::int64_t model);

    Slice& slice_;
    Accelerator& machine_;
    const Channel<Command>*buffer_command_, *array_command_;
    const Channel<FillBeat>* fill_;
    const Channel<Credit>* credit_;
    const Channel<OperandBeat>* operands_[4]; ///< read_x_ch .. edge_k_ch
    const Channel<PsumBeat>*array_psums_, *psums_, *direct_, *sums_;
    LayerDescriptor descriptor_;
    std::vector<int> fetch_[2]; ///< inputs, weights
    std::int64_t passes_before_ = 0, loads_before_ = 0;
};

} // namespace heddle::rtl
