#include "hw/hardware.hpp"
#include "sim/command_line.hpp"
#include "sim/commands/commands.hpp"
#include "sim/output_folder.hpp"
#include "sim/price.hpp"
#include "sim/report.hpp"

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
        .option("out,o", "DIR", "write report.json and layers.csv with the new energies to DIR");
    if (!line.parse(arguments, out)) return 0;
    RunReport report = read_report(line.text("RESULT"));
    const EnergyTable table = EnergyTable::load(line.text("table"));
    price(report.run, table, parse_hardware(report.hardware_yaml, report.hardware_file));
    report.energy_source = describe_table(table);
    if (line.has("out"))
        OutputFolder(line.text("out"))
            .write({{report_file_name, report_json(report)}, {"layers.csv", layers_csv(report.run)}});
    print_report(out, report);
    return 0;
}

} // namespace heddle
