#include "sim/command_line.hpp"
#include "sim/commands/commands.hpp"
#include "sim/report.hpp"

#include <ostream>

namespace heddle {

int diff_command(const std::vector<std::string>& arguments, std::ostream& out)
{
    CommandLine line(
        "diff", "A B",
        "Compares two results layer by layer: cycles, counts, ledgers and energies. A and B are folders of runs\n"
        "or report.json files. Exit code 0 when equal, 1 when they differ.",
        {"A", "B"});
    line.example("heddle diff heddle_out/tiny-tpu_like-ws heddle_out/tiny-tpu_like-os",
                 "two dataflows, layer by layer");
    if (!line.parse(arguments, out)) return 0;
    const RunReport a = read_report(line.text("A"));
    const RunReport b = read_report(line.text("B"));
    out << "A: " << a.run.network << " on " << a.run.hardware << ", energy by " << a.energy_source << '\n'
        << "B: " << b.run.network << " on " << b.run.hardware << ", energy by " << b.energy_source << '\n';
    if (print_difference(out, a, b)) return 1;
    out << "equal in all " << a.run.layers.size() << " layers\n";
    return 0;
}

} // namespace heddle
