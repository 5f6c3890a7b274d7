#include "models/dram_controller.hpp"

#include "dnn/base/error.hpp"

#include <algorithm>
#include <stdexcept>

namespace heddle {

namespace {

bool must_keep_order(const DramBurst& a, const DramBurst& b)
{
    return a.address_bytes == b.address_bytes && (a.write || b.write);
}

} // namespace

DramCounts operator-(const DramCounts& later, const DramCounts& earlier)
{
    return {later.act - earlier.act,
            later.pre - earlier.pre,
            later.rd - earlier.rd,
            later.wr - earlier.wr,
            later.ref - earlier.ref,
            later.row_hits - earlier.row_hits,
            later.row_misses - earlier.row_misses,
            later.active_standby_clocks - earlier.active_standby_clocks,
            later.precharge_standby_clocks - earlier.precharge_standby_clocks,
            later.data_bus_busy_clocks - earlier.data_bus_busy_clocks};
}

DramController::DramController(const DramTiming& timing) : timing_(timing), map_(timing)
{
    const auto [key, message] = timing.broken_rule();
    if (!message.empty()) throw UserError("DRAM " + timing.name + ": " + key + ": " + message);
    for (int i = 0; i < timing.channels; ++i) {
        Channel& channel = channels_.emplace_back(timing);
        channel.queue.reserve(timing.queue_depth);
        channel.hits.assign(timing.ranks * timing.banks_per_rank(), 0);
        channel.alone.assign(timing.ranks * timing.banks_per_rank(), 0);
        channel.refresh_due.assign(timing.ranks, timing.trefi > 0 ? timing.trefi : never);
    }
}

bool DramController::can_accept(std::uint64_t address_bytes) const
{
    return static_cast<int>(channels_[map_.place(address_bytes).channel].queue.size()) < timing_.queue_depth;
}

bool DramController::can_accept() const
{
    return std::all_of(channels_.begin(), channels_.end(), [this](const Channel& channel) {
        return static_cast<int>(channel.queue.size()) < timing_.queue_depth;
    });
}

void DramController::enqueue(const DramBurst& burst, Clock now)
{
    const DramPlace place = map_.place(burst.address_bytes);
    Channel& channel = channels_[place.channel];
    if (static_cast<int>(channel.queue.size()) >= timing_.queue_depth) throw std::logic_error("DRAM queue is full");
    if (burst.address_bytes % burst_bytes() != 0 || burst.address_bytes >= timing_.capacity_bytes()) {
        throw std::logic_error("DRAM burst outside the capacity or not aligned: " +
                               std::to_string(burst.address_bytes));
    }
    Entry entry;
    entry.burst = burst;
    entry.eligible = now + 1;
    entry.row = static_cast<std::int32_t>(place.row);
    entry.rank = static_cast<std::uint8_t>(place.rank);
    entry.bank = static_cast<std::uint8_t>((place.rank * timing_.bank_groups + place.group) * timing_.banks_per_group +
                                           place.bank);
    if (burst.write || channel.queued_writes > 0) {
        for (const Entry& older : channel.queue) entry.blockers += must_keep_order(older.burst, burst);
    }
    channel.blocked += entry.blockers;
    channel.queued_writes += burst.write;
    if (channel.device.open_row(entry.bank) == entry.row) ++channel.hits[entry.bank];
    channel.queue.push_back(entry);
    channel.wake = std::min(channel.wake, std::max(entry.eligible, channel.command_bus_free));
}

void DramController::tick(Clock now)
{
    completed_.clear();
    for (std::size_t i = 0; i < channels_.size(); ++i) {
        complete(channels_[i], now);
        const bool awake = sleeps_ ? now >= channels_[i].wake : now >= channels_[i].command_bus_free;
        if (awake) schedule(static_cast<int>(i), now);
    }
}

DramController::Clock DramController::next_event(Clock now) const
{
    Clock next = never;
    for (const Channel& channel : channels_) {
        next = std::min(next, channel.wake);
        if (!channel.transfers.empty()) next = std::min(next, channel.transfers.front().end);
    }
    return std::max(next, now + 1);
}

bool DramController::refreshing(const Channel& channel, int rank, Clock now) const
{
    return now >= channel.refresh_due[rank] || now < channel.device.refreshed(rank);
}

/// When the data of a queued burst would start without others; never while its bank holds another row open.
DramController::Clock DramController::alone(const Channel& channel, const Entry& entry) const
{
    const std::int64_t open_row = channel.device.open_row(entry.bank);
    const int latency = entry.burst.write ? timing_.write_latency() : timing_.read_latency();
    if (open_row == entry.row) return std::max(entry.eligible, channel.alone[entry.bank]) + latency;
    if (open_row != DramDevice::closed) return never;
    return std::max(entry.eligible, channel.device.earliest_act_alone(entry.bank)) + timing_.trcd + latency;
}

/// Those of the queue that the scheduler looks at.
std::size_t DramController::candidates(const Channel& channel) const
{
    const bool only_oldest = channel.bypassed >= timing_.max_bypass;
    return only_oldest ? std::min<std::size_t>(1, channel.queue.size()) : channel.queue.size();
}

DramController::State DramController::state(const Channel& channel, Clock now) const
{
    State s;
    const auto reached = [&](Clock at) {
        if (at > now) s.until = std::min(s.until, at);
        return at <= now;
    };
    for (int rank = 0; rank < timing_.ranks; ++rank) {
        s.refreshing = s.refreshing || refreshing(channel, rank, now);
        reached(channel.refresh_due[rank]);
        reached(channel.device.refreshed(rank));
    }
    if (channel.transfers.empty() && channel.queue.empty()) return s;
    s.wait = DramWait::latency;
    if (channel.transfers.empty() && refreshing(channel, channel.queue.front().rank, now)) {
        s.wait = DramWait::refresh;
        return s;
    }
    for (const Transfer& t : channel.transfers)
        if (reached(t.alone)) s.wait = DramWait::bandwidth;
    for (std::size_t i = 0; s.wait == DramWait::latency && i < candidates(channel); ++i) {
        const Entry& entry = channel.queue[i];
        if (entry.blockers > 0 || refreshing(channel, entry.rank, now)) continue;
        if (reached(alone(channel, entry))) s.wait = DramWait::bandwidth;
    }
    return s;
}

DramController::State DramController::state(Clock now) const
{
    State all;
    for (const Channel& channel : channels_) {
        const State s = state(channel, now);
        if (all.wait == DramWait::nothing || (s.wait != DramWait::nothing && s.wait < all.wait)) all.wait = s.wait;
        all.refreshing = all.refreshing || s.refreshing;
        all.until = std::min(all.until, s.until);
    }
    return all;
}

bool DramController::data_bus_busy(Clock now) const
{
    return std::any_of(channels_.begin(), channels_.end(), [now](const Channel& channel) {
        return std::any_of(channel.transfers.begin(), channel.transfers.end(),
                           [now](const Transfer& transfer) { return transfer.start <= now && now < transfer.end; });
    });
}

bool DramController::idle() const
{
    return std::all_of(channels_.begin(), channels_.end(),
                       [](const Channel& channel) { return channel.queue.empty() && channel.transfers.empty(); });
}

int DramController::reset_clocks() const
{
    // All data have been transferred: what can still keep a row open is tWR after write data, or the rest of tRAS or
    // tRTP.
    const int data_after_act = timing_.trcd + std::min(timing_.read_data_end(), timing_.write_data_end());
    const int recovery = std::max({timing_.twr, timing_.tras - data_after_act, timing_.trtp - timing_.read_data_end()});
    return recovery + timing_.trp_all;
}

void DramController::reset_to_canonical(Clock now)
{
    if (!idle()) throw std::logic_error("DRAM reset with bursts pending");
    const Clock ready = now + reset_clocks();
    for (Channel& channel : channels_) {
        for (int rank = 0; rank < timing_.ranks; ++rank) {
            counts_.pre += channel.device.open_banks(rank);
            counts_.ref += refreshes_due(channel, rank, now);
            if (timing_.trefi > 0) channel.refresh_due[rank] = now + timing_.trefi / 2;
        }
        channel.device.restart(now, ready);
        channel.bypassed = 0;
        channel.command_bus_free = 0;
        channel.wake = *std::min_element(channel.refresh_due.begin(), channel.refresh_due.end());
    }
}

std::uint64_t DramController::refreshes_due(const Channel& channel, int rank, Clock now) const
{
    return now < channel.refresh_due[rank] ? 0 : (now - channel.refresh_due[rank]) / timing_.trefi + 1;
}

DramCounts DramController::counts(Clock now) const
{
    DramCounts counts = counts_;
    counts.data_bus_busy_clocks = (counts.rd + counts.wr) * timing_.burst_clocks();
    for (const Channel& channel : channels_) {
        counts.active_standby_clocks += channel.device.active_clocks(now);
        for (int rank = 0; rank < timing_.ranks; ++rank) counts.ref += refreshes_due(channel, rank, now);
    }
    counts.precharge_standby_clocks = now * channels_.size() * timing_.ranks - counts.active_standby_clocks;
    return counts;
}

void DramController::complete(Channel& channel, Clock now)
{
    while (!channel.transfers.empty() && channel.transfers.front().end <= now) {
        completed_.push_back(channel.transfers.front().burst);
        channel.transfers.erase(channel.transfers.begin());
    }
}

void DramController::schedule(int index, Clock now)
{
    Channel& channel = channels_[index];
    const DramDevice& device = channel.device;
    Clock wake = never;
    if (schedule_refresh(index, now, wake)) return;

    const bool only_oldest = channel.bypassed >= timing_.max_bypass;
    const std::size_t looked_at = candidates(channel);
    // By what a bank needs (RD, WR, ACT or PRE): the banks for which an older burst needs the same. All constraints but
    // the age are the bank's, so a younger one can be neither ready earlier nor preferred.
    std::uint64_t asked[3] = {0, 0, 0};
    Entry* row_command = nullptr;
    for (std::size_t i = 0; i < looked_at; ++i) {
        Entry& entry = channel.queue[i];
        const std::int64_t open_row = device.open_row(entry.bank);
        const bool hit = open_row == entry.row;
        const std::uint64_t bank_bit = std::uint64_t{1} << entry.bank;
        std::uint64_t& same_need = asked[hit ? entry.burst.write : 2];
        if ((same_need & bank_bit) != 0 || now >= channel.refresh_due[entry.rank]) continue;
        if (hit && entry.blockers > 0) continue; // the issue of the blocker schedules again
        same_need |= bank_bit;
        Clock ready = 0;
        if (hit)
            ready = device.earliest_column(entry.bank, entry.burst.write);
        else if (open_row == DramDevice::closed)
            ready = device.earliest_act(entry.bank);
        else if (channel.hits[entry.bank] > 0 && !only_oldest)
            continue; // the last hit schedules again
        else
            ready = device.earliest_pre(entry.bank);
        ready = std::max(ready, entry.eligible);
        if (ready > now)
            wake = std::min(wake, ready);
        else if (hit)
            return issue_column(index, i, now);
        else if (row_command == nullptr)
            row_command = &entry;
    }
    if (row_command != nullptr) return issue_row(index, *row_command, now);
    channel.wake = wake;
}

bool DramController::schedule_refresh(int index, Clock now, Clock& wake)
{
    Channel& channel = channels_[index];
    for (int rank = 0; rank < timing_.ranks; ++rank) {
        if (now < channel.refresh_due[rank]) {
            wake = std::min(wake, channel.refresh_due[rank]);
            continue;
        }
        const int open_banks = channel.device.open_banks(rank);
        const Clock ready = open_banks > 0 ? channel.device.earliest_pre_all(rank) : channel.device.earliest_ref(rank);
        if (ready > now) {
            wake = std::min(wake, ready);
            continue;
        }
        int bus_clocks = 0;
        if (open_banks > 0) {
            counts_.pre += open_banks;
            const int first = rank * timing_.banks_per_rank();
            std::fill_n(channel.hits.begin() + first, timing_.banks_per_rank(), 0);
            bus_clocks = channel.device.precharge_all(rank, now);
            log_rank(DramCommandKind::pre_all, index, rank, now);
        } else {
            ++counts_.ref;
            bus_clocks = channel.device.refresh(rank, now);
            channel.refresh_due[rank] += timing_.trefi; // from the due time, so that lateness does not add up
            log_rank(DramCommandKind::ref, index, rank, now);
        }
        channel.wake = channel.command_bus_free = now + bus_clocks;
        return true;
    }
    return false;
}

void DramController::issue_column(int index, std::size_t position, Clock now)
{
    Channel& channel = channels_[index];
    const Entry entry = channel.queue[position];
    const bool write = entry.burst.write;
    channel.queue.erase(channel.queue.begin() + static_cast<std::ptrdiff_t>(position));
    for (std::size_t i = position; channel.blocked > 0 && i < channel.queue.size(); ++i) {
        if (!must_keep_order(entry.burst, channel.queue[i].burst)) continue;
        --channel.queue[i].blockers;
        --channel.blocked;
    }
    channel.queued_writes -= write;
    channel.bypassed = position == 0 ? 0 : channel.bypassed + 1;
    --channel.hits[entry.bank];
    ++(write ? counts_.wr : counts_.rd);
    ++(entry.activated ? counts_.row_misses : counts_.row_hits);

    const int latency = write ? timing_.write_latency() : timing_.read_latency();
    const Clock start = now + latency;
    const Clock alone = std::max(entry.eligible, channel.alone[entry.bank]) + latency;
    channel.transfers.push_back({entry.burst, start, start + timing_.burst_clocks(), alone});
    channel.wake = channel.command_bus_free = now + channel.device.column(entry.bank, write, now);
    log_burst(write ? DramCommandKind::wr : DramCommandKind::rd, entry.burst, now);
}

void DramController::issue_row(int index, Entry& entry, Clock now)
{
    Channel& channel = channels_[index];
    if (channel.device.open_row(entry.bank) != DramDevice::closed) {
        ++counts_.pre;
        channel.hits[entry.bank] = 0;
        channel.wake = channel.command_bus_free = now + channel.device.precharge(entry.bank, now);
        return log_burst(DramCommandKind::pre, entry.burst, now);
    }
    ++counts_.act;
    entry.activated = true;
    channel.alone[entry.bank] = std::max(entry.eligible, channel.device.earliest_act_alone(entry.bank)) + timing_.trcd;
    for (const Entry& queued : channel.queue) {
        if (queued.bank == entry.bank && queued.row == entry.row) ++channel.hits[entry.bank];
    }
    channel.wake = channel.command_bus_free = now + channel.device.activate(entry.bank, entry.row, now);
    log_burst(DramCommandKind::act, entry.burst, now);
}

void DramController::log_burst(DramCommandKind kind, const DramBurst& burst, Clock now) const
{
    if (log_) log_({now, kind, map_.place(burst.address_bytes), burst.tag});
}

void DramController::log_rank(DramCommandKind kind, int channel, int rank, Clock now) const
{
    DramPlace place;
    place.channel = channel;
    place.rank = rank;
    if (log_) log_({now, kind, place, 0});
}

} // namespace heddle
