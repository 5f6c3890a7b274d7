#include "tests/rtl/slice_cosim.hpp"

#include <chrono>

namespace heddle::rtl {

SliceCosim::SliceCosim(Slice& slice, Accelerator& machine, const SliceMachine& constants)
    : slice_(slice), machine_(machine)
{
    Finder f;
    machine.visit_channels(f);
    buffer_command_ = f.commands.at("command_buffer");
    array_command_ = f.commands.at("command_array");
    fill_ = f.fills.at("fill");
    credit_ = f.credit;
    const char* names[] = {"inputs", "weights", "array_inputs", "array_weights"};
    for (int i = 0; i < 4; ++i) operands_[i] = f.operands.at(names[i]);
    array_psums_ = f.psums.at("array_psums");
    psums_ = f.psums.at("buffer_psums");
    direct_ = f.psums.at("post_psums");
    sums_ = f.psums.at("complete_psums");
    slice_.set_machine(constants);
    slice_.command(nullptr);
    slice_.offer_fill(nullptr);
    slice_.accept(false, false, false);
    slice_.reset();
    machine.clock().observe([this](Cycle now) { look(now); });
}

void SliceCosim::look(Cycle now)
{
    if (!failure.empty()) return;
    const auto time = [] { return std::chrono::steady_clock::now(); };
    drive(now);
    const auto settling = time();
    slice_.settle();
    const auto settled = time();
    if (!compare(now)) return;
    const auto clocking = time();
    slice_.clock();
    rtl_seconds += std::chrono::duration<double>((time() - clocking) + (settled - settling)).count();
    if (compare_after(now)) compared.cycles += 1;
}

/// What comes in from outside the slice, and what is taken from it.
void SliceCosim::drive(Cycle now)
{
    const bool begins = buffer_command_->pushed_in(now);
    if (begins) {
        const CompiledPlan& plan = *buffer_command_->pushed().plan;
        descriptor_ = layer_descriptor(plan, slice_.parameters());
        fetch_[0] = fetch_numbers(plan, Tensors::inputs);
        fetch_[1] = fetch_numbers(plan, Tensors::weights);
        passes_before_ = slice_.passes();
        loads_before_ = slice_.loads();
        compared.layers += 1;
        compared.tiles += static_cast<std::int64_t>(plan.tiles().size());
    }
    slice_.command(begins ? &descriptor_ : nullptr);
    RtlFill fill;
    if (fill_->pushed_in(now)) {
        const FillBeat& b = fill_->pushed();
        fill.to_k = b.region == Region::weights;
        fill.tile = fetch_[fill.to_k ? 1 : 0][static_cast<std::size_t>(b.tile)];
        fill.first_word = static_cast<int>(b.first_word);
        fill.word.assign(b.word.begin(), b.word.begin() + b.count);
        compared.fills += 1;
    }
    slice_.offer_fill(fill_->pushed_in(now) ? &fill : nullptr);
    slice_.accept(credit_->popped_in(now), direct_->popped_in(now), sums_->popped_in(now));
}

bool SliceCosim::equal(Cycle now, const char* what, std::int64_t rtl, std::int64_t model)
{
    if (rtl == model) return true;
    failure = "cycle " + std::to_string(now) + ", layer " + std::to_string(compared.layers - 1) + ": " + what +
              ": RTL " + std::to_string(rtl) + ", model " + std::to_string(model);
    return false;
}

bool SliceCosim::compare(Cycle now)
{
    const ChannelBase* channels[] = {fill_,        credit_, operands_[0], operands_[1], operands_[2],
                                     operands_[3], psums_,  direct_,      sums_};
    const char* const pushed[] = {"fill pushed",         "credit pushed",         "inputs read",
                                  "weights read",        "inputs distributed",    "weights distributed",
                                  "psums to the buffer", "psums past the buffer", "sums complete"};
    const char* const popped[] = {"fill taken", "credit taken", "read inputs taken", "read weights taken", "",
                                  "",           "psums added",  "psums taken",       "sums taken"};
    for (int c = fill_ch; c <= sum_ch; ++c) {
        const auto channel = static_cast<SliceChannel>(c);
        if (!equal(now, pushed[c], slice_.pushes(channel), channels[c]->pushed_in(now))) return false;
        if (c != edge_x_ch && c != edge_k_ch &&
            !equal(now, popped[c], slice_.pops(channel), channels[c]->popped_in(now)))
            return false;
    }
    const auto offered = [now](const ChannelBase& c) { return c.popped_in(now) || c.can_pop(now); };
    if (!equal(now, "room for a command", slice_.command_ready(),
               buffer_command_->had_room_in(now) && array_command_->had_room_in(now)) ||
        !equal(now, "room for a fill", slice_.fill_ready(), fill_->had_room_in(now)) ||
        !equal(now, "credit offered", slice_.credit_valid(), offered(*credit_)) ||
        !equal(now, "psums past the buffer offered", slice_.sum_valid(direct_ch), offered(*direct_)) ||
        !equal(now, "sums offered", slice_.sum_valid(sum_ch), offered(*sums_)) ||
        !equal(now, "array's psums taken", slice_.pops(edge_x_ch), array_psums_->popped_in(now)))
        return false;
    if (credit_->popped_in(now) &&
        !(equal(now, "credit for weights", slice_.credit().to_k, credit_->popped().region == Region::weights) &&
          equal(now, "credit words", slice_.credit().words, credit_->popped().words)))
        return false;
    for (int i = 0; i < 4; ++i)
        if (!compare_operand(static_cast<SliceChannel>(read_x_ch + i), *operands_[i], now)) return false;
    return compare_sums(direct_ch, *direct_, now) && compare_sums(sum_ch, *sums_, now);
}

bool SliceCosim::compare_operand(SliceChannel c, const Channel<OperandBeat>& channel, Cycle now)
{
    if (!channel.pushed_in(now)) return true;
    const Beat rtl = slice_.operand(c);
    const OperandBeat& model = channel.pushed();
    compared.operand_beats += 1;
    if (!equal(now, "words of an operand beat", static_cast<std::int64_t>(rtl.word.size()), model.count) ||
        !equal(now, "last operand beat", rtl.last, model.last))
        return false;
    for (std::size_t i = 0; i < rtl.word.size(); ++i)
        if (!equal(now, "operand", rtl.word[i], model.word[i])) return false;
    return true;
}

bool SliceCosim::compare_sums(SliceChannel c, const Channel<PsumBeat>& channel, Cycle now)
{
    if (!channel.popped_in(now)) return true;
    const ResultBeat rtl = slice_.sum_info(c);
    const PsumBeat& model = channel.popped();
    compared.psum_beats += 1;
    if (!equal(now, "words of a psum beat", rtl.count, model.count)) return false;
    for (int i = 0; i < rtl.count; ++i) {
        const auto n = static_cast<std::size_t>(i);
        if (!equal(now, "address of a sum", rtl.address + i * descriptor_.array.stride[axis_x], model.out_word[n]) ||
            !equal(now, "sum", slice_.sum_value(c, i), model.value[n]))
            return false;
    }
    return true;
}

/// The array's own channels, passes and loads, as the next cycle begins.
bool SliceCosim::compare_after(Cycle now)
{
    const PeArray::Stats& stats = machine_.array().stats();
    compared.passes = slice_.passes();
    compared.loads = slice_.loads();
    const std::int64_t passes = slice_.passes() - passes_before_, loads = slice_.loads() - loads_before_;
    if (!equal(now, "beats in the array's x channel", slice_.x_fill(), operands_[2]->fill()) ||
        !equal(now, "beats in the array's k channel", slice_.k_fill(), operands_[3]->fill()) ||
        !equal(now, "beats in the array's psum channel", slice_.out_fill(), array_psums_->fill()) ||
        !equal(now, "passes begun", passes, stats.passes) || !equal(now, "loads taken over", loads, stats.loads))
        return false;
    return true;
}

} // namespace heddle::rtl
