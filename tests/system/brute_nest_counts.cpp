// Counts of any nest: each operand kept or streamed, psums kept or not, lanes, vector elements and collectors; from the
// list of its MACs alone.
#include "tests/system/brute_counts.hpp"
#include "tests/system/nest_uses.hpp"
#include "tests/system/tile_fills.hpp"

#include <algorithm>
#include <tuple>

namespace heddle::test_system {

namespace {

using Key = std::vector<int>;

class NestCounter {
public:
    NestCounter(const LayerPlan& plan, const HardwareConfig& hw, const Tensor& weights, const Tensor& inputs)
        : plan_(plan), hw_(hw), at_(plan), tiles_(plan), weights_(weights), inputs_(inputs)
    {
        for (const SpatialLoop& s : plan.spatial)
            if (s.place == Place::vector && s.count > 1 &&
                !reduces(plan.axes[static_cast<std::size_t>(s.axis)].dims.front()))
                own_psums_ = true;
    }

    Counts run()
    {
        const std::vector<Use> uses = uses_of(plan_, hw_.array.lanes, hw_.array.vector);
        for (std::size_t from = 0, to; from < uses.size(); from = to) {
            for (to = from + 1; to < uses.size() && same_step(uses[from], uses[to]);) ++to;
            step_ = {uses.data() + from, uses.data() + to};
            const bool last_of_tile = to == uses.size() || uses[to].tile != uses[from].tile;
            const bool last_of_pass = last_of_tile || uses[to].pass != uses[from].pass;
            const bool last_of_group = last_of_pass || group_of(uses[to]) != group_of(uses[from]);
            close_step();
            if (last_of_group) close_group();
            if (last_of_pass) close_pass();
            if (last_of_tile) tiles_.close_tile();
        }
        finish();
        return counts_;
    }

private:
    /// A word that goes to some PEs together, of one step or of a load.
    struct Lane {
        int first_row = 0, first_col = 0; ///< of the MAC grid
        std::set<int> pes;
        Word word = 0; ///< its address in the map
        bool padding = false;
    };
    using Lanes = std::map<Key, Lane>;
    struct Entry {
        int order = 0; ///< of its first use
        Lanes lanes;
        std::set<std::pair<int, Key>> in_pes; ///< PE and what its MACs take there
    };
    struct Content {
        Key pass; ///< what the pass covers along the tensor's axes
        std::map<Key, Entry> entries;
    };

    static bool same_step(const Use& a, const Use& b)
    {
        return a.step == b.step && a.pass == b.pass && a.tile == b.tile;
    }
    Key group_of(const Use& u) const
    {
        if (plan_.collector_loops == 0) return u.step;
        return {u.step.begin(), u.step.end() - plan_.collector_loops};
    }
    int pe(const Use& u) const { return u.y * hw_.array.cols + u.x; }
    bool keeps(Tensors t) const { return plan_.keeps(t); }
    bool lone(Dim d) const
    {
        return std::any_of(plan_.axes.begin(), plan_.axes.end(),
                           [d](const Axis& a) { return a.dims == std::vector<Dim>{d}; });
    }
    bool has(std::size_t axis, Tensors t) const
    {
        const std::vector<Dim>& dims = plan_.axes[axis].dims;
        return std::any_of(dims.begin(), dims.end(), [t](Dim d) { return indexes(t, d); });
    }

    /// By axis; rows and columns that single axes reach together, merged for inputs.
    Key merged(const std::array<int, dim_count>& by_axis, Tensors t, bool rows_together) const
    {
        Key key;
        int row = 0, col = 0;
        const Window& w = plan_.window;
        for (std::size_t a = 0; a < plan_.axes.size(); ++a) {
            if (!has(a, t)) continue;
            const Dim d = plan_.axes[a].dims.front();
            const bool one = plan_.axes[a].dims.size() == 1 && t == Tensors::inputs && rows_together;
            if (one && (d == dim_p || d == dim_r))
                row += by_axis[a] * (d == dim_p ? w.stride_rows : w.dilation_rows);
            else if (one && (d == dim_q || d == dim_s))
                col += by_axis[a] * (d == dim_q ? w.stride_cols : w.dilation_cols);
            else
                key.push_back(by_axis[a]);
        }
        key.push_back(row);
        key.push_back(col);
        return key;
    }

