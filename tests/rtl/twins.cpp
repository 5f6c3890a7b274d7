#include "tests/rtl/twins.hpp"

#include "Vbus_8x8.h"
#include "Vodd_3x5.h"
#include "Vsystolic_16x16.h"
#include "Vsystolic_4x4.h"
#include "Vsystolic_8x8.h"
#include "Vwires_4x4.h"

#include <stdexcept>
#include <verilated_vcd_c.h>

namespace heddle::rtl {

namespace {

/// A field of a packed struct; Verilator keeps wide ones as 32-bit words, low bits first.
template <typename Wide> void set_field(Wide& wide, int at, int bits, std::uint32_t value)
{
    for (int b = 0; b < bits; ++b) {
        const int place = at + b;
        const std::uint32_t mask = 1u << (place % 32);
        if (value >> b & 1u)
            wide[static_cast<std::size_t>(place / 32)] |= mask;
        else
            wide[static_cast<std::size_t>(place / 32)] &= ~mask;
    }
}

template <typename Wide> std::uint32_t field(const Wide& wide, int at, int bits)
{
    std::uint32_t value = 0;
    for (int b = 0; b < bits; ++b)
        value |= (wide[static_cast<std::size_t>((at + b) / 32)] >> ((at + b) % 32) & 1u) << b;
    return value;
}

constexpr int traced_levels = 2; // ports and nets of array_slice, not what is inside of its modules

/// False for models that were made without tracing.
template <typename Model> auto attach(Model* model, VerilatedVcdC* dump) -> decltype(model->trace(dump, 2), true)
{
    model->trace(dump, traced_levels);
    return true;
}
bool attach(...)
{
    return false;
}

template <typename Model> class TwinOf : public Twin {
public:
    explicit TwinOf(const Parameters& p) : Twin(p), context_(std::make_unique<VerilatedContext>())
    {
        model_ = std::make_unique<Model>(context_.get(), p.name.c_str());
    }
    ~TwinOf() override { model_->final(); }

    void reset() override
    {
        model_->rst = 1;
        const Parameters& p = parameters_;
        for (int i = 0; i < (p.rows + 1) * p.hop_y + (p.cols + 1) * p.hop_x + p.mac_latency; ++i) {
            settle();
            clock();
        }
        model_->rst = 0;
    }
    void set_options(const PassOptions& o) override
    {
        auto& w = model_->options;
        set_field(w, 0, 32, static_cast<std::uint32_t>(o.gap_cycles));
        set_field(w, 32, 32, static_cast<std::uint32_t>(o.min_cycles));
        set_field(w, 64, 1, o.edges_full);
        set_field(w, 65, 1, o.wavefront_chained);
        set_field(w, 66, 1, o.drain_hidden);
        set_field(w, 67, 1, o.load_hidden);
    }
    void command(const Descriptor* layer) override
    {
        model_->command_valid = layer != nullptr;
        if (!layer) return;
        auto& w = model_->command;
        int at = 0;
        for (const RtlLoop& l : layer->loops) {
            set_field(w, at, 32, static_cast<std::uint32_t>(l.step));
            set_field(w, at + 32, 2, static_cast<std::uint32_t>(l.axis));
            at += 34;
        }
        for (int a = 0; a < 3; ++a, at += 32) set_field(w, at, 32, static_cast<std::uint32_t>(layer->stride[a]));
        for (int a = 0; a < 3; ++a, at += 32) set_field(w, at, 32, static_cast<std::uint32_t>(layer->extent[a]));
        set_field(w, at, 1, layer->stationary);
    }
    void offer_x(const Beat* beat) override
    {
        model_->x_valid = beat != nullptr;
        if (!beat) return;
        model_->x_count = static_cast<std::uint8_t>(beat->word.size());
        model_->x_last = beat->last;
        for (std::size_t i = 0; i < beat->word.size(); ++i)
            model_->x_word[i] = static_cast<std::uint16_t>(beat->word[i]);
    }
    void offer_k(const Beat* beat) override
    {
        model_->k_valid = beat != nullptr;
        if (!beat) return;
        model_->k_count = static_cast<std::uint8_t>(beat->word.size());
        model_->k_last = beat->last;
        for (std::size_t i = 0; i < beat->word.size(); ++i)
            model_->k_word[i] = static_cast<std::uint16_t>(beat->word[i]);
    }
    void accept_result(bool ready) override { model_->out_ready = ready; }
    void settle() override
    {
        model_->clk = 0;
        model_->eval();
        dump();
    }
    void clock() override
    {
        model_->clk = 1;
        model_->eval();
        dump();
    }
    void trace(const std::string& path) override
    {
        context_->traceEverOn(true);
        dump_ = std::make_unique<VerilatedVcdC>();
        if (!attach(model_.get(), dump_.get())) throw std::logic_error(parameters_.name + " cannot be traced: " + path);
        dump_->open(path.c_str());
    }

    bool command_ready() const override { return model_->command_ready; }
    bool x_ready() const override { return model_->x_ready; }
    bool k_ready() const override { return model_->k_ready; }
    bool result_valid() const override { return model_->out_valid; }
    ResultBeat result() const override
    {
        const auto& w = model_->out_info;
        return {static_cast<int>(field(w, 34, 32)), static_cast<int>(field(w, 2, 32)), field(w, 1, 1) != 0,
                field(w, 0, 1) != 0};
    }
    std::int32_t result_value(int i) const override
    {
        const int unused = 32 - parameters_.psum_bits;
        const auto v = static_cast<std::uint32_t>(model_->out_value[static_cast<std::size_t>(i)]);
        return static_cast<std::int32_t>(v << unused) >> unused;
    }
    int x_fill() const override { return static_cast<int>(model_->x_fill); }
    int k_fill() const override { return static_cast<int>(model_->k_fill); }
    int out_fill() const override { return static_cast<int>(model_->out_fill); }
    std::int64_t passes() const override { return model_->passes; }
    std::int64_t loads() const override { return model_->loads; }
    bool advances() const override { return model_->advance; }

private:
    void dump()
    {
        if (dump_) dump_->dump(static_cast<std::uint64_t>(half_cycles_++));
    }

    std::unique_ptr<VerilatedContext> context_;
    std::unique_ptr<Model> model_;
    std::unique_ptr<VerilatedVcdC> dump_; ///< closes its file
    std::int64_t half_cycles_ = 0;
};

} // namespace

std::unique_ptr<Twin> make_twin(const std::string& name)
{
    Parameters p;
    p.name = name;
    if (name == "systolic_4x4") return std::make_unique<TwinOf<Vsystolic_4x4>>(p);
    if (name == "odd_3x5") {
        p.rows = 3, p.cols = 5;
        p.hop_x = 2, p.mac_latency = 3, p.psum_bits = 24, p.product_shift = 3;
        p.x_words = 2, p.k_words = 3, p.out_words = 2;
        p.x_latency = 2, p.out_latency = 3;
        return std::make_unique<TwinOf<Vodd_3x5>>(p);
    }
    if (name == "bus_8x8") {
        p.rows = p.cols = p.x_words = p.k_words = p.out_words = 8;
        p.hop_x = 0, p.hop_y = 2, p.mac_latency = 2;
        return std::make_unique<TwinOf<Vbus_8x8>>(p);
    }
    if (name == "systolic_8x8") {
        p.rows = p.cols = p.x_words = p.k_words = p.out_words = 8;
        p.hop_x = 2, p.mac_latency = 4;
        p.x_latency = 2, p.k_latency = 4, p.out_latency = 2;
        return std::make_unique<TwinOf<Vsystolic_8x8>>(p);
    }
    if (name == "wires_4x4") {
        p.hop_x = p.hop_y = 0;
        p.out_words = 3;
        return std::make_unique<TwinOf<Vwires_4x4>>(p);
    }
    if (name == "systolic_16x16") {
        p.rows = p.cols = p.x_words = p.k_words = p.out_words = 16;
        p.taps = false;
        return std::make_unique<TwinOf<Vsystolic_16x16>>(p);
    }
    throw std::logic_error("no twin named " + name);
}

} // namespace heddle::rtl
