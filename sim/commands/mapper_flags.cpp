#include "sim/commands/mapper_flags.hpp"

#include "dnn/base/error.hpp"
#include "sim/dataflow.hpp"
#include "sim/mapping_cache.hpp"

namespace heddle {

void describe_mapper_options(CommandLine& line)
{
    line.option("constraints", "FILE",
                "a dataflow of your own: what is spatial, kept, innermost (docs/mapper.md); with --dataflow best one "
                "more to choose from")
        .option("objective", "latency|energy|edp", "what the mapper minimises (latency)")
        .option("mapper", "first|search",
                "first: few tilings, the baseline; search: never worse by its estimate (search)")
        .option("simulate-best", "N",
                "simulate the N best mappings of a layer by time, energy and their product, without values, and take "
                "the really best; 0: none (1 for layers estimated at up to 250,000 cycles and for best; each costs a "
                "run of the layer)")
        .option("mapping-cache", "DIR", "where mappings found are kept (${XDG_CACHE_HOME:-~/.cache}/heddle/mappings)")
        .flag("no-mapping-cache", "search every mapping anew, keep none");
}

int read_simulate_best(const CommandLine& line)
{
    constexpr std::int64_t most = 64;
    return static_cast<int>(line.has("simulate-best") ? line.integer("simulate-best", 0, most, 0) : -1);
}

std::string read_dataflow(const CommandLine& line, const HardwareConfig& hw, const MapperOptions& options)
{
    if (options.constraints && line.text("dataflow", "best") != "best")
        throw UserError("--constraints: gives a dataflow of its own, " + options.constraints->name +
                        "; leave --dataflow out, or make it best");
    std::string dataflow = line.text("dataflow", options.constraints    ? options.constraints->name
                                                 : hw.dataflows.empty() ? ""
                                                                        : hw.dataflows.front());
    if (dataflow != "best" && !options.constraints) describe_dataflow(dataflow); // refuses an unknown one
    return dataflow;
}

MapperOptions read_mapper_options(const CommandLine& line, std::shared_ptr<const EnergyTable> energy)
{
    MapperOptions o;
    o.objective = static_cast<Objective>(line.choice("objective", objective_names(), 0));
    o.kind = line.choice("mapper", {"first", "search"}, 1) == 0 ? MapperKind::first : MapperKind::search;
    o.energy = std::move(energy);
    if (line.has("constraints"))
        o.constraints = std::make_shared<const DataflowConstraints>(read_constraints(line.text("constraints")));
    const std::string folder = line.text("mapping-cache", MappingCache::default_folder());
    if (line.has("mapping-cache") && line.has("no-mapping-cache"))
        throw UserError("--no-mapping-cache: contradicts --mapping-cache");
    if (!line.has("no-mapping-cache") && !folder.empty()) o.cache = std::make_shared<const MappingCache>(folder);
    if (o.objective != Objective::latency && !o.energy)
        throw UserError("--objective: " + line.text("objective") +
                        " needs an energy table: the hardware names none, so give --energy");
    return o;
}

} // namespace heddle