    /// What tells the words of MACs apart that a step serves at once.
    Key lane_key(const Use& u, Tensors t) const
    {
        const bool by_value = t == Tensors::inputs && hw_.input_network.sharing == Sharing::by_value;
        if (!by_value) return merged(u.place, t, false);
        // Row by row: only where both directions of a window are axes of their own.
        std::array<int, dim_count> place = u.place;
        Key extra;
        for (const auto& [out, tap] : {std::make_pair(dim_p, dim_r), std::make_pair(dim_q, dim_s)})
            if (!lone(out) || !lone(tap))
                for (std::size_t a = 0; a < plan_.axes.size(); ++a)
                    if (plan_.axes[a].dims == std::vector<Dim>{out} || plan_.axes[a].dims == std::vector<Dim>{tap}) {
                        extra.push_back(place[a]);
                        place[a] = 0;
                    }
        Key key = merged(place, t, true);
        key.insert(key.end(), extra.begin(), extra.end());
        return key;
    }

    std::array<int, dim_count> outside(const Use& u) const
    {
        std::array<int, dim_count> index{};
        for (std::size_t a = 0; a < plan_.axes.size(); ++a) index[a] = u.index[a] - u.place[a];
        return index;
    }

    /// Address of the word in the map as it is stored.
    Word address(const Use& u, Tensors t) const
    {
        if (t == Tensors::weights) return at_.weight_at(u.at);
        const Position p = at_.position(u.at);
        const Extents& e = plan_.extent;
        const Word channels = Word{e[dim_g]} * e[dim_c], channel = Word{p.g} * e[dim_c] + p.c;
        const Word pixel = Word{p.row} * plan_.in_cols + p.col, pixels = Word{plan_.in_rows} * plan_.in_cols;
        return hw_.dram.map_layout == MapLayout::planes ? (p.n * channels + channel) * pixels + pixel
                                                        : (p.n * pixels + pixel) * channels + channel;
    }

    void add_lane(Lanes& lanes, const Use& u, Tensors t) const
    {
        const auto [at, fresh] = lanes.try_emplace(lane_key(u, t));
        Lane& lane = at->second;
        const int row = u.y * hw_.array.vector + u.element, col = u.x * hw_.array.lanes + u.lane;
        if (fresh || std::make_pair(row, col) < std::make_pair(lane.first_row, lane.first_col)) {
            lane.first_row = row;
            lane.first_col = col;
        }
        lane.pes.insert(pe(u));
        lane.padding = t == Tensors::inputs && !at_.inside(at_.position(u.at));
        lane.word = lane.padding ? -1 : address(u, t);
    }

    static std::int64_t words_in_pes(const Lanes& lanes)
    {
        std::int64_t n = 0;
        for (const auto& [key, lane] : lanes) n += static_cast<std::int64_t>(lane.pes.size());
        return n;
    }

    // ---- One step

    struct Step {
        const Use *from, *to;
        const Use* begin() const { return from; }
        const Use* end() const { return to; }
        const Use& first() const { return *from; } ///< the position of all spatial loops' first
    };

