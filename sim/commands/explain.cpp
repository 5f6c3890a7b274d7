#include "sim/explain.hpp"
#include "sim/command_line.hpp"
#include "sim/commands/commands.hpp"

#include <ostream>

namespace heddle {

int explain_command(const std::vector<std::string>& arguments, std::ostream& out)
{
    CommandLine line(
        "explain", "RESULT [--layer L]",
        "Says where the cycles and the energy of a finished run went and what would help, for the network or\n"
        "for one layer: the bound's terms, the ledger of every block, phases, DRAM, accesses, hops, mapping.\n"
        "RESULT is the folder of a run or its report.json.",
        {"RESULT"});
    line.option("layer", "L", "this layer, by name or by its number in the report; default: the network")
        .example("heddle explain heddle_out/mobilenet_v1-tpu_like-ws", "the network: which causes, which layers")
        .example("heddle explain heddle_out/mobilenet_v1-tpu_like-ws --layer conv1", "one layer in full");
    if (!line.parse(arguments, out)) return 0;
    const RunReport report = read_report(line.text("RESULT"));
    if (line.has("layer"))
        explain_layer(out, report, find_result(report.run, line.text("layer")));
    else
        explain_run(out, report);
    return 0;
}

} // namespace heddle
