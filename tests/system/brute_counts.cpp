#include "tests/system/brute_counts.hpp"

#include "tests/system/tile_fills.hpp"

#include <algorithm>

namespace heddle::test_system {

namespace {

using test_walk::Mac;

std::int64_t ceil_div(std::int64_t a, std::int64_t b)
{
    return (a + b - 1) / b;
}

class Counter {
public:
    Counter(const LayerPlan& plan, const HardwareConfig& hw, const Tensor& weights, const Tensor& inputs)
        : plan_(plan), hw_(hw), at_(plan), tiles_(plan), weights_(weights), inputs_(inputs),
          array_(plan.kind == PlanKind::array), resident_(hw.dram.kind == DramKind::resident)
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
            const Position p = at_.position(mac.at);
            hold(weights, pe, at_.weight_at(mac.at), at_.weight_at(mac.at), false);
            hold(inputs, pe, at_.input_index(mac.at), at_.input_at(p), !at_.inside(p));
            outputs.emplace(at_.output_at(mac.at), mac.y);
            tiles_.remember(mac.at, p);
            if (array_ && at_.inside(p)) counts_.effectual += product_counts(mac.at, p);
            if (array_ && plan_.keep_psums && !updated_.insert(pe).second) ++psum_registers_.reads;
        }
        if (array_) note_uses();
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

    /// Each PE's operands and psum are those of the step's first position, moved by the PE's place.
    void note_uses()
    {
        const Extents& first = step_[0].first;
        const Word now[] = {at_.weight_at(first), at_.input_index(first), at_.output_at(first)};
        for (std::size_t t = 0; t < 3; ++t) {
            if (now[t] != first_word_[t] || (t == 2 && first_of_pass_)) holding_[t].drop();
            first_word_[t] = now[t];
            for (const Mac& mac : step_) holding_[t].use(now[t], mac.y * hw_.array.cols + mac.x);
        }
    }

    static void hold(Held& held, int pe, Word lane, Word word, bool padding)
    {
        held.lanes.emplace(lane, Lane{word, padding, {}}).first->second.pes.push_back(pe);
        held.words.emplace_back(pe, word);
    }

