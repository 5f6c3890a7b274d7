// The PE array: rows x cols PEs in lockstep, each with register files for operands and psums and lanes x vector MACs.
// The MACs form a grid (HardwareConfig::grid_rows, grid_cols); where a row and a column are named below, they are the
// grid's.
//
// It walks the passes of the layer. A pass is load (the tiles of kept operands, when they changed), stream (one step
// per cycle, each with the streamed operands whose coordinate changed) and drain (kept psums). Without kept psums the
// step's sums leave through the chain or tree. Skew is not played out PE by PE: a step is evaluated when its first
// operand enters, and its sums leave when the wavefront has crossed the array, in *array time*, which stands still
// while a result cannot leave. So a flip in a register acts on all steps that enter afterwards.
//
// Phase lengths, with rows and cols of PEs, the whole array (edges full) or the used part:
//   load      = rows per entry for load_chain_y, else one cycle per network beat; word by word (Overlap::word), a pass
//               begins with what its first step uses, and its steps wait for their own words
//   wavefront = (cols - 1) x hops of systolic_x + (rows - 1) x hops of systolic_y and chain_y, + mac_latency - 1
//   drain     = rows x beats per row for each entry; 1 when all psums of the array fit one beat; with beats of one set
//               (PsumNetworkConfig::one_set) just the beats
//   additions = an entry each when psums are added by the MACs' adders (ChainAdd::datapath), else 0; exposed
// First steps of consecutive passes are max(stream, min_cycles, hidden load, hidden drain) + exposed phases + gap
// apart.
#pragma once

#include "hw/array_ledger.hpp"
#include "hw/drain_order.hpp"
#include "hw/loader.hpp"
#include "hw/reuse_meter.hpp"
#include "hw/shift.hpp"

namespace heddle {

class PeArray : public Block {
public:
    PeArray(const sc_core::sc_module_name& name, const HardwareConfig& hardware, Channel<Command>& command_in,
            Channel<OperandBeat>& weights_in, Channel<OperandBeat>& inputs_in, Channel<PsumBeat>& psums_in,
            Channel<PsumBeat>& psums_out);

    Cycle tick(Cycle now) override;
    std::string status() const override;
    void begin_layer(Cycle now);
    void end_layer(Cycle now);
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
        ReuseMeter::Counts reuse[3];                      ///< of the collectors, by Tensors
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
    std::int32_t psum(int row, int col) const { return psums_now_->row(row / summed_)[col]; }

    /// Single-event upset of the kept operand (or psum) that MAC `mac` uses now.
    void flip_register(Tensors tensor, int mac, int bit);

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
        bool begun = false;    ///< ... has begun to
        Form form = Form::matrix;
        const LaneSet* set = nullptr; ///< of the last event, that `form` was chosen for
        PeMatrix matrix;              ///< a word per MAC, when streamed
        std::vector<std::int32_t> row, col;
        Loader loader;                 ///< when kept
        int entry = 0;                 ///< of its register files, in this step
        const PeMatrix* now = nullptr; ///< `matrix` or the entry
    };
    struct Emission {
        Cycle ready = 0;   ///< array time
        bool adds = false; ///< psums from the buffer are still to be added
        PsumBeat beat;
    };
    enum class Phase { idle, loading, waiting, streaming };

    void start(const CompiledPlan& plan, Cycle now);
    void configure(Operand& o, Delivery delivery, bool kept);
    void prepare_psums();
    void size_pipeline();

    // Passes.
    void enter_pass();
    void use_lanes(const LaneSet& set);
    void try_begin_pass(Cycle now);
    void begin_stream(Cycle now);
    void finish_pass(Cycle now);
    bool psum_registers_free() const;

    // Operands.
    bool has(const Operand& o, Cycle now) const;
    bool receive(Operand& o, Cycle now);
    bool receive_load(Operand& o, Cycle now);
    void begin_loaded(Operand& o);
    void pick_entries();
    void begin_event(Operand& o);
    void latch(Operand& o, const OperandBeat& beat);
    static void scatter(PeMatrix& m, const TensorLanes& lanes, int lane, std::int32_t word);
    void choose_forms(const LaneSet& set);
    void take_shifted(Operand& o);
    void remember_inputs();
    void count_delivery(const Operand& o, const LaneSet& set, const OperandBeat& beat, int from, int to);

    // Psums that come back through the array.
    void expect_psums();
    bool receive_psums(Cycle now);
    void add_arrived_psums();
    bool receive_drain_psums(Cycle now);

    // One step.
    void compute_step(Cycle now);
    bool pick_psums();
    void multiply(const LaneSet& set);
    std::int64_t effectual(const LaneSet& set);
    void count_step(const LaneSet& set, bool first_touch, Cycle now);
    void count_collectors(const LaneSet& set, bool first_touch, Cycle now);

    // Results.
    void emit_step(Cycle now);
    void drain_psums(Cycle now);
    void fill_drain_beat(PsumBeat& b, int from, int to) const;
    Emission& new_emission(Cycle ready, int words);
    void place_in_reduction();
    void label(PsumBeat& b) const;
    bool push_result(Cycle now);

    Cycle array_time(Cycle now) const { return now - frozen_cycles_ - (frozen_ ? now - frozen_since_ : 0); }
    ArrayCause waiting_cause(Cycle now) const;
    Reason missing_reason(const Operand& o, Cycle now) const { return o.in->reason(now); }
    Cycle next_wake(Cycle now) const;
    bool emission_backlog(Cycle now) const;

    int wavefront_cycles(const LaneSet& set) const;
    int drain_cycles(const LaneSet& set) const;

    const HardwareConfig& hw_;
    Channel<Command>& command_in_;
    Channel<PsumBeat>& psums_in_; ///< of the buffer, when psums accumulate through the array
    Channel<PsumBeat>& psums_out_;
    const CompiledPlan* plan_ = nullptr;
    Operand operands_[2];
    std::vector<PeMatrix> psums_;         ///< kept, by entry
    std::vector<std::int64_t> psum_pass_; ///< by entry: the pass that has touched it
    PeMatrix* psums_now_ = nullptr;       ///< of the step
    RegisterTile psum_tile_;
    int summed_ = 1; ///< rows of MACs that share one of psums
    DrainOrder drain_order_;
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
    ReuseMeter reuse_;
    int collector_words_[2] = {}; ///< that the operands' collectors hold, in all PEs
    Phase phase_ = Phase::idle;
    Cycle pass_may_start_ = 0; ///< array time
    Cycle step_may_start_ = 0; ///< array time
    Cycle first_step_ = -1;    ///< of the current pass, array time
    int steps_done_ = 0;       ///< of it
    int last_drain_ = 0;       ///< hidden drain of the pass before
    Cycle last_sent_ = -1;     ///< when its last row went on its way and freed the drain registers, array time

    std::vector<Emission> emissions_; ///< ring
    std::size_t emission_head_ = 0, emission_count_ = 0;
    std::size_t adds_ahead_ = 0;                         ///< of them, those before the first one that waits for psums
    std::int64_t emitted_ = 0;                           ///< all that have left
    std::int64_t drained_before_ = 0, drained_last_ = 0; ///< ... when the last but one, the last drain is over
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