    void close_step()
    {
        rows_ = cols_ = 0;
        for (const Use& u : step_) {
            rows_ = std::max(rows_, u.y + 1);
            cols_ = std::max(cols_, u.x + 1);
            const Position p = at_.position(u.at);
            tiles_.remember(u.at, p);
            ++counts_.macs;
            if (at_.inside(p)) counts_.effectual += both_nonzero(u, p);
            outputs_.insert(at_.output_at(u.at));
        }
        for (const Tensors t : {Tensors::weights, Tensors::inputs}) {
            Lanes lanes;
            for (const Use& u : step_) add_lane(lanes, u, t);
            if (!keeps(t)) {
                stream(t, lanes);
                continue;
            }
            note_entry(t);
            if (!hw_.array.collectors) registers(t).reads += words_in_pes(lanes);
        }
        const std::set<std::pair<int, int>> cells = psum_cells();
        if (keeps(Tensors::outputs)) {
            const Key entry = merged(outside(step_.first()), Tensors::outputs, false);
            std::set<std::pair<int, int>>& all = psum_entries_[entry];
            if (!hw_.array.collectors) {
                psums_.updates += static_cast<std::int64_t>(cells.size());
                if (!all.empty()) psums_.reads += static_cast<std::int64_t>(cells.size());
            }
            all.insert(cells.begin(), cells.end());
        } else {
            Lanes lanes;
            for (const Use& u : step_) add_lane(lanes, u, Tensors::outputs);
            if (plan_.psum_path == PsumPath::chain_y) counts_.hops["psums"] += words_in_pes(lanes);
            leave();
        }
        note_group();
        first_of_pass_ = false;
    }

    std::int64_t both_nonzero(const Use& u, const Position& p) const
    {
        const int c = p.g * plan_.extent[dim_c] + p.c;
        return weights_.data[static_cast<std::size_t>(at_.weight_at(u.at))] != 0 &&
               inputs_.at(p.n, c, p.row, p.col) != 0;
    }

    std::set<std::pair<int, int>> psum_cells() const
    {
        std::set<std::pair<int, int>> cells;
        for (const Use& u : step_)
            cells.insert({u.y * hw_.array.vector + (own_psums_ ? u.element : 0), u.x * hw_.array.lanes + u.lane});
        return cells;
    }

    /// A streamed operand comes when its coordinate changes, or when MACs want it that it has not gone to.
    void stream(Tensors t, const Lanes& lanes)
    {
        const std::size_t i = static_cast<std::size_t>(t);
        Key at;
        for (std::size_t a = 0; a < plan_.axes.size(); ++a)
            if (has(a, t)) at.push_back(step_.first().index[a]);
        std::set<Key> macs;
        for (const Use& u : step_) macs.insert({u.y, u.x, u.lane, u.element});
        const bool served = std::includes(served_[i].begin(), served_[i].end(), macs.begin(), macs.end());
        if (!first_of_pass_ && at == streamed_[i] && served) return;
        streamed_[i] = at;
        served_[i] = macs;
        const Delivery delivery = t == Tensors::weights ? plan_.weight_delivery : plan_.input_delivery;
        std::vector<Lane> read;
        std::map<int, Word> now; // PE -> word, for the neighbours
        for (const auto& [key, lane] : lanes) {
            if (delivery == Delivery::shift) {
                const int to = *lane.pes.begin();
                const Word word = at_.input_at(at_.position(use_of(to).at));
                now[to] = word;
                if (neighbour_held(to, word)) {
                    ++counts_.hops["inputs"];
                    continue;
                }
            }
            read.push_back(lane);
        }
        if (delivery == Delivery::shift) history_.push_back(now);
        deliver(t, read, delivery);
    }

    const Use& use_of(int to) const
    {
        return *std::find_if(step_.begin(), step_.end(), [&](const Use& u) { return pe(u) == to; });
    }

    /// Did the PE to the right or below hold the word in this pass, no longer ago than its link remembers?
    bool neighbour_held(int to, Word word) const
    {
        const int cols = hw_.array.cols;
        const std::size_t depth =
            std::min(history_.size(), static_cast<std::size_t>(hw_.input_network.link_fifo_words));
        for (std::size_t age = 1; age <= depth; ++age) {
            const std::map<int, Word>& past = history_[history_.size() - age];
            for (int other :
                 {one_loop(dim_s) && (to + 1) % cols != 0 ? to + 1 : -1, one_loop(dim_r) ? to + cols : -1}) {
                const auto found = past.find(other);
                if (found != past.end() && found->second == word) return true;
            }
        }
        return false;
    }

