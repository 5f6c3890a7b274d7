#include "tests/rtl/slices.hpp"

#include "Vslice_16x16.h"
#include "Vslice_3x5.h"
#include "Vslice_4x4.h"
#include "Vslice_8x8.h"

#include <stdexcept>
#include <type_traits>

namespace heddle::rtl {

namespace {

// Bits of a signal, which Verilator keeps as an integer or, when wide, as 32-bit words, low bits first.
template <typename T> std::uint32_t get(const T& signal, int at, int bits)
{
    std::uint64_t v;
    if constexpr (std::is_integral_v<T>) {
        v = static_cast<std::uint64_t>(signal) >> at;
    } else {
        const auto w = static_cast<std::size_t>(at / 32);
        v = signal[w];
        if (at % 32 + bits > 32) v |= static_cast<std::uint64_t>(signal[w + 1]) << 32;
        v >>= at % 32;
    }
    return static_cast<std::uint32_t>(v & ((std::uint64_t{1} << bits) - 1));
}

template <typename T> void set(T& signal, int at, int bits, std::uint32_t value)
{
    for (int b = 0; b < bits; ++b) {
        const bool one = (value >> b & 1u) != 0;
        if constexpr (std::is_integral_v<T>) {
            const T mask = static_cast<T>(T{1} << (at + b));
            signal = static_cast<T>(one ? signal | mask : signal & ~mask);
        } else {
            auto& word = signal[static_cast<std::size_t>((at + b) / 32)];
            const std::uint32_t mask = 1u << ((at + b) % 32);
            word = one ? word | mask : word & ~mask;
        }
    }
}

/// Fields of a packed struct in the order of their declaration: the first one is the highest.
class Fields {
public:
    void add(std::int64_t value, int bits = 32) { fields_.push_back({static_cast<std::uint32_t>(value), bits}); }
    template <typename T> void store(T& signal) const
    {
        int at = 0;
        for (auto f = fields_.rbegin(); f != fields_.rend(); at += f->bits, ++f) set(signal, at, f->bits, f->value);
    }

private:
    struct Field {
        std::uint32_t value;
        int bits;
    };
    std::vector<Field> fields_;
};

void add_spot(Fields& f, const Spot& s)
{
    for (int v : {s.word, s.row, s.col}) f.add(v);
}
void add_radix(Fields& f, const Digit (&radix)[rtl_digits])
{
    for (int d = rtl_digits - 1; d >= 0; --d) {
        f.add(radix[d].size);
        add_spot(f, radix[d].step);
    }
}
void add_tensor(Fields& f, const TensorDescriptor& t)
{
    add_spot(f, t.origin);
    f.add(t.rows);
    f.add(t.cols);
    add_radix(f, t.lane);
    add_radix(f, t.outer);
    for (int v : {t.lane_unit, t.outer_unit, t.unit_words}) f.add(v);
}

Fields fields(const LayerDescriptor& l)
{
    Fields f;
    f.add(l.array.stationary, 1);
    for (int a = 2; a >= 0; --a) f.add(l.array.extent[a]);
    for (int a = 2; a >= 0; --a) f.add(l.array.stride[a]);
    for (int n = rtl_loops - 1; n >= 0; --n) {
        f.add(l.array.loops[n].axis, 2);
        f.add(l.array.loops[n].step);
    }
    f.add(l.tiles);
    f.add(l.accumulates, 1);
    add_tensor(f, l.x);
    add_tensor(f, l.k);
    return f;
}

template <typename T> void set_ports(T& signal, const RtlPorts& p)
{
    Fields f;
    for (const RtlPort& port : {p.read, p.write}) {
        f.add(port.words);
        f.add(port.gather, 1);
    }
    f.add(p.shared, 1);
    f.add(p.line_bits);
    f.store(signal);
}

template <typename Model> class SliceOf : public Slice {
public:
    explicit SliceOf(const SliceParameters& p) : Slice(p), context_(std::make_unique<VerilatedContext>())
    {
        model_ = std::make_unique<Model>(context_.get(), p.name.c_str());
    }
    ~SliceOf() override { model_->final(); }

    void reset() override
    {
        const SliceParameters& p = parameters_;
        model_->rst = 1;
        for (int i = 0; i < (p.rows + 1) * p.hop_y + (p.cols + 1) * p.hop_x + p.mac_latency + p.update_latency; ++i) {
            settle();
            clock();
        }
        model_->rst = 0;
    }
    void set_machine(const SliceMachine& m) override
    {
        Fields f;
        for (bool b : {m.passes.load_hidden, m.passes.drain_hidden, m.passes.wavefront_chained, m.passes.edges_full})
            f.add(b, 1);
        f.add(m.passes.min_cycles);
        f.add(m.passes.gap_cycles);
        f.store(model_->options);
        set_ports(model_->x_ports, m.x);
        set_ports(model_->k_ports, m.k);
        set_ports(model_->psum_ports, m.psum);
        model_->psum_capacity = static_cast<std::uint32_t>(m.psum_capacity);
        model_->whole_tiles = m.whole_tiles;
    }
    void command(const LayerDescriptor* layer) override
    {
        model_->command_valid = layer != nullptr;
        if (layer) fields(*layer).store(model_->command);
    }
    void offer_fill(const RtlFill* fill) override
    {
        model_->fill_valid = fill != nullptr;
        if (!fill) return;
        model_->fill_k = fill->to_k;
        Fields f;
        f.add(fill->tile);
        f.add(fill->first_word);
        f.add(static_cast<std::int64_t>(fill->word.size()));
        f.store(model_->fill);
        for (std::size_t i = 0; i < fill->word.size(); ++i)
            set(model_->fill_words, static_cast<int>(i) * 16, 16, static_cast<std::uint32_t>(fill->word[i]));
    }
    void accept(bool credit, bool direct, bool sum) override
    {
        model_->credit_ready = credit;
        model_->direct_ready = direct;
        model_->sum_ready = sum;
    }
    void settle() override
    {
        model_->clk = 0;
        model_->eval();
    }
    void clock() override
    {
        model_->clk = 1;
        model_->eval();
    }

    bool command_ready() const override { return model_->command_ready; }
    bool fill_ready() const override { return model_->fill_ready; }
    bool credit_valid() const override { return model_->credit_valid; }
    RtlCredit credit() const override
    {
        return {get(model_->credit, 32, 1) != 0, static_cast<int>(get(model_->credit, 0, 32))};
    }
    bool sum_valid(SliceChannel c) const override { return c == sum_ch ? model_->sum_valid : model_->direct_valid; }
    ResultBeat sum_info(SliceChannel c) const override
    {
        const auto& w = c == sum_ch ? model_->sum_info : model_->direct_info;
        return {static_cast<int>(get(w, 34, 32)), static_cast<int>(get(w, 2, 32)), get(w, 1, 1) != 0,
                get(w, 0, 1) != 0};
    }
    std::int32_t sum_value(SliceChannel c, int i) const override
    {
        const int bits = parameters_.psum_bits, unused = 32 - bits;
        const std::uint32_t v = get(c == sum_ch ? model_->sum : model_->direct_sum, i * bits, bits);
        return static_cast<std::int32_t>(v << unused) >> unused;
    }
    bool pushes(SliceChannel c) const override { return get(model_->pushes, c, 1) != 0; }
    bool pops(SliceChannel c) const override { return get(model_->pops, c, 1) != 0; }
    Beat operand(SliceChannel c) const override
    {
        if (c == read_x_ch) return packed(model_->read_x_last, model_->read_x_count, model_->read_x);
        if (c == read_k_ch) return packed(model_->read_k_last, model_->read_k_count, model_->read_k);
        if (c == edge_x_ch) return unpacked(model_->edge_x_last, model_->edge_x_count, model_->edge_x);
        return unpacked(model_->edge_k_last, model_->edge_k_count, model_->edge_k);
    }
    int x_fill() const override { return static_cast<int>(model_->x_fill); }
    int k_fill() const override { return static_cast<int>(model_->k_fill); }
    int out_fill() const override { return static_cast<int>(model_->out_fill); }
    std::int64_t passes() const override { return model_->passes; }
    std::int64_t loads() const override { return model_->loads; }

private:
    template <typename T> static Beat packed(bool last, int count, const T& words)
    {
        Beat b{last, {}};
        for (int i = 0; i < count; ++i) b.word.push_back(static_cast<std::int16_t>(get(words, i * 16, 16)));
        return b;
    }
    template <typename T> static Beat unpacked(bool last, int count, const T& words)
    {
        Beat b{last, {}};
        for (int i = 0; i < count; ++i) b.word.push_back(static_cast<std::int16_t>(words[static_cast<std::size_t>(i)]));
        return b;
    }

    std::unique_ptr<VerilatedContext> context_;
    std::unique_ptr<Model> model_;
};

} // namespace

SliceParameters slice_parameters(const std::string& name)
{
    SliceParameters p;
    p.name = name;
    if (name == "slice_4x4") return p;
    if (name == "slice_3x5") {
        p.rows = 3, p.cols = 5;
        p.hop_x = 2, p.mac_latency = 3, p.psum_bits = 24, p.product_shift = 3;
        p.x_words = 2, p.k_words = 3, p.out_words = 2;
        p.x_latency = 2, p.out_latency = 3;
        p.read_latency = 2, p.update_latency = 4;
        return p;
    }
    if (name == "slice_8x8") {
        p.rows = p.cols = p.x_words = p.k_words = p.out_words = 8;
        p.mac_latency = 2;
        p.read_latency = 3, p.update_latency = 2;
        return p;
    }
    if (name == "slice_16x16") {
        p.rows = p.cols = p.x_words = p.k_words = p.out_words = 16;
        p.taps = false;
        p.words = 16384;
        return p;
    }
    throw std::logic_error("no slice named " + name);
}

std::unique_ptr<Slice> make_slice(const std::string& name)
{
    const SliceParameters p = slice_parameters(name);
    if (name == "slice_4x4") return std::make_unique<SliceOf<Vslice_4x4>>(p);
    if (name == "slice_3x5") return std::make_unique<SliceOf<Vslice_3x5>>(p);
    if (name == "slice_8x8") return std::make_unique<SliceOf<Vslice_8x8>>(p);
    return std::make_unique<SliceOf<Vslice_16x16>>(p);
}

} // namespace heddle::rtl
