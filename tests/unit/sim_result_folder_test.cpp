// Do results of different runs lie in different folders, and is it said when one takes another's place?
#include "dnn/base/files.hpp"
#include "dnn/base/random.hpp"
#include "sim/report.hpp"
#include "sim/result_folder.hpp"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <map>

using namespace heddle;
using Catch::Contains;
namespace fs = std::filesystem;

namespace {

RunIdentity random_identity(Random& random)
{
    const auto one_of = [&](const std::vector<std::string>& list) { return list[random.below(list.size())]; };
    RunIdentity run;
    run.network = one_of({"tiny", "mobilenet_v1_0.50_128", "gemm:4x4x4"});
    run.network_content = one_of({"", "layers: a", "layers: b"});
    run.hardware = one_of({"tpu_like", "mine"});
    run.hardware_content = one_of({"", "rows: 4", "rows: 8"});
    run.dataflow = one_of({"ws", "os", "best"});
    run.batch = static_cast<int>(random.range(1, 3));
    run.objective = one_of({"", "energy", "edp"});
    run.overlay_name = one_of({"a/fitted.yaml", "b/fitted.yaml"});
    run.overlay_content = one_of({"", "dram.latency_cycles: 4", "dram.latency_cycles: 5"});
    run.energy = one_of({"", "horowitz_45nm"});
    for (const std::string option : {"layers", "seed"})
        if (random.below(2) == 0) run.options.emplace_back(option, std::to_string(random.below(3)));
    return run;
}

/// All that results depend on, in a form that tells everything apart.
std::string everything(const RunIdentity& r)
{
    std::string text = r.network + "|" + r.network_content + "|" + r.hardware + "|" + r.hardware_content + "|" +
                       r.dataflow + "|" + std::to_string(r.batch) + "|" + r.objective + "|" + r.overlay_content + "|" +
                       r.energy;
    for (const auto& [option, value] : r.options) text += "|" + option + "=" + value;
    return text;
}

} // namespace

TEST_CASE("runs have the same default folder exactly when all that their results depend on is the same")
{
    std::map<std::string, std::string> seen; // folder -> run
    std::map<std::string, std::string> folders;
    Random random(5);
    for (int i = 0; i < 5000; ++i) {
        const RunIdentity run = random_identity(random);
        const std::string folder = default_folder(run), key = everything(run);
        INFO(folder);
        CHECK(seen.emplace(folder, key).first->second == key);
        CHECK(folders.emplace(key, folder).first->second == folder);
    }
    CHECK(seen.size() > 2000);
}

TEST_CASE("a plain run's folder is network, hardware and dataflow, what differs stands behind")
{
    RunIdentity run;
    run.network = "gemm:8x8x8";
    run.hardware = "tpu_like";
    run.dataflow = "ws";
    CHECK(default_folder(run) == "heddle_out/gemm_8x8x8-tpu_like-ws");
    run.batch = 4;
    run.objective = "energy";
    run.overlay_name = "some/fitted.yaml";
    run.overlay_content = "x: 1";
    run.hardware_content = "rows: 4";
    const std::string overlay = content_hash("x: 1").substr(0, 8), machine = content_hash("rows: 4").substr(0, 8);
    CHECK(default_folder(run) == "heddle_out/gemm_8x8x8-tpu_like." + machine + "-ws-batch4-energy-fitted." + overlay);
}

TEST_CASE("results that take the place of others say whose")
{
    std::string name = (fs::temp_directory_path() / "heddle-folder-XXXXXX").string();
    const fs::path place = ::mkdtemp(name.data());
    RunReport report;
    report.run.network = "net";
    report.run.hardware = "hw";
    report.run.dataflow = "os";
    const OutputFolder folder((place / "a").string());
    CHECK(write_results(folder, {{report_file_name, report_json(report)}}) == "results in " + folder.path());
    CHECK(write_results(folder, {{report_file_name, "broken"}}) ==
          "results in " + folder.path() + ", in place of those of net on hw, dataflow os, batch 1");
    CHECK(write_results(folder, {{report_file_name, report_json(report)}}) ==
          "results in " + folder.path() + ", in place of those of an unknown run");
    fs::remove_all(place);
}
