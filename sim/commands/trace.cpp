#include "dnn/base/error.hpp"
#include "dnn/base/yaml_scalar.hpp"
#include "sim/choose_mappings.hpp"
#include "sim/command_line.hpp"
#include "sim/commands/commands.hpp"
#include "sim/commands/network_flags.hpp"
#include "sim/dataflow.hpp"
#include "sim/fst.hpp"
#include "sim/gtkw.hpp"
#include "sim/inputs.hpp"
#include "sim/layer_selection.hpp"
#include "sim/lower.hpp"
#include "sim/overlay.hpp"
#include "sim/result_mappings.hpp"
#include "sim/text.hpp"
#include "sim/trace_layer.hpp"

#include <filesystem>
#include <iostream>
#include <limits>
#include <sstream>
#include <unistd.h>

namespace heddle {

namespace fs = std::filesystem;

namespace {

constexpr std::int64_t mebibyte = 1 << 20;
constexpr std::int64_t largest = std::numeric_limits<std::int64_t>::max();

const char* const summary =
    "Simulates one layer of NETWORK on the accelerator H and writes what happens in every cycle as a waveform, a\n"
    "timeline or both; counts and values are those of heddle run. Signals: clk, cycle, then by block (controller, "
    "dram,\n"
    "dma, global_buffer, distributor, array, collector, post) its cause in the cycle, states and occupancies, and the\n"
    "channels that it writes: valid, ready and fields at the reader's end, push and room at the writer's. A transfer\n"
    "is a cycle with valid and ready. array.pe_ROW_COL holds active, weight, input, product and psum in the cycle in\n"
    "which the wavefront is at that PE. Registers show what they hold as the cycle begins. A GTKWave save file\n"
    "(OUT.gtkw, with its names in OUT.names/) is written beside the waveform.";

void describe_options(CommandLine& line)
{
    line.required("hw", "H", "hardware: a shipped name (heddle list hardware) or a YAML file")
        .option("overlay", "FILE", "changes to the hardware, as heddle calibrate writes them: dram.latency_cycles: 40")
        .required("layer", "L", "the layer, by name or by its number in the report")
        .option("vcd", "FILE", "write the waveform here (FILE.vcd)")
        .option("fst", "FILE", "write it as FST too, with vcd2fst of Debian's gtkwave")
        .option("timeline", "FILE", "write a Chrome/Perfetto trace here (JSON)")
        .option("scope", "S", "only these signals or scopes: array.pe_2_*,dram,*.cause (* stays inside a name)")
        .option("from", "CYCLE", "first cycle of the layer that is written (0)")
        .option("to", "CYCLE", "last one (the layer's end)")
        .option("tile", "A..B", "instead: while the array is in these tiles")
        .option("pass", "A..B", "instead: while the array is in these passes")
        .option("max-mib", "N", "stop writing before a file exceeds N MiB (512)")
        .option("dataflow", "D", "ws, os, is, ... (heddle list dataflows); default: the hardware's first")
        .option("mapping", "FILE",
                "mappings by hand for the layers it names: a file that heddle map writes, or a result to run as it was")
        .option("input", "FILE", "PNG, JPEG or .npy; default as for heddle run")
        .option("seed", "S", "of synthetic weights and inputs (1)")
        .option("stall-seed", "S", "adds random channel latencies; 0 is off (0)")
        .example("heddle trace tiny --hw tpu_like --layer conv2 --vcd conv2.vcd --to 200",
                 "the first 200 cycles of a layer");
}

int find_layer(const Network& net, const HardwareConfig& hw, const std::string& name)
{
    int layer = net.find(name);
    std::int64_t number = 0;
    if (layer < 0 && parse_integer(name, number) && number >= 0 &&
        number < static_cast<std::int64_t>(net.layers.size()))
        layer = static_cast<int>(number);
    if (layer < 0)
        throw UserError("--layer: " + quoted(name) + " is no layer of " + net.name + " (from " +
                        net.layers.front().name + " to " + net.layers.back().name + ")");
    if (!has_plan(net, hw, layer))
        throw UserError("--layer: " + net.layers[static_cast<std::size_t>(layer)].name +
                        " is not simulated: it moves no data, is left to the host, or is fused into another layer");
    return layer;
}

/// "5" or "2..5".
void read_range(const std::string& option, const std::string& text, TraceWindow& w)
{
    const std::size_t dots = text.find("..");
    const bool range = dots != std::string::npos;
    const bool numbers =
        range ? parse_integer(text.substr(0, dots), w.first) && parse_integer(text.substr(dots + 2), w.last)
              : parse_integer(text, w.first);
    if (!range) w.last = w.first;
    if (!numbers || w.first < 0 || w.last < w.first)
        throw UserError("--" + option + ": expected N or FIRST..LAST, got " + quoted(text));
}

TraceWindow read_window(const CommandLine& line)
{
    TraceWindow w;
    const bool cycles = line.has("from") || line.has("to");
    if (cycles + line.has("tile") + line.has("pass") > 1)
        throw UserError("--from/--to, --tile and --pass exclude each other");
    if (line.has("tile")) {
        w.unit = TraceWindow::Unit::tile;
        read_range("tile", line.text("tile"), w);
    } else if (line.has("pass")) {
        w.unit = TraceWindow::Unit::pass;
        read_range("pass", line.text("pass"), w);
    } else {
        w.first = line.integer("from", 0, largest - 1, 0);
        w.last = line.integer("to", w.first, largest - 1, largest - 1);
    }
    return w;
}

/// A path that will be written: the suffix is right, the folder is there and may be written to.
std::string output_path(const CommandLine& line, const std::string& option, const std::string& suffix)
{
    if (!line.has(option)) return {};
    const fs::path path = line.text(option);
    if (path.extension() != suffix || path.stem().empty())
        throw UserError("--" + option + ": expected a file name ending in " + suffix + ", got " +
                        quoted(line.text(option)));
    const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
    if (!fs::is_directory(folder)) throw UserError("--" + option + ": no such folder: " + folder.string());
    const bool exists = fs::exists(path);
    if (::access((exists ? path : folder).c_str(), W_OK) != 0 || fs::is_directory(path))
        throw UserError("--" + option + ": cannot write to " + path.string());
    return path.string();
}

TraceRequest read_request(const CommandLine& line, std::string& fst)
{
    TraceRequest r;
    r.trace.vcd = output_path(line, "vcd", ".vcd");
    fst = output_path(line, "fst", ".fst");
    r.timeline = line.text("timeline").empty() ? "" : output_path(line, "timeline", ".json");
    if (r.trace.vcd.empty() && fst.empty() && r.timeline.empty())
        throw UserError("trace: nothing to write: give --vcd, --fst or --timeline");
    if (!fst.empty()) require_vcd2fst();
    if (r.trace.vcd.empty() && !fst.empty()) r.trace.vcd = fst + ".tmp.vcd"; // removed when it has been converted
    r.trace.window = read_window(line);
    r.trace.max_bytes = line.integer("max-mib", 1, 1 << 20, 512) * mebibyte;
    std::istringstream scopes(line.text("scope"));
    for (std::string s; std::getline(scopes, s, ',');) r.trace.scopes.push_back(s);
    return r;
}

RunOptions read_options(const CommandLine& line, std::string& workload)
{
    RunOptions o;
    o.hardware = load_overlaid_hardware(line.text("hw"), line.text("overlay")).config;
    o.dataflow = line.text("dataflow", o.hardware.dataflows.empty() ? "" : o.hardware.dataflows.front());
    describe_dataflow(o.dataflow); // refuses an unknown one
    o.seed = static_cast<std::uint64_t>(line.integer("seed", 0, largest, 1));
    o.stall_seed = static_cast<std::uint64_t>(line.integer("stall-seed", 0, largest, 0));
    const std::string name = line.text("NETWORK");
    const Network net = read_network(line);
    find_layer(net, o.hardware, line.text("layer"));
    if (line.has("mapping")) {
        o.mappings = load_mappings(line.text("mapping"));
        check_mappings(net, o.hardware, o.mappings, line.text("mapping"));
    }
    Workload work = make_workload(net, name, o.hardware.precision, line.text("input"), o.seed);
    o.network = std::move(work.network);
    o.input = std::move(work.input);
    workload = work.description;
    return o;
}

std::string mebibytes(std::int64_t bytes)
{
    return decimal(static_cast<double>(bytes) / static_cast<double>(mebibyte), 2) + " MiB";
}

void announce(std::ostream& out, const TracePlan& p, std::int64_t limit)
{
    if (p.signals == 0) return;
    out << "about " << mebibytes(p.expected_bytes) << ": " << grouped(p.signals) << " signals, "
        << grouped(p.expected_cycles) << " cycles";
    if (p.expected_bytes > limit) out << "; the limit of " << mebibytes(limit) << " (--max-mib) will cut it short";
    out << std::endl;
}

void print_outcome(std::ostream& out, const TraceOutcome& t, const TraceRequest& r, const std::string& fst)
{
    out << "layer " << t.result.name << "  " << t.result.shape << ": " << grouped(t.result.cycles)
        << " cycles, every value equal to the reference\n";
    if (t.first_cycle != never) {
        const std::string span = "cycles " + grouped(t.first_cycle) + ".." + grouped(t.last_cycle);
        if (t.limited)
            out << "stopped: the limit of " << mebibytes(r.trace.max_bytes) << " (--max-mib) is reached after " << span
                << "; the file is valid up to there\n";
        if (fs::exists(r.trace.vcd))
            out << "waveform    " << r.trace.vcd << ", " << span << ", "
                << mebibytes(static_cast<std::int64_t>(fs::file_size(r.trace.vcd))) << '\n';
        if (!fst.empty())
            out << "waveform    " << fst << ", " << span << ", "
                << mebibytes(static_cast<std::int64_t>(fs::file_size(fst))) << '\n';
    }
    if (!r.timeline.empty())
        out << "timeline    " << r.timeline << ", " << grouped(t.timeline_slices) << " slices"
            << (t.timeline_limited ? "; cut short by --max-mib" : "") << '\n';
}

} // namespace

int trace_command(const std::vector<std::string>& arguments, std::ostream& out)
{
    CommandLine line("trace", "NETWORK --hw H --layer L --vcd FILE [options]", summary, {"NETWORK"});
    describe_options(line);
    describe_network_options(line);
    if (!line.parse(arguments, out)) return 0;
    std::string fst, workload;
    TraceRequest request = read_request(line, fst);
    const RunOptions options = read_options(line, workload);
    const Network& net = options.network.net;
    const int layer = find_layer(net, options.hardware, line.text("layer"));
    request.trace.title = "heddle trace: layer " + net.layers[static_cast<std::size_t>(layer)].name + " of " +
                          net.name + " on " + options.hardware.name + ", dataflow " + options.dataflow + ", " +
                          workload;
    const TraceOutcome outcome =
        trace_layer(options, layer, request, [&](const TracePlan& p) { announce(out, p, request.trace.max_bytes); });
    if (outcome.first_cycle != never) {
        if (!fst.empty()) convert_to_fst(request.trace.vcd, fst);
        if (!line.has("vcd")) fs::remove(request.trace.vcd);
        const std::int64_t period_ps = options.hardware.clock_period_ps();
        const Cycle opened = outcome.first_work != never ? outcome.first_work : outcome.first_cycle;
        const std::string save = write_gtkw(line.has("vcd") ? request.trace.vcd : fst, outcome.signals,
                                            request.trace.title, opened * period_ps, period_ps);
        print_outcome(out, outcome, request, fst);
        out << "view it     gtkwave " << save << '\n';
    } else {
        print_outcome(out, outcome, request, "");
    }
    return 0;
}

} // namespace heddle
