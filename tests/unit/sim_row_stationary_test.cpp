// Row-stationary mappings against the published ones: Eyeriss (JSSC 2017), tables III and V.
#include "dnn/base/error.hpp"
#include "dnn/base/files.hpp"
#include "sim/mapper.hpp"
#include "sim/row_stationary.hpp"

#include <catch2/catch.hpp>

using namespace heddle;

namespace {

Network alexnet()
{
    return load_network("alexnet", 4);
}

int layer_of(const Network& net, const std::string& name)
{
    for (std::size_t i = 0; i < net.layers.size(); ++i)
        if (net.layers[i].name == name) return static_cast<int>(i);
    throw UserError("no layer " + name);
}

} // namespace

TEST_CASE("AlexNet's published row-stationary mappings have the published active PEs, passes and steps")
{
    const Network net = alexnet();
    const HardwareConfig hw = load_hardware("eyeriss");
    struct Row {
        const char* layer;
        int active_pes;
        std::int64_t tiles, steps; ///< of a full tile: p q S steps for each of n Q columns
    };
    // Tiles: G x N/n x P/e x K/(p t) x C/(q r). conv1: 4 x 8 x 3 x 3; conv2: 2 x 4 x 8 x 24; conv3: 6 x 64; conv4: 2 x
    // 6 x 32 ...
    const Row rows[] = {{"conv1", 154, 288, 16 * 1 * 11 * 55},
                        {"conv2", 135, 1536, 16 * 2 * 5 * 27},
                        {"conv3", 156, 384, 16 * 4 * 3 * 4 * 13},
                        {"conv4", 156, 384, 16 * 3 * 3 * 4 * 13},
                        {"conv5", 156, 256, 16 * 3 * 3 * 4 * 13}};
    const std::vector<NamedMapping> given = read_mappings(data_root() + "/tests/data/eyeriss_alexnet_mapping.yaml");
    for (const Row& row : rows) {
        INFO(row.layer);
        for (const NamedMapping& m : given) {
            if (m.layer != row.layer) continue;
            const MapChoice c = use_mapping(net, layer_of(net, row.layer), hw, m.mapping);
            const Traffic t = compute_traffic(c.plan, hw);
            int active = 0;
            std::int64_t steps = 0;
            for (const PassClass& p : t.passes) {
                active = std::max(active, p.active_macs);
                steps += p.count * p.steps;
            }
            CHECK(active == row.active_pes);
            CHECK(t.tiles == row.tiles);
            CHECK(steps == row.tiles * row.steps);
        }
    }
}

TEST_CASE("row-stationary parameters that do not fit are refused with what would")
{
    const Network net = alexnet();
    const HardwareConfig hw = load_hardware("eyeriss");
    const auto error_of = [&](RowStationary p) {
        Mapping m;
        m.row_stationary = p;
        try {
            use_mapping(net, layer_of(net, "conv3"), hw, m);
        } catch (const UserError& e) {
            return std::string(e.what());
        }
        return std::string();
    };
    CHECK(error_of({64, 4, 13, 16, 4, 1, 4}) == "");
    CHECK(error_of({64, 4, 13, 16, 4, 2, 4}).find("need 24 rows, the array has 12; make r, t or e smaller") !=
          std::string::npos);
    CHECK(error_of({64, 4, 13, 32, 2, 1, 2}).find("outputs need 32 words per PE in a pass, the register file has 24") !=
          std::string::npos);
    CHECK(error_of({64, 4, 13, 8, 5, 1, 4}).find("inputs need 15 words per PE in a pass, the register file has 12") !=
          std::string::npos);
}

TEST_CASE("the mapper finds row-stationary mappings no slower than AlexNet's published ones")
{
    const Network net = alexnet();
    const HardwareConfig hw = load_hardware("eyeriss");
    for (const NamedMapping& m : read_mappings(data_root() + "/tests/data/eyeriss_alexnet_mapping.yaml")) {
        INFO(m.layer);
        const int layer = layer_of(net, m.layer);
        CHECK(map_layer(net, layer, hw, "rs").bound.cycles <= use_mapping(net, layer, hw, m.mapping).bound.cycles);
    }
}

TEST_CASE("a mapping file gives row-stationary parameters in place of levels")
{
    const auto parse = [](const std::string& text) { return parse_mappings(text, "m.yaml").front().mapping; };
    const std::string head = "mappings:\n  - layer: conv3\n    row_stationary: ";
    CHECK(parse(head + "{m: 64, n: 4, e: 13, p: 16, q: 4, r: 1, t: 4}\n").row_stationary->p == 16);
    CHECK_THROWS_WITH(parse(head + "{m: 64, n: 4, e: 13, p: 16, q: 4, r: 1}\n"),
                      Catch::Contains("m.yaml:3:21: mappings[0].row_stationary.t: "));
    CHECK_THROWS_WITH(parse(head + "{m: 64, n: 4, e: 13, p: 16, q: 4, r: 1, t: 4}\n    levels: []\n"),
                      Catch::Contains("expected levels or row_stationary, got both"));
}

TEST_CASE("a row-stationary choice is printed and exported by its parameters, and the export gives the same loops")
{
    const Network net = alexnet();
    const HardwareConfig hw = load_hardware("eyeriss");
    const int conv3 = layer_of(net, "conv3");
    const Mapping chosen = map_layer(net, conv3, hw, "rs").mapping;
    REQUIRE(chosen.row_stationary);
    CHECK(describe(chosen).rfind("row-stationary " + describe(*chosen.row_stationary) + "\n", 0) == 0);
    const Mapping again = parse_mappings(to_yaml({{"conv3", chosen}}), "m.yaml").front().mapping;
    CHECK(use_mapping(net, conv3, hw, again).mapping == chosen);
}
