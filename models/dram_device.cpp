#include "models/dram_device.hpp"

namespace heddle {

namespace {

void not_before(DramDevice::Clock& constraint, DramDevice::Clock clock)
{
    constraint = std::max(constraint, clock);
}

} // namespace

DramDevice::DramDevice(const DramTiming& timing)
    : timing_(timing), banks_(timing.ranks * timing.banks_per_rank()), groups_(timing.ranks * timing.bank_groups),
      ranks_(timing.ranks)
{
    for (int bank = 0; bank < static_cast<int>(banks_.size()); ++bank) {
        group_of_.push_back(bank / timing.banks_per_group);
        rank_of_.push_back(bank / timing.banks_per_rank());
    }
}

DramDevice::Clock DramDevice::earliest_pre_all(int rank) const
{
    Clock clock = 0;
    const int first = rank * timing_.banks_per_rank();
    for (int bank = first; bank < first + timing_.banks_per_rank(); ++bank) {
        if (banks_[bank].row != closed) not_before(clock, banks_[bank].pre);
    }
    return clock;
}

DramDevice::Clock DramDevice::earliest_ref(int rank) const
{
    Clock clock = 0;
    const int first = rank * timing_.banks_per_rank();
    for (int bank = first; bank < first + timing_.banks_per_rank(); ++bank) not_before(clock, banks_[bank].act);
    return clock;
}

int DramDevice::activate(int bank, std::int64_t row, Clock now)
{
    Bank& b = banks_[bank];
    Rank& rank = ranks_[rank_of(bank)];
    b.row = row;
    b.column = now + timing_.trcd;
    b.pre = now + timing_.tras;
    b.act = now + timing_.trc;
    not_before(groups_[group_of(bank)].act, now + timing_.trrd_l);
    not_before(rank.act, now + timing_.trrd_s);
    rank.last_acts[rank.acts++ % 4] = now;
    if (rank.acts >= 4) not_before(rank.act, rank.last_acts[rank.acts % 4] + timing_.tfaw);
    open(rank, now);
    return timing_.act_command_clocks;
}

int DramDevice::precharge(int bank, Clock now)
{
    banks_[bank].row = closed;
    not_before(banks_[bank].act, now + timing_.trp);
    close(ranks_[rank_of(bank)], 1, now);
    return timing_.pre_command_clocks;
}

int DramDevice::precharge_all(int rank, Clock now)
{
    const int first = rank * timing_.banks_per_rank();
    for (int bank = first; bank < first + timing_.banks_per_rank(); ++bank) {
        banks_[bank].row = closed;
        not_before(banks_[bank].act, now + timing_.trp_all);
    }
    close(ranks_[rank], ranks_[rank].open_banks, now);
    return timing_.pre_command_clocks;
}

int DramDevice::column(int bank, bool write, Clock now)
{
    const Clock after_data = now + (write ? timing_.write_data_end() : timing_.read_data_end());
    not_before(banks_[bank].pre, write ? after_data + timing_.twr : now + timing_.trtp);

    Group& group = groups_[group_of(bank)];
    not_before(group.column[write], now + timing_.tccd_l);
    if (write) not_before(group.column[false], after_data + timing_.twtr_l);

    const int own = rank_of(bank);
    for (int r = 0; r < timing_.ranks; ++r) {
        Rank& rank = ranks_[r];
        not_before(rank.column[write], now + (r == own ? timing_.tccd_s : timing_.same_direction_other_rank()));
        if (!write)
            not_before(rank.column[true], now + timing_.read_to_write());
        else if (r == own)
            not_before(rank.column[false], after_data + timing_.twtr_s);
        else
            not_before(rank.column[false], now + timing_.write_to_read_other_rank());
    }
    return timing_.column_command_clocks;
}

int DramDevice::refresh(int rank, Clock now)
{
    const int first = rank * timing_.banks_per_rank();
    for (int bank = first; bank < first + timing_.banks_per_rank(); ++bank)
        not_before(banks_[bank].act, now + timing_.trfc);
    ranks_[rank].refreshed = now + timing_.trfc;
    return timing_.ref_command_clocks;
}

void DramDevice::restart(Clock now, Clock ready)
{
    for (Bank& bank : banks_) bank = {closed, ready, 0, 0};
    for (Group& group : groups_) group = {};
    for (Rank& rank : ranks_) {
        close(rank, rank.open_banks, now);
        rank.act = rank.column[false] = rank.column[true] = 0;
        rank.acts = 0;
        rank.refreshed = 0;
    }
}

DramDevice::Clock DramDevice::active_clocks(Clock now) const
{
    Clock sum = 0;
    for (const Rank& rank : ranks_) sum += rank.active + (rank.open_banks > 0 ? now - rank.active_since : 0);
    return sum;
}

void DramDevice::open(Rank& rank, Clock now)
{
    if (rank.open_banks++ == 0) rank.active_since = now;
}

void DramDevice::close(Rank& rank, int banks, Clock now)
{
    if (banks > 0 && (rank.open_banks -= banks) == 0) rank.active += now - rank.active_since;
}

} // namespace heddle