    /// Taps in several loops are not passed on.
    bool one_loop(Dim tap) const
    {
        return std::count_if(plan_.pass_loops.begin(), plan_.pass_loops.end(), [&](const AxisLoop& l) {
                   return plan_.axes[static_cast<std::size_t>(l.axis)].dims == std::vector<Dim>{tap};
               }) == 1;
    }

    /// Words of one delivery, or of an entry of a load.
    void deliver(Tensors t, std::vector<Lane> lanes, Delivery delivery)
    {
        std::sort(lanes.begin(), lanes.end(), [](const Lane& a, const Lane& b) {
            return std::make_pair(a.first_row, a.first_col) < std::make_pair(b.first_row, b.first_col);
        });
        std::int64_t& hops = counts_.hops[t == Tensors::weights ? "weights" : "inputs"];
        for (const Lane& lane : lanes) {
            hops += delivery == Delivery::systolic_x     ? cols_
                    : delivery == Delivery::systolic_y   ? rows_
                    : delivery == Delivery::load_chain_y ? lane.first_row / hw_.array.vector + 1
                                                         : static_cast<std::int64_t>(lane.pes.size());
            if (lane.padding) ++counts_.padding_words;
        }
        read(t, lanes, delivery == Delivery::load_chain_y);
    }

    /// Port beats: of one line unless the port gathers; lanes beside each other share the read of one word.
    void read(Tensors t, const std::vector<Lane>& lanes, bool row_by_row)
    {
        const PartitionConfig& p = t == Tensors::weights ? hw_.global_buffer.weights : hw_.global_buffer.inputs;
        std::int64_t& reads = counts_.accesses["global_buffer"][t == Tensors::weights ? "weights" : "inputs"].reads;
        int in_beat = 0;
        Word last = -1, line = -1;
        for (std::size_t i = 0; i < lanes.size(); ++i) {
            if (row_by_row && i > 0 && lanes[i].first_row != lanes[i - 1].first_row) {
                in_beat = 0;
                last = -1;
            }
            if (lanes[i].padding || lanes[i].word == last) continue;
            const bool other_line = !p.read_port.gather && in_beat > 0 && lanes[i].word / p.line_words != line;
            if (in_beat == p.read_port.words || other_line) in_beat = 0;
            if (in_beat == 0) line = lanes[i].word / p.line_words;
            ++in_beat;
            ++reads;
            last = lanes[i].word;
        }
    }

    // ---- Kept operands

    void note_entry(Tensors t)
    {
        Content& now = now_[static_cast<std::size_t>(t)];
        if (now.entries.empty()) now.pass = pass_key(t);
        const Key key = merged(outside(step_.first()), t, true);
        const auto [at, fresh] = now.entries.try_emplace(key);
        if (fresh) at->second.order = static_cast<int>(now.entries.size());
        for (const Use& u : step_) {
            add_lane(at->second.lanes, u, t);
            at->second.in_pes.insert({pe(u), {u.lane, u.element}});
        }
    }

    Key pass_key(Tensors t) const
    {
        Key key;
        const Use& u = step_.first();
        for (int d = 0; d < dim_count; ++d)
            if (indexes(t, static_cast<Dim>(d))) key.insert(key.end(), {u.tile_base[d], u.tile_size[d]});
        for (std::size_t a = 0; a < plan_.axes.size(); ++a)
            if (has(a, t)) key.insert(key.end(), {u.base[a], u.cover[a]});
        return key;
    }

    /// Did the pass move along one output row or column index of the same tile, with everything else as before?
    bool slides(const Use& now) const
    {
        if (hw_.passes.load != Overlap::word || !loaded_any_ || now.tile != loaded_at_.tile) return false;
        int moved = 0;
        for (std::size_t a = 0; a < plan_.axes.size(); ++a) {
            if (!has(a, Tensors::inputs)) continue;
            if (now.base[a] == loaded_at_.base[a] && now.cover[a] == loaded_at_.cover[a]) continue;
            const bool out =
                plan_.axes[a].dims == std::vector<Dim>{dim_p} || plan_.axes[a].dims == std::vector<Dim>{dim_q};
            if (!out || now.base[a] <= loaded_at_.base[a]) return false;
            ++moved;
        }
        return moved == 1;
    }

