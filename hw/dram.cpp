#include "hw/dram.hpp"

#include "hw/compressed_map.hpp"

#include <algorithm>

namespace heddle {

namespace {

constexpr int request_slots = 64;

/// Between the map and the request's data.
void move_codes(MemoryRequest& r, CompressedMap& map)
{
    for (int i = 0; i < r.codes; ++i) {
        if (r.write)
            map.set_code(r.unit, r.first_code + i, code_in(r.data, i));
        else
            put_code(r.data, i, map.code(r.unit, r.first_code + i));
    }
}

} // namespace

Dram::Dram(const sc_core::sc_module_name& name, const HardwareConfig& hardware, Channel<MemoryRequest>& request_in,
           Channel<MemoryResponse>& response_out)
    : Block(name), hw_(hardware), request_in_(request_in), response_out_(response_out)
{
    request_in_.bind_reader(*this);
    response_out_.bind_writer(*this);
    slots_.resize(request_slots);
    if (hw_.dram.kind != DramKind::dram) return;
    device_ = std::make_unique<DramController>(hw_.dram.timing);
    const Rational ratio = hw_.memory_clocks_per_cycle();
    memory_clocks_ = ratio.numerator();
    memory_cycles_ = ratio.denominator();
}

void Dram::begin_layer(Cycle now, MemoryImage& image)
{
    image_ = &image;
    stats_ = {};
    origin_ = now;
    read_bus_ = write_bus_ = {now, 0};
    carried_ = now - 1;
    if (device_) {
        clock_base_ = clock_;
        device_->reset_to_canonical(static_cast<std::uint64_t>(clock_));
        counts_before_ = device_->counts(static_cast<std::uint64_t>(clock_));
        state_ = device_->state(static_cast<std::uint64_t>(clock_));
    }
    ledger_.restart(now, Cause::idle);
}

void Dram::end_layer(Cycle now)
{
    if (device_) sleep_until(now);
    ledger_.settle(now);
    if (!device_) return;
    run_memory_to(memory_clock(now), now);
    clock_ = memory_clock(now);
    const DramCounts after = device_->counts(static_cast<std::uint64_t>(clock_));
    stats_.commands = after - counts_before_;
    stats_.commands.pre = stats_.commands.act; // rows still open are closed before the next layer, at this one's cost
}

void Dram::log_commands(std::function<void(const DramCommand&)> log)
{
    if (!device_) return;
    device_->log_commands([this, log = std::move(log)](DramCommand c) {
        c.clock -= static_cast<std::uint64_t>(clock_base_);
        log(c);
    });
}

int Dram::bursts_of(const MemoryRequest& r, int burst_bytes) const
{
    const auto burst = static_cast<std::uint64_t>(burst_bytes);
    const std::uint64_t first = r.address / burst, last = (r.address + static_cast<std::uint64_t>(r.bytes) - 1) / burst;
    return static_cast<int>(last - first + 1);
}

/// Takes one request a cycle while a slot is free.
void Dram::accept(Cycle now)
{
    if (in_flight_ >= request_slots || !request_in_.can_pop(now)) return;
    if (!device_ && in_flight_ >= hw_.dram.queue_depth) return;
    const auto free = std::find_if(slots_.begin(), slots_.end(), [](const Pending& p) { return !p.used; });
    const int slot = static_cast<int>(free - slots_.begin());
    Pending& p = *free;
    p.used = true;
    ++in_flight_;
    const MemoryRequest& r = request_in_.front();
    static_cast<MovedCodes&>(p.request) = r;
    p.request.region = r.region;
    p.request.write = r.write;
    p.request.address = r.address;
    p.request.bytes = r.bytes;
    p.request.first_word = r.first_word;
    p.request.words = r.words;
    p.request.tile = r.tile;
    p.request.data.resize(r.data.size());
    if (r.write) std::copy_n(r.data.begin(), r.encoded() ? 2 * r.codes : r.words, p.request.data.begin());
    request_in_.pop(now);
    const int burst_bytes = device_ ? device_->burst_bytes() : hw_.dram.burst_bytes;
    p.bursts_left = bursts_of(p.request, burst_bytes);
    (p.request.write ? stats_.write_bytes : stats_.read_bytes) += std::int64_t{p.bursts_left} * burst_bytes;
    stats_.requested_words[static_cast<int>(p.request.region)] += p.request.words;
    if (device_) {
        crossing_.push_back({slot, 0, now + hw_.dram.sync_cycles});
        return;
    }
    use_bus(p, now, std::int64_t{p.bursts_left} * burst_bytes);
    waiting_.push_back(slot);
}

/// latency_cycles to the first byte; bytes follow each other on the bus, in order. The last one is there in the cycle
/// that carries its last part.
void Dram::use_bus(Pending& p, Cycle now, std::int64_t bytes)
{
    const DramConfig& d = hw_.dram;
    Bus& bus = p.request.write && d.separate_queues ? write_bus_ : read_bus_;
    if (bus.cycle < now + d.latency_cycles) bus = {now + d.latency_cycles, 0};
    p.first = bus.cycle;
    const std::int64_t part = bus.part + d.bus_bytes(bytes) * d.cycles_per_beat;
    bus = {bus.cycle + part / d.beat_bytes, part % d.beat_bytes};
    p.done = bus.part > 0 ? bus.cycle : bus.cycle - 1;
}

void Dram::finish(Pending& p)
{
    MemoryRequest& r = p.request;
    if (r.encoded()) {
        move_codes(r, *image_->compressed[static_cast<int>(r.region)]);
    } else if (r.write) {
        for (int i = 0; i < r.words; ++i) image_->write(r.region, r.first_word + i, r.data[i]);
    } else {
        const int values = MemoryImage::values_per_word(r.region);
        for (int i = 0; i < r.words * values; ++i) r.data[i] = image_->read(r.region, r.first_word * values + i);
    }
    finished_.push_back(static_cast<int>(&p - slots_.data()));
}

bool Dram::respond(Cycle now)
{
    if (finished_.empty() || !response_out_.can_push(now)) return false;
    Pending& p = slots_[finished_.front()];
    finished_.pop_front();
    MemoryResponse& out = response_out_.push(now);
    static_cast<MovedCodes&>(out) = p.request;
    out.region = p.request.region;
    out.write = p.request.write;
    out.first_word = p.request.first_word;
    out.words = p.request.words;
    out.bytes = p.request.bytes;
    out.tile = p.request.tile;
    if (!out.write)
        std::copy_n(p.request.data.begin(),
                    out.encoded() ? 2 * out.codes : out.words * MemoryImage::values_per_word(out.region),
                    out.data.begin());
    p.used = false;
    --in_flight_;
    return true;
}

/// Does the bus that reads use carry a beat (kind fixed)? What is finished carried until carried_.
bool Dram::bus_carries(Cycle now) const
{
    if (now <= carried_) return true;
    return std::any_of(waiting_.begin(), waiting_.end(), [&](int slot) {
        return slots_[slot].first <= now && !(slots_[slot].request.write && hw_.dram.separate_queues);
    });
}

/// Is a request here that a full queue keeps out?
bool Dram::queue_stops(Cycle now) const
{
    if (device_) return !crossing_.empty() && crossing_.front().visible <= now;
    return in_flight_ >= hw_.dram.queue_depth && request_in_.can_pop(now);
}

/// Responses that cannot leave in the cycle in which they are there have had their beats: their way out is too narrow.
Reason Dram::reason(Cycle now, DramWait wait) const
{
    if (wait == DramWait::refresh) return Reason::dram_refresh;
    if (wait == DramWait::bandwidth || !finished_.empty()) return Reason::dram_bandwidth;
    if (in_flight_ == 0) return Reason::idle;
    return queue_stops(now) ? Reason::dram_window : Reason::dram_latency;
}

/// What is booked here changes only when a request arrives, finishes or leaves, or when the block has asked to be
/// woken, so a tick for nothing books the same.
void Dram::book(Cycle now, bool pushed)
{
    const DramWait wait = device_ ? state_.wait : bus_carries(now) ? DramWait::bandwidth : DramWait::latency;
    Cause then = Cause::busy;
    if (in_flight_ == 0)
        then = state_.refreshing ? Cause::refresh : Cause::idle;
    else if (!finished_.empty())
        then = Cause::response_blocked;
    else if (wait == DramWait::refresh)
        then = Cause::refresh;
    ledger_.mark(now, pushed && in_flight_ == 0 ? Cause::busy : then, then);
    response_out_.set_reason(now, reason(now, wait));
}

/// With nothing in flight the block sleeps over refreshes, and here it books those before `now`.
void Dram::sleep_until(Cycle now)
{
    if (in_flight_ > 0) return;
    for (Cycle at = next_state_change(); at < now; at = next_state_change()) {
        run_memory_to(memory_clock(at), at);
        state_ = device_->state(static_cast<std::uint64_t>(clock_));
        book(at, false);
    }
}

/// The cycle in which what the memory does or waits for can be another thing, by itself.
Cycle Dram::next_state_change() const
{
    const std::uint64_t next = std::min(device_->next_event(static_cast<std::uint64_t>(clock_)), state_.until);
    return next == DramController::never ? never : cycle_of(static_cast<std::int64_t>(next));
}

Cycle Dram::tick(Cycle now)
{
    return device_ ? tick_device(now) : tick_fixed(now);
}

Cycle Dram::tick_fixed(Cycle now)
{
    accept(now);
    // Requests finish in order of their own bus; reads and writes may pass each other when the buses are separate.
    Cycle next = never;
    for (std::size_t i = 0; i < waiting_.size();) {
        Pending& p = slots_[waiting_[i]];
        if (p.done <= now) {
            finish(p);
            if (!p.request.write || !hw_.dram.separate_queues) carried_ = std::max(carried_, p.done);
            waiting_.erase(waiting_.begin() + static_cast<std::ptrdiff_t>(i));
        } else {
            next = std::min(next, p.first > now ? p.first : p.done);
            ++i;
        }
    }
    book(now, respond(now));
    if (!finished_.empty() && response_out_.can_push(now + 1)) next = now + 1;
    if (now <= carried_) next = now + 1;
    if (request_in_.front_ready() != never && in_flight_ < std::min(request_slots, hw_.dram.queue_depth))
        next = std::min(next, std::max(now + 1, request_in_.front_ready()));
    return next;
}

std::int64_t Dram::memory_clock(Cycle now) const
{
    return clock_base_ + scaled_floor(now - origin_, memory_clocks_, memory_cycles_);
}

Cycle Dram::cycle_of(std::int64_t clock) const
{
    return origin_ + scaled_ceil(clock - clock_base_, memory_cycles_, memory_clocks_);
}

/// Bursts whose request has crossed into the memory's clock domain enter the controller's queue, in order.
void Dram::enqueue_bursts(Cycle now)
{
    const auto bytes = static_cast<std::uint64_t>(device_->burst_bytes());
    while (!crossing_.empty() && crossing_.front().visible <= now) {
        Sync& s = crossing_.front();
        const MemoryRequest& r = slots_[s.slot].request;
        const int total = bursts_of(r, device_->burst_bytes());
        for (; s.next_burst < total; ++s.next_burst) {
            const std::uint64_t address = (r.address / bytes + static_cast<std::uint64_t>(s.next_burst)) * bytes;
            if (!device_->can_accept(address)) return;
            device_->enqueue({address, r.write, static_cast<std::uint32_t>(s.slot)},
                             static_cast<std::uint64_t>(clock_));
        }
        crossing_.pop_front();
    }
}

/// Runs the memory's clock edges up to `clock`, only those at which something can happen.
void Dram::run_memory_to(std::int64_t clock, Cycle)
{
    for (;;) {
        const std::uint64_t event = device_->next_event(static_cast<std::uint64_t>(clock_));
        if (event == DramController::never || static_cast<std::int64_t>(event) > clock) break;
        clock_ = static_cast<std::int64_t>(event);
        device_->tick(event);
        for (const DramBurst& b : device_->completed()) {
            Pending& p = slots_[b.tag];
            if (--p.bursts_left == 0) {
                p.done = cycle_of(clock_) + hw_.dram.sync_cycles;
                waiting_.push_back(static_cast<int>(b.tag));
            }
        }
    }
    clock_ = std::max(clock_, clock);
}

Cycle Dram::tick_device(Cycle now)
{
    // (1) The memory catches up with its edges before this cycle's. (2) New requests. (3) Crossings. (4) Responses.
    sleep_until(now);
    run_memory_to(memory_clock(now), now);
    accept(now);
    enqueue_bursts(now);
    while (!waiting_.empty() && slots_[waiting_.front()].done <= now) {
        finish(slots_[waiting_.front()]);
        waiting_.pop_front();
    }
    state_ = device_->state(static_cast<std::uint64_t>(clock_));
    book(now, respond(now));
    Cycle next = never;
    if (!waiting_.empty()) next = std::max(now + 1, slots_[waiting_.front()].done);
    if (!finished_.empty() && response_out_.can_push(now + 1)) next = now + 1;
    if (!device_->idle()) next = std::min(next, std::max(now + 1, next_state_change()));
    if (!crossing_.empty() && crossing_.front().visible > now) next = std::min(next, crossing_.front().visible);
    if (request_in_.front_ready() != never && in_flight_ < request_slots)
        next = std::min(next, std::max(now + 1, request_in_.front_ready()));
    return next;
}

std::string Dram::status() const
{
    return std::to_string(in_flight_) + " requests in flight, " + std::to_string(finished_.size()) + " to answer";
}

} // namespace heddle
