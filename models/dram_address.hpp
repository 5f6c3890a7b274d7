// Which channel, rank, bank group, bank, row and column a byte address means.
#pragma once

#include <array>
#include <cstdint>
#include <string>

namespace heddle {

struct DramTiming;

struct DramPlace {
    int channel = 0;
    int rank = 0;
    int group = 0; ///< bank group within the rank
    int bank = 0;  ///< within the bank group
    std::int64_t row = 0;
    int column = 0; ///< in bursts
};

/// Cuts an address into fields in the order of e.g. "row:rank:bank:column:bankgroup:channel", most significant first;
/// below the last one lies the offset in a burst. With `bankgroup` below `column` consecutive bursts alternate between
/// bank groups, so DDR4 streams at tCCD_S; with `channel` last they alternate between channels.
class DramAddressMap {
public:
    explicit DramAddressMap(const DramTiming& timing);

    DramPlace place(std::uint64_t address_bytes) const;
    std::uint64_t address(const DramPlace& place) const;

    /// Empty when `order` names each of the six fields exactly once.
    static std::string order_error(const std::string& order);

private:
    enum Field { channel, rank, group, bank, row, column, field_count };
    std::array<int, field_count> shift_{};
    std::array<std::uint64_t, field_count> mask_{};
};

} // namespace heddle
