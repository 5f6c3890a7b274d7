#include "dnn/base/error.hpp"
#include "dnn/base/files.hpp"
#include "dnn/base/random.hpp"
#include "dnn/base/yaml_scalar.hpp"
#include "sim/calibrate_report.hpp"
#include "sim/calibrate_stepwise.hpp"
#include "sim/command_line.hpp"
#include "sim/commands/commands.hpp"
#include "sim/overlay.hpp"
#include "sim/signal_map.hpp"
#include "sim/text.hpp"

#include <algorithm>
#include <cmath>
#include <iostream>
#include <limits>
#include <numeric>
#include <sstream>
#include <unistd.h>

namespace heddle {

namespace {

ColumnNames column_names(const CommandLine& line)
{
    ColumnNames names;
    std::istringstream renamed(line.text("columns")), ignored(line.text("ignore"));
    for (std::string one; std::getline(renamed, one, ',');) {
        const std::size_t equals = one.find('=');
        if (equals == std::string::npos || equals == 0 || equals + 1 == one.size())
            throw UserError("--columns: expected OURS=THEIRS such as array_cycles=rtl_cycles, got " + quoted(one));
        names.ours[one.substr(equals + 1)] = one.substr(0, equals);
    }
    for (std::string one; std::getline(ignored, one, ',');) names.ignored.insert(one);
    return names;
}

double holdout_share(const CommandLine& line)
{
    std::string text = line.text("holdout", "30%");
    if (!text.empty() && text.back() == '%') text.pop_back();
    double value = 0;
    if (!parse_real(text, value) || value < 0 || value > 90)
        throw UserError("--holdout: expected a share from 0% to 90%, got " + quoted(line.text("holdout")));
    return value / 100.0;
}

struct Rows {
    std::vector<std::size_t> training, held_out;
};

/// A seeded draw.
Rows split(std::size_t count, double share, std::uint64_t seed)
{
    std::vector<std::size_t> order(count);
    std::iota(order.begin(), order.end(), std::size_t{0});
    Random random(derive_seed(seed, 1));
    for (std::size_t i = count; i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
    const auto held = static_cast<std::ptrdiff_t>(std::lround(share * static_cast<double>(count)));
    Rows rows{{order.begin() + held, order.end()}, {order.begin(), order.begin() + held}};
    std::sort(rows.training.begin(), rows.training.end());
    std::sort(rows.held_out.begin(), rows.held_out.end());
    return rows;
}

std::vector<std::string> items(const std::string& list)
{
    std::vector<std::string> all;
    std::istringstream in(list);
    for (std::string one; std::getline(in, one, ',');) all.push_back(one);
    return all;
}

/// Rows of the CSV, then those of the dumps.
void read_rows(const CommandLine& line, MeasuredSet& set)
{
    if (!line.has("measured") && !line.has("vcd"))
        throw UserError("calibrate: nothing measured: expected --measured FILE.csv, or --vcd FILE with --map FILE");
    if (line.has("vcd") != line.has("map"))
        throw UserError("calibrate: --vcd and --map belong together: the map names the dump's signals and layers");
    if (line.has("measured")) {
        set.sources = {line.text("measured")};
        set.rows = read_measurements(line.text("measured"), column_names(line));
    }
    if (!line.has("vcd")) return;
    const std::vector<std::string> dumps = items(line.text("vcd"));
    const std::vector<Measurement> seen = measure_waves(dumps, read_signal_map(line.text("map")));
    set.rows.insert(set.rows.end(), seen.begin(), seen.end());
    set.sources.insert(set.sources.end(), dumps.begin(), dumps.end());
    set.sources.push_back(line.text("map"));
    refuse_duplicates(set.rows);
}

MeasuredSet read_set(const CommandLine& line)
{
    MeasuredSet set;
    const DescribedHardware hardware = load_overlaid_hardware(line.text("hw"), line.text("overlay"));
    set.hardware_yaml = hardware.yaml;
    set.hardware_file = hardware.config.source_file;
    set.hardware_name = line.text("hw");
    if (line.has("overlay")) set.base_overlay = parse_overlay(read_file(line.text("overlay")), line.text("overlay"));
    set.dataflow = line.text("dataflow");
    set.energy_table = line.text("energy");
    read_rows(line, set);
    set.file = joined(set.sources);
    return set;
}

void check_enough(const MeasuredSet& set, const Rows& rows, std::size_t parameters)
{
    if (rows.training.size() > parameters) return;
    throw UserError(set.rows.back().where() + "too few rows: " + std::to_string(rows.training.size()) + " to fit (" +
                    std::to_string(rows.held_out.size()) + " are held out) for " + std::to_string(parameters) +
                    " parameters; expected at least " + std::to_string(parameters + 1) +
                    ": measure more layers, or fit fewer parameters (--fit)");
}

/// The overlay's name with another ending.
std::string beside(const std::string& overlay, const std::string& ending)
{
    const std::size_t dot = overlay.rfind(".yaml");
    return (dot != std::string::npos && dot + 5 == overlay.size() ? overlay.substr(0, dot) : overlay) + ending;
}

SearchOptions search_options(const CommandLine& line, const RowSimulator& simulator, std::size_t rows)
{
    SearchOptions options;
    options.seed = static_cast<std::uint64_t>(line.integer("seed", 0, std::numeric_limits<std::int64_t>::max(), 1));
    options.starts = static_cast<int>(line.integer("starts", 1, 1000, 4));
    options.simulations = line.integer("simulations", 1, 100000000, 8000);
    if (::isatty(STDERR_FILENO) == 1)
        options.improved = [&simulator, rows](const Point&, double cost) {
            std::cerr << "\r" << simulator.simulations() << " simulations, root mean square error "
                      << percent(std::sqrt(cost / static_cast<double>(rows)), 3) << "   ";
        };
    return options;
}

/// The parameters of --fit, or those that the data ask for.
Selection find(RowSimulator& simulator, const std::vector<FitParameter>& given, const Rows& rows,
               const CommandLine& line)
{
    const SearchOptions options = search_options(line, simulator, rows.training.size());
    Selection s;
    if (given.empty()) {
        s = select_parameters(simulator, rows.training, options);
    } else {
        FitProblem problem(simulator, given, rows.training);
        s.parameters = given;
        s.found = search(problem, options);
    }
    if (options.improved) std::cerr << '\n';
    return s;
}

} // namespace

int calibrate_command(const std::vector<std::string>& arguments, std::ostream& out)
{
    CommandLine line("calibrate", "--hw H (--measured FILE.csv | --vcd FILE --map FILE) -o OVERLAY.yaml [options]",
                     "Fits latencies and bandwidths of a hardware description to cycles measured on its RTL, and says\n"
                     "how well that works on rows it has not seen. docs/calibration.md tells what to measure.",
                     {});
    line.required("hw", "H", "hardware: a shipped name or a YAML file")
        .option("measured", "FILE", "CSV: one row per layer and setting")
        .option("vcd", "FILES", "waveforms of the RTL, with commas between, instead of or beside the CSV")
        .option("map", "FILE", "YAML: which signals of the waveforms tell what, and the layers of their windows")
        .option("out,o", "FILE", "the overlay with the fitted values, for --overlay; a plot goes beside it (.svg)")
        .option("fit", "KEYS",
                "keys to fit, with bounds if wanted: dram.latency_cycles=20..400,dma.startup_cycles; default: those "
                "that the data ask for, of all that are known and that no column sets")
        .option("holdout", "SHARE", "of the rows, kept from the fit to judge it (30%)")
        .option("energy", "T", "for columns of energy; default: the hardware's")
        .option("dataflow", "D", "of rows that name none; default: the hardware's first")
        .option("overlay", "FILE", "changes to the hardware before anything is fitted")
        .option("columns", "LIST", "the file's own names: array_cycles=rtl_cycles")
        .option("ignore", "LIST", "columns of the file to leave out")
        .option("seed", "S", "of the draw of held-out rows and of random starts (1)")
        .option("starts", "N", "starts of the search at most; the first is the description (4)")
        .option("simulations", "N", "stop the search after about so many (8000)")
        .option("jobs", "N", "simulations at once, same results (1)")
        .example("heddle calibrate --hw mine.yaml --measured rtl.csv -o fitted.yaml",
                 "then heddle run NETWORK --hw mine.yaml --overlay fitted.yaml");
    if (!line.parse(arguments, out)) return 0;
    if (!line.has("out")) throw UserError("calibrate: -o FILE is missing: where to write the fitted values");
    MeasuredSet set = read_set(line);
    std::vector<FitParameter> given;
    if (line.has("fit")) given = choose_parameters(line.text("fit"), set);
    prepare(set, given.empty() || fits_bandwidth(given));
    const auto seed = static_cast<std::uint64_t>(line.integer("seed", 0, std::numeric_limits<std::int64_t>::max(), 1));
    const Rows rows = split(set.rows.size(), holdout_share(line), seed);
    check_enough(set, rows, std::max<std::size_t>(1, given.size()));

    RowSimulator simulator(set, static_cast<int>(line.integer("jobs", 1, 256, 1)));
    const Selection selection = find(simulator, given, rows, line);
    const SearchResult& found = selection.found;
    FitProblem problem(simulator, selection.parameters, rows.training);
    const Analysis analysis = analyse(problem, found.point, rows.held_out);
    write_file_atomically(line.text("out"), overlay_text(set, analysis, found));
    const std::string plot = beside(line.text("out"), ".svg");
    write_file_atomically(plot, calibration_plot(set, analysis));
    if (given.empty()) print_selection(out, selection);
    print_calibration(out, set, analysis, found, simulator.simulations());
    out << "\noverlay in " << line.text("out") << ", plot in " << plot << '\n';
    if (!analysis.energy.empty()) {
        const std::string table = beside(line.text("out"), ".energy.yaml");
        write_file_atomically(table, scaled_energy_table(set, analysis.energy));
        out << "scaled energy table in " << table << ": heddle run ... --energy, heddle energy --table\n";
    }
    return 0;
}

} // namespace heddle
