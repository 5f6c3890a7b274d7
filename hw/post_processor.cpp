#include "hw/post_processor.hpp"

#include <algorithm>
#include <limits>

namespace heddle {

namespace {
constexpr std::size_t waiting_depth = 16; // results whose second operand is being read
}

PostProcessor::PostProcessor(const sc_core::sc_module_name& name, const HardwareConfig& hardware,
                             const Channels& channels, int beat_words)
    : Block(name), hw_(hardware), io_(channels)
{
    const std::size_t n = static_cast<std::size_t>(beat_words);
    value_.resize(n);
    window_sum_.resize(n);
    window_max_.resize(n);
    window_valid_.resize(n);
    waiting_.assign(waiting_depth, Waiting{0, std::vector<std::int32_t>(n), std::vector<std::int32_t>(n)});
    for (ChannelBase* c : {static_cast<ChannelBase*>(&io_.command_in), static_cast<ChannelBase*>(&io_.parameters_in),
                           static_cast<ChannelBase*>(&io_.collector_in), static_cast<ChannelBase*>(&io_.buffer_in),
                           static_cast<ChannelBase*>(&io_.windows_in), static_cast<ChannelBase*>(&io_.operand2_in)})
        c->bind_reader(*this);
    io_.operand2_out.bind_writer(*this);
    io_.results_out.bind_writer(*this);
    io_.done_out.bind_writer(*this);
}

void PostProcessor::begin_layer(Cycle now, const std::vector<std::int32_t>* resident_parameters)
{
    stats_ = {};
    setup_ = nullptr;
    resident_ = resident_parameters;
    ledger_.restart(now, Cause::idle);
}

bool PostProcessor::take_parameters(Cycle now)
{
    if (!io_.parameters_in.can_pop(now)) return false;
    const FillBeat& b = io_.parameters_in.front();
    std::copy_n(b.word.begin(), b.count * 3, parameters_.begin() + b.first_word * 3);
    parameter_count_ += b.count;
    stats_.parameter_words += b.count;
    io_.parameters_in.pop(now);
    return true;
}

std::int32_t PostProcessor::requantized(std::int32_t psum, std::int32_t out_word) const
{
    const std::int32_t stored = out_word / setup_->channel_step % setup_->channel_stride;
    const std::size_t channel = static_cast<std::size_t>(stored - setup_->channel_offset);
    const std::int32_t* p = &parameters_[channel * 3];
    return requantize(std::int64_t{psum} + p[0], Requant{p[1], p[2]}, setup_->clamp_lo, setup_->clamp_hi);
}

bool PostProcessor::can_pass_on(Cycle now) const
{
    if (setup_->pool.active) return pool_.completed().empty();
    return setup_->add ? waiting_count_ < waiting_depth && io_.operand2_out.can_push(now)
                       : io_.results_out.can_push(now);
}

/// Results go out, or wait for their second operand.
void PostProcessor::pass_on(int count, const std::vector<std::int32_t>& out_word,
                            const std::vector<std::int32_t>& operand2_word, Cycle now)
{
    if (setup_->add) {
        Waiting& w = waiting_[(waiting_head_ + waiting_count_++) % waiting_depth];
        w.count = count;
        std::copy_n(value_.begin(), count, w.value.begin());
        std::copy_n(out_word.begin(), count, w.out_word.begin());
        Operand2Request& r = io_.operand2_out.push(now);
        r.count = count;
        std::copy_n(operand2_word.begin(), count, r.word.begin());
        return;
    }
    ResultBeat& b = io_.results_out.push(now);
    b.count = count;
    std::copy_n(value_.begin(), count, b.word.begin());
    std::copy_n(out_word.begin(), count, b.out_word.begin());
    stats_.words_out += count;
}

bool PostProcessor::finish_add(Cycle now)
{
    if (waiting_count_ == 0 || !io_.operand2_in.can_pop(now) || !io_.results_out.can_push(now)) return false;
    const Waiting& w = waiting_[waiting_head_];
    const Operand2Beat& o = io_.operand2_in.front();
    ResultBeat& b = io_.results_out.push(now);
    b.count = w.count;
    const std::int64_t half = std::int64_t{1} << (setup_->add_shift - 1);
    for (std::size_t i = 0; i < static_cast<std::size_t>(w.count); ++i) {
        const std::int64_t sum = w.value[i] * setup_->add_multiplier + o.word[i] * setup_->operand2_multiplier + half;
        b.word[i] = static_cast<std::int16_t>(
            std::clamp<std::int64_t>(sum >> setup_->add_shift, setup_->add_lo, setup_->add_hi));
        b.out_word[i] = w.out_word[i];
    }
    stats_.adds += w.count;
    stats_.multiplies += 2 * w.count;
    stats_.words_out += w.count;
    io_.operand2_in.pop(now);
    waiting_head_ = (waiting_head_ + 1) % waiting_depth;
    --waiting_count_;
    return true;
}

int PostProcessor::cycles_of(int words) const
{
    return (words + hw_.post.words_per_cycle - 1) / hw_.post.words_per_cycle;
}

/// A beat is worked on words_per_cycle words at a time and goes on whole: true in its last cycle.
bool PostProcessor::worked(const ChannelBase& in, int words, Cycle now)
{
    if (!working_) {
        if (now < busy_until_ || !can_pass_on(now)) return false;
        working_ = &in;
        busy_until_ = now + cycles_of(words);
    }
    return working_ == &in && now + 1 >= busy_until_ && can_pass_on(now);
}

bool PostProcessor::take_psums(Channel<PsumBeat>& in, Cycle now)
{
    if (!in.can_pop(now) || !parameters_ready() || !worked(in, in.front().count, now)) return false;
    const PsumBeat& b = in.front();
    for (std::size_t i = 0; i < static_cast<std::size_t>(b.count); ++i)
        value_[i] = requantized(b.value[i], b.out_word[i]);
    stats_.adds += b.count;
    stats_.multiplies += b.count;
    stats_.compares += b.count;
    stats_.words_in += b.count;
    if (setup_->pool.active)
        pool(b);
    else
        pass_on(b.count, b.out_word, b.operand2_word, now);
    psums_left_ -= b.count;
    working_ = nullptr;
    in.pop(now);
    return true;
}

/// A word that lies in several windows is handled once for each, side by side with the others.
void PostProcessor::pool(const PsumBeat& b)
{
    int windows = 0;
    for (std::size_t i = 0; i < static_cast<std::size_t>(b.count); ++i) windows += pool_.take(value_[i], b.out_word[i]);
    (setup_->pool.average ? stats_.adds : stats_.compares) += windows;
    if (setup_->pool.average) stats_.multiplies += static_cast<std::int64_t>(pool_.completed().size());
    busy_until_ += std::max(0, cycles_of(windows) - cycles_of(b.count));
}

/// Windows that are complete leave before more results are taken, the last of them when all are worked on.
bool PostProcessor::finish_pool(Cycle now)
{
    if (!setup_->pool.active || pool_.completed().empty() || !io_.results_out.can_push(now)) return false;
    const std::vector<PoolUnit::Pooled>& done = pool_.completed();
    const int left = static_cast<int>(done.size() - pooled_sent_);
    if (left <= hw_.post.words_per_cycle && now < busy_until_) return false;
    ResultBeat& b = io_.results_out.push(now);
    b.count = std::min(left, hw_.post.words_per_cycle);
    for (std::size_t i = 0; i < static_cast<std::size_t>(b.count); ++i) {
        b.word[i] = static_cast<std::int16_t>(done[pooled_sent_ + i].value);
        b.out_word[i] = done[pooled_sent_ + i].out_word;
    }
    stats_.words_out += b.count;
    pooled_sent_ += static_cast<std::size_t>(b.count);
    if (pooled_sent_ == done.size()) {
        pool_.clear_completed();
        pooled_sent_ = 0;
    }
    return true;
}

std::int32_t PostProcessor::pooled(std::size_t lane) const
{
    const PostSetup& s = *setup_;
    if (s.op != Op::avg_pool) return std::clamp(window_max_[lane], s.clamp_lo, s.clamp_hi);
    const std::size_t rule = s.average.size() == 1 ? 0 : static_cast<std::size_t>(window_valid_[lane] - 1);
    return requantize(window_sum_[lane], s.average[rule], s.clamp_lo, s.clamp_hi);
}

/// One tap of a window per beat. A stand-alone add has windows of one tap and no clamp of its own before the addition.
bool PostProcessor::take_window(Cycle now)
{
    if (!io_.windows_in.can_pop(now) || !worked(io_.windows_in, io_.windows_in.front().count, now)) return false;
    const OperandBeat& b = io_.windows_in.front();
    for (std::size_t i = 0; i < static_cast<std::size_t>(b.count); ++i) {
        const std::size_t lane = static_cast<std::size_t>(b.first) + i;
        if (b.first_of_window) {
            window_sum_[lane] = 0;
            window_max_[lane] = std::numeric_limits<std::int16_t>::min();
            window_valid_[lane] = 0;
        }
        if (!b.valid[i]) continue;
        window_sum_[lane] += b.word[i];
        window_max_[lane] = std::max<std::int32_t>(window_max_[lane], b.word[i]);
        window_valid_[lane] += 1;
    }
    (setup_->op == Op::avg_pool ? stats_.adds : stats_.compares) += b.count;
    if (b.last_of_window) {
        for (std::size_t i = 0; i < static_cast<std::size_t>(b.count); ++i)
            value_[i] = pooled(static_cast<std::size_t>(b.first) + i);
        if (setup_->op == Op::avg_pool) stats_.multiplies += b.count;
        pass_on(b.count, b.out_word, b.operand2_word, now);
    }
    stats_.words_in += b.count;
    working_ = nullptr;
    io_.windows_in.pop(now);
    return true;
}

Cycle PostProcessor::tick(Cycle now)
{
    if (io_.command_in.can_pop(now)) {
        setup_ = io_.command_in.front().post;
        io_.command_in.pop(now);
        parameters_.assign(static_cast<std::size_t>(setup_->channels) * 3, 0);
        parameter_count_ = 0;
        if (resident_ && setup_->channels > 0) {
            parameters_ = *resident_;
            parameter_count_ = setup_->channels;
        }
        busy_until_ = now;
        working_ = nullptr;
        psums_left_ = setup_->psum_words;
        done_sent_ = false;
        if (setup_->pool.active) pool_.start(setup_->pool, setup_->channels);
    }
    if (!setup_) {
        ledger_.mark(now, Cause::idle);
        return never;
    }
    take_parameters(now);
    const bool added = finish_add(now) || finish_pool(now);
    const bool work = take_psums(io_.buffer_in, now) || take_psums(io_.collector_in, now) || take_window(now);
    if (!done_sent_ && psums_left_ == 0 && io_.done_out.can_push(now)) {
        io_.done_out.push(now);
        done_sent_ = true;
    }
    const bool offered = io_.buffer_in.can_pop(now) || io_.collector_in.can_pop(now) || io_.windows_in.can_pop(now);
    Cause then = Cause::idle;
    if (now + 1 < busy_until_)
        then = Cause::busy;
    else if (offered)
        then = !parameters_ready() ? Cause::parameters_missing : Cause::output_blocked;
    else if (waiting_count_ > 0)
        then = Cause::operand2_missing;
    ledger_.mark(now, work || added || now < busy_until_ ? Cause::busy : then, then);
    if (added || (work && setup_->pool.active)) return now + 1;  // more windows may be complete
    const Cycle next = working_ ? busy_until_ - 1 : busy_until_; // the beat in work goes on in its last cycle
    return work || next > now ? std::max(now + 1, next) : never;
}

std::string PostProcessor::status() const
{
    if (!setup_) return "no layer";
    return std::to_string(parameter_count_) + "/" + std::to_string(setup_->channels) + " channels' parameters, " +
           std::to_string(waiting_count_) + " adds waiting";
}

} // namespace heddle
