// Is the mapping in a report the one that was simulated, in a form that can be run again?
#include "dnn/base/files.hpp"
#include "sim/json.hpp"
#include "sim/mapper.hpp"
#include "sim/result_mappings.hpp"
#include "sim/results.hpp"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>

using namespace heddle;
using Catch::Contains;
namespace fs = std::filesystem;

namespace {

Mapping through_json(const Mapping& mapping)
{
    const json::value value = json::parse(json::serialize(JsonWriter::to_json(mapping)));
    Mapping read;
    JsonReader(value, "report: ").get(read);
    return read;
}

} // namespace

TEST_CASE("mappings of every preset and dataflow survive report.json and lower to the same plan")
{
    for (const std::string& preset : shipped_names("hw/presets")) {
        const HardwareConfig hw = load_hardware(preset);
        if (hw.dram.kind == DramKind::resident) continue;
        const Network net = load_network("tiny");
        for (const std::string& dataflow : hw.dataflows)
            for (int i = 0; i < static_cast<int>(net.layers.size()); ++i) {
                if (!has_plan(net, hw, i)) continue;
                INFO(preset << " " << dataflow << " " << net.layers[static_cast<std::size_t>(i)].name);
                const MapChoice choice = map_layer(net, i, hw, dataflow);
                const Mapping again = through_json(choice.mapping);
                CHECK(again == choice.mapping);
                const MapChoice used = use_mapping(net, i, hw, again);
                CHECK(used.bound.parts == choice.bound.parts);
                CHECK(describe(used.mapping).find("for") == describe(again).find("for"));
            }
    }
}

TEST_CASE("an unknown mapping is null, parameters alone are kept, a broken one names its place")
{
    CHECK(JsonWriter::to_json(Mapping{}).is_null());
    CHECK(through_json(Mapping{}) == Mapping{});
    Mapping parameters;
    parameters.row_stationary = RowStationary{};
    parameters.row_stationary->m = 64;
    CHECK(through_json(parameters).row_stationary->m == 64);
    const json::value broken = json::parse(R"({"levels": [{"name": "glb", "temporal": [{"loop": "X", "step": 1}]}]})");
    Mapping read;
    CHECK_THROWS_WITH(JsonReader(broken, "r.json: layers[0].mapping").get(read),
                      Catch::StartsWith("r.json: layers[0].mapping") && Contains("loop"));
}

TEST_CASE("the mappings of a result are those of its layers")
{
    std::string name = (fs::temp_directory_path() / "heddle-mappings-XXXXXX").string();
    const fs::path place = ::mkdtemp(name.data());
    RunReport report;
    LayerResult with, without;
    with.name = "conv 1";
    with.cycles = 1;
    with.mapping.levels = {{"glb", {}, {}, {Tensors::weights}}};
    without.name = "input";
    report.run.layers = {without, with};
    write_file_atomically((place / report_file_name).string(), report_json(report));
    for (const fs::path& path : {place, place / report_file_name}) {
        const std::vector<NamedMapping> mappings = load_mappings(path.string());
        REQUIRE(mappings.size() == 1);
        CHECK(mappings[0].layer == "conv 1");
        CHECK(mappings[0].mapping == with.mapping);
    }
    report.run.layers = {without};
    write_file_atomically((place / report_file_name).string(), report_json(report));
    CHECK_THROWS_WITH(load_mappings(place.string()), Contains("holds no mappings"));
    fs::remove_all(place);
}
