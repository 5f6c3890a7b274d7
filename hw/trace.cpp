#include "hw/trace.hpp"

#include "dnn/base/error.hpp"
#include "dnn/base/yaml_scalar.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace heddle {

namespace {

constexpr int clock_and_time_bytes = 2 * (7 + 14);

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

Tracer::Tracer(Accelerator& machine, const CompiledPlan& plan, const TraceOptions& options)
    : machine_(machine), options_(options), table_(options.scopes), channels_(table_, plan),
      blocks_(table_, machine, plan), pes_(table_, machine.array(), plan),
      window_(options.window, machine.array(), wavefront_of(plan.hardware())),
      period_ps_(plan.hardware().clock_period_ps())
{
    machine.visit_channels(channels_);
    if (const std::string scope = table_.unmatched(); !scope.empty())
        throw UserError("--scope: no signal of this layer matches " + quoted(scope) +
                        " (heddle trace --help tells the hierarchy)");
    if (table_.header_bytes() + table_.largest_bytes_per_cycle() > options_.max_bytes)
        throw UserError("--max-mib: the declarations of " + std::to_string(table_.all().size()) +
                        " signals alone do not fit; name fewer with --scope");
    inside_ = window_.holds(0);
}

Tracer::~Tracer()
{
    close();
}

std::int64_t Tracer::expected_bytes(Cycle cycles) const
{
    return table_.header_bytes() +
           static_cast<std::int64_t>(static_cast<double>(cycles) *
                                     (table_.expected_bytes_per_cycle() + clock_and_time_bytes));
}

void Tracer::look(Cycle now, const std::vector<int>& causes)
{
    pes_.record(now);
    const bool inside = inside_;
    inside_ = window_.holds(now + 1);
    if (closed_ || (!inside && !inside_ && !file_)) return;
    // Also in the cycle before the window: what registers hold as it begins.
    channels_.sample(now);
    blocks_.sample(causes);
    pes_.sample(now);
    cycle_number_ = static_cast<sc_dt::uint64>(now);
    if (!inside) {
        if (file_) close();
        return;
    }
    if (!file_) open();
    const auto written = static_cast<std::int64_t>(std::filesystem::file_size(options_.vcd));
    if (written + 2 * (table_.largest_bytes_per_cycle() + clock_and_time_bytes) > options_.max_bytes && last_ >= 0) {
        limited_ = true;
        close();
        return;
    }
    if (first_ == never) first_ = now;
    last_ = now;
}

void Tracer::open()
{
    const std::string stem = options_.vcd.substr(0, options_.vcd.size() - 4); // SystemC appends .vcd
    file_ = sc_core::sc_create_vcd_trace_file(stem.c_str());
    file_->set_time_unit(1, sc_core::SC_PS);
    std::string comment = options_.title + "\ncycle n begins at n x " + std::to_string(period_ps_) + " ps\n";
    for (const Signal& s : table_.all()) {
        if (s.form() != SignalForm::name) continue;
        comment += "names " + s.path();
        for (std::size_t i = 0; i < s.names()->size(); ++i) comment += " " + std::to_string(i) + "=" + (*s.names())[i];
        comment += "\n";
    }
    sc_core::sc_write_comment(file_, comment);
    sc_core::sc_trace(file_, *machine_.clock().signal(), "clk");
    sc_core::sc_trace(file_, cycle_number_, "cycle", 48);
    table_.trace(*file_);
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

} // namespace heddle
