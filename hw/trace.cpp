#include "hw/trace.hpp"

#include "dnn/base/error.hpp"
#include "dnn/base/yaml_scalar.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace heddle {

namespace {

constexpr int clock_and_time_bytes = 2 * (7 + 14);

/// Two time stamps with the clock, and the number of the cycle.
std::int64_t stamp_bytes(Cycle cycle, int period_ps)
{
    const auto digits = static_cast<std::int64_t>(std::to_string(cycle * period_ps).size());
    return 2 * (digits + 3 + 7) + bits_for(cycle) + 8;
}

int wavefront_of(const HardwareConfig& hw)
{
    const int hop = std::max({hw.weight_network.hop_cycles, hw.input_network.hop_cycles, hw.psum_network.hop_cycles});
    return (hw.array.rows + hw.array.cols) * hop + hw.array.mac_latency_cycles;
}

} // namespace

bool WindowWatch::holds(Cycle next)
{
    if (window_.unit == TraceWindow::Unit::cycle) return next >= window_.first && next <= window_.last;
    const Pass& pass = array_.passes().pass();
    const bool begun = pass.tile != nullptr && !array_.passes().done();
    const std::int64_t at = !begun ? -1 : window_.unit == TraceWindow::Unit::tile ? pass.tile->index : pass.index;
    const bool inside = begun && at >= window_.first && at <= window_.last;
    if (!inside && was_inside_) left_ = array_.time(next) + wavefront_;
    if (inside) left_ = 0;
    was_inside_ = inside;
    return inside || array_.time(next) < left_;
}

TraceProbe::TraceProbe(Accelerator& machine, const CompiledPlan& plan, const TraceOptions& options)
    : table_(options.scopes), channels_(table_, plan), blocks_(table_, machine, plan),
      pes_(table_, machine.array(), plan), window_(options.window, machine.array(), wavefront_of(plan.hardware()))
{
    machine.visit_channels(channels_);
    if (const std::string scope = table_.unmatched(); !scope.empty())
        throw UserError("--scope: no signal of this layer matches " + quoted(scope) +
                        " (heddle trace --help tells the hierarchy)");
    if (table_.header_bytes() + 2 * table_.largest_bytes_per_cycle() > options.max_bytes)
        throw UserError("--max-mib: the declarations of " + std::to_string(table_.all().size()) +
                        " signals alone do not fit; name fewer with --scope");
    inside_ = window_.holds(0);
}

bool TraceProbe::step(Cycle now)
{
    pes_.record(now);
    const bool inside = inside_;
    inside_ = window_.holds(now + 1);
    return inside;
}

void TraceProbe::sample(Cycle now, const std::vector<int>& causes)
{
    channels_.sample(now);
    blocks_.sample(causes);
    pes_.sample(now);
}

Tracer::Tracer(Accelerator& machine, const CompiledPlan& plan, const TraceOptions& options)
    : machine_(machine), options_(options), probe_(machine, plan, options),
      period_ps_(plan.hardware().clock_period_ps())
{
    const Rational& mhz = plan.hardware().clock_mhz;
    if (1000000 * mhz.denominator() % mhz.numerator() != 0)
        clock_note_ = "the clock has " + mhz.text() +
                      " MHz, whose period is no whole number of picoseconds: " + std::to_string(period_ps_) +
                      " ps is the nearest\n";
}

Tracer::~Tracer()
{
    close();
}

void Tracer::look(Cycle now, const std::vector<int>& causes)
{
    const bool inside = probe_.step(now);
    if (closed_ || (!inside && !probe_.next_inside() && !file_)) return;
    // Also in the cycle before the window: what registers hold as it begins.
    probe_.sample(now, causes);
    cycle_number_ = static_cast<sc_dt::uint64>(now);
    if (!inside) {
        if (file_) close();
        return;
    }
    if (!file_) open();
    const auto written = static_cast<std::int64_t>(std::filesystem::file_size(options_.vcd));
    if (written + 2 * (signals().largest_bytes_per_cycle() + clock_and_time_bytes) > options_.max_bytes && last_ >= 0) {
        limited_ = true;
        close();
        return;
    }
    if (first_ == never) first_ = now;
    if (work_ == never && CauseWatch::works(causes)) work_ = now;
    last_ = now;
}

