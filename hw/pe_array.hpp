// The PE array: rows x cols PEs in lockstep, each with operand registers, a psum register and one MAC.
//
// It walks the passes of the layer. A pass is load (the kept operand, when it changed), stream (one step per cycle,
// each with the operands whose coordinate changed) and drain (kept psums). Without kept psums the step's sums leave
// through the chain or tree. Skew is not played out PE by PE: a step is evaluated when its first operand enters, and
// its sums leave when the wavefront has crossed the array, in *array time*, which stands still while a result cannot
// leave. So a flip in a register acts on all steps that enter afterwards.
//
// Phase lengths, with rows and cols the whole array (edges full) or the used part:
//   load      = rows for load_chain_y, else one cycle per network beat
//   wavefront = (cols - 1) x hops of systolic_x + (rows - 1) x hops of systolic_y and chain_y, + mac_latency - 1
//   drain     = rows x beats per row; 1 when all psums of the array fit one beat
// First steps of consecutive passes are max(stream, min_cycles, hidden load, hidden drain) + exposed phases + gap
// apart.
#pragma once

#include "hw/array_ledger.hpp"
#include "hw/beats.hpp"
#include "hw/pe_kernels.hpp"
#include "hw/shift.hpp"
#include "hw/walk.hpp"

#include <deque>

namespace heddle {

class PeArray : public Block {
public:
    PeArray(const sc_core::sc_module_name& name, const HardwareConfig& hardware, Channel<Command>& command_in,
            Channel<OperandBeat>& weights_in, Channel<OperandBeat>& inputs_in, Channel<PsumBeat>& psums_in,
            Channel<PsumBeat>& psums_out);

    Cycle tick(Cycle now) override;
    std::string status() const override;
    void begin_layer(Cycle now);
    void end_layer(Cycle now) { ledger_.settle(now); }
    /// Without values psums are zero and effectual work is not counted; timing is the same.
    void set_timing_only(bool on) { timing_only_ = on; }

    struct RegisterCounts {
        std::int64_t fills = 0, reads = 0, updates = 0, drains = 0;
    };
    struct Stats {
        std::int64_t macs = 0, macs_effectual = 0, passes = 0, loads = 0;
        RegisterCounts registers[3];                      ///< kept tensors, by Tensors
        std::int64_t hops[3] = {};                        ///< links driven, words
        std::int64_t shifted_words = 0;                   ///< taken from a neighbour
        Cycle first_operand = never, last_result = never; ///< cycles of the layer
    };
    const Stats& stats() const { return stats_; }
    const ArrayLedger& ledger() const { return ledger_; }

    // For observers, between two cycles. Sequencer and lanes are what the next step will use; operands and psums are
    // those of the step computed in cycle `now`, if stepped_in(now).
    static const std::vector<const char*>& phase_names();
    int phase() const { return static_cast<int>(phase_); }
    const PassWalk& passes() const { return pass_; }
    const StepWalk& steps() const { return step_; }
    const LaneSet* lanes() const { return set_; }
    std::int64_t results_in_flight() const { return static_cast<std::int64_t>(emission_count_); }
    bool frozen() const { return frozen_; }
    Cycle time(Cycle now) const { return array_time(now); }
    bool stepped_in(Cycle now) const { return last_step_ == now; }
    std::int32_t operand(Tensors tensor, int row, int col) const;
    std::int32_t psum(int row, int col) const { return psums_.row(row)[col]; }

    /// Single-event upset of the kept operand (or psum) of one PE.
    void flip_register(Tensors tensor, int pe, int bit);

private:
    /// How an operand is laid before the MACs in one step.
    enum class Form { matrix, row, col };
    /// One operand on its way into the PEs.
    struct Operand {
        Tensors tensor = Tensors::weights;
        Channel<OperandBeat>* in = nullptr;
        Delivery delivery = Delivery::unicast;
        bool kept = false;
        bool complete = false; ///< a streamed operand's event for the current step has arrived
        Form form = Form::matrix;
        const LaneSet* set = nullptr; ///< that `form` was chosen for
        PeMatrix matrix;              ///< a word per PE
        std::vector<std::int32_t> row, col;
        std::vector<std::int32_t> nonzero_in_row; ///< of `matrix`, kept operands
    };
    struct Emission {
        Cycle ready = 0; ///< array time
        PsumBeat beat;
    };
    enum class Phase { idle, loading, waiting, streaming };

