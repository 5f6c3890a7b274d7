// Counts of machines whose PEs keep everything in register files (row-stationary, vector PEs), from the loops alone.
//
// Per pass and operand: the entries of the register files are the coordinates that the step's first position reaches;
// each holds the words of all PEs at that step. A pass whose coordinates are those of the pass before loads nothing;
// where register files fill word by word, one that moved along one output dimension loads what it has not.
#include "tests/system/brute_counts.hpp"
#include "tests/system/tile_fills.hpp"

#include <algorithm>

namespace heddle::test_system {

namespace {

using test_walk::Mac;

class PeCounter {
public:
    PeCounter(const LayerPlan& plan, const HardwareConfig& hw, const Tensor& weights, const Tensor& inputs)
        : plan_(plan), hw_(hw), at_(plan), tiles_(plan), weights_(weights), inputs_(inputs),
          resident_(hw.dram.kind == DramKind::resident)
    {
        for (const AxisLoop& l : plan.pass_loops)
            if (l.by_input) (plan.axes[static_cast<std::size_t>(l.axis)].dims.front() == dim_p ? rows_ : cols_) = true;
        for (const SpatialLoop& s : plan.spatial)
            if (s.place == Place::vector && s.count > 1 &&
                !reduces(plan.axes[static_cast<std::size_t>(s.axis)].dims.front()))
                own_psums_ = true;
    }

    Counts run()
    {
        test_walk::PlanWalk walk(plan_, [this](const Mac& mac) { visit(mac); });
        walk.run();
        close_pass();
        tiles_.close_tile();
        finish();
        return counts_;
    }

private:
    using PeWords = std::map<int, std::set<Word>>; ///< PE -> different words in it
    /// An operand's (or the psums') share of a pass.
    struct Content {
        std::map<Word, PeWords> entries; ///< by the first position's coordinate
        std::set<Word> index;            ///< every coordinate, loops told apart
        std::set<Word> padding;
    };

    void visit(const Mac& mac)
    {
        if (!step_.empty() && mac.step != step_[0].step) {
            close_step();
            if (mac.group != step_group_) close_group();
            if (mac.pass != pass_) close_pass();
            if (mac.tile != tile_) tiles_.close_tile();
        }
        pass_ = mac.pass;
        tile_ = mac.tile;
        step_group_ = mac.group;
        step_.push_back(mac);
    }

    Word key(Tensors t, const Extents& i) const
    {
        if (t == Tensors::weights) return at_.weight_at(i);
        return t == Tensors::inputs ? at_.input_at(at_.position(i)) : at_.output_at(i);
    }

    /// What a collector holds: inputs by their place in the loops, and by row and column where the loops run over them.
    Word held(Tensors t, const Extents& i) const
    {
        if (t != Tensors::inputs) return key(t, i);
        Extents place = i;
        const Position p = at_.position(i);
        constexpr int middle = 1 << 9;
        if (rows_) place[dim_r] = 0;
        if (cols_) place[dim_s] = 0;
        Word index = (rows_ ? p.row : 0) + middle;
        index = (index << 10) + (cols_ ? p.col : 0) + middle;
        if (rows_) place[dim_p] = 0;
        if (cols_) place[dim_q] = 0;
        for (Dim d : {dim_n, dim_g, dim_c, dim_p, dim_q, dim_r, dim_s}) index = index * plan_.extent[d] + place[d];
        return index;
    }

    void close_step()
    {
        if (step_.empty()) return;
        std::set<std::pair<int, int>> pes; // tensor and PE
        for (const Mac& mac : step_) {
            const int pe = mac.y * hw_.array.cols + mac.x;
            const Position p = at_.position(mac.at);
            tiles_.remember(mac.at, p);
            if (at_.inside(p)) counts_.effectual += product_counts(mac.at, p);
            for (const Tensors t : {Tensors::weights, Tensors::inputs, Tensors::outputs}) {
                Content& c = content(t);
                // Psums: a cell for every lane, and for every element where these are not summed.
                const Word cell = mac.lane * hw_.array.vector + (own_psums_ ? mac.element : 0);
                const Word word = t == Tensors::outputs ? cell : key(t, mac.at);
                c.entries[key(t, mac.first)][pe].insert(word);
                c.index.insert(t == Tensors::inputs ? at_.input_index(mac.at) : key(t, mac.at));
                if (t == Tensors::inputs && !at_.inside(p)) c.padding.insert(word);
                PeWords& now = group_[static_cast<int>(t)][held(t, mac.first)];
                now[pe].insert(word);
                tile_of_group_[static_cast<int>(t)].insert(held(t, mac.first));
                if (pes.insert({static_cast<int>(t), pe}).second)
                    uses_[static_cast<int>(t)].emplace_back(held(t, mac.first), pe);
            }
            outputs_.insert(at_.output_at(mac.at));
        }
        counts_.macs += static_cast<std::int64_t>(step_.size());
        step_.clear();
    }

