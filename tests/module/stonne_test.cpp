// A published RTL measurement, reproduced exactly by a hardware file: cycles = ceil(M/16) ceil(N/16) (K + 34).
#include "dnn/base/files.hpp"
#include "sim/mapper.hpp"
#include "tests/module/bench.hpp"

#include <sstream>

using namespace heddle;
using namespace heddle::bench;

namespace {

struct Row {
    std::string layer;
    int m = 0, n = 0, k = 0, rtl_cycles = 0;
};

/// STONNE, IISWC 2021; ASPLOS 2022 tutorial part 2, slide 34.
std::vector<Row> published()
{
    std::istringstream file(read_file(std::string(HEDDLE_SOURCE_DIR) + "/tests/data/stonne_rtl_tpu.csv"));
    std::vector<Row> rows;
    for (std::string line; std::getline(file, line);) {
        if (line.rfind("TPU,", 0) != 0) continue;
        for (char& c : line)
            if (c == ',') c = ' ';
        std::istringstream fields(line);
        std::string design;
        Row r;
        fields >> design >> r.layer >> r.m >> r.n >> r.k >> r.rtl_cycles;
        REQUIRE(fields);
        rows.push_back(r);
    }
    return rows;
}

} // namespace

TEST_CASE("stonne_tpu takes the published RTL cycles of every row")
{
    Machine machine(load_hardware("stonne_tpu"));
    const std::vector<Row> rows = published();
    REQUIRE(rows.size() == 4);
    for (const Row& r : rows) {
        CAPTURE(r.layer);
        const Network net = gemm(r.m, r.n, r.k);
        CHECK(machine.run(net, 1, output_stationary(16, 16)).array_cycles == r.rtl_cycles);
        // And with what the mapper chooses, as `heddle run gemm:… --hw stonne_tpu` does.
        CHECK(machine.run(net, map_layer(net, 1, machine.hardware(), "os").plan).array_cycles == r.rtl_cycles);
    }
}

TEST_CASE("stonne_tpu follows the formula beyond the published rows, partial tiles included")
{
    Machine machine(load_hardware("stonne_tpu"));
    for (int m : {1, 16, 17, 50})
        for (int n : {3, 16, 33})
            for (int k : {1, 2, 31, 200}) {
                CAPTURE(m, n, k);
                CHECK(machine.run(gemm(m, n, k), 1, output_stationary(16, 16)).array_cycles ==
                      ceil_div(m, 16) * ceil_div(n, 16) * (k + 34));
            }
}
