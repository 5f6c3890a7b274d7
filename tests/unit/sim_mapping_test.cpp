#include "sim/mapping.hpp"

#include "dnn/base/error.hpp"
#include "dnn/base/files.hpp"

#include <catch2/catch.hpp>

using namespace heddle;

namespace {

MapLoop temporal(std::vector<Dim> dims, int step)
{
    MapLoop loop;
    loop.dims = std::move(dims);
    loop.step = step;
    return loop;
}

MapLoop spatial(std::vector<Dim> dims, Place place, int count)
{
    MapLoop loop = temporal(std::move(dims), 1);
    loop.place = place;
    loop.count = count;
    return loop;
}

Mapping example()
{
    MapLevel dram{"dram", {temporal({dim_k}, 64), temporal({dim_p}, 14)}, {}, {}};
    MapLevel glb{"glb",
                 {temporal({dim_k}, 16), temporal({dim_p, dim_q}, 784), temporal({dim_c, dim_r, dim_s}, 16)},
                 {},
                 {Tensors::weights, Tensors::inputs, Tensors::outputs}};
    MapLevel array{"array", {}, {spatial({dim_c, dim_r, dim_s}, Place::y, 16), spatial({dim_k}, Place::x, 16)}, {}};
    MapLevel rf{"rf", {temporal({dim_p, dim_q}, 1)}, {}, {Tensors::weights}};
    return {"ws", {dram, glb, array, rf}};
}

std::string error_of(const std::string& yaml)
{
    try {
        parse_mappings(yaml, "m.yaml");
    } catch (const UserError& e) {
        return e.what();
    }
    return "";
}

std::string one_level(const std::string& level)
{
    return "mappings:\n  - layer: a\n    levels:\n      - " + level + "\n";
}

} // namespace

TEST_CASE("a mapping survives YAML and back")
{
    std::vector<NamedMapping> mappings = {{"conv1", example()}, {"odd \"name\" \\ with: colon", example()}};
    mappings[1].mapping.dataflow.clear();
    mappings[1].mapping.levels[2].spatial[0].place = Place::diagonal;
    for (const Dim d : {dim_p, dim_q}) {
        MapLoop by_input;
        by_input.dims = {d};
        by_input.by_input = true;
        mappings[1].mapping.levels.back().temporal.push_back(by_input);
    }
    CHECK_THAT(to_yaml(mappings), Catch::Contains("{loop: H, step: 1}, {loop: W, step: 1}"));
    const std::vector<NamedMapping> again = parse_mappings(to_yaml(mappings), "m.yaml");
    REQUIRE(again.size() == 2);
    for (std::size_t i = 0; i < 2; ++i) {
        CHECK(again[i].layer == mappings[i].layer);
        CHECK(again[i].mapping == mappings[i].mapping);
    }
    CHECK(parse_mappings(to_yaml({}), "m.yaml").empty());
}

TEST_CASE("a mapping is printed as a loop nest")
{
    const std::string text = describe(example());
    CHECK(text.find("dram\n  for K by 64\n    for P by 14\n") == 0);
    CHECK(text.find("glb keeps weights, inputs, outputs\n") != std::string::npos);
    CHECK(text.find("spatial C*R*S by 1, 16 on y\n") != std::string::npos);
}

TEST_CASE("mapping files are read strictly")
{
    CHECK(error_of("mappings:\n  - layer: a\n    levels: []\n  - layer: a\n    levels: []\n") ==
          "m.yaml:4:5: mappings[1].layer: expected each layer once, got \"a\" again");
    CHECK(error_of(one_level("{name: glb, temporal: [{loop: P*P, step: 1}]}")) ==
          "m.yaml:4:33: mappings[0].levels[0].temporal[0].loop: expected dimensions of N G K C P Q R S joined by *, "
          "such as P*Q, or H or W alone, got \"P*P\"");
    for (const char* loop : {"X", "P*", "*P", "P Q", "PQ", "p", "H*W", "K*H", "h"})
        CHECK_THAT(error_of(one_level("{name: glb, temporal: [{loop: \"" + std::string(loop) + "\", step: 1}]}")),
                   Catch::Contains("expected dimensions"));
    CHECK(error_of(one_level("{name: glb, temporal: [{loop: P, step: 0}]}")).find("temporal[0].step: expected") !=
          std::string::npos);
    CHECK(error_of(one_level("{name: glb, temporal: [{loop: P, step: 1, count: 2}]}")).find("count") !=
          std::string::npos);
    CHECK(
        error_of(one_level("{name: array, spatial: [{loop: P, axis: z, step: 1, count: 2}]}")).find("axis: expected") !=
        std::string::npos);
    CHECK(error_of(one_level("{name: rf, keep: [psums]}")) ==
          "m.yaml:4:27: mappings[0].levels[0].keep[0]: expected weights, inputs or outputs, got \"psums\"");
    CHECK(error_of(one_level("{name: rf, keep: [inputs, inputs]}")).find("each tensor once") != std::string::npos);
    CHECK(error_of(one_level("{name: rf, keeps: [inputs]}")).find("keeps") != std::string::npos);
    CHECK(error_of(one_level("{name: rf}\n      - {name: rf}")).find("expected each level once") != std::string::npos);
    CHECK(error_of("maps: []\n").find("mappings") != std::string::npos);
}

TEST_CASE("the mapping that docs/mapper.md shows is one")
{
    const std::vector<NamedMapping> given = read_mappings(data_root() + "/tests/data/pw13_os_lws_mapping.yaml");
    REQUIRE(given.size() == 1);
    CHECK(given.front().layer == "pw13");
    CHECK(given.front().mapping.levels.size() == 7);
    CHECK(given.front().mapping.find("collector")->temporal.front().dims == std::vector<Dim>{dim_q});
}
