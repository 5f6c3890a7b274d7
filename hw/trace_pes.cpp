#include "hw/trace_pes.hpp"

#include <algorithm>

namespace heddle {

namespace {

std::int32_t wrapped(std::uint32_t value, int bits)
{
    return static_cast<std::int32_t>(value << (32 - bits)) >> (32 - bits);
}

} // namespace

PeTracer::PeTracer(SignalTable& table, const PeArray& array, const CompiledPlan& plan) : array_(array), plan_(plan)
{
    const HardwareConfig& hw = plan.hardware();
    const Precision& bits = hw.precision;
    if (plan.plan().kind != PlanKind::array) return;
    find_skew();
    const auto number = [&](const std::string& path, int width) {
        return table.add(path, width, SignalForm::signed_decimal);
    };
    for (int y = 0; y < hw.array.rows; ++y)
        for (int x = 0; x < hw.array.cols; ++x) {
            const std::string pe = "array.pe_" + std::to_string(y) + "_" + std::to_string(x) + ".";
            Pe p{y, x, table.bit(pe + "active"), nullptr, nullptr, nullptr, nullptr};
            p.weight = number(pe + "weight", bits.weight_bits);
            p.input = number(pe + "input", bits.input_bits);
            p.product = number(pe + "product", bits.weight_bits + bits.input_bits);
            p.psum = number(pe + "psum", bits.psum_bits);
            if (p.active || p.weight || p.input || p.product || p.psum) pes_.push_back(p);
        }
    if (pes_.empty()) return;
    const int depth = (hw.array.rows - 1) * per_row_ + (hw.array.cols - 1) * per_col_ + hw.array.mac_latency_cycles;
    Step blank;
    for (auto* words : {&blank.weight, &blank.input, &blank.product, &blank.psum})
        words->assign(static_cast<std::size_t>(hw.pes()), 0);
    steps_.assign(static_cast<std::size_t>(depth), blank);
}

void PeTracer::find_skew()
{
    const LayerPlan& p = plan_.plan();
    const HardwareConfig& hw = plan_.hardware();
    const auto travel = [&](Delivery delivery, bool kept, int hop) {
        if (kept) return;
        if (delivery == Delivery::systolic_x) per_col_ = std::max(per_col_, hop);
        if (delivery == Delivery::systolic_y) per_row_ = std::max(per_row_, hop);
    };
    travel(p.weight_delivery, p.keep_weights, hw.weight_network.hop_cycles);
    travel(p.input_delivery, p.keep_inputs, hw.input_network.hop_cycles);
    if (p.psum_path == PsumPath::chain_y) per_row_ = std::max(per_row_, hw.psum_network.hop_cycles);
}

void PeTracer::record(Cycle now)
{
    if (pes_.empty()) return;
    if (array_.stepped_in(now)) {
        const Cycle time = array_.time(now);
        Step& step = steps_[static_cast<std::size_t>(time) % steps_.size()];
        step.entered = time;
        step.lanes = lanes_;
        compute(step);
    }
    lanes_ = array_.lanes();
}

void PeTracer::compute(Step& step) const
{
    const HardwareConfig& hw = plan_.hardware();
    const int shift = hw.precision.product_shift;
    const std::uint32_t half = shift == 0 ? 0 : 1u << (shift - 1);
    const std::size_t cols = static_cast<std::size_t>(hw.array.cols);
    for (int y = 0; y < hw.array.rows; ++y)
        for (int x = 0; x < hw.array.cols; ++x) {
            const std::size_t pe = static_cast<std::size_t>(y) * cols + static_cast<std::size_t>(x);
            const bool active = step.lanes->tensor[static_cast<int>(Tensors::outputs)].lane_of_mac[pe] >= 0;
            step.weight[pe] = active ? array_.operand(Tensors::weights, y, x) : 0;
            step.input[pe] = active ? array_.operand(Tensors::inputs, y, x) : 0;
            const auto exact = static_cast<std::uint32_t>(step.weight[pe]) * static_cast<std::uint32_t>(step.input[pe]);
            step.product[pe] = static_cast<std::int32_t>(exact + half) >> shift;
            if (plan_.plan().psum_path == PsumPath::local) {
                step.psum[pe] = array_.psum(y, x);
            } else {
                const bool chained = plan_.plan().psum_path == PsumPath::chain_y && y > 0;
                const std::int32_t above = chained ? step.psum[pe - cols] : 0;
                step.psum[pe] = static_cast<std::int32_t>(static_cast<std::uint32_t>(above) +
                                                          static_cast<std::uint32_t>(step.product[pe]));
            }
        }
}

const PeTracer::Step* PeTracer::entered(Cycle time) const
{
    if (time < 0) return nullptr;
    const Step& step = steps_[static_cast<std::size_t>(time) % steps_.size()];
    return step.entered == time ? &step : nullptr;
}

void PeTracer::sample(Cycle now)
{
    const HardwareConfig& hw = plan_.hardware();
    const Cycle time = array_.time(now), latency = hw.array.mac_latency_cycles - 1;
    for (const Pe& p : pes_) {
        const std::size_t pe =
            static_cast<std::size_t>(p.row) * static_cast<std::size_t>(hw.array.cols) + static_cast<std::size_t>(p.col);
        const auto works = [&](const Step* s) {
            return s && !array_.frozen() && s->lanes->tensor[static_cast<int>(Tensors::outputs)].lane_of_mac[pe] >= 0;
        };
        const Step* in = entered(time - skew(p));
        const Step* out = entered(time - skew(p) - latency);
        show(p.active, works(in));
        if (works(in)) {
            show(p.weight, in->weight[pe]);
            show(p.input, in->input[pe]);
        }
        if (works(out)) {
            show(p.product, out->product[pe]);
            show(p.psum, wrapped(static_cast<std::uint32_t>(out->psum[pe]), hw.precision.psum_bits));
        }
    }
}

} // namespace heddle