    std::int64_t product_counts(const Extents& i, const Position& p) const
    {
        const int c = p.g * plan_.extent[dim_c] + p.c;
        return weights_.data[static_cast<std::size_t>(at_.weight_at(i))] != 0 && inputs_.at(p.n, c, p.row, p.col) != 0;
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

    /// Words read for the PEs, in beats of the network and the port; a load chain takes the array row by row.
    void deliver(Tensors t, const Held& held)
    {
        const bool weights = t == Tensors::weights;
        const Delivery delivery = weights ? plan_.weight_delivery : plan_.input_delivery;
        AccessCounts& buffer = counts_.accesses["global_buffer"][weights ? "weights" : "inputs"];
        const int network = (weights ? hw_.weight_network : hw_.input_network).words_per_beat;
        std::map<std::pair<int, int>, std::set<Word>>
            read;                                      // by row and beat of the network, whose lanes padding takes too
        std::map<int, std::vector<const Lane*>> lanes; // by row, in the order of their first PEs
        std::map<int, Word> now;                       // PE -> word, for the neighbours
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
            if (lane.padding) ++counts_.padding_words;
            lanes[delivery == Delivery::load_chain_y && array_ ? pe / hw_.array.cols : 0].push_back(&lane);
        }
        for (auto& [row, of_row] : lanes) {
            std::sort(of_row.begin(), of_row.end(), [](const Lane* a, const Lane* b) { return a->pes[0] < b->pes[0]; });
            std::set<Word> known; // a word is read once for the row
            for (std::size_t i = 0; i < of_row.size(); ++i)
                if (!of_row[i]->padding && known.insert(of_row[i]->word).second)
                    read[{row, array_ ? static_cast<int>(i) / network : 0}].insert(of_row[i]->word);
        }
        const GlobalBufferConfig& g = hw_.global_buffer;
        for (const auto& [beat, words] : read) {
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

    void close_tile()
    {
        close_step();
        close_pass();
        tiles_.close_tile();
    }

    void finish();

    const LayerPlan& plan_;
    const HardwareConfig& hw_;
    Coordinates at_;
    TileFills tiles_;
    const Tensor &weights_, &inputs_;
    bool array_, resident_;
    Counts counts_;
    std::vector<Mac> step_;
    int pass_ = 0, tile_ = 0, rows_ = 0, cols_ = 0;
    bool first_of_pass_ = true;
    Holding holding_[3];
    Word first_word_[3] = {-1, -1, -1};
    Held weights_before_, inputs_before_, weights_loaded_, inputs_loaded_;
    std::vector<std::map<int, Word>> history_; ///< shift: what the PEs held in the steps of this pass
    std::set<int> updated_;                    ///< PEs that have updated their psum in this pass
    AccessCounts psum_registers_;
    std::map<Word, int> pass_outputs_;
    std::map<Word, int> updates_;                          ///< of each output, over the layer
    std::vector<std::pair<Word, std::int64_t>> emissions_; ///< one of their words, and their beats
};

/// The buffer's and the DRAM's side: what was filled once per tile, what each output took, and where it went.
void Counter::finish()
{
    auto& glb = counts_.accesses["global_buffer"];
    auto& dram = counts_.accesses["dram"];
    const std::int64_t outputs = static_cast<std::int64_t>(updates_.size());
    if (!array_) glb["weights"];
    for (const auto& [tensor, words] : tiles_.fills()) {
        glb[tensor].fills = resident_ ? 0 : words;
        if (!resident_ && words > 0) dram[tensor].reads = words;
    }
    // Fused pooling writes the pooled map instead of the outputs that it takes in.
    const bool pooled = plan_.pool_layer >= 0;
    const std::int64_t results = pooled ? std::int64_t{plan_.extent[dim_n]} * plan_.extent[dim_g] *
                                              plan_.extent[dim_k] * plan_.pool_rows * plan_.pool_cols
                                        : outputs;
    glb["outputs"].updates = results;
    glb["outputs"].drains = resident_ ? 0 : results;
    if (!resident_) dram["outputs"].updates = results;
    if (!resident_ && array_) dram["parameters"].reads = std::int64_t{plan_.extent[dim_g]} * plan_.extent[dim_k];
    if (array_) counts_.post_words = outputs;
    counts_.post_operations = brute_post_operations(plan_);
    constexpr const char* names[] = {"weights", "inputs", "outputs"};
    for (std::size_t t = 0; t < 3 && array_; ++t) counts_.reuse[names[t]] = {holding_[t].uses, holding_[t].fills};
    if (array_ && plan_.keep_psums) counts_.accesses["register_file"]["psums"] = psum_registers_;
    AccessCounts psums;
    std::map<Word, int> seen;
    for (const auto& [word, beats] : emissions_) {
        const int index = ++seen[word];
        if (index > 1) psums.read_beats += beats;
        if (index < updates_[word]) psums.write_beats += beats;
        if (index < updates_[word]) continue;
        glb["outputs"].write_beats += pooled ? 0 : beats;
        if (plan_.add_layer >= 0) glb["operand2"].read_beats += beats;
    }
    // Through the array, complete sums leave without coming back to the buffer.
    const bool through =
        hw_.global_buffer.accumulation == Accumulation::through_array && plan_.psum_path != PsumPath::local;
    for (const auto& [word, n] : updates_)
        if (n > 1) {
            psums.updates += through ? n - 1 : n;
            psums.reads += n - 1;
        }
    if (through) counts_.hops["psums"] += psums.reads; // one from every sum that comes back to the array
    if (psums.updates > 0) glb["psums"] = psums;
    if (plan_.add_layer >= 0) glb["operand2"].reads = outputs;
}

} // namespace

Counts brute_counts(const LayerPlan& plan, const HardwareConfig& hw, const Tensor& weights, const Tensor& inputs)
{
    return Counter(plan, hw, weights, inputs).run();
}

} // namespace heddle::test_system
