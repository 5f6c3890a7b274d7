// Loop nests and constraint files as a user may write them: any cut of any index over dram, passes, PEs, lanes and
// vector elements and steps, in any order, anything kept. Half of the nests put sums and outputs where arrays usually
// have them, so that the wires of every machine carry a share.
#pragma once

#include "sim/lower.hpp"
#include "sim/mapping.hpp"
#include "tests/system/random_networks.hpp"

#include <algorithm>
#include <optional>
#include <sstream>

namespace heddle::test_system {

/// A convolution of few MACs, with every attribute drawn.
inline Network nest_layer(Random& random)
{
    for (;;) {
        Window w = any_window(random, 3);
        if (pick(random, 0, 3) == 0) w.groups = pick(random, 2, 4);
        if (pick(random, 0, 1) == 0) w.stride_rows = w.stride_cols = w.dilation_rows = w.dilation_cols = 1;
        const int c = pick(random, 1, w.groups > 1 ? 3 : 9), k = pick(random, 1, w.groups > 1 ? 3 : 9);
        Network net =
            input_of(pick(random, 0, 2) == 0 ? 2 : 1, c * w.groups, size_for(random, w.filter_rows, w.dilation_rows, 7),
                     size_for(random, w.filter_cols, w.dilation_cols, 7));
        add_conv(net, 0, k * w.groups, w);
        if (net.macs() <= 4000) return net;
    }
}

class NestDraw {
public:
    NestDraw(Random& random, const HardwareConfig& hw, const Extents& extent)
        : random_(random), hw_(hw), extent_(extent), style_(any_style()), usual_(chance(60))
    {
    }

    Mapping draw()
    {
        set_keep();
        std::vector<MapLoop> dram;
        for (int d = 0; d < dim_count; ++d) {
            tile_[d] = extent_[d];
            const bool cut = extent_[d] > 1 && hw_.dram.kind != DramKind::resident && chance(12);
            for (int n = cut ? pick(random_, 1, 2) : 0; n > 0 && tile_[d] > 1; --n) {
                tile_[d] = pick(random_, 1, tile_[d]);
                dram.push_back(loop({static_cast<Dim>(d)}, tile_[d]));
            }
        }
        for (const std::vector<Dim>& dims : indices()) style_ == Style::none ? cut(dims) : cut_by_style(dims);
        Mapping m;
        m.dataflow = "drawn";
        add(m, "dram", interleave(dram), {});
        add(m, "glb", interleave(glb_), {});
        m.levels.back().keep = {Tensors::weights, Tensors::inputs, Tensors::outputs};
        add(m, "array", {}, spatial_);
        std::vector<MapLoop> steps = interleave(steps_), collector;
        if (hw_.array.collectors)
            for (int n = chance(50) ? pick(random_, 1, 3) : 0; n > 0 && !steps.empty(); --n) {
                collector.insert(collector.begin(), steps.back());
                steps.pop_back();
            }
        if (keeps_all() && collector.empty() && chance(30)) step_over_inputs(steps);
        add(m, "rf", steps, {});
        m.levels.back().keep = keep_;
        if (!collector.empty()) add(m, "collector", collector, {});
        if (!lanes_.empty()) add(m, "lanes", {}, lanes_);
        if (!vector_.empty()) add(m, "vector", {}, vector_);
        return m;
    }

private:
    /// What stays in the PEs, and so where dimensions lie: not given, or as below.
    enum class Style { none, weights, outputs, rows_of_outputs, inputs };

    Style any_style()
    {
        const int single = hw_.register_file(Tensors::outputs).words == 1 ? 75 : 25;
        if (!chance(single)) return Style::none;
        if (hw_.psum_network.paths == std::vector<PsumPath>{PsumPath::local}) return Style::rows_of_outputs;
        return static_cast<Style>(pick(random_, 1, 4));
    }

    /// The tensor that the style keeps.
    std::vector<Tensors> kept_by_style() const
    {
        if (style_ == Style::weights) return {Tensors::weights};
        return {style_ == Style::inputs ? Tensors::inputs : Tensors::outputs};
    }

    /// Where the style has a dimension besides glb: on an axis, or in the steps of a pass.
    std::optional<Place> axis_by_style(Dim d) const
    {
        const bool sums = reduces(d), pixel = d == dim_p || d == dim_q || d == dim_n;
        switch (style_) {
        case Style::weights:
            return sums ? std::optional(Place::y) : pixel ? std::nullopt : std::optional(Place::x);
        case Style::outputs:
            return sums ? std::nullopt : pixel ? std::optional(Place::y) : std::optional(Place::x);
        case Style::rows_of_outputs:
            return sums || !pixel ? std::nullopt : d == dim_q ? std::optional(Place::x) : std::optional(Place::y);
        default:
            return sums ? std::optional(Place::y) : pixel ? std::optional(Place::x) : std::nullopt;
        }
    }