    void start(const CompiledPlan& plan, Cycle now);
    void configure(Operand& o, Delivery delivery, bool kept);
    void size_pipeline();

    // Passes.
    void enter_pass();
    void use_lanes(const LaneSet& set);
    void try_begin_pass(Cycle now);
    void begin_stream(Cycle now);
    void finish_pass(Cycle now);

    // Operands.
    bool receive(Operand& o, Cycle now);
    void latch(Operand& o, const OperandBeat& beat);
    static void scatter(PeMatrix& m, const TensorLanes& lanes, int lane, std::int32_t word);
    void choose_forms(const LaneSet& set);
    void take_shifted(Operand& o);
    void remember_inputs();
    void count_delivery(const Operand& o, const LaneSet& set, const OperandBeat& beat);

    // Psums that come back through the array.
    void expect_psums();
    bool receive_psums(Cycle now);
    void add_arrived_psums();

    // Load of the kept operand, into `loading_`, ahead of its pass when the second set of registers is free.
    void expect_load();
    bool receive_load(Cycle now);

    // One step.
    void compute_step(Cycle now);
    void multiply(const LaneSet& set);
    std::int64_t effectual(const LaneSet& set) const;
    void count_step(const LaneSet& set, bool first_of_pass);

    // Results.
    void emit_step(Cycle now);
    void drain_psums(Cycle now);
    Emission& new_emission(Cycle ready, int words);
    void place_in_reduction();
    void label(PsumBeat& b) const;
    bool push_result(Cycle now);

    Cycle array_time(Cycle now) const { return now - frozen_cycles_ - (frozen_ ? now - frozen_since_ : 0); }
    ArrayCause waiting_cause(Cycle now) const;
    Reason missing_reason(const Operand& o, Cycle now) const { return o.in->reason(now); }
    Cycle next_wake(Cycle now) const;
    bool emission_backlog(Cycle now) const;

    int load_cycles(const LaneSet& set) const;
    int wavefront_cycles(const LaneSet& set) const;
    int drain_cycles(const LaneSet& set) const;

    const HardwareConfig& hw_;
    Channel<Command>& command_in_;
    Channel<PsumBeat>& psums_in_; ///< of the buffer, when psums accumulate through the array
    Channel<PsumBeat>& psums_out_;
    const CompiledPlan* plan_ = nullptr;
    Operand operands_[2];
    Operand* kept_ = nullptr; ///< the operand that is loaded, if any
    PeMatrix psums_;
    std::vector<std::int32_t> column_;    ///< sums of the step
    std::vector<std::int32_t> lane_word_; ///< output words of its lanes
    ReductionPlace place_;                ///< of the step
    bool place_known_ = false;
    std::vector<std::int32_t> arrived_; ///< psums to be added to the step's sums, by output lane
    int psum_lanes_ = 0;                ///< of which this many have come
    bool psums_expected_ = false, psums_arrived_ = false;
    bool lanes_adjacent_ = false; ///< they are neighbours, in order
    ShiftRule shift_;
    std::vector<PeMatrix> past_inputs_; ///< shift: ring of what the PEs held in past steps
    std::size_t past_ = 0;

    PassWalk pass_;
    StepWalk step_;
    LaneCursor out_;
    const LaneSet* set_ = nullptr;        ///< of the current step
    int wave_ = 0;                        ///< its wavefront_cycles
    bool step_decides_reduction_ = false; ///< psums leave every step and steps run over a reduction
    Phase phase_ = Phase::idle;
    Cycle pass_may_start_ = 0; ///< array time
    Cycle first_step_ = -1;    ///< of the current pass, array time
    int last_drain_ = 0;       ///< hidden drain of the pass before
    Cycle last_sent_ = -1;     ///< when its last row went on its way and freed the drain registers, array time

    PassWalk load_pass_;
    const LaneSet* load_set_ = nullptr;
    PeMatrix loading_;
    bool load_expected_ = false, load_begun_ = false, load_complete_ = false, load_allowed_ = false;
    Cycle load_ready_ = 0; ///< array time

    std::vector<Emission> emissions_; ///< ring
    std::size_t emission_head_ = 0, emission_count_ = 0;
    Cycle last_emission_ = -1;
    Cycle last_step_ = -1; ///< for observers
    bool frozen_ = false;
    Cycle frozen_since_ = 0, frozen_cycles_ = 0;

    bool timing_only_ = false;
    Cycle layer_start_ = 0;
    Stats stats_;
    ArrayLedger ledger_;
};

} // namespace heddle
