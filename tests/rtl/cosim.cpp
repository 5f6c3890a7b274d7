#include "tests/rtl/cosim.hpp"

#include <algorithm>
#include <chrono>

namespace heddle::rtl {

Compared& Compared::operator+=(const Compared& o)
{
    layers += o.layers;
    passes += o.passes;
    loads += o.loads;
    steps += o.steps;
    cycles += o.cycles;
    results += o.results;
    frozen += o.frozen;
    return *this;
}

/// The model's array between the channels of hw/rtl/array_slice.sv. Its ports are weights and inputs, the RTL's x and
/// k.
struct CoSimulation::Model {
    Model(const Parameters& p, HardwareConfig& hw, bool weights_on_x)
        : command("command", 2, 1), x("x", p.x_latency + 1, p.x_latency, OperandBeat(p.x_words)),
          k("k", p.k_latency + 1, p.k_latency, OperandBeat(p.k_words)), psums_in("psums_in", 2, 1, PsumBeat(p.cols)),
          out("out", p.out_latency + 1, p.out_latency, PsumBeat(p.out_words)),
          array(sc_core::sc_gen_unique_name("array"), hw, command, weights_on_x ? x : k, weights_on_x ? k : x, psums_in,
                out)
    {
    }
    Channel<Command> command;
    Channel<OperandBeat> x, k;
    Channel<PsumBeat> psums_in, out;
    PeArray array;
};

namespace {

HardwareConfig initial(const Parameters& p)
{
    HardwareConfig hw = load_hardware("systolic_ideal");
    configure(hw, p, {}, {});
    return hw;
}

/// Offers beats in order, willing in some cycles only, and with the model's lane numbers.
class Source {
public:
    Source(const std::vector<Beat>& beats, Channel<OperandBeat>& channel) : beats_(beats), channel_(channel) {}
    const Beat* front() const { return at_ < beats_.size() ? &beats_[at_] : nullptr; }
    void push(Cycle now)
    {
        const Beat& from = beats_[at_++];
        OperandBeat& to = channel_.push(now);
        to.first = lane_;
        to.count = static_cast<int>(from.word.size());
        to.last = from.last;
        to.dense = true;
        for (std::size_t i = 0; i < from.word.size(); ++i) to.word[i] = static_cast<std::int16_t>(from.word[i]);
        lane_ = from.last ? 0 : lane_ + to.count;
    }

private:
    const std::vector<Beat>& beats_;
    Channel<OperandBeat>& channel_;
    std::size_t at_ = 0;
    int lane_ = 0;
};

/// Willing or not, for a random stretch of cycles at a time.
class Will {
public:
    Will(std::uint64_t seed, int percent, int burst) : random_(seed), percent_(percent), burst_(burst) {}
    bool next()
    {
        if (left_ == 0) {
            left_ = static_cast<int>(random_.range(1, burst_));
            willing_ = static_cast<int>(random_.below(100)) < percent_;
        }
        --left_;
        return willing_;
    }

private:
    Random random_;
    int percent_, burst_, left_ = 0;
    bool willing_ = true;
};

} // namespace

CoSimulation::CoSimulation(const std::string& twin)
    : twin_(make_twin(twin)), hw_(std::make_unique<HardwareConfig>(initial(twin_->parameters()))),
      models_{std::make_unique<Model>(twin_->parameters(), *hw_, false),
              std::make_unique<Model>(twin_->parameters(), *hw_, true)}
{
    twin_->reset();
}

CoSimulation::~CoSimulation() = default;

CoSimulation::Model& CoSimulation::begin(const ArrayLayer& layer, const PassOptions& options)
{
    configure(*hw_, parameters(), options, layer);
    plan_ = std::make_unique<CompiledPlan>(plan(layer, parameters()), *hw_);
    Model& m = *models_[layer.flow == Flow::is ? 1 : 0];
    m.array.begin_layer(now_);
    twin_->set_options(options);
    return m;
}

bool CoSimulation::equal(const char* what, std::int64_t rtl, std::int64_t model)
{
    if (rtl == model) return true;
    failure = "cycle " + std::to_string(now_) + ": " + what + ": RTL " + std::to_string(rtl) + ", model " +
              std::to_string(model);
    return false;
}

bool CoSimulation::compare_state(Model& m)
{
    return equal("x channel ready", twin_->x_ready(), m.x.can_push(now_)) &&
           equal("k channel ready", twin_->k_ready(), m.k.can_push(now_)) &&
           equal("command channel ready", twin_->command_ready(), m.command.can_push(now_)) &&
           equal("result valid", twin_->result_valid(), m.out.can_pop(now_)) &&
           equal("beats in x channel", twin_->x_fill(), m.x.fill()) &&
           equal("beats in k channel", twin_->k_fill(), m.k.fill()) &&
           equal("beats in psum channel", twin_->out_fill(), m.out.fill()) &&
           equal("passes begun", twin_->passes() - passes_before_, m.array.stats().passes) &&
           equal("loads taken over", twin_->loads() - loads_before_, m.array.stats().loads);
}

bool CoSimulation::compare_result(const ArrayLayer& layer, Model& m, std::map<int, std::int64_t>& sums)
{
    const rtl::ResultBeat r = twin_->result();
    const PsumBeat& b = m.out.front();
    bool same = equal("result words", r.count, b.count) && equal("result first", r.first, b.first) &&
                equal("result last", r.last, b.last);
    for (int i = 0; same && i < b.count; ++i) {
        const std::size_t n = static_cast<std::size_t>(i);
        const int address = r.address + i * layer.address_stride(axis_x);
        same = equal("result address", address, b.out_word[n]) &&
               equal("result value", twin_->result_value(i), b.value[n]);
        sums[address] += b.value[n];
    }
    return same;
}

bool CoSimulation::run(const ArrayLayer& layer, const PassOptions& options, const Stimulus& stimulus)
{
    const Operands operands = rtl::operands(layer, parameters());
    const Descriptor rtl_command = descriptor(layer);
    Model& m = begin(layer, options);
    passes_before_ = twin_->passes();
    loads_before_ = twin_->loads();
    Source x(operands.x, m.x), k(operands.k, m.k);
    Will x_will(stimulus.seed, stimulus.x, stimulus.burst), k_will(stimulus.seed + 1, stimulus.k, stimulus.burst),
        out_will(stimulus.seed + 2, stimulus.out, stimulus.burst);
    std::map<int, std::int64_t> sums;
    bool commanded = false;
    const Cycle patience = now_ + 200000;
    // Until everything has been used and has left, and some cycles more.
    for (int quiet = 0; quiet < 40; ++now_) {
        const Beat* x_beat = x_will.next() ? x.front() : nullptr;
        const Beat* k_beat = k_will.next() ? k.front() : nullptr;
        const bool taking = out_will.next();
        twin_->command(commanded ? nullptr : &rtl_command);
        twin_->offer_x(x_beat);
        twin_->offer_k(k_beat);
        twin_->accept_result(taking);
        twin_->settle();
        if (!compare_state(m)) return false;
        if (!commanded && m.command.can_push(now_)) {
            m.command.push(now_) = {plan_.get(), nullptr};
            commanded = true;
        }
        if (x_beat && m.x.can_push(now_)) x.push(now_);
        if (k_beat && m.k.can_push(now_)) k.push(now_);
        if (m.out.can_pop(now_)) {
            if (!compare_result(layer, m, sums)) return false;
            if (taking) {
                compared.results += 1;
                m.out.pop(now_);
            } else { // seen again
                for (int i = 0; i < m.out.front().count; ++i)
                    sums[m.out.front().out_word[static_cast<std::size_t>(i)]] -=
                        m.out.front().value[static_cast<std::size_t>(i)];
            }
        }
        m.array.tick(now_);
        if (!equal("array stands still", !twin_->advances(), m.array.frozen())) return false;
        compared.frozen += m.array.frozen();
        compared.cycles += 1;
        twin_->clock();
        const bool busy = x.front() || k.front() || !m.x.empty() || !m.k.empty() || !m.out.empty() ||
                          m.array.phase() != 0 || m.array.results_in_flight() > 0;
        quiet = busy ? 0 : quiet + 1;
        if (now_ > patience) {
            failure = "no end: " + m.array.status();
            return false;
        }
    }
    // Results against arithmetic of the test's own, modulo the width of a psum.
    const std::uint64_t mask = (std::uint64_t{1} << parameters().psum_bits) - 1;
    for (const auto& [address, exact] : operands.expected)
        if (!equal("sum", static_cast<std::int64_t>(static_cast<std::uint64_t>(sums[address]) & mask),
                   static_cast<std::int64_t>(static_cast<std::uint64_t>(exact) & mask)))
            return false;
    compared += {1, operands.passes, operands.loads, operands.steps, 0, 0, 0};
    return equal("passes", operands.passes, m.array.stats().passes) &&
           equal("loads", operands.loads, m.array.stats().loads);
}

double CoSimulation::time_model(const ArrayLayer& layer, const PassOptions& options, std::int64_t& cycles)
{
    const Operands operands = rtl::operands(layer, parameters());
    Model& m = begin(layer, options);
    Source x(operands.x, m.x), k(operands.k, m.k);
    m.command.push(now_) = {plan_.get(), nullptr};
    const Cycle from = now_;
    const auto clock = std::chrono::steady_clock::now();
    do {
        if (x.front() && m.x.can_push(now_)) x.push(now_);
        if (k.front() && m.k.can_push(now_)) k.push(now_);
        if (m.out.can_pop(now_)) m.out.pop(now_);
        m.array.tick(now_++);
    } while (x.front() || !m.command.empty() || !m.out.empty() || m.array.phase() != 0 ||
             m.array.results_in_flight() > 0);
    cycles = now_ - from;
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - clock).count();
}

double CoSimulation::time_twin(const ArrayLayer& layer, const PassOptions& options, std::int64_t& cycles)
{
    const Operands operands = rtl::operands(layer, parameters());
    const Descriptor rtl_command = descriptor(layer);
    twin_->set_options(options);
    twin_->command(&rtl_command);
    twin_->accept_result(true);
    std::size_t x = 0, k = 0;
    int quiet = 0;
    const auto clock = std::chrono::steady_clock::now();
    for (cycles = 0; quiet < 2 * (parameters().rows + parameters().cols); ++cycles) {
        twin_->offer_x(x < operands.x.size() ? &operands.x[x] : nullptr);
        twin_->offer_k(k < operands.k.size() ? &operands.k[k] : nullptr);
        twin_->settle();
        if (x < operands.x.size() && twin_->x_ready()) ++x;
        if (k < operands.k.size() && twin_->k_ready()) ++k;
        quiet = x < operands.x.size() || twin_->out_fill() > 0 ? 0 : quiet + 1;
        twin_->clock();
        twin_->command(nullptr);
    }
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - clock).count();
}

} // namespace heddle::rtl
