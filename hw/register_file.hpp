// The register files of all PEs for one tensor: the entries in use by the current pass, and those arriving for the pass
// that is loaded next. Entries are renamed, not moved, when a window slides.
#pragma once

#include "hw/pe_kernels.hpp"
#include "hw/register_tile.hpp"

#include <memory>

namespace heddle {

class RegisterFile {
public:
    struct Slot {
        PeMatrix words;
        std::vector<std::int32_t> nonzero_in_row; ///< once counted
        bool counted = false;
    };

    void restart(int rows, int cols, const RegisterTile& tile)
    {
        if (slots_.empty() || slots_.front()->words.rows != rows || slots_.front()->words.cols != cols) slots_.clear();
        rows_ = rows;
        cols_ = cols;
        current_.assign(static_cast<std::size_t>(tile.numbers()), nullptr);
        arriving_ = current_;
        free_.clear();
        for (auto& s : slots_) free_.push_back(s.get());
    }
    /// Of the current pass.
    Slot& slot(int entry) { return *current_[static_cast<std::size_t>(entry)]; }
    const Slot* find(int entry) const { return current_.empty() ? nullptr : current_[static_cast<std::size_t>(entry)]; }
    /// Of the pass that is loaded; zero where nothing has arrived.
    PeMatrix& arriving(int entry)
    {
        Slot*& s = arriving_[static_cast<std::size_t>(entry)];
        if (!s) s = take();
        return s->words;
    }
    /// The loaded pass begins: `touched` are its entries, `held(t)` the old one that becomes it, or -1.
    template <typename Held> void commit(const RegisterTile::List& touched, const Held& held)
    {
        next_.assign(current_.size(), nullptr);
        for (const RegisterTile::Touched& t : touched) {
            const std::size_t e = static_cast<std::size_t>(t.entry);
            const int old = held(t);
            if (old >= 0) {
                next_[e] = current_[static_cast<std::size_t>(old)];
                current_[static_cast<std::size_t>(old)] = nullptr;
            } else {
                next_[e] = arriving_[e] ? arriving_[e] : take(); // nothing arrives without values
                arriving_[e] = nullptr;
            }
        }
        for (Slot* s : current_)
            if (s) free_.push_back(s);
        std::swap(current_, next_);
    }
    const std::int32_t* nonzero_in_row(int entry);
    /// Words of an entry that are about to be changed.
    PeMatrix& flip(int entry)
    {
        slot(entry).counted = false;
        return slot(entry).words;
    }

private:
    Slot* take();

    int rows_ = 0, cols_ = 0;
    std::vector<std::unique_ptr<Slot>> slots_;
    std::vector<Slot*> current_, arriving_, next_, free_;
};

} // namespace heddle
