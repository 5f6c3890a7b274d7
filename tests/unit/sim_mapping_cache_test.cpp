// Does a cached mapping equal the one that is searched, whatever stands in the file?
#include "dnn/base/files.hpp"
#include "sim/mapping_cache.hpp"
#include "tests/unit/sim_machines.hpp"
#include "tests/unit/sim_networks.hpp"

#include <catch2/catch.hpp>

#include <filesystem>
#include <unistd.h>

using namespace heddle;
using namespace heddle::test_networks;
namespace fs = std::filesystem;

namespace {

struct Folder {
    fs::path path = fs::temp_directory_path() / ("heddle_mapping_cache_" + std::to_string(::getpid()));
    Folder() { fs::remove_all(path); }
    ~Folder() { fs::remove_all(path); }
    std::size_t files() const
    {
        return static_cast<std::size_t>(std::distance(fs::directory_iterator(path), fs::directory_iterator()));
    }
};

bool equal(const MapChoice& a, const MapChoice& b)
{
    return a.mapping == b.mapping && a.why == b.why && a.estimate_cycles == b.estimate_cycles &&
           a.estimate_pj == b.estimate_pj && a.counts == b.counts && a.bound.cycles == b.bound.cycles &&
           a.wire_utilization == b.wire_utilization && a.plan.name == b.plan.name;
}

Network layer_of(std::uint64_t seed)
{
    Random random(seed);
    return random_conv(random);
}

} // namespace

TEST_CASE("a hit of the mapping cache equals the miss")
{
    const Folder folder;
    const HardwareConfig hw = test_machines::tpu();
    MapperOptions plain, cached;
    plain.energy = cached.energy = std::make_shared<const EnergyTable>(EnergyTable::load("generic_28nm"));
    cached.cache = std::make_shared<const MappingCache>(folder.path.string());
    for (std::uint64_t seed = 1; seed <= 10; ++seed)
        for (const char* dataflow : {"ws", "os"})
            for (Objective objective : {Objective::latency, Objective::edp}) {
                INFO("seed " << seed << ' ' << dataflow);
                plain.objective = cached.objective = objective;
                const Network net = layer_of(seed);
                const auto searched = map_candidates(net, 1, hw, dataflow, plain, 3);
                const auto miss = map_candidates(net, 1, hw, dataflow, cached, 3);
                const auto hit = map_candidates(net, 1, hw, dataflow, cached, 3);
                REQUIRE(hit.size() == searched.size());
                for (std::size_t i = 0; i < hit.size(); ++i) {
                    CHECK(equal(hit[i], searched[i]));
                    CHECK(equal(hit[i], miss[i]));
                    CHECK(hit[i].seconds == miss[i].seconds); // it was read, not searched again
                }
            }
    CHECK(folder.files() == 40);
}

TEST_CASE("a corrupt cache entry is ignored and written again")
{
    const Folder folder;
    const HardwareConfig hw = test_machines::tpu();
    MapperOptions o;
    o.cache = std::make_shared<const MappingCache>(folder.path.string());
    const Network net = layer_of(5);
    const MapChoice good = map_layer(net, 1, hw, "ws", o);
    const std::string file = o.cache->file(MappingCache::key(net, 1, hw, "ws", o, 1));
    const std::string text = read_file(file);
    std::string foreign = text;
    foreign.replace(foreign.find("step: "), 7, "step: 0");
    for (const std::string& bad : {std::string(), text.substr(0, text.size() / 2), std::string("{}"),
                                   std::string("[1]"), std::string(100, '\0'), foreign}) {
        write_file_atomically(file, bad);
        CHECK(equal(map_layer(net, 1, hw, "ws", o), good));
        CHECK(read_file(file).size() > text.size() / 2);
    }
    fs::remove(file);
    fs::create_directory(file); // neither readable nor writable
    CHECK(equal(map_layer(net, 1, hw, "ws", o), good));
}

TEST_CASE("whatever changes a mapping changes its key")
{
    const HardwareConfig hw = test_machines::tpu();
    HardwareConfig other = hw;
    other.content_hash = "other";
    MapperOptions o, edp, first;
    edp.objective = Objective::edp;
    first.kind = MapperKind::first;
    Network strided = layer_of(5);
    strided.layers[1].window.pad_left += 1;
    const std::string key = MappingCache::key(layer_of(5), 1, hw, "ws", o, 1);
    CHECK(key == MappingCache::key(layer_of(5), 1, hw, "ws", o, 1));
    CHECK(key != MappingCache::key(layer_of(6), 1, hw, "ws", o, 1));
    CHECK(key != MappingCache::key(strided, 1, hw, "ws", o, 1));
    CHECK(key != MappingCache::key(layer_of(5), 1, other, "ws", o, 1));
    CHECK(key != MappingCache::key(layer_of(5), 1, hw, "os", o, 1));
    CHECK(key != MappingCache::key(layer_of(5), 1, hw, "ws", edp, 1));
    CHECK(key != MappingCache::key(layer_of(5), 1, hw, "ws", first, 1));
    CHECK(key != MappingCache::key(layer_of(5), 1, hw, "ws", o, 2));
}
