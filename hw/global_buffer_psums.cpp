// Psums in the global buffer: read-modify-write on arrival, or written back after a trip through the array.
#include "hw/global_buffer.hpp"
#include "hw/pe_kernels.hpp"

#include <algorithm>

namespace heddle {

namespace {

std::pair<std::int32_t, std::int32_t> span_of(const PsumBeat& b)
{
    if (b.adjacent) return {b.out_word[0], b.out_word[0] + b.count - 1};
    const auto [low, high] = std::minmax_element(b.out_word.begin(), b.out_word.begin() + b.count);
    return {*low, *high};
}

} // namespace

/// Words of the beat whose last update has not reached the memory yet.
bool GlobalBuffer::in_flight(const PsumBeat& beat, Cycle now) const
{
    const auto [low, high] = span_of(beat);
    const bool possible =
        std::any_of(recent_updates_.begin(), recent_updates_.end(),
                    [&, l = low, h = high](const Span& s) { return s.ready > now && s.first <= h && s.last >= l; });
    if (!possible) return false;
    const auto time = static_cast<std::uint32_t>(now - layer_start_);
    std::uint32_t latest = 0;
    if (beat.adjacent) {
        const std::uint32_t* ready = &psum_ready_[static_cast<std::size_t>(beat.out_word[0])];
        for (int i = 0; i < beat.count; ++i) latest = std::max(latest, ready[i]);
    } else {
        for (int i = 0; i < beat.count; ++i)
            latest =
                std::max(latest, psum_ready_[static_cast<std::size_t>(beat.out_word[static_cast<std::size_t>(i)])]);
    }
    return latest > time;
}

/// Adds the beat to what is stored, in place.
void GlobalBuffer::add_psums(const PsumBeat& b, Cycle now)
{
    const int bits = hw_.precision.psum_bits;
    const auto ready = static_cast<std::uint32_t>(now - layer_start_ + hw_.global_buffer.update_latency_cycles);
    std::int32_t* store = psums_.data();
    if (!recent_updates_.empty()) {
        const auto [low, high] = span_of(b);
        recent_updates_[recent_] = {low, high, now + hw_.global_buffer.update_latency_cycles};
        recent_ = (recent_ + 1) % recent_updates_.size();
    }
    if (b.adjacent) {
        const std::size_t first = static_cast<std::size_t>(b.out_word[0]);
        accumulate(store + first, b.value.data(), b.count, !b.first, bits);
        std::fill_n(psum_ready_.begin() + b.out_word[0], b.count, ready);
        return;
    }
    for (std::size_t i = 0; i < static_cast<std::size_t>(b.count); ++i) {
        accumulate(store + b.out_word[i], &b.value[i], 1, !b.first, bits);
        psum_ready_[static_cast<std::size_t>(b.out_word[i])] = ready;
    }
}

/// Beats of the ports that an update takes: a first one is written, a last one read, one between both.
int GlobalBuffer::update_beats(const PsumBeat& b) const
{
    const Ports& ports = psums_.ports;
    const auto beats = [&](const PortConfig& p) { return ports.beats(p, b.out_word, b.count); };
    if (b.first) return beats(ports.write_port());
    if (b.last) return beats(ports.read_port());
    return std::max(beats(ports.read_port()), beats(ports.write_port()));
}

/// One psum beat: (1) room, ports and hazards, (2) a beat of the ports each cycle, and with the last of them (3) add to
/// what is there, (4) keep it, or pass it on when complete.
bool GlobalBuffer::update(Cycle now)
{
    if (!io_.psums_in.can_pop(now)) return false;
    const PsumBeat& b = io_.psums_in.front();
    if (plan_->accumulates_through_array()) return write_psums(b, now);
    Ports& ports = psums_.ports;
    if (b.last && !io_.psums_out.can_push(now)) return false;
    if (b.first && psums_.room() < b.count) return false;
    if ((!b.first && !ports.can_read(now)) || (!b.last && !ports.can_write(now))) return false;
    if (update_left_ == 0) {
        if (!b.first && hw_.global_buffer.update_latency_cycles > 1 && in_flight(b, now)) return false;
        update_left_ = update_beats(b);
    }
    if (b.first)
        ports.write(now);
    else if (b.last)
        ports.read(now);
    else
        ports.read_modify_write(now);
    if (--update_left_ > 0) return false; // the port is the reason

    add_psums(b, now);
    if (b.last) pass_on(b, now);
    stats_.psum_updates += b.count;
    (b.first ? stats_.psum_first : stats_.psum_reads) += b.count;
    if (b.first) psums_.occupy(b.count);
    if (b.last) psums_.release(b.count);
    io_.psums_in.pop(now);
    return true;
}

/// Sums that came through the array replace what was read for them.
bool GlobalBuffer::write_psums(const PsumBeat& b, Cycle now)
{
    Ports& ports = psums_.ports;
    if (!ports.can_write(now) || (b.first && psums_.room() < b.count)) return false;
    if (update_left_ == 0) update_left_ = ports.beats(ports.write_port(), b.out_word, b.count);
    ports.write(now);
    if (--update_left_ > 0) return false; // the port is the reason
    const Cycle ready = now + hw_.global_buffer.update_latency_cycles;
    for (std::size_t i = 0; i < static_cast<std::size_t>(b.count); ++i) {
        psums_.put(b.out_word[i], b.value[i]);
        psum_reader_.updated(b.out_word[i], ready);
    }
    stats_.psum_updates += b.count;
    if (b.first) {
        stats_.psum_first += b.count;
        psums_.occupy(b.count);
    }
    io_.psums_in.pop(now);
    return true;
}

/// Complete psums leave as they are added.
void GlobalBuffer::pass_on(const PsumBeat& b, Cycle now)
{
    PsumBeat& out = io_.psums_out.push(now);
    const std::size_t n = static_cast<std::size_t>(b.count);
    out.count = b.count;
    out.first = out.last = true;
    out.adjacent = b.adjacent;
    for (std::size_t i = 0; i < n; ++i) {
        out.value[i] = psums_.data()[b.out_word[i]];
        psums_.drop(b.out_word[i]);
    }
    copy_words(out.out_word, b.out_word, b.count);
    copy_words(out.operand2_word, b.operand2_word, b.count);
}

} // namespace heddle