    std::int64_t product_counts(const Extents& i, const Position& p) const
    {
        const int c = p.g * plan_.extent[dim_c] + p.c;
        return weights_.data[static_cast<std::size_t>(at_.weight_at(i))] != 0 && inputs_.at(p.n, c, p.row, p.col) != 0;
    }

    static std::int64_t words(const PeWords& pes)
    {
        std::int64_t n = 0;
        for (const auto& [pe, w] : pes) n += static_cast<std::int64_t>(w.size());
        return n;
    }

    /// Steps over which the collectors hold the same tile; without collectors, a step.
    void close_group()
    {
        if (group_[0].empty()) return;
        for (const Tensors t : {Tensors::weights, Tensors::inputs, Tensors::outputs}) {
            const auto i = static_cast<std::size_t>(t);
            const bool psums = t == Tensors::outputs;
            const bool stays = tile_of_group_[i] == tile_before_[i] && !(psums && first_group_);
            if (!stays) reuse_[i].drop();
            for (const auto& [entry, pe] : uses_[i]) reuse_[i].use(entry, pe);
            uses_[i].clear();
            const bool same = hw_.array.collectors && stays;
            if (!same) holding_[i].clear();
            for (const auto& [entry, pes] : group_[i]) {
                std::int64_t n = 0; // words of PEs that do not hold the entry yet
                for (const auto& [pe, w] : pes)
                    if (holding_[i].insert({entry, pe}).second) n += static_cast<std::int64_t>(w.size());
                if (n == 0) continue;
                if (psums) {
                    psums_.updates += n;
                    if (!touched_.insert(entry).second) psums_.reads += n;
                } else {
                    registers(t).reads += n;
                }
            }
            tile_before_[i] = std::move(tile_of_group_[i]);
            tile_of_group_[i].clear();
            group_[i].clear();
        }
        first_group_ = false;
    }

    void close_pass()
    {
        close_step();
        close_group();
        for (const Tensors t : {Tensors::weights, Tensors::inputs}) load(t);
        for (const auto& [entry, pes] : content(Tensors::outputs).entries) psums_.drains += words(pes);
        for (const Word w : outputs_) ++updates_[w];
        content(Tensors::outputs) = {};
        outputs_.clear();
        touched_.clear();
        first_group_ = true;
        tile_before_pass_ = tile_;
    }

    /// Did the pass move along one output dimension of the same tile, with everything else as before?
    bool slides(const Content& now, const Content& before) const
    {
        if (hw_.passes.load != Overlap::word || tile_ != tile_before_pass_) return false;
        const auto shared = std::count_if(now.entries.begin(), now.entries.end(),
                                          [&](const auto& e) { return before.entries.count(e.first) != 0; });
        return shared > 0;
    }

    void load(Tensors t)
    {
        Content& now = content(t);
        Content& before = loaded_[static_cast<int>(t)];
        if (now.index != before.index) {
            const bool keeps = t == Tensors::inputs && slides(now, before);
            AccessCounts& buffer = counts_.accesses["global_buffer"][t == Tensors::weights ? "weights" : "inputs"];
            for (const auto& [entry, pes] : now.entries) {
                if (keeps && before.entries.count(entry) != 0) continue;
                registers(t).fills += words(pes);
                count_links(t, pes);
                std::set<Word> different;
                for (const auto& [pe, w] : pes) different.insert(w.begin(), w.end());
                for (const Word w : different) (now.padding.count(w) != 0 ? counts_.padding_words : buffer.reads) += 1;
            }
            before = now;
        }
        now = {};
    }

