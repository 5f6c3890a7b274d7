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
    if (hw_.dram.kind == DramKind::dram) device_ = std::make_unique<DramController>(hw_.dram.timing);
}

void Dram::begin_layer(Cycle now, MemoryImage& image)
{
    image_ = &image;
    stats_ = {};
    origin_ = now;
    read_bus_free_ = write_bus_free_ = now;
    if (device_) {
        clock_base_ = clock_;
        counts_before_ = device_->counts(static_cast<std::uint64_t>(clock_)); // the early REF is the layer's own
        device_->reset_to_canonical(static_cast<std::uint64_t>(clock_));
        counts_before_.pre = device_->counts(static_cast<std::uint64_t>(clock_)).pre; // rows the layer before left open
    }
    ledger_.restart(now, Cause::idle);
}

void Dram::end_layer(Cycle now)
{
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
    const int beats = (p.bursts_left * burst_bytes + hw_.dram.beat_bytes - 1) / hw_.dram.beat_bytes;
    Cycle& bus = p.request.write && hw_.dram.separate_queues ? write_bus_free_ : read_bus_free_;
    // latency_cycles to the first beat; beats follow each other on the bus, in order.
    const Cycle first = std::max(now + hw_.dram.latency_cycles, bus);
    bus = first + Cycle{beats} * hw_.dram.cycles_per_beat;
    p.done = bus - 1;
    waiting_.push_back(slot);
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

/// Everything booked here changes only when a request arrives, finishes or leaves, so a tick for nothing books the
/// same. Two or more requests in flight keep the data bus fed: what is missing then is bandwidth, else latency.
void Dram::book(Cycle now, bool pushed)
{
    const Cause then = in_flight_ == 0 ? Cause::idle : finished_.empty() ? Cause::busy : Cause::response_blocked;
    ledger_.mark(now, pushed && in_flight_ == 0 ? Cause::busy : then, then);
    response_out_.set_reason(now, in_flight_ == 0   ? Reason::idle
                                  : in_flight_ >= 2 ? Reason::dram_bandwidth
                                                    : Reason::dram_latency);
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
            waiting_.erase(waiting_.begin() + static_cast<std::ptrdiff_t>(i));
        } else {
            next = std::min(next, p.done);
            ++i;
        }
    }
    book(now, respond(now));
    if (!finished_.empty() && response_out_.can_push(now + 1)) next = now + 1;
    if (request_in_.front_ready() != never && in_flight_ < std::min(request_slots, hw_.dram.queue_depth))
        next = std::min(next, std::max(now + 1, request_in_.front_ready()));
    return next;
}

std::int64_t Dram::memory_clock(Cycle now) const
{
    const std::int64_t accelerator_khz = std::int64_t{hw_.clock_mhz} * 1000;
    return clock_base_ + (now - origin_) * hw_.dram.timing.clock_khz / accelerator_khz;
}

Cycle Dram::cycle_of(std::int64_t clock) const
{
    const std::int64_t accelerator_khz = std::int64_t{hw_.clock_mhz} * 1000, memory_khz = hw_.dram.timing.clock_khz;
    return origin_ + ((clock - clock_base_) * accelerator_khz + memory_khz - 1) / memory_khz;
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
    run_memory_to(memory_clock(now), now);
    accept(now);
    enqueue_bursts(now);
    while (!waiting_.empty() && slots_[waiting_.front()].done <= now) {
        finish(slots_[waiting_.front()]);
        waiting_.pop_front();
    }
    book(now, respond(now));
    Cycle next = never;
    if (!waiting_.empty()) next = std::max(now + 1, slots_[waiting_.front()].done);
    if (!finished_.empty() && response_out_.can_push(now + 1)) next = now + 1;
    if (!device_->idle()) {
        const std::uint64_t event = device_->next_event(static_cast<std::uint64_t>(clock_));
        if (event != DramController::never)
            next = std::min(next, std::max(now + 1, cycle_of(static_cast<std::int64_t>(event))));
    }
    if (!crossing_.empty()) next = std::min(next, std::max(now + 1, crossing_.front().visible));
    if (request_in_.front_ready() != never && in_flight_ < request_slots)
        next = std::min(next, std::max(now + 1, request_in_.front_ready()));
    return next;
}

std::string Dram::status() const
{
    return std::to_string(in_flight_) + " requests in flight, " + std::to_string(finished_.size()) + " to answer";
}

} // namespace heddle
