#include "hw/global_buffer.hpp"

#include <algorithm>

namespace heddle {

GlobalBuffer::GlobalBuffer(const sc_core::sc_module_name& name, const HardwareConfig& hardware,
                           const Channels& channels, int beat_words)
    : Block(name), hw_(hardware), io_(channels), weights_(hw_.global_buffer.weights, hw_.precision.weight_bits),
      inputs_(hw_.global_buffer.inputs, hw_.precision.input_bits),
      operand2_(hw_.global_buffer.operand2, hw_.precision.input_bits),
      outputs_(hw_.global_buffer.outputs, hw_.precision.input_bits),
      psums_(hw_.global_buffer.psums, hw_.precision.psum_bits), weight_engine_(Tensors::weights, weights_, beat_words),
      input_engine_(Tensors::inputs, inputs_, beat_words)
{
    for (ChannelBase* c : {static_cast<ChannelBase*>(&io_.command_in), static_cast<ChannelBase*>(&io_.fill_in),
                           static_cast<ChannelBase*>(&io_.psums_in), static_cast<ChannelBase*>(&io_.operand2_in),
                           static_cast<ChannelBase*>(&io_.results_in), static_cast<ChannelBase*>(&io_.drain_in)})
        c->bind_reader(*this);
    for (ChannelBase* c : {static_cast<ChannelBase*>(&io_.credit_out), static_cast<ChannelBase*>(&io_.weights_out),
                           static_cast<ChannelBase*>(&io_.inputs_out), static_cast<ChannelBase*>(&io_.windows_out),
                           static_cast<ChannelBase*>(&io_.psums_out), static_cast<ChannelBase*>(&io_.operand2_out),
                           static_cast<ChannelBase*>(&io_.drain_out), static_cast<ChannelBase*>(&io_.done_out),
                           static_cast<ChannelBase*>(&io_.array_psums_out)})
        c->bind_writer(*this);
}

Partition<std::int16_t>& GlobalBuffer::partition(Region r)
{
    switch (r) {
    case Region::weights:
        return weights_;
    case Region::inputs:
        return inputs_;
    case Region::operand2:
        return operand2_;
    default:
        return outputs_;
    }
}

void GlobalBuffer::begin_layer(Cycle now, const CompiledPlan& plan, const MemoryImage& image)
{
    layer_start_ = now;
    active_ = false;
    recent_updates_.assign(static_cast<std::size_t>(hw_.global_buffer.update_latency_cycles - 1), Span{});
    recent_ = 0;
    stats_ = {};
    ledger_.restart(now, Cause::idle);
    const std::size_t tiles = plan.tiles().size();
    weights_.restart(plan.weights().words, tiles);
    inputs_.restart(plan.inputs().words, tiles);
    outputs_.restart(plan.results().words, 0);
    operand2_.restart(plan.has_operand2() ? plan.operand2().words : 0, tiles);
    psums_.restart(plan.accumulates() ? plan.outputs().words : 0, 0);
    psum_ready_.assign(plan.accumulates() ? static_cast<std::size_t>(plan.outputs().words) : 0, 0);
    if (hw_.dram.kind != DramKind::resident) return;
    const auto preload = [&](Region r) {
        const auto* words = image.words[static_cast<int>(r)];
        if (!words) return;
        for (std::size_t i = 0; i < words->size(); ++i) partition(r).put(static_cast<std::int64_t>(i), (*words)[i]);
    };
    preload(Region::weights);
    preload(Region::inputs);
    if (plan.has_operand2()) preload(Region::operand2);
}

bool GlobalBuffer::start(Cycle now)
{
    if (!io_.command_in.can_pop(now)) return false;
    plan_ = io_.command_in.front().plan;
    io_.command_in.pop(now);
    const bool resident = hw_.dram.kind == DramKind::resident;
    weight_engine_.start(*plan_, hw_.global_buffer.fill_granularity, resident);
    input_engine_.start(*plan_, hw_.global_buffer.fill_granularity, resident);
    psum_reader_.start(*plan_, psums_);
    active_ = true;
    operand2_tile_ = 0;
    operand2_left_ = plan_->tiles()[0].operand2_fill_words;
    drain_scanned_ = filled_words_ = stored_words_ = 0;
    update_left_ = operand2_left_beats_ = drain_left_ = 0;
    results_left_ = plan_->result_words();
    done_pending_ = false;
    return true;
}

/// A beat wider than the write port takes several cycles; a word is there when the port has written it.
bool GlobalBuffer::fill(Cycle now)
{
    if (!io_.fill_in.can_pop(now)) return false;
    const FillBeat& b = io_.fill_in.front();
    Partition<std::int16_t>& p = partition(b.region);
    if (!p.ports.can_write(now)) return false;
    const int words = std::min(p.ports.write_port().words, b.count - filled_words_);
    p.fill(b.tile, b.first_word + filled_words_, words, b.word.data() + filled_words_);
    p.ports.write(now);
    stats_.fills[static_cast<int>(b.region)] += words;
    filled_words_ += words;
    if (filled_words_ < b.count) return false; // the port is the reason
    filled_words_ = 0;
    io_.fill_in.pop(now);
    return true;
}

bool GlobalBuffer::return_credits(Cycle now)
{
    const std::int64_t weights = weight_engine_.take_freed(), inputs = input_engine_.take_freed();
    if (weights > 0) credits_.push_back({Region::weights, weights});
    if (inputs > 0) credits_.push_back({Region::inputs, inputs});
    if (credits_.empty() || !io_.credit_out.can_push(now)) return false;
    io_.credit_out.push(now) = credits_.front();
    credits_.pop_front();
    return true;
}

bool GlobalBuffer::read_operands(Cycle now)
{
    const bool post = plan_->plan().kind == PlanKind::post;
    const bool w = weight_engine_.tick(now, io_.weights_out);
    Channel<OperandBeat>& inputs_out = post ? io_.windows_out : io_.inputs_out;
    const bool i = input_engine_.tick(now, inputs_out);
    const Reason fill = fill_reason(now);
    io_.weights_out.set_reason(now, weight_engine_.starved() ? fill : Reason::buffer_port);
    inputs_out.set_reason(now, input_engine_.starved() ? fill : Reason::buffer_port);
    return w || i;
}

/// Why words that are read next have not been filled: a beat of them takes or awaits several cycles of the write port,
/// or what the DMA says.
Reason GlobalBuffer::fill_reason(Cycle now)
{
    if (io_.fill_in.can_pop(now)) {
        const FillBeat& b = io_.fill_in.front();
        const Ports& ports = partition(b.region).ports;
        if (b.count > ports.write_port().words || !ports.can_write(now)) return Reason::buffer_port;
    }
    const Reason r = io_.fill_in.reason(now);
    return is_off_chip(r) ? r : Reason::dram_latency;
}

bool GlobalBuffer::serve_operand2(Cycle now)
{
    Ports& ports = operand2_.ports;
    if (!io_.operand2_in.can_pop(now) || !io_.operand2_out.can_push(now) || !ports.can_read(now)) return false;
    const Operand2Request& r = io_.operand2_in.front();
    if (operand2_left_beats_ == 0) {
        for (int i = 0; i < r.count; ++i)
            if (!operand2_.present(r.word[static_cast<std::size_t>(i)])) return false;
        operand2_left_beats_ = ports.beats(ports.read_port(), r.word, r.count);
    }
    ports.read(now);
    if (--operand2_left_beats_ > 0) return false; // the port is the reason
    Operand2Beat& b = io_.operand2_out.push(now);
    b.count = r.count;
    for (int i = 0; i < r.count; ++i)
        b.word[static_cast<std::size_t>(i)] = operand2_.get(r.word[static_cast<std::size_t>(i)]);
    stats_.operand2_reads += r.count;
    io_.operand2_in.pop(now);
    shrink_operand2(b.count);
    return true;
}

/// The second operand's tile is that of complete outputs: it is dropped when as many words have been read as it holds.
void GlobalBuffer::shrink_operand2(std::int64_t words)
{
    operand2_left_ -= words;
    while (operand2_left_ <= 0 && operand2_tile_ < plan_->tiles().size()) {
        const Tile& t = plan_->tiles()[operand2_tile_];
        if (t.operand2_free > 0) {
            credits_.push_back({Region::operand2, t.operand2_free});
            for (const Box& box : t.operand2_drop)
                for (RunWalk run(plan_->operand2(), box); !run.done(); run.next())
                    operand2_.shrink(run.run().first_word, run.run().words);
        }
        if (++operand2_tile_ < plan_->tiles().size())
            operand2_left_ += plan_->tiles()[operand2_tile_].operand2_fill_words;
    }
}

/// A result is there when the port has written it, one beat a cycle.
bool GlobalBuffer::store_results(Cycle now)
{
    Ports& ports = outputs_.ports;
    if (!io_.results_in.can_pop(now) || !ports.can_write(now)) return false;
    const ResultBeat& b = io_.results_in.front();
    const int words = ports.beat(ports.write_port(), b.out_word, stored_words_, b.count);
    if (outputs_.room() < words) return false;
    for (int i = stored_words_; i < stored_words_ + words; ++i)
        outputs_.put(b.out_word[static_cast<std::size_t>(i)], b.word[static_cast<std::size_t>(i)]);
    ports.write(now);
    outputs_.occupy(words);
    stats_.fills[static_cast<int>(Region::outputs)] += words;
    stats_.last_result = now - layer_start_;
    results_left_ -= words;
    done_pending_ = results_left_ == 0;
    stored_words_ += words;
    if (stored_words_ < b.count) return false; // the port is the reason
    stored_words_ = 0;
    io_.results_in.pop(now);
    return true;
}

bool GlobalBuffer::drain(Cycle now)
{
    Ports& ports = outputs_.ports;
    if (!io_.drain_in.can_pop(now) || !io_.drain_out.can_push(now) || !ports.can_read(now)) return false;
    const DrainRequest& r = io_.drain_in.front();
    while (drain_scanned_ < r.count && outputs_.present(r.first_word + drain_scanned_)) ++drain_scanned_;
    if (drain_scanned_ < r.count) return false;
    const int width = ports.read_port().words;
    if (drain_left_ == 0) drain_left_ = (r.count + width - 1) / width;
    ports.read(now);
    if (--drain_left_ > 0) return false; // the port is the reason
    FillBeat& b = io_.drain_out.push(now);
    b.region = Region::outputs;
    b.first_word = r.first_word;
    b.count = r.count;
    for (int i = 0; i < r.count; ++i) {
        b.word[static_cast<std::size_t>(i)] = outputs_.get(r.first_word + i);
        outputs_.drop(r.first_word + i);
    }
    outputs_.release(r.count);
    stats_.drains += r.count;
    drain_scanned_ = 0;
    io_.drain_in.pop(now);
    return true;
}

Cycle GlobalBuffer::tick(Cycle now)
{
    // Reads before writes: what arrives in this cycle is seen by the readers in the next one.
    bool moved = start(now);
    if (!active_) {
        ledger_.mark(now, Cause::idle);
        return never;
    }
    moved = read_operands(now) || moved;
    if (psum_reader_.active()) {
        moved = psum_reader_.tick(now, io_.array_psums_out) || moved;
        stats_.psum_reads = psum_reader_.words_read;
    }
    moved = drain(now) || moved;
    moved = serve_operand2(now) || moved;
    moved = update(now) || moved;
    moved = store_results(now) || moved;
    moved = fill(now) || moved;
    moved = return_credits(now) || moved;
    if (done_pending_ && io_.done_out.can_push(now)) {
        io_.done_out.push(now);
        done_pending_ = false;
        moved = true;
    }
    if (moved) { // look again in the next cycle, which then books itself
        ledger_.mark(now, Cause::busy);
        return now + 1;
    }
    book(now);
    return next_wake(now);
}

/// Something moved: look again next cycle. Nothing did: ports that free up, and what the channels wake us for.
Cycle GlobalBuffer::next_wake(Cycle now) const
{
    Cycle next = never;
    const auto at = [&](Cycle c) {
        if (c > now) next = std::min(next, c);
    };
    for (const Ports* p : {&weights_.ports, &inputs_.ports, &operand2_.ports, &outputs_.ports, &psums_.ports}) {
        at(p->next_read(now));
        at(p->next_write(now));
    }
    if (io_.psums_in.can_pop(now) && hw_.global_buffer.update_latency_cycles > 1) at(now + 1);
    at(psum_reader_.settles());
    return next;
}

void GlobalBuffer::book(Cycle now)
{
    Cause then = Cause::idle;
    if (next_wake(now) != never)
        then = Cause::port;
    else if (weight_engine_.starved() || input_engine_.starved())
        then = Cause::waiting_for_fill;
    else if (!weight_engine_.done() || !input_engine_.done())
        then = Cause::output_blocked;
    else if (results_left_ > 0)
        then = Cause::waiting_for_psums;
    ledger_.mark(now, then);
}

std::string GlobalBuffer::status() const
{
    return std::string(weight_engine_.done()      ? "weights read"
                       : weight_engine_.starved() ? "weights not filled"
                                                  : "weights blocked") +
           ", " +
           (input_engine_.done()      ? "inputs read"
            : input_engine_.starved() ? "inputs not filled"
                                      : "inputs blocked") +
           ", " + std::to_string(results_left_) + " results to come, " + std::to_string(psums_.room()) +
           " psum words free, " + std::to_string(outputs_.room()) + " output words free";
}

} // namespace heddle
