#include "models/dram_address.hpp"

#include "dnn/base/error.hpp"
#include "models/dram_timing.hpp"

#include <algorithm>
#include <sstream>
#include <vector>

namespace heddle {

namespace {

/// In the order of DramAddressMap::Field.
const char* const field_names[] = {"channel", "rank", "bankgroup", "bank", "row", "column"};

std::vector<std::string> split(const std::string& order)
{
    std::vector<std::string> parts;
    std::istringstream in(order);
    for (std::string part; std::getline(in, part, ':');) parts.push_back(part);
    return parts;
}

} // namespace

std::string DramAddressMap::order_error(const std::string& order)
{
    std::vector<std::string> parts = split(order);
    std::vector<std::string> wanted(std::begin(field_names), std::end(field_names));
    std::sort(parts.begin(), parts.end());
    std::sort(wanted.begin(), wanted.end());
    if (parts == wanted) return {};
    return "expected row, rank, bank, bankgroup, column and channel once each, separated by ':', got \"" + order + "\"";
}

DramAddressMap::DramAddressMap(const DramTiming& timing)
{
    if (const std::string error = order_error(timing.address_order); !error.empty()) {
        throw UserError("address_order: " + error);
    }
    const std::uint64_t sizes[field_count] = {static_cast<std::uint64_t>(timing.channels),
                                              static_cast<std::uint64_t>(timing.ranks),
                                              static_cast<std::uint64_t>(timing.bank_groups),
                                              static_cast<std::uint64_t>(timing.banks_per_group),
                                              static_cast<std::uint64_t>(timing.rows),
                                              static_cast<std::uint64_t>(timing.row_bytes / timing.burst_bytes())};
    const auto log2 = [](std::uint64_t value) {
        int bits = 0;
        while (value >>= 1) ++bits;
        return bits;
    };
    int shift = log2(static_cast<std::uint64_t>(timing.burst_bytes()));
    const std::vector<std::string> parts = split(timing.address_order);
    for (auto part = parts.rbegin(); part != parts.rend(); ++part) {
        const auto field = std::find(std::begin(field_names), std::end(field_names), *part) - std::begin(field_names);
        shift_[field] = shift;
        mask_[field] = sizes[field] - 1;
        shift += log2(sizes[field]);
    }
}

DramPlace DramAddressMap::place(std::uint64_t address_bytes) const
{
    const auto get = [&](Field field) { return (address_bytes >> shift_[field]) & mask_[field]; };
    DramPlace place;
    place.channel = static_cast<int>(get(channel));
    place.rank = static_cast<int>(get(rank));
    place.group = static_cast<int>(get(group));
    place.bank = static_cast<int>(get(bank));
    place.row = static_cast<std::int64_t>(get(row));
    place.column = static_cast<int>(get(column));
    return place;
}

std::uint64_t DramAddressMap::address(const DramPlace& place) const
{
    const auto put = [&](Field field, std::int64_t value) {
        return static_cast<std::uint64_t>(value) << shift_[field];
    };
    return put(channel, place.channel) | put(rank, place.rank) | put(group, place.group) | put(bank, place.bank) |
           put(row, place.row) | put(column, place.column);
}

} // namespace heddle