    /// Of an index: passes, and at most one loop inside them.
    void cut_by_style(const std::vector<Dim>& dims)
    {
        int outside = 1;
        for (Dim d : dims) outside *= tile_[d];
        const Dim d = dims.front();
        const std::optional<Place> axis = axis_by_style(d);
        const bool sums_taps = reduces(d) && (dims.size() > 1 || d != dim_c);
        const bool passes_only = d == dim_g || (style_ == Style::rows_of_outputs && (d == dim_k || d == dim_n)) ||
                                 (axis == Place::y && sums_taps && hw_.array.sums_channels);
        int most = passes_only ? 1 : axis ? room(*axis) : outside;
        for (int n = chance(30) ? 1 : 0; n > 0 && outside > 1; --n) {
            outside = pick(random_, 1, outside);
            glb_.push_back(loop(dims, outside));
        }
        if (outside > most) {
            outside = pick(random_, 1, most);
            glb_.push_back(loop(dims, outside));
        }
        if (outside == 1) return;
        if (axis)
            spread(dims, *axis, 1, outside);
        else if (chance(80))
            steps_.push_back(loop(dims, 1));
        else
            glb_.push_back(loop(dims, 1));
    }

    bool chance(int percent) { return pick(random_, 1, 100) <= percent; }
    bool keeps_all() const { return keep_.size() == 3; }

    static MapLoop loop(const std::vector<Dim>& dims, int step, int count = 0, Place place = Place::y)
    {
        MapLoop l;
        l.dims = dims;
        l.step = step;
        l.count = count;
        l.place = place;
        return l;
    }

    static void add(Mapping& m, const char* name, const std::vector<MapLoop>& temporal,
                    const std::vector<MapLoop>& spatial)
    {
        m.levels.push_back({name, temporal, spatial, {}});
    }

    /// In any order, loops over one index in theirs most of the time.
    std::vector<MapLoop> interleave(std::vector<MapLoop> loops)
    {
        std::vector<MapLoop> out;
        const bool any = chance(15);
        while (!loops.empty()) {
            auto at = loops.begin() + pick(random_, 0, static_cast<int>(loops.size()) - 1);
            if (!any)
                at = std::find_if(loops.begin(), loops.end(), [&](const MapLoop& l) { return l.dims == at->dims; });
            out.push_back(*at);
            loops.erase(at);
        }
        return out;
    }

    void set_keep()
    {
        if (style_ != Style::none) {
            keep_ = kept_by_style();
            return;
        }
        for (const Tensors t : {Tensors::weights, Tensors::inputs, Tensors::outputs})
            if (chance(hw_.register_file(t).words > 1 ? 60 : 45)) keep_.push_back(t);
        const bool outputs = std::find(keep_.begin(), keep_.end(), Tensors::outputs) != keep_.end();
        if (outputs && hw_.register_file(Tensors::outputs).words == 1 && chance(60)) keep_ = {Tensors::outputs};
        keeps_psums_ = std::find(keep_.begin(), keep_.end(), Tensors::outputs) != keep_.end();
    }

    /// Dimensions by themselves, or flattened.
    std::vector<std::vector<Dim>> indices()
    {
        std::vector<std::vector<Dim>> all = {{dim_n}, {dim_g}, {dim_k}, {dim_c}, {dim_p}, {dim_q}, {dim_r}, {dim_s}};
        const auto join = [&](std::vector<Dim> dims) {
            for (std::size_t i = dims.size(); i > 1; --i) std::swap(dims[i - 1], dims[random_.below(i)]);
            all.erase(std::remove_if(all.begin(), all.end(),
                                     [&](const std::vector<Dim>& a) {
                                         return a.size() == 1 && std::count(dims.begin(), dims.end(), a.front()) > 0;
                                     }),
                      all.end());
            all.push_back(dims);
        };
        if (chance(20)) join(chance(50) ? std::vector<Dim>{dim_p, dim_q} : std::vector<Dim>{dim_n, dim_p, dim_q});
        if (chance(20)) join(chance(50) ? std::vector<Dim>{dim_c, dim_r, dim_s} : std::vector<Dim>{dim_r, dim_s});
        for (std::size_t i = all.size(); i > 1; --i) std::swap(all[i - 1], all[random_.below(i)]);
        return all;
    }

