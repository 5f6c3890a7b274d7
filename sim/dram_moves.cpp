#include "sim/dram_moves.hpp"

#include "hw/compiled_plan.hpp"
#include "hw/compressed_map.hpp"
#include "hw/request_walk.hpp"
#include "models/dram_address.hpp"

#include <algorithm>

namespace heddle {

namespace {

std::int64_t ceil_div(std::int64_t a, std::int64_t b)
{
    return (a + b - 1) / b;
}

class Moves {
public:
    Moves(const LayerPlan& plan, const HardwareConfig& hw, const EncodedMaps& maps)
        : compiled_(plan, hw), plan_(compiled_.plan()), hw_(hw), maps_(maps)
    {
        moves_.burst_bytes = dram_burst_bytes(hw);
        if (hw.dram.kind == DramKind::dram) {
            DramPlace next_column;
            next_column.column = 1;
            interleaved_ =
                static_cast<std::int64_t>(DramAddressMap(hw.dram.timing).address(next_column)) / moves_.burst_bytes;
        }
        parameters_.extent = {1, 1, 1, 1, plan.extent[dim_g] * plan.extent[dim_k]};
        parameters_.stride = {1, 1, 1, 1, 1};
        parameters_.words = plan.op == Op::conv ? parameters_.extent[4] : 0;
        std::array<std::uint64_t, region_count> bytes{};
        for (int r = 0; r < region_count; ++r)
            bytes[static_cast<std::size_t>(r)] = region_bytes(static_cast<Region>(r));
        place_regions(hw, bytes, address_);
    }

    DramMoves count()
    {
        if (plan_.kind == PlanKind::array) {
            Box all;
            all.hi = parameters_.extent;
            move(moves_.read, Region::parameters, {all});
        }
        for (const Tile& t : compiled_.tiles()) {
            move(moves_.read, Region::weights, t.weight_fill);
            move(moves_.read, Region::inputs, t.input_fill);
            move(moves_.read, Region::operand2, t.operand2_fill);
        }
        if (maps_.outputs) {
            for (std::size_t u = 0; u < maps_.outputs->codes.size(); ++u)
                add_unit(moves_.written, maps_.outputs->codes[u]);
            moves_.written.moves = static_cast<std::int64_t>(compiled_.stores().size());
        } else {
            for (const Box& b : compiled_.stores()) move(moves_.written, Region::outputs, {b});
        }
        return moves_;
    }

private:
    const TensorLayout& layout(Region r) const
    {
        switch (r) {
        case Region::weights:
            return compiled_.weights();
        case Region::inputs:
            return compiled_.inputs();
        case Region::operand2:
            return compiled_.operand2();
        case Region::outputs:
            return compiled_.results();
        default:
            return parameters_;
        }
    }

    int bits(Region r) const
    {
        if (r == Region::parameters) return 8 * hw_.post.parameter_bytes_per_channel;
        return r == Region::weights ? hw_.precision.weight_bits : hw_.precision.input_bits;
    }

    const EncodedMap* encoded(Region r) const
    {
        const std::optional<EncodedMap>& m = r == Region::inputs     ? maps_.inputs
                                             : r == Region::operand2 ? maps_.operand2
                                                                     : maps_.outputs;
        return (r == Region::weights || r == Region::parameters || !m) ? nullptr : &*m;
    }

    std::uint64_t region_bytes(Region r) const
    {
        if (r == Region::operand2 && plan_.add_layer < 0) return 0;
        const std::int64_t words = layout(r).words;
        if (const EncodedMap* m = encoded(r)) {
            const RunLengthFormat format = run_length_format(hw_);
            const std::int64_t slot =
                ceil_div(std::int64_t{format.most_words(m->unit_words)} * format.word_bytes(), moves_.burst_bytes) *
                moves_.burst_bytes;
            return static_cast<std::uint64_t>(words / m->unit_words * slot);
        }
        return static_cast<std::uint64_t>(ceil_div(words * bits(r), 8));
    }

    void move(DramMoves::Side& side, Region r, const std::vector<Box>& boxes)
    {
        if (boxes.empty()) return;
        ++side.moves;
        if (const EncodedMap* m = encoded(r)) {
            fetch_units(*m, r, boxes);
            return;
        }
        const RequestCount n = count_requests(layout(r), boxes, address_[static_cast<std::size_t>(r)], bits(r),
                                              hw_.dma.max_burst_bytes, moves_.burst_bytes);
        side.requests += n.requests;
        side.bursts += n.bursts;
        side.rows += std::min(n.bursts, rows_between(first_word(layout(r), boxes.front()) * bits(r) / 8,
                                                     last_word(layout(r), boxes.back()) * bits(r) / 8));
        std::int64_t words = 0;
        for (const Box& b : boxes) words += b.words();
        side.bytes += ceil_div(words * bits(r), 8);
    }

