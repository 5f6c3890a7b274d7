#include "dnn/base/error.hpp"
#include "dnn/base/files.hpp"
#include "dnn/base/nearest.hpp"
#include "dnn/base/yaml_scalar.hpp"
#include "sim/command_line.hpp"
#include "sim/commands/commands.hpp"
#include "sim/overlay.hpp"

#include <algorithm>
#include <ostream>

namespace heddle {

int show_command(const std::vector<std::string>& arguments, std::ostream& out)
{
    CommandLine line(
        "show", "NAME [--overlay FILE]",
        "Prints the YAML of something shipped: a machine (heddle list hardware), a network, an energy table\n"
        "or a DRAM. To make one of your own, write it to a file and edit that.",
        {"NAME"});
    line.option("overlay", "FILE", "changes to the hardware: print the description with them")
        .example("heddle show tpu_like > mine.yaml", "a machine to start from: heddle run tiny --hw ./mine.yaml")
        .example("heddle show generic_28nm", "an energy table");
    if (!line.parse(arguments, out)) return 0;
    const std::string name = line.text("NAME");
    if (line.has("overlay")) {
        out << load_overlaid_hardware(name, line.text("overlay")).yaml;
        return 0;
    }
    std::vector<std::string> known;
    for (const char* folder : {"hw/presets", "dnn/networks", "models/tables"}) {
        const std::vector<std::string> names = shipped_names(folder);
        if (std::find(names.begin(), names.end(), name) != names.end()) {
            out << read_file(data_root() + "/" + folder + "/" + name + ".yaml");
            return 0;
        }
        known.insert(known.end(), names.begin(), names.end());
    }
    throw UserError("show: nothing shipped is called " + quoted(name) + did_you_mean(known, name) +
                    "; see heddle list hardware, networks, energy");
}

} // namespace heddle