    /// A place for a loop over the index, where arrays have it or anywhere.
    Place place_of(const std::vector<Dim>& dims)
    {
        const bool sums = reduces(dims.front());
        if (usual_) {
            const bool inside = chance(40);
            if (sums) return hw_.array.vector > 1 && inside ? Place::vector : Place::y;
            if (hw_.array.lanes > 1 && inside) return Place::lane;
            if (keeps_psums_ && chance(dims.front() == dim_p || dims.front() == dim_c ? 60 : 30)) return Place::y;
            return Place::x;
        }
        constexpr Place places[] = {Place::y,    Place::x,      Place::y,       Place::x,
                                    Place::lane, Place::vector, Place::diagonal};
        return places[random_.below(7)];
    }

    int room(Place p) const
    {
        const ArrayConfig& a = hw_.array;
        const int y = a.rows / used_[0], x = a.cols / used_[1];
        switch (p) {
        case Place::y:
            return y;
        case Place::x:
            return x;
        case Place::lane:
            return a.lanes / used_[2];
        case Place::vector:
            return a.vector / used_[3];
        default:
            return std::min(y, x);
        }
    }

    /// `count` positions, each `step` of the index.
    void spread(const std::vector<Dim>& dims, Place p, int step, int count)
    {
        (p == Place::lane ? lanes_ : p == Place::vector ? vector_ : spatial_).push_back(loop(dims, step, count, p));
        if (p == Place::y || p == Place::diagonal) used_[0] *= count;
        if (p == Place::x || p == Place::diagonal) used_[1] *= count;
        if (p == Place::lane) used_[2] *= count;
        if (p == Place::vector) used_[3] *= count;
    }

    /// Cuts one index from the outside inwards until single steps are left.
    void cut(const std::vector<Dim>& dims)
    {
        int outside = 1;
        for (Dim d : dims) outside *= tile_[d];
        if (outside == 1) return;
        bool outermost = true;
        for (int n = chance(45) ? pick(random_, 1, 2) : 0; n > 0; --n) {
            const int step = pick(random_, 1, outside);
            glb_.push_back(loop(dims, step));
            outside = step;
            outermost = false;
        }
        for (int n = pick(random_, 0, 3); n > 0 && outside > 1; --n) {
            if (chance(45)) {
                const int step = pick(random_, 1, outside);
                steps_.push_back(loop(dims, step));
                outside = step;
                outermost = false;
                continue;
            }
            const Place p = place_of(dims);
            int count = pick(random_, 1, std::min(room(p), outside));
            while (!outermost && outside % count != 0) --count;
            if (count == 1) continue;
            const int step = (outside + count - 1) / count;
            spread(dims, p, step, count);
            outside = step;
            outermost = false;
        }
        if (outside == 1) return;
        const Place p = place_of(dims);
        if (chance(30) && room(p) >= outside)
            spread(dims, p, 1, outside);
        else
            steps_.push_back(loop(dims, 1));
    }

    /// Single steps over P and Q by the input's rows and columns.
    static void step_over_inputs(std::vector<MapLoop>& steps)
    {
        for (MapLoop& l : steps)
            if (l.step == 1 && (l.dims == std::vector<Dim>{dim_p} || l.dims == std::vector<Dim>{dim_q}))
                l.by_input = true;
    }