    void load(Tensors t)
    {
        Content& now = now_[static_cast<std::size_t>(t)];
        Content& before = loaded_[static_cast<std::size_t>(t)];
        if (now.pass != before.pass) {
            const Delivery delivery = t == Tensors::weights ? plan_.weight_delivery : plan_.input_delivery;
            const bool keeps_some = t == Tensors::inputs && slides(step_.first());
            std::vector<const Entry*> order(now.entries.size());
            for (const auto& [key, e] : now.entries) order[static_cast<std::size_t>(e.order - 1)] = &e;
            for (const Entry* e : order) {
                const auto key = std::find_if(now.entries.begin(), now.entries.end(), [&](const auto& k) {
                                     return &k.second == e;
                                 })->first;
                const auto old = before.entries.find(key);
                if (keeps_some && old != before.entries.end() &&
                    std::includes(old->second.in_pes.begin(), old->second.in_pes.end(), e->in_pes.begin(),
                                  e->in_pes.end()))
                    continue;
                registers(t).fills += words_in_pes(e->lanes);
                std::vector<Lane> lanes;
                for (const auto& [k, lane] : e->lanes) lanes.push_back(lane);
                deliver(t, lanes, delivery);
            }
            before = now;
            if (t == Tensors::inputs) {
                loaded_at_ = step_.first();
                loaded_any_ = true;
            }
        }
        now = {};
    }

    AccessCounts& registers(Tensors t)
    {
        return counts_.accesses["register_file"][t == Tensors::weights ? "weights" : "inputs"];
    }

    // ---- Collectors

    /// What a collector holds: by the loops' place, or by the input's row and column where the loops run over these.
    Key held(Tensors t) const
    {
        std::array<int, dim_count> index = outside(step_.first());
        bool rows = false, cols = false;
        for (const AxisLoop& l : plan_.pass_loops)
            if (l.by_input) (plan_.axes[static_cast<std::size_t>(l.axis)].dims.front() == dim_p ? rows : cols) = true;
        if (t != Tensors::inputs || !(rows || cols)) return absolute(merged(index, t, false), t);
        const Position p = at_.position(step_.first().at);
        Key key = {rows ? p.row : 0, cols ? p.col : 0};
        for (std::size_t a = 0; a < plan_.axes.size(); ++a) {
            const Dim d = plan_.axes[a].dims.front();
            const bool merges = plan_.axes[a].dims.size() == 1 &&
                                ((rows && (d == dim_p || d == dim_r)) || (cols && (d == dim_q || d == dim_s)));
            if (has(a, t) && !merges) key.push_back(index[a]);
        }
        return absolute(key, t);
    }
    Key absolute(Key key, Tensors t) const
    {
        for (int d = 0; d < dim_count; ++d)
            if (indexes(t, static_cast<Dim>(d))) key.push_back(step_.first().tile_base[d]);
        return key;
    }

    void note_group()
    {
        if (!hw_.array.collectors) return;
        for (const Tensors t : {Tensors::weights, Tensors::inputs, Tensors::outputs}) {
            if (!keeps(t)) continue;
            const auto i = static_cast<std::size_t>(t);
            std::map<int, std::set<Key>>& pes = group_[i][held(t)];
            for (const Use& u : step_)
                pes[pe(u)].insert(t == Tensors::outputs ? Key{u.lane, own_psums_ ? u.element : 0} : lane_key(u, t));
        }
    }