    /// A chain hands a word down the rows to its PE; else one link goes to every PE that takes it.
    void count_links(Tensors t, const PeWords& pes)
    {
        std::int64_t& hops = counts_.hops[t == Tensors::weights ? "weights" : "inputs"];
        const Delivery delivery = t == Tensors::weights ? plan_.weight_delivery : plan_.input_delivery;
        if (delivery != Delivery::load_chain_y) {
            hops += words(pes);
            return;
        }
        for (const auto& [pe, w] : pes) hops += static_cast<std::int64_t>(w.size()) * (pe / hw_.array.cols + 1);
    }

    Content& content(Tensors t) { return now_[static_cast<int>(t)]; }
    AccessCounts& registers(Tensors t)
    {
        return counts_.accesses["register_file"][t == Tensors::weights ? "weights" : "inputs"];
    }

    void finish()
    {
        auto& glb = counts_.accesses["global_buffer"];
        auto& dram = counts_.accesses["dram"];
        const std::int64_t outputs = static_cast<std::int64_t>(updates_.size());
        for (const auto& [tensor, n] : tiles_.fills()) {
            glb[tensor].fills = resident_ ? 0 : n;
            if (!resident_ && n > 0) dram[tensor].reads = n;
        }
        const bool pooled = plan_.pool_layer >= 0;
        const std::int64_t results = pooled ? std::int64_t{plan_.extent[dim_n]} * plan_.extent[dim_g] *
                                                  plan_.extent[dim_k] * plan_.pool_rows * plan_.pool_cols
                                            : outputs;
        glb["outputs"].updates = results;
        if (!resident_) {
            glb["outputs"].drains = dram["outputs"].updates = results;
            dram["parameters"].reads = std::int64_t{plan_.extent[dim_g]} * plan_.extent[dim_k];
        }
        counts_.post_words = outputs;
        counts_.accesses["register_file"]["psums"] = psums_;
        // Through the array, complete sums leave without coming back to the buffer.
        const bool through =
            hw_.global_buffer.accumulation == Accumulation::through_array && plan_.psum_path != PsumPath::local;
        for (const auto& [word, n] : updates_)
            if (n > 1) {
                glb["psums"].updates += through ? n - 1 : n;
                glb["psums"].reads += n - 1;
            }
        if (plan_.add_layer >= 0) glb["operand2"].reads = outputs;
        counts_.post_operations = brute_post_operations(plan_);
        constexpr const char* names[] = {"weights", "inputs", "outputs"};
        for (std::size_t t = 0; t < 3; ++t) counts_.reuse[names[t]] = {reuse_[t].uses, reuse_[t].fills};
        // One link from every psum that leaves a PE or comes back to the array.
        counts_.hops["psums"] = psums_.drains + (through ? glb["psums"].reads : 0);
    }

    const LayerPlan& plan_;
    const HardwareConfig& hw_;
    Coordinates at_;
    TileFills tiles_;
    const Tensor &weights_, &inputs_;
    const bool resident_;
    bool rows_ = false, cols_ = false; ///< the pass's loops run over the input's rows, columns
    bool own_psums_ = false;           ///< of every vector element
    Counts counts_;
    std::vector<Mac> step_;
    int pass_ = 0, tile_ = 0, step_group_ = 0, tile_before_pass_ = -1;
    Content now_[3], loaded_[2];
    std::map<Word, PeWords> group_[3];
    std::set<Word> tile_of_group_[3], tile_before_[3];
    std::vector<std::pair<Word, int>> uses_[3]; ///< of the group's steps: entry and PE
    Holding reuse_[3];
    std::set<std::pair<Word, int>> holding_[3]; ///< entry of the collectors' tile and PE
    bool first_group_ = true;
    std::set<Word> touched_, outputs_; ///< in this pass
    AccessCounts psums_;
    std::map<Word, int> updates_; ///< of each output, over the layer
};

} // namespace

Counts brute_pe_counts(const LayerPlan& plan, const HardwareConfig& hw, const Tensor& weights, const Tensor& inputs)
{
    return PeCounter(plan, hw, weights, inputs).run();
}

} // namespace heddle::test_system