    Random& random_;
    const HardwareConfig& hw_;
    Extents extent_, tile_{};
    Style style_;
    bool usual_, keeps_psums_ = false;
    std::vector<Tensors> keep_;
    std::vector<MapLoop> glb_, steps_, spatial_, lanes_, vector_;
    int used_[4] = {1, 1, 1, 1};
};

/// Text of a constraint file.
inline std::string random_constraints(Random& random, const HardwareConfig& hw)
{
    const auto chance = [&random](int percent) { return pick(random, 1, 100) <= percent; };
    std::vector<std::string> dims = {"K", "C", "P", "Q", "R", "S", "N", "G"};
    const auto shuffle = [&] {
        for (std::size_t i = dims.size(); i > 1; --i) std::swap(dims[i - 1], dims[random.below(i)]);
    };
    const auto loops = [&](std::size_t most, const char* axis) {
        std::string text;
        shuffle();
        const std::size_t n = 1 + random.below(most);
        for (std::size_t i = 0; i < n; ++i) {
            text += std::string(i > 0 ? ", " : "") + "{loop: " + dims[i];
            if (axis) text += std::string(", axis: ") + (axis[0] == '?' ? (chance(50) ? "y" : "x") : axis);
            if (chance(35)) text += ", at_most: " + std::to_string(pick(random, 1, 4));
            text += "}";
        }
        return text;
    };
    std::ostringstream y;
    y << "dataflow: drawn\nlevels:\n";
    if (chance(30)) y << "  - {name: glb, temporal: [{loop: K}, {loop: Q}]}\n";
    y << "  - {name: array, spatial: [" << loops(2, "?") << "]}\n  - {name: rf, temporal: [" << loops(6, nullptr)
      << "], keep: [";
    std::string keep;
    for (const char* t : {"weights", "inputs", "outputs"})
        if (chance(55)) keep += (keep.empty() ? "" : ", ") + std::string(t);
    y << keep << "]}\n";
    if (hw.array.collectors && chance(40)) y << "  - {name: collector, temporal: [" << loops(1, nullptr) << "]}\n";
    if (hw.array.lanes > 1 && chance(60)) y << "  - {name: lanes, spatial: [" << loops(1, nullptr) << "]}\n";
    if (hw.array.vector > 1 && chance(60)) y << "  - {name: vector, spatial: [" << loops(1, nullptr) << "]}\n";
    return y.str();
}

/// A preset with other latencies, sizes, widths and phases.
inline void change_machine(HardwareConfig& hw, Random& random)
{
    const auto chance = [&random](int percent) { return pick(random, 1, 100) <= percent; };
    if (chance(50)) hw.array.mac_latency_cycles = pick(random, 1, 6);
    if (chance(50)) {
        hw.array.rows = pick(random, 1, std::min(hw.array.rows, 12));
        hw.array.cols = pick(random, 1, std::min(hw.array.cols, 12));
    }
    if (hw.array.vector > 1) hw.array.vector = pick(random, 1, 4);
    if (hw.array.lanes > 1) hw.array.lanes = pick(random, 1, 4);
    if (chance(40)) {
        hw.passes.load = hw.passes.load == Overlap::word ? Overlap::word
                         : chance(50)                    ? Overlap::hidden
                                                         : Overlap::exposed;
        hw.passes.drain = chance(50) ? Overlap::hidden : Overlap::exposed;
        hw.passes.wavefront_chained = chance(50);
        hw.passes.edges_full = chance(50);
        hw.passes.gap_cycles = pick(random, 0, 3);
        hw.passes.min_cycles = pick(random, 0, 12);
    }
    const auto narrow = [&](int& words) {
        if (chance(25)) words = pick(random, 1, std::min(words, 8));
    };
    GlobalBufferConfig& g = hw.global_buffer;
    for (PartitionConfig* p : {&g.weights, &g.inputs, &g.outputs, &g.psums}) {
        narrow(p->read_port.words);
        narrow(p->write_port.words);
        if (chance(10)) p->read_port.gather = !p->read_port.gather;
        if (chance(10)) p->write_port.gather = !p->write_port.gather;
        if (chance(10)) p->shared_port = true;
    }
    narrow(hw.weight_network.words_per_beat);
    narrow(hw.input_network.words_per_beat);
    narrow(hw.psum_network.words_per_beat);
    narrow(hw.post.words_per_cycle);
    if (chance(30)) {
        g.latency_cycles = pick(random, 1, 4);
        g.update_latency_cycles = pick(random, 1, 5);
        g.fill_granularity = chance(30) ? FillGranularity::tile : FillGranularity::word;
        hw.input_network.hop_cycles = pick(random, 1, 2);
        hw.psum_network.hop_cycles = pick(random, 1, 2);
        hw.psum_network.latency_cycles = pick(random, 1, 3);
    }
    if (chance(20)) g.accumulation = chance(50) ? Accumulation::at_buffer : Accumulation::through_array;
    if (chance(20) && g.pool_banks == 0)
        for (PartitionConfig* p : {&g.weights, &g.inputs, &g.outputs, &g.psums}) p->bytes = pick(random, 200, 1500);
    if (chance(25)) {
        hw.dram.map_layout =
            hw.dram.map_layout == MapLayout::planes ? MapLayout::channels_innermost : MapLayout::planes;
        hw.dram.compression.maps = hw.dram.compression.maps && hw.dram.map_layout == MapLayout::planes;
    }
    if (hw.dram.compression.maps && chance(50)) hw.dram.compression.maps = false;
}

} // namespace heddle::test_system
