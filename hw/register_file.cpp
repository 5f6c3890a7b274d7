#include "hw/register_file.hpp"

#include <algorithm>

namespace heddle {

RegisterFile::Slot* RegisterFile::take()
{
    if (free_.empty()) {
        slots_.push_back(std::make_unique<Slot>());
        slots_.back()->words = PeMatrix(rows_, cols_);
        slots_.back()->nonzero_in_row.resize(static_cast<std::size_t>(rows_));
        return slots_.back().get();
    }
    Slot* s = free_.back();
    free_.pop_back();
    std::fill(s->words.data.begin(), s->words.data.end(), 0);
    s->counted = false;
    return s;
}

/// Of each row of MACs, how many hold a word other than zero.
const std::int32_t* RegisterFile::nonzero_in_row(int entry)
{
    Slot& s = slot(entry);
    if (!s.counted)
        for (int y = 0; y < rows_; ++y)
            s.nonzero_in_row[static_cast<std::size_t>(y)] =
                static_cast<std::int32_t>(cols_ - std::count(s.words.row(y), s.words.row(y) + cols_, 0));
    s.counted = true;
    return s.nonzero_in_row.data();
}

} // namespace heddle
