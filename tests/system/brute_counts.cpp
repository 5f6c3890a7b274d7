#include "tests/system/brute_counts.hpp"

#include <algorithm>
#include <climits>

namespace heddle::test_system {

namespace {

using Word = std::int64_t;
using test_walk::Mac;

std::int64_t ceil_div(std::int64_t a, std::int64_t b)
{
    return (a + b - 1) / b;
}

struct Position {
    int n, g, c, row, col; ///< of the input map; rows and columns outside it are padding
};

class Counter {
public:
    Counter(const LayerPlan& plan, const HardwareConfig& hw, const Tensor& weights, const Tensor& inputs)
        : plan_(plan), hw_(hw), weights_(weights), inputs_(inputs), array_(plan.kind == PlanKind::array),
          resident_(hw.dram.kind == DramKind::resident)
    {
    }

    Counts run()
    {
        test_walk::PlanWalk walk(plan_, [this](const Mac& mac) { visit(mac); });
        walk.run();
        close_tile();
        finish();
        return counts_;
    }

private:
    /// A word and the PEs that are served by it together.
    struct Lane {
        Word word;
        bool padding;
        std::vector<int> pes;
    };
    /// What an operand's PEs hold at one step: PE -> word in the order of the walk, and the lanes that bring them. PEs
    /// share a lane when their loops put them on the same index, or, where the wires share by value, on the same word.
    struct Held {
        std::vector<std::pair<int, Word>> words;
        std::map<Word, Lane> lanes;
    };

    Word weight_at(const Extents& i) const
    {
        const Extents& e = plan_.extent;
        return (((Word{i[dim_g]} * e[dim_k] + i[dim_k]) * e[dim_c] + i[dim_c]) * e[dim_r] + i[dim_r]) * e[dim_s] +
               i[dim_s];
    }
    Word output_at(const Extents& i) const
    {
        const Extents& e = plan_.extent;
        return (((Word{i[dim_n]} * e[dim_g] + i[dim_g]) * e[dim_k] + i[dim_k]) * e[dim_p] + i[dim_p]) * e[dim_q] +
               i[dim_q];
    }
    Position position(const Extents& i) const
    {
        const Window& w = plan_.window;
        return {i[dim_n], i[dim_g], i[dim_c], i[dim_p] * w.stride_rows + i[dim_r] * w.dilation_rows - w.pad_top,
                i[dim_q] * w.stride_cols + i[dim_s] * w.dilation_cols - w.pad_left};
    }
    Word input_at(const Position& p) const
    {
        const Extents& e = plan_.extent;
        constexpr Word wide = 1 << 14, middle = wide / 2;
        return (((Word{p.n} * e[dim_g] + p.g) * e[dim_c] + p.c) * wide + p.row + middle) * wide + p.col + middle;
    }
    Word input_index(const Extents& i) const
    {
        Word index = 0;
        for (Dim d : {dim_n, dim_g, dim_c, dim_p, dim_q, dim_r, dim_s}) index = index * plan_.extent[d] + i[d];
        return index;
    }
    bool inside(const Position& p) const
    {
        return p.row >= 0 && p.row < plan_.in_rows && p.col >= 0 && p.col < plan_.in_cols;
    }

    void visit(const Mac& mac)
    {
        if (!step_.empty() && mac.step != step_[0].step) {
            close_step();
            if (mac.pass != pass_) close_pass();
            if (mac.tile != tile_) close_tile();
        }
        pass_ = mac.pass;
        tile_ = mac.tile;
        step_.push_back(mac);
    }

    // ---- One step

    void close_step()
    {
        if (step_.empty()) return;
        Held weights, inputs;
        std::map<Word, int> outputs; // word -> row of its first PE
        rows_ = cols_ = 0;
        for (const Mac& mac : step_) {
            const int pe = mac.y * hw_.array.cols + mac.x;
            rows_ = std::max(rows_, mac.y + 1);
            cols_ = std::max(cols_, mac.x + 1);
            const Position p = position(mac.at);
            hold(weights, pe, weight_at(mac.at), weight_at(mac.at), false);
            hold(inputs, pe, input_index(mac.at), input_at(p), !inside(p));
            outputs.emplace(output_at(mac.at), mac.y);
            remember(mac.at, p);
            if (array_ && inside(p)) counts_.effectual += product_counts(mac.at, p);
            if (array_ && plan_.keep_psums && !updated_.insert(pe).second) ++psum_registers_.reads;
        }
        const std::int64_t pes = static_cast<std::int64_t>(step_.size());
        if (array_) counts_.macs += pes;
        if (array_) operand(Tensors::weights, weights, weights_before_, weights_loaded_, plan_.keep_weights);
        operand(Tensors::inputs, inputs, inputs_before_, inputs_loaded_, array_ && plan_.keep_inputs);
        if (array_ && plan_.keep_psums) {
            psum_registers_.updates += pes;
            pass_outputs_.insert(outputs.begin(), outputs.end());
        } else if (array_) {
            if (plan_.psum_path == PsumPath::chain_y) counts_.hops["psums"] += pes;
            emit(outputs, false);
        } else {
            counts_.post_words += pes;
            pass_outputs_.insert(outputs.begin(), outputs.end());
        }
        first_of_pass_ = false;
        step_.clear();
    }