    static std::int64_t first_word(const TensorLayout& l, const Box& b) { return l.index(b.lo); }
    static std::int64_t last_word(const TensorLayout& l, const Box& b)
    {
        std::array<int, box_dims> at = b.hi;
        for (int& i : at) --i;
        return l.index(at);
    }

    std::int64_t rows_between(std::int64_t first_byte, std::int64_t last_byte) const
    {
        if (hw_.dram.kind != DramKind::dram) return 0;
        const std::int64_t all = interleaved_ * hw_.dram.timing.row_bytes;
        return interleaved_ * (last_byte / all - first_byte / all + 1);
    }

    /// Units of which any word is wanted; the boxes of a map are (n,h,w,g,c).
    void fetch_units(const EncodedMap& m, Region r, const std::vector<Box>& boxes)
    {
        const TensorLayout& l = layout(r);
        const std::int64_t plane = l.words / (std::int64_t{l.extent[0]} * stored_channels(r));
        std::vector<std::int64_t> units;
        for (const Box& b : boxes)
            for (int n = b.lo[0]; n < b.hi[0]; ++n)
                for (int g = b.lo[3]; g < b.hi[3]; ++g)
                    for (int c = b.lo[4]; c < b.hi[4]; ++c)
                        for (int h = b.lo[1]; h < b.hi[1]; ++h) {
                            const std::int64_t channel = (std::int64_t{n} * l.extent[3] + g) * l.extent[4] + c;
                            units.push_back((channel * plane + h * l.stride[1]) / m.unit_words);
                        }
        std::sort(units.begin(), units.end());
        units.erase(std::unique(units.begin(), units.end()), units.end());
        for (std::int64_t u : units) add_unit(moves_.read, m.codes[static_cast<std::size_t>(u)]);
    }

    int stored_channels(Region r) const
    {
        const TensorPlace& p = r == Region::inputs ? plan_.inputs : plan_.operand2;
        const TensorLayout& l = layout(r);
        return p.channel_stride > 0 ? p.channel_stride : l.extent[3] * l.extent[4];
    }

    /// A unit starts on a burst.
    void add_unit(DramMoves::Side& side, int codes)
    {
        const std::int64_t bytes = std::int64_t{codes} * run_length_format(hw_).word_bytes();
        side.bytes += bytes;
        side.bursts += ceil_div(bytes, moves_.burst_bytes);
        side.requests += ceil_div(bytes, hw_.dma.max_burst_bytes);
    }

    const CompiledPlan compiled_;
    const LayerPlan& plan_;
    const HardwareConfig& hw_;
    const EncodedMaps& maps_;
    TensorLayout parameters_;
    std::array<std::uint64_t, region_count> address_{};
    std::int64_t interleaved_ = 1; ///< banks and channels that neighbouring bursts lie in
    DramMoves moves_;
};

} // namespace

EncodedMap encode_map(const HardwareConfig& hw, const std::vector<std::int16_t>& values, int unit_words)
{
    const RunLengthFormat format = run_length_format(hw);
    EncodedMap m;
    m.unit_words = unit_words;
    for (std::size_t at = 0; at < values.size(); at += static_cast<std::size_t>(unit_words)) {
        RunLengthEncoder encoder(format, unit_words);
        std::uint64_t word = 0;
        int codes = 0;
        for (int i = 0; i < unit_words; ++i) codes += encoder.put(values[at + static_cast<std::size_t>(i)], word);
        m.codes.push_back(codes);
    }
    return m;
}

DramMoves count_dram_moves(const LayerPlan& plan, const HardwareConfig& hw, const EncodedMaps& maps)
{
    if (hw.dram.kind == DramKind::resident) return {};
    return Moves(plan, hw, maps).count();
}

std::uint64_t place_regions(const HardwareConfig& hw, const std::array<std::uint64_t, region_count>& bytes,
                            std::array<std::uint64_t, region_count>& address)
{
    const DramTiming& t = hw.dram.timing;
    const std::uint64_t align = hw.dram.kind == DramKind::dram
                                    ? static_cast<std::uint64_t>(t.row_bytes) * t.banks_per_rank() * t.channels
                                    : 4096;
    std::uint64_t next = 0;
    for (std::size_t r = 0; r < bytes.size(); ++r) {
        address[r] = next;
        next += (bytes[r] + align - 1) / align * align;
    }
    return next;
}

} // namespace heddle
