// heddle prune and heddle export: what they write, what they print, what they refuse.
#include "tests/smoke/workplace.hpp"

#include <algorithm>

using namespace heddle::test_smoke;
namespace fs = std::filesystem;

namespace {

void write(const Workplace& place, const std::string& name, const std::string& text)
{
    std::ofstream(place.path() / name, std::ios::binary) << text;
}

std::string read(const Workplace& place, const std::string& name)
{
    std::ostringstream text;
    text << std::ifstream(place.path() / name, std::ios::binary).rdbuf();
    return text.str();
}

std::string done(const Workplace& place, const std::string& arguments)
{
    INFO("heddle " << arguments);
    const Answer answer = place.heddle(arguments);
    INFO(answer.text);
    REQUIRE(answer.code == 0);
    return answer.text;
}

/// "conv1 216 54; ..." by Debian's python3-onnx: words and nonzero words of every weight tensor of a valid model.
std::string counted(const Workplace& place, const std::string& model)
{
    write(place, "count.py", R"(
import onnx, sys
from onnx import numpy_helper
model = onnx.load(sys.argv[1])
onnx.checker.check_model(model, full_check=True)
tensors = [(t.name, numpy_helper.to_array(t)) for t in model.graph.initializer]
print("; ".join(f"{n[:-7]} {a.size} {(a != 0).sum()}" for n, a in tensors if n.endswith(".weight")), end="")
)");
    const std::string command = "cd '" + place.path().string() + "' && /usr/bin/python3 count.py " + model + " 2>&1";
    std::FILE* pipe = ::popen(command.c_str(), "r");
    REQUIRE(pipe != nullptr);
    std::string text;
    char chunk[4096];
    while (const std::size_t n = std::fread(chunk, 1, sizeof chunk, pipe)) text.append(chunk, n);
    CHECK(::pclose(pipe) == 0);
    return text;
}

void check_refused(const Workplace& place, const std::string& arguments, const std::string& message)
{
    INFO("heddle " << arguments);
    const Answer answer = place.heddle(arguments);
    CHECK(answer.code == 2);
    CHECK(std::count(answer.text.begin(), answer.text.end(), '\n') == 1);
    CHECK_THAT(answer.text, Catch::StartsWith("heddle: ") && Catch::Contains(message));
    CHECK_FALSE(fs::exists(place.path() / "x.onnx"));
}

} // namespace

TEST_CASE("prune keeps the stated share of each layer, prints it and writes a valid model that runs verified")
{
    const Workplace place;
    const std::string text = done(place, "prune tiny --method magnitude --density 0.3 --out p.onnx");
    // Words 216 72 128 2304 1152 192 1728 240; their rounded 0.3: 64.8 21.6 38.4 691.2 345.6 57.6 518.4 72.
    CHECK(counted(place, "p.onnx") == "conv1 216 65; dw1 72 22; pw1 128 38; conv2 2304 691; conv3 1152 346; "
                                      "left 192 58; right 1728 518; fc 240 72");
    CHECK_THAT(text, Catch::Contains("tiny: magnitude, density 0.3 in each layer\n"));
    CHECK_THAT(text, Catch::Contains("conv1  conv      216     65  30.09 %          73\n")); // 8 biases
    CHECK_THAT(text, Catch::Contains("dw1    dwconv     72     22  30.56 %          30\n"));
    CHECK_THAT(text, Catch::Contains("total          6,032  1,810  30.01 %       1,908\n"));
    CHECK_THAT(text, Catch::Contains("p.onnx: ") && Catch::Contains("He-normal weights, seed 1\n"));
    check_verified(place.run("p.onnx --hw tpu_like"));
}

TEST_CASE("prune takes patterns, densities from a file, all layers together, and leaves layers alone")
{
    const Workplace place;
    done(place, "prune tiny --method nm --out nm.onnx");
    // conv1 reads 3 channels, so 2 of 3 stay; dw1 reads 1; conv3 8 in each of its groups.
    CHECK(counted(place, "nm.onnx") == "conv1 216 144; dw1 72 72; pw1 128 64; conv2 2304 1152; conv3 1152 576; "
                                       "left 192 96; right 1728 864; fc 240 120");
    done(place, "prune tiny --method nm --n 1 --m 8 --keep conv1,fc --out n8.onnx");
    CHECK(counted(place, "n8.onnx") == "conv1 216 216; dw1 72 72; pw1 128 16; conv2 2304 288; conv3 1152 144; "
                                       "left 192 24; right 1728 216; fc 240 240");
    write(place, "d.csv", "# after a paper\nlayer,weight_kept_pct\nconv2, 12.5\n\n# the classifier\nfc,25\n");
    CHECK_THAT(done(place, "prune tiny --method magnitude --densities d.csv --out d.onnx"),
               Catch::Contains("densities of d.csv"));
    CHECK(counted(place, "d.onnx") == "conv1 216 216; dw1 72 72; pw1 128 128; conv2 2304 288; conv3 1152 1152; "
                                      "left 192 192; right 1728 1728; fc 240 60");
    // Over all layers: 0.5 * 6032 = 3016, and layers with few inputs, whose weights are larger, keep more.
    const std::string global = done(place, "prune tiny --method magnitude --density 0.5 --scope global --out g.onnx");
    CHECK_THAT(global, Catch::Contains("total          6,032  3,016  50.00 %"));
    CHECK_THAT(global, !Catch::Contains("conv1  conv      216    108"));
    const std::string again = done(place, "prune g.onnx --method magnitude --density 0.5 --out g2.onnx");
    CHECK_THAT(again, Catch::Contains("weights of g.onnx") && Catch::Contains("total          6,032  "));
}