    void close_group()
    {
        for (const Tensors t : {Tensors::weights, Tensors::inputs, Tensors::outputs}) {
            const auto i = static_cast<std::size_t>(t);
            if (group_[i].empty()) continue;
            std::set<Key> tile;
            for (const auto& [entry, pes] : group_[i]) tile.insert(entry);
            const bool psums = t == Tensors::outputs;
            if (tile != tile_before_[i] || (psums && first_group_)) holding_[i].clear();
            for (const auto& [entry, pes] : group_[i]) {
                std::int64_t n = 0;
                for (const auto& [p, words] : pes)
                    for (const Key& word : words) n += holding_[i].insert({entry, p, word}).second;
                if (n == 0) continue;
                if (!psums) {
                    registers(t).reads += n;
                    continue;
                }
                psums_.updates += n;
                if (!touched_.insert(entry).second) psums_.reads += n;
            }
            tile_before_[i] = tile;
            group_[i].clear();
        }
        first_group_ = false;
    }

    // ---- Psums

    /// The outputs of a step, or of a pass that keeps them, leave the array.
    void leave()
    {
        for (const Word w : outputs_) ++updates_[w];
        outputs_.clear();
    }

    void close_pass()
    {
        for (const Tensors t : {Tensors::weights, Tensors::inputs})
            if (keeps(t)) load(t);
        for (const auto& [entry, cells] : psum_entries_) psums_.drains += static_cast<std::int64_t>(cells.size());
        if (keeps(Tensors::outputs)) leave();
        psum_entries_.clear();
        touched_.clear();
        history_.clear();
        first_group_ = first_of_pass_ = true;
    }

    void finish()
    {
        auto& glb = counts_.accesses["global_buffer"];
        auto& dram = counts_.accesses["dram"];
        const bool resident = hw_.dram.kind == DramKind::resident;
        const std::int64_t outputs = static_cast<std::int64_t>(updates_.size());
        for (const auto& [tensor, n] : tiles_.fills()) {
            glb[tensor].fills = resident ? 0 : n;
            if (!resident && n > 0) dram[tensor].reads = n;
        }
        glb["outputs"].updates = outputs;
        if (!resident) {
            glb["outputs"].drains = dram["outputs"].updates = outputs;
            dram["parameters"].reads = std::int64_t{plan_.extent[dim_g]} * plan_.extent[dim_k];
        }
        counts_.post_words = outputs;
        counts_.post_operations = brute_post_operations(plan_);
        if (keeps(Tensors::outputs)) {
            counts_.accesses["register_file"]["psums"] = psums_;
            counts_.hops["psums"] += psums_.drains;
        }
        const bool through =
            hw_.global_buffer.accumulation == Accumulation::through_array && plan_.psum_path != PsumPath::local;
        for (const auto& [word, n] : updates_) {
            if (n == 1) continue;
            glb["psums"].updates += through ? n - 1 : n;
            glb["psums"].reads += n - 1;
            if (through) counts_.hops["psums"] += n - 1;
        }
    }

    const LayerPlan& plan_;
    const HardwareConfig& hw_;
    Coordinates at_;
    TileFills tiles_;
    const Tensor &weights_, &inputs_;
    bool own_psums_ = false; ///< of every vector element
    Counts counts_;
    Step step_{nullptr, nullptr};
    int rows_ = 0, cols_ = 0; ///< of PEs, used by the step
    bool first_of_pass_ = true, first_group_ = true, loaded_any_ = false;
    Key streamed_[2];
    std::set<Key> served_[2];                  ///< MACs
    std::vector<std::map<int, Word>> history_; ///< shift: what the PEs were given in this pass
    Content now_[2], loaded_[2];
    Use loaded_at_;
    std::map<Key, std::map<int, std::set<Key>>> group_[3];
    std::set<Key> tile_before_[3];
    std::set<std::tuple<Key, int, Key>> holding_[3]; ///< of entries, what each PE has taken
    std::set<Key> touched_;
    std::map<Key, std::set<std::pair<int, int>>> psum_entries_; ///< of the pass
    AccessCounts psums_;
    std::set<Word> outputs_;
    std::map<Word, int> updates_; ///< of each output, over the layer
};

} // namespace

Counts brute_nest_counts(const LayerPlan& plan, const HardwareConfig& hw, const Tensor& weights, const Tensor& inputs)
{
    return NestCounter(plan, hw, weights, inputs).run();
}

} // namespace heddle::test_system
