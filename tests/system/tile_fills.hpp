// The words that tiles hold, and of these the ones that the tile before did not (sliding reuse).
#pragma once

#include "tests/system/coordinates.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <string>

namespace heddle::test_system {

class TileFills {
public:
    explicit TileFills(const LayerPlan& plan) : plan_(plan), at_(plan) {}

    void remember(const Extents& i, const Position& p)
    {
        weights_.insert(at_.weight_at(i));
        outputs_.insert(at_.output_at(i));
        channels_.insert({p.n, p.g, p.c});
        rows_.insert(p.row);
        cols_.insert(p.col);
    }

    void close_tile()
    {
        const Window& w = plan_.window;
        std::set<Word> inputs;
        const std::set<int> rows =
            spanned(rows_, plan_.extent[dim_r], w.stride_rows, w.pad_top, plan_.extent[dim_p], plan_.in_rows);
        const std::set<int> cols =
            spanned(cols_, plan_.extent[dim_s], w.stride_cols, w.pad_left, plan_.extent[dim_q], plan_.in_cols);
        for (const auto& [n, g, c] : channels_)
            for (int row : rows)
                for (int col : cols) inputs.insert(at_.input_at({n, g, c, row, col}));
        if (plan_.kind == PlanKind::array) fills_["weights"] += fresh(weights_, weights_before_);
        fills_["inputs"] += fresh(inputs, inputs_before_);
        if (plan_.add_layer >= 0) fills_["operand2"] += fresh(outputs_, operand2_before_);
        weights_.clear();
        outputs_.clear();
        channels_.clear();
        rows_.clear();
        cols_.clear();
    }

    /// Words fetched, by tensor.
    const std::map<std::string, std::int64_t>& fills() const { return fills_; }

private:
    /// Rows (or columns) that a tile holds: all between the first and the last, but for a one-tap window that strides
    /// without touching padding, which leaves out what it steps over.
    static std::set<int> spanned(const std::set<int>& touched, int filter, int stride, int pad, int outputs, int size)
    {
        if (filter == 1 && stride > 1 && pad == 0 && (outputs - 1) * stride < size) return touched;
        std::set<int> all;
        for (int i = *touched.begin(); i <= *touched.rbegin(); ++i)
            if (i >= 0 && i < size) all.insert(i);
        return all;
    }

    static std::int64_t fresh(const std::set<Word>& words, std::set<Word>& before)
    {
        const std::int64_t n = std::count_if(words.begin(), words.end(), [&](Word w) { return before.count(w) == 0; });
        before = words;
        return n;
    }

    const LayerPlan& plan_;
    Coordinates at_;
    std::set<Word> weights_, outputs_, weights_before_, inputs_before_, operand2_before_;
    std::set<std::array<int, 3>> channels_;
    std::set<int> rows_, cols_;
    std::map<std::string, std::int64_t> fills_;
};

} // namespace heddle::test_system