TEST_CASE("the same seed gives the same file, another seed another; density 1 is the dense model")
{
    const Workplace place;
    done(place, "export tiny --out a.onnx");
    done(place, "export tiny --seed 1 --out b.onnx");
    done(place, "export tiny --seed 2 --out c.onnx");
    CHECK(read(place, "a.onnx").size() > 6032 * 4);
    CHECK(read(place, "a.onnx") == read(place, "b.onnx"));
    CHECK(read(place, "a.onnx") != read(place, "c.onnx"));
    done(place, "prune tiny --method magnitude --density 1 --out d.onnx");
    done(place, "prune a.onnx --method magnitude --density 1 --out e.onnx");
    CHECK_THAT(done(place, "export e.onnx --out f.onnx"), Catch::Contains("e: 13 layers, 6,130 parameters\n"));
    CHECK(place.run("d.onnx --hw tpu_like").at("totals") == place.run("a.onnx --hw tpu_like").at("totals"));
    CHECK(place.run("f.onnx --hw tpu_like").at("totals") == place.run("a.onnx --hw tpu_like").at("totals"));
    CHECK(std::none_of(fs::directory_iterator(place.path()), fs::directory_iterator(),
                       [](const fs::directory_entry& entry) { return entry.path().extension() == ".tmp"; }));
}

TEST_CASE("mistakes in prune and export are refused with one line, exit code 2 and no file")
{
    const Workplace place;
    write(place, "unknown.csv", "layer,weight_kept_pct\nconv1,50\nconv9,50\n");
    write(place, "pool.csv", "layer,weight_kept_pct\npool1,50\n");
    write(place, "twice.csv", "layer,weight_kept_pct\nconv1,50\nconv1,40\n");
    write(place, "range.csv", "layer,weight_kept_pct\nconv1,101\n");
    write(place, "none.csv", "layer,weight_kept_pct\nconv1,0.1\n");
    write(place, "cells.csv", "layer,weight_kept_pct\nconv1\n");
    write(place, "columns.csv", "layer,density\nconv1,50\n");
    write(place, "empty.csv", "layer,weight_kept_pct\n");
    const auto refused = [&](const std::string& options, const std::string& message) {
        check_refused(place, "prune tiny --out x.onnx " + options, message);
    };
    refused("--density 0.5", "--method is missing");
    for (const std::string method : {"filter", "channel", "shape", "depth", "energy", "Magnitude"})
        refused("--density 0.5 --method " + method, "--method: expected one of magnitude, nm, got \"" + method + "\"");
    for (const std::string density : {"1.01", "-0.1", "nan", "half", "1e999"})
        refused("--method magnitude --density " + density,
                "--density: expected number from 0 to 1, got \"" + density + "\"");
    refused("--method magnitude", "expected one of --density, --densities and --threshold");
    refused("--method magnitude --density 0.5 --threshold 1", "expected one of --density");
    refused("--method magnitude --density 0", "layer conv1: a density of 0 would leave none of its 216 weights");
    refused("--method magnitude --density 0.005", "layer dw1: a density of 0.005");
    refused("--method magnitude --threshold 9", "layer conv1: a threshold of 9");
    refused("--method magnitude --density 0.0002 --scope global", "over all layers would leave none");
    refused("--method magnitude --threshold 1 --scope global", "--scope global: needs --density");
    refused("--method magnitude --density 0.5 --scope world", "--scope");
    refused("--method magnitude --density 0.5 --keep conv9", "--keep: \"conv9\" is no layer of tiny");
    refused("--method magnitude --density 0.5 --n 2", "--n: belongs to --method nm");
    refused("--method nm --density 0.5", "--density: belongs to --method magnitude");
    refused("--method nm --n 0", "--n: expected integer from 1 to 4");
    refused("--method nm --n 5", "--n: expected integer from 1 to 4");
    refused("--method nm --m 0", "--m");
    refused("--method nm --seed -1", "--seed");
    refused("--method magnitude --densities nope.csv", "nope.csv");
    refused("--method magnitude --densities unknown.csv", "unknown.csv:3: layer: expected a layer of tiny");
    refused("--method magnitude --densities pool.csv", "pool.csv:2: layer: expected a layer of tiny that has weights");
    refused("--method magnitude --densities twice.csv", "twice.csv:3: layer: expected each layer once");
    refused("--method magnitude --densities range.csv", "range.csv:2: weight_kept_pct: expected a number");
    refused("--method magnitude --densities none.csv", "none.csv:2: weight_kept_pct: 0.1 would leave none of the 216");
    refused("--method magnitude --densities cells.csv", "cells.csv:2: expected 2 cells");
    refused("--method magnitude --densities columns.csv", "columns.csv:1: expected a column weight_kept_pct");
    refused("--method magnitude --densities empty.csv", "empty.csv: expected a row for a layer");
    refused("--method magnitude --densities unknown.csv --keep conv1", "unknown.csv:2: layer: \"conv1\" is also");
    check_refused(place, "prune nope --method nm --out x.onnx", "nope");
    check_refused(place, "prune tiny --method nm --out x.yaml", "--out: expected a name that ends in .onnx");
    check_refused(place, "prune tiny --method nm --out no/x.onnx", "no/x.onnx");
    check_refused(place, "export tiny", "--out is missing");
    check_refused(place, "export gemm:1x40000x40000 --out x.onnx", "less than 2 GB");
}
