#include "dnn/base/error.hpp"
#include "dnn/base/files.hpp"
#include "dnn/base/yaml_scalar.hpp"
#include "dnn/onnx_coverage.hpp"
#include "sim/choose_mappings.hpp"
#include "sim/command_line.hpp"
#include "sim/commands/commands.hpp"
#include "sim/commands/mapper_flags.hpp"
#include "sim/commands/network_flags.hpp"
#include "sim/driver.hpp"
#include "sim/inputs.hpp"
#include "sim/layer_selection.hpp"
#include "sim/layer_table.hpp"
#include "sim/lower.hpp"
#include "sim/overlay.hpp"
#include "sim/price.hpp"
#include "sim/progress.hpp"
#include "sim/report.hpp"
#include "sim/result_folder.hpp"
#include "sim/result_mappings.hpp"
#include "sim/text.hpp"
#include "sim/zeros.hpp"

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <limits>
#include <set>
#include <sys/ioctl.h>
#include <unistd.h>

namespace heddle {

namespace fs = std::filesystem;

namespace {

constexpr int max_jobs = 256;

void describe_options(CommandLine& line)
{
    line.required("hw", "H", "hardware: a shipped name (heddle list hardware) or a YAML file")
        .option("dataflow", "D",
                "ws, os, is, ... (heddle list dataflows), or best: of the hardware's, layer by layer; "
                "default: the hardware's first")
        .option("layers", "L",
                "only these: 3..7, conv1 or a list; numbers as in the report; inputs come from the reference")
        .option("input", "FILE", "PNG, JPEG or .npy; default: a picture beside the model, or a seeded one")
        .option("energy", "T",
                "energy table: a shipped name (heddle list energy) or a YAML file; default: the hardware's")
        .option("mapping", "FILE",
                "mappings by hand for the layers it names: a file that heddle map writes, or a result to run as it was")
        .option("overlay", "FILE", "changes to the hardware, as heddle calibrate writes them: dram.latency_cycles: 40")
        .option("out,o", "DIR",
                "folder for report.json, layers.csv, manifest.json, replaced if it is there; default "
                "heddle_out/NETWORK-H-D with what else tells runs apart")
        .option("zeros", "FILE",
                "CSV of layer, ifmap_zeros_pct, ofmap_zeros_pct: each conv named there reads a seeded map with "
                "exactly these zeros instead of its producer's, and its biases are moved until ReLU clips that share "
                "of every output channel (before fused pooling)")
        .option("seed", "S", "of synthetic weights and inputs (1)")
        .option("stall-seed", "S", "adds random channel latencies: cycles change, values must not; 0 is off (0)")
        .option("jobs", "N", "layers in parallel processes, same results (1)")
        .option("driver", "fast|reference", "reference: every block an SC_METHOD on sc_clock; same results, slower")
        .flag("timing-only", "move no values, simulate identical layers once; same cycles and counts")
        .flag("wide", "a table of all columns, however wide")
        .flag("quiet", "print nothing but errors: no progress, no report")
        .example("heddle run mobilenet_v1 --hw tpu_like",
                 "simulates all layers, checks every value, writes the results")
        .example("heddle run resnet50 --hw nvdla_like --layers 3..7 --jobs 2 --timing-only",
                 "quicker: times of some layers")
        .example("heddle run gemm:64x64x64 --hw ./mine.yaml --out results",
                 "a matrix multiply on a machine of your own");
}

void check_layers(const Network& net, const RunOptions& o)
{
    const auto simulated = [&](int layer) { return has_plan(net, o.hardware, layer); };
    if (!o.layers.empty() && std::none_of(o.layers.begin(), o.layers.end(), simulated))
        throw UserError(
            "--layers: none of these is simulated: they move no data, are left to the host, or are fused into "
            "another layer");
}

int terminal_columns()
{
    winsize size{};
    return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

/// Everything that can be refused is read and checked here, before anything is simulated.
struct Request {
    RunOptions options;
    EnergyTable energy;
    OutputFolder folder;
    Workload work; ///< its network and input have moved into the options
    Coverage coverage;
    std::vector<std::pair<std::string, std::string>> config_hashes;
    std::string hardware_yaml; ///< with the overlay
};

/// What an option's value names: the file, or that of a result's folder; empty when neither.
std::string file_of(const std::string& value)
{
    std::error_code ignored;
    const fs::path path = fs::is_directory(value, ignored) ? fs::path(value) / report_file_name : fs::path(value);
    return fs::is_regular_file(path, ignored) ? path.string() : "";
}

/// An option's value, and the text of the file that it names.
std::string content_of(const std::string& value)
{
    const std::string file = file_of(value);
    return file.empty() ? value : value + "\n" + read_file(file);
}

bool is_network_file(const std::string& name)
{
    const fs::path extension = fs::path(name).extension();
    return extension == ".yaml" || extension == ".yml" || extension == ".onnx";
}

bool is_shipped(const std::string& folder, const std::string& name)
{
    const std::vector<std::string> names = shipped_names(folder);
    return std::find(names.begin(), names.end(), name) != names.end();
}

/// Options that the identity names, and those that change no result.
const std::set<std::string> apart_from_options = {
    "hw",   "dataflow", "batch", "objective", "overlay",       "energy",           "out",
    "jobs", "driver",   "wide",  "quiet",     "mapping-cache", "no-mapping-cache", "help"};

RunIdentity identity_of(const CommandLine& line, const Network& net, const RunOptions& o)
{
    RunIdentity run;
    const std::string network = line.text("NETWORK");
    run.network = net.name;
    if (is_network_file(network)) run.network_content = network_hash(network);
    run.hardware = o.hardware.name;
    if (!is_shipped("hw/presets", line.text("hw"))) run.hardware_content = o.hardware.content_hash;
    run.dataflow = o.dataflow;
    run.batch = net.layers.front().out_shape[0];
    if (o.mapper.objective != Objective::latency)
        run.objective = objective_names()[static_cast<std::size_t>(o.mapper.objective)];
    if (line.has("overlay")) {
        run.overlay_name = line.text("overlay");
        run.overlay_content = read_file(run.overlay_name);
    }
    if (line.has("energy") && line.text("energy") != o.hardware.energy_table) {
        const std::string table = line.text("energy");
        run.energy = fs::path(table).stem().string();
        if (!is_shipped("models/tables", table)) run.options.emplace_back("energy", content_of(table));
    }
    for (const auto& [option, value] : line.given())
        if (apart_from_options.count(option) == 0) run.options.emplace_back(option, content_of(value));
    return run;
}

EnergyTable load_energy(const CommandLine& line, const HardwareConfig& hw)
{
    const std::string name = line.text("energy", hw.energy_table);
    if (name.empty())
        throw UserError("--energy: " + hw.name + " names no energy table of its own, so one must be given");
    return EnergyTable::load(name);
}

void read_simulation_options(const CommandLine& line, RunOptions& o)
{
    constexpr std::int64_t largest = std::numeric_limits<std::int64_t>::max();
    o.dataflow = read_dataflow(line, o.hardware, o.mapper);
    o.simulate_best = read_simulate_best(line);
    o.seed = static_cast<std::uint64_t>(line.integer("seed", 0, largest, 1));
    o.stall_seed = static_cast<std::uint64_t>(line.integer("stall-seed", 0, largest, 0));
    o.timing_only = line.has("timing-only");
    o.jobs = static_cast<int>(line.integer("jobs", 1, max_jobs, 1));
    o.driver = line.choice("driver", {"fast", "reference"}, 0) == 0 ? TimeDriver::fast : TimeDriver::reference;
}

/// Only synthetic values may be changed: those of a trained network are what they are.
void read_zeros_option(const CommandLine& line, RunOptions& o, std::string& description)
{
    if (!line.has("zeros")) return;
    const std::string file = line.text("zeros");
    if (o.timing_only) throw UserError("--zeros: --timing-only moves no values that could be zero");
    if (!o.network.synthetic)
        throw UserError("--zeros: expected a network without weights of its own, found " + o.network.net.name);
    const std::map<int, ZeroShares> zeros = read_zeros(read_file(file), file, o.network.net);
    try {
        o.given_inputs = apply_zeros(o.network, o.input, zeros, o.seed);
    } catch (const UserError& e) {
        throw UserError(file + ": " + e.what());
    }
    description += ", zeros of " + file;
}

Request make_request(const CommandLine& line)
{
    const std::string name = line.text("NETWORK");
    RunOptions o;
    DescribedHardware hardware = load_overlaid_hardware(line.text("hw"), line.text("overlay"));
    o.hardware = hardware.config;
    EnergyTable energy = load_energy(line, o.hardware);
    o.mapper = read_mapper_options(line, std::make_shared<const EnergyTable>(energy));
    read_simulation_options(line, o);
    const Network net = read_network(line);
    if (line.has("layers")) o.layers = select_layers(net, line.text("layers"));
    if (line.has("mapping")) {
        o.mappings = load_mappings(line.text("mapping"));
        check_mappings(net, o.hardware, o.mappings, line.text("mapping"));
    }
    check_layers(net, o);
    OutputFolder folder(line.has("out") ? line.text("out") : default_folder(identity_of(line, net, o)));
    Workload work = make_workload(net, name, o.hardware.precision, line.text("input"), o.seed);
    o.network = std::move(work.network);
    o.input = std::move(work.input);
    read_zeros_option(line, o, work.description);

    Request request{std::move(o), std::move(energy), std::move(folder), std::move(work), coverage_of(net), {}, {}};
    request.hardware_yaml = std::move(hardware.yaml);
    request.config_hashes = request.work.config_hashes;
    request.config_hashes.emplace_back(line.text("hw"), request.options.hardware.content_hash);
    for (const char* option : {"mapping", "constraints", "energy", "overlay", "zeros"})
        if (const std::string file = file_of(line.text(option)); !file.empty())
            request.config_hashes.emplace_back(line.text(option), content_hash(read_file(file)));
    return request;
}

RunResult simulate(const RunOptions& options, bool quiet)
{
    if (quiet) return run_network(options, {});
    ProgressPrinter printer(std::cerr, ::isatty(STDERR_FILENO) == 1, terminal_columns());
    return run_network(options, [&](const Progress& progress) { printer.show(progress); });
}

RunReport make_report(const Request& request, RunResult run)
{
    const HardwareConfig& hw = request.options.hardware;
    run.coverage_macs = request.coverage.macs_share();
    run.coverage_bytes = request.coverage.words_share();
    price(run, request.energy, hw);
    RunReport report;
    report.run = std::move(run);
    report.energy_source = describe_table(request.energy);
    report.hardware_file = hw.source_file;
    report.hardware_yaml = request.hardware_yaml;
    report.coverage = coverage_line(request.coverage, hw.precision.input_bits);
    return report;
}

void print_classes(std::ostream& out, const Request& request, const RunReport& report)
{
    const QuantizedNetwork& network = request.options.network;
    const auto classes = static_cast<std::size_t>(network.net.layers.back().out_shape[1]);
    const std::vector<float>& scores = report.run.output;
    if (network.synthetic || scores.size() < classes || request.work.labels.size() != classes) return;
    out << "\nclasses of the first picture\n";
    print_top_classes(out, {scores.begin(), scores.begin() + static_cast<std::ptrdiff_t>(classes)}, request.work.labels,
                      3);
}

} // namespace

int run_command(const std::vector<std::string>& arguments, std::ostream& out)
{
    CommandLine line("run", "NETWORK --hw H [options]",
                     "Simulates NETWORK (a shipped name, a .yaml or .onnx file, or gemm:MxNxK) on the accelerator H,\n"
                     "compares every value with the reference, and writes results to a folder.",
                     {"NETWORK"});
    describe_options(line);
    describe_network_options(line);
    describe_mapper_options(line);
    if (!line.parse(arguments, out)) return 0;
    const Request request = make_request(line);
    const RunReport report = make_report(request, simulate(request.options, line.has("quiet")));

    Manifest manifest;
    manifest.command = {"heddle", "run"};
    manifest.command.insert(manifest.command.end(), arguments.begin(), arguments.end());
    manifest.config_hashes = request.config_hashes;
    manifest.seed = request.options.seed;
    manifest.stall_seed = request.options.stall_seed;
    const std::string where = write_results(request.folder, {{report_file_name, report_json(report)},
                                                             {"layers.csv", layers_csv(report.run)},
                                                             {"manifest.json", manifest_json(manifest)}});
    if (line.has("quiet")) return 0;
    print_report(out, report, line.has("wide"));
    out << wrapped("workload", request.work.description, 12, line.has("wide") ? 0 : report_width);
    print_classes(out, request, report);
    out << '\n' << where << '\n';
    return 0;
}

} // namespace heddle