void Tracer::open()
{
    const std::string stem = options_.vcd.substr(0, options_.vcd.size() - 4); // SystemC appends .vcd
    file_ = sc_core::sc_create_vcd_trace_file(stem.c_str());
    file_->set_time_unit(1, sc_core::SC_PS);
    std::string comment =
        options_.title + "\ncycle n begins at n x " + std::to_string(period_ps_) + " ps\n" + clock_note_;
    for (const Signal& s : signals().all()) {
        if (s.form() != SignalForm::name) continue;
        comment += "names " + s.path();
        for (std::size_t i = 0; i < s.names()->size(); ++i) comment += " " + std::to_string(i) + "=" + (*s.names())[i];
        comment += "\n";
    }
    sc_core::sc_write_comment(file_, comment);
    sc_core::sc_trace(file_, *machine_.clock().signal(), "clk");
    sc_core::sc_trace(file_, cycle_number_, "cycle", 48);
    signals().trace(*file_);
}

void Tracer::close()
{
    if (file_) sc_core::sc_close_vcd_trace_file(file_);
    if (file_) stamp_first_values();
    if (file_) closed_ = true;
    file_ = nullptr;
}

/// SystemC says only in a comment when its first values hold, so viewers show them from 0 on. The time stamp takes that
/// comment's place, padded with blanks to its length.
void Tracer::stamp_first_values() const
{
    if (first_ == never) return;
    std::fstream file(options_.vcd, std::ios::in | std::ios::out | std::ios::binary);
    bool declared = false;
    std::string line;
    for (std::streamoff from = 0; std::getline(file, line); from = file.tellg()) {
        declared = declared || line.rfind("$enddefinitions", 0) == 0;
        if (line == "$dumpvars") return;
        if (!declared || line != "$comment") continue;
        do {
            if (!std::getline(file, line)) return;
        } while (line != "$end");
        const std::streamoff length = file.tellg() - from;
        std::string stamp = "#" + std::to_string(first_ * period_ps_);
        stamp.resize(static_cast<std::size_t>(length - 1), ' ');
        file.seekp(from);
        file << stamp << '\n';
        return;
    }
}

TraceForecast::TraceForecast(Accelerator& machine, const CompiledPlan& plan, const TraceOptions& options,
                             std::int64_t looks_per_pace)
    : probe_(machine, plan, options), period_ps_(plan.hardware().clock_period_ps()),
      fixed_bytes_(probe_.signals().header_bytes()), looks_per_pace_(looks_per_pace), limit_(looks_per_pace)
{
}

void TraceForecast::look(Cycle now, const std::vector<int>& causes)
{
    if (over_) return;
    const bool inside = probe_.step(now);
    if (!inside) {
        over_ = cycles_ > 0;
        if (probe_.next_inside()) probe_.sample(now, causes);
        return;
    }
    ++cycles_;
    fixed_bytes_ += stamp_bytes(now, period_ps_);
    measure(now, causes);
}

/// Of a group the first two cycles only bring the registers up to date.
void TraceForecast::measure(Cycle now, const std::vector<int>& causes)
{
    constexpr int warm_up = 2, measured = 4;
    if (skip_ > 0) {
        --skip_;
        ++unmeasured_;
        return;
    }
    probe_.sample(now, causes);
    const auto bytes = static_cast<double>(probe_.signals().changed_bytes());
    looks_ += signals();
    if (gap_ == 0) {
        changed_bytes_ += bytes;
        if (cycles_ > 1) rate_ = bytes; // the first cycle has the values at the start
    } else if (in_group_ < warm_up) {
        ++in_group_;
        ++unmeasured_;
        return;
    } else {
        group_bytes_ += bytes;
        if (++in_group_ < warm_up + measured) return;
        rate_ = group_bytes_ / measured;
        changed_bytes_ += group_bytes_ + rate_ * static_cast<double>(unmeasured_);
    }
    if (looks_ > limit_) {
        limit_ += looks_per_pace_;
        gap_ = std::max<Cycle>(32, 2 * gap_);
    }
    unmeasured_ = 0;
    in_group_ = 0;
    group_bytes_ = 0.0;
    if (gap_ > 0) skip_ = random_.range(gap_ / 2, 3 * gap_ / 2);
}

std::int64_t TraceForecast::bytes() const
{
    return fixed_bytes_ +
           static_cast<std::int64_t>(changed_bytes_ + group_bytes_ + rate_ * static_cast<double>(unmeasured_));
}

} // namespace heddle