    static void hold(Held& held, int pe, Word lane, Word word, bool padding)
    {
        held.lanes.emplace(lane, Lane{word, padding, {}}).first->second.pes.push_back(pe);
        held.words.emplace_back(pe, word);
    }

    std::int64_t product_counts(const Extents& i, const Position& p) const
    {
        const int c = p.g * plan_.extent[dim_c] + p.c;
        return weights_.data[static_cast<std::size_t>(weight_at(i))] != 0 && inputs_.at(p.n, c, p.row, p.col) != 0;
    }

    /// A kept operand is loaded when it is not what the PEs already hold; a streamed one comes whenever it changes.
    void operand(Tensors t, const Held& held, Held& before, Held& loaded, bool kept)
    {
        AccessCounts& registers = counts_.accesses["register_file"][t == Tensors::weights ? "weights" : "inputs"];
        if (kept) {
            registers.reads += static_cast<std::int64_t>(held.words.size());
            if (first_of_pass_ && held.words != loaded.words) {
                registers.fills += static_cast<std::int64_t>(held.words.size());
                loaded = held;
                deliver(t, held);
            }
        } else if (first_of_pass_ || held.words != before.words) {
            deliver(t, held);
        }
        before = held;
    }

    /// Words read for the PEs, in beats of the port; a load chain takes the array row by row.
    void deliver(Tensors t, const Held& held)
    {
        const bool weights = t == Tensors::weights;
        const Delivery delivery = weights ? plan_.weight_delivery : plan_.input_delivery;
        AccessCounts& buffer = counts_.accesses["global_buffer"][weights ? "weights" : "inputs"];
        std::map<int, std::set<Word>> read_by_row;
        std::map<int, Word> now; // PE -> word, for the neighbours
        for (const auto& [key, lane] : held.lanes) {
            const int pe = lane.pes[0];
            if (array_ && delivery == Delivery::shift) {
                now[pe] = lane.word;
                if (neighbour_held(pe, lane.word)) {
                    ++counts_.hops["inputs"];
                    continue;
                }
            }
            if (array_) counts_.hops[weights ? "weights" : "inputs"] += links(delivery, lane.pes);
            if (lane.padding)
                ++counts_.padding_words;
            else
                read_by_row[delivery == Delivery::load_chain_y && array_ ? pe / hw_.array.cols : 0].insert(lane.word);
        }
        const GlobalBufferConfig& g = hw_.global_buffer;
        for (const auto& [row, words] : read_by_row) {
            const std::int64_t count = static_cast<std::int64_t>(words.size());
            buffer.reads += count;
            buffer.read_beats += ceil_div(count, (weights ? g.weights : g.inputs).read_port.words);
        }
        if (array_ && delivery == Delivery::shift) history_.push_back(now);
    }

    /// Did the PE to the right or below hold the word in this pass, no longer ago than its link remembers?
    bool neighbour_held(int pe, Word word) const
    {
        const int cols = hw_.array.cols;
        const std::size_t depth =
            std::min(history_.size(), static_cast<std::size_t>(hw_.input_network.link_fifo_words));
        for (std::size_t age = 1; age <= depth; ++age) {
            const std::map<int, Word>& past = history_[history_.size() - age];
            for (int other : {(pe + 1) % cols != 0 ? pe + 1 : -1, pe + cols}) {
                const auto found = past.find(other);
                if (found != past.end() && found->second == word) return true;
            }
        }
        return false;
    }

    std::int64_t links(Delivery delivery, const std::vector<int>& pes) const
    {
        if (delivery == Delivery::systolic_x) return cols_;
        if (delivery == Delivery::systolic_y) return rows_;
        if (delivery == Delivery::load_chain_y) return pes[0] / hw_.array.cols + 1;
        return static_cast<std::int64_t>(pes.size());
    }

    // ---- Psums

    /// Output words that leave the array together, row by row when they come from registers.
    void emit(const std::map<Word, int>& outputs, bool by_row)
    {
        const int width = array_ ? hw_.psum_network.words_per_beat : hw_.post.words_per_cycle;
        std::map<int, std::int64_t> words; // of a row
        for (const auto& [word, row] : outputs) {
            ++updates_[word];
            ++words[by_row ? row : 0];
        }
        std::int64_t beats = 0;
        for (const auto& [row, count] : words) beats += ceil_div(count, width);
        emissions_.emplace_back(outputs.begin()->first, beats);
    }

    void close_pass()
    {
        first_of_pass_ = true;
        history_.clear();
        updated_.clear();
        if (pass_outputs_.empty()) return;
        emit(pass_outputs_, array_ && hw_.psum_network.words_per_beat < hw_.pes());
        if (array_) psum_registers_.drains += static_cast<std::int64_t>(pass_outputs_.size());
        if (array_) counts_.hops["psums"] += static_cast<std::int64_t>(pass_outputs_.size());
        pass_outputs_.clear();
    }

