#include "hw/hardware.hpp"
#include "sim/command_line.hpp"
#include "sim/commands/commands.hpp"
#include "sim/price.hpp"
#include "sim/report.hpp"
#include "sim/result_folder.hpp"

#include <ostream>

namespace heddle {

int energy_command(const std::vector<std::string>& arguments, std::ostream& out)
{
    CommandLine line(
        "energy", "RESULT --table T [--out DIR]",
        "Prices the counts of a finished run by another table, without simulating. RESULT is the folder of a\n"
        "run or its report.json.",
        {"RESULT"});
    line.required("table", "T", "energy table: a shipped name (heddle list energy) or a YAML file")
        .option("out,o", "DIR", "write report.json and layers.csv with the new energies to DIR")
        .flag("wide", "a table of all columns, however wide")
        .flag("quiet", "print nothing but errors")
        .example("heddle energy heddle_out/tiny-tpu_like-ws --table horowitz_45nm",
                 "the counts of that run, priced anew");
    if (!line.parse(arguments, out)) return 0;
    RunReport report = read_report(line.text("RESULT"));
    const EnergyTable table = EnergyTable::load(line.text("table"));
    price(report.run, table, parse_hardware(report.hardware_yaml, report.hardware_file));
    report.energy_source = describe_table(table);
    std::string where;
    if (line.has("out"))
        where = write_results(OutputFolder(line.text("out")),
                              {{report_file_name, report_json(report)}, {"layers.csv", layers_csv(report.run)}});
    if (line.has("quiet")) return 0;
    print_report(out, report, line.has("wide"));
    if (!where.empty()) out << '\n' << where << '\n';
    return 0;
}

} // namespace heddle
