#include "sim/commands/mapper_flags.hpp"

#include "dnn/base/error.hpp"

namespace heddle {

void describe_mapper_options(CommandLine& line)
{
    line.option("objective", "latency|energy|edp", "what the mapper minimises (latency)")
        .option("mapper", "first|search",
                "first: few tilings, the baseline; search: never worse by its estimate (search)");
}

MapperOptions read_mapper_options(const CommandLine& line, std::shared_ptr<const EnergyTable> energy)
{
    MapperOptions o;
    o.objective = static_cast<Objective>(line.choice("objective", objective_names(), 0));
    o.kind = line.choice("mapper", {"first", "search"}, 1) == 0 ? MapperKind::first : MapperKind::search;
    o.energy = std::move(energy);
    if (o.objective != Objective::latency && !o.energy)
        throw UserError("--objective: " + line.text("objective") +
                        " needs an energy table: the hardware names none, so give --energy");
    return o;
}

} // namespace heddle