    // ---- Tiles

    void remember(const Extents& i, const Position& p)
    {
        tile_weights_.insert(weight_at(i));
        tile_outputs_.insert(output_at(i));
        tile_channels_.insert({p.n, p.g, p.c});
        tile_rows_.insert(p.row);
        tile_cols_.insert(p.col);
    }

    /// Rows (or columns) that a tile holds: all between the first and the last, but for a 1x1 window that strides
    /// without padding, which leaves out what it steps over.
    static std::set<int> spanned(const std::set<int>& touched, int filter, int stride, int pad, int size)
    {
        if (filter == 1 && stride > 1 && pad == 0) return touched;
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

    void close_tile()
    {
        close_step();
        close_pass();
        const Window& w = plan_.window;
        std::set<Word> inputs;
        const std::set<int> rows = spanned(tile_rows_, plan_.extent[dim_r], w.stride_rows, w.pad_top, plan_.in_rows);
        const std::set<int> cols = spanned(tile_cols_, plan_.extent[dim_s], w.stride_cols, w.pad_left, plan_.in_cols);
        for (const auto& [n, g, c] : tile_channels_)
            for (int row : rows)
                for (int col : cols) inputs.insert(input_at({n, g, c, row, col}));
        if (array_) fills_["weights"] += fresh(tile_weights_, weights_in_buffer_);
        fills_["inputs"] += fresh(inputs, inputs_in_buffer_);
        if (plan_.add_layer >= 0) fills_["operand2"] += fresh(tile_outputs_, operand2_in_buffer_);
        tile_weights_.clear();
        tile_outputs_.clear();
        tile_channels_.clear();
        tile_rows_.clear();
        tile_cols_.clear();
    }

    void finish();

    const LayerPlan& plan_;
    const HardwareConfig& hw_;
    const Tensor &weights_, &inputs_;
    bool array_, resident_;
    Counts counts_;
    std::vector<Mac> step_;
    int pass_ = 0, tile_ = 0, rows_ = 0, cols_ = 0;
    bool first_of_pass_ = true;
    Held weights_before_, inputs_before_, weights_loaded_, inputs_loaded_;
    std::vector<std::map<int, Word>> history_; ///< shift: what the PEs held in the steps of this pass
    std::set<int> updated_;                    ///< PEs that have updated their psum in this pass
    AccessCounts psum_registers_;
    std::map<Word, int> pass_outputs_;
    std::map<Word, int> updates_;                          ///< of each output, over the layer
    std::vector<std::pair<Word, std::int64_t>> emissions_; ///< one of their words, and their beats
    std::set<Word> tile_weights_, tile_outputs_, weights_in_buffer_, inputs_in_buffer_, operand2_in_buffer_;
    std::set<std::array<int, 3>> tile_channels_;
    std::set<int> tile_rows_, tile_cols_;
    std::map<std::string, std::int64_t> fills_;
};

/// The buffer's and the DRAM's side: what was filled once per tile, what each output took, and where it went.
void Counter::finish()
{
    auto& glb = counts_.accesses["global_buffer"];
    auto& dram = counts_.accesses["dram"];
    const std::int64_t outputs = static_cast<std::int64_t>(updates_.size());
    if (!array_) glb["weights"];
    for (const auto& [tensor, words] : fills_) {
        glb[tensor].fills = resident_ ? 0 : words;
        if (!resident_ && words > 0) dram[tensor].reads = words;
    }
    glb["outputs"].updates = outputs;
    glb["outputs"].drains = resident_ ? 0 : outputs;
    if (!resident_) dram["outputs"].updates = outputs;
    if (!resident_ && array_) dram["parameters"].reads = std::int64_t{plan_.extent[dim_g]} * plan_.extent[dim_k];
    if (array_) counts_.post_words = outputs;
    if (array_ && plan_.keep_psums) counts_.accesses["register_file"]["psums"] = psum_registers_;
    AccessCounts psums;
    std::map<Word, int> seen;
    for (const auto& [word, beats] : emissions_) {
        const int index = ++seen[word];
        if (index > 1) psums.read_beats += beats;
        if (index < updates_[word]) psums.write_beats += beats;
        if (index < updates_[word]) continue;
        glb["outputs"].write_beats += beats;
        if (plan_.add_layer >= 0) glb["operand2"].read_beats += beats;
    }
    for (const auto& [word, n] : updates_)
        if (n > 1) {
            psums.updates += n;
            psums.reads += n - 1;
        }
    if (psums.updates > 0) glb["psums"] = psums;
    if (plan_.add_layer >= 0) glb["operand2"].reads = outputs;
}

} // namespace

Counts brute_counts(const LayerPlan& plan, const HardwareConfig& hw, const Tensor& weights, const Tensor& inputs)
{
    return Counter(plan, hw, weights, inputs).run();
}

} // namespace heddle::test_system
