#include "dnn/base/error.hpp"
#include "sim/csv.hpp"
#include "sim/measurements.hpp"

#include <catch2/catch.hpp>
#include <string>

using Catch::Contains;
using Catch::Equals;
using namespace heddle;

namespace {

std::vector<Measurement> parsed(const std::string& text, const ColumnNames& names = {})
{
    return parse_measurements(text, "m.csv", names);
}

} // namespace

TEST_CASE("cells may be quoted, lines commented", "[csv]")
{
    const std::vector<CsvLine> lines = parse_csv("\xef\xbb\xbf# c\n a , \"b, \"\"c\"\"\" ,\r\n\n1,2,3", "f");
    REQUIRE(lines.size() == 2);
    CHECK(lines[0].line == 2);
    CHECK(lines[0].cells == std::vector<std::string>{"a", "b, \"c\"", ""});
    CHECK(lines[1].line == 4);
    CHECK_THROWS_WITH(parse_csv("a,\"b\n", "f"), Equals("f:1: a quote does not end"));
}

TEST_CASE("rows of measurements", "[measurements]")
{
    const auto rows = parsed("name,workload,dataflow,cycles,array_cycles,first_request,last_write,dram.latency_cycles,"
                             "tile.M,tile.N,tile.K\n"
                             "a,gemm:8x16x32,ws,100,60,0,99,40,8,16,32\n"
                             ",\"conv:3,8,10,12,3,3,1,1\",,200,,,,,,,\n");
    REQUIRE(rows.size() == 2);
    CHECK(rows[0].name == "a");
    CHECK(rows[0].measured == std::map<std::string, std::int64_t>{
                                  {"array_cycles", 60}, {"cycles", 100}, {"first_request", 0}, {"last_write", 99}});
    CHECK(rows[0].keys == std::map<std::string, std::string>{{"dram.latency_cycles", "40"}});
    CHECK(rows[0].tile == std::array<std::int64_t, 3>{8, 16, 32});
    CHECK(rows[1].name == "row 3");
    CHECK(rows[1].workload == "conv:3x8x10x12x3x3x1x1");
    CHECK(parsed("M,N,K,cycles\n2,3,4,9\n")[0].workload == "gemm:2x3x4");
}

TEST_CASE("a file's own column names", "[measurements]")
{
    ColumnNames names;
    names.ours = {{"rtl", "array_cycles"}};
    names.ignored = {"design"};
    CHECK(parsed("design,M,N,K,rtl\nx,2,3,4,9\n", names)[0].measured.at("array_cycles") == 9);
    CHECK_THROWS_WITH(parsed("M,N,K,cycles\n2,3,4,9\n", names), Contains("m.csv:1: no column \"rtl\""));
}

TEST_CASE("a conv by its sizes", "[measurements]")
{
    const Network net = workload_network("conv:32x32x14x16x3x5x2x1x32");
    REQUIRE(net.layers.size() == 2);
    CHECK(net.layers[1].depthwise());
    CHECK(net.layers[1].weight_shape() == Shape4{32, 1, 3, 5});
    CHECK(net.layers[1].out_shape == Shape4{1, 32, 7, 7});
    CHECK_THROWS_AS(workload_network("conv:3x8x10x12x3x3x1"), UserError);
    CHECK_THROWS_AS(workload_network("conv:3x8x10x12x3x3x0x1"), UserError);
    CHECK_THROWS_AS(workload_network("pool:3x8x10x12x3x3x1x1"), UserError);
    CHECK_THROWS_AS(workload_network("conv:3x8x2x2x5x5x1x0"), UserError); // no output
}

TEST_CASE("shapes by columns: GEMMs and convs in one file", "[measurements]")
{
    const auto rows =
        parsed("Layer,M,N,K,C,H,W,R,S,Stride,pad,Dilation,groups,Cycles,DRAM.Latency_Cycles,Tile.m,tile.n,TILE.K\n"
               "fc,2,3,4,,,,,,,,,,90,20,2,3,4\n"
               "conv1,,,8,3,10,12,5,3,2,1,,,800,20,,,\n"
               "wide,,1,8,3,10,12,5,3,2,1,1,1,900,40,,,\n"
               "dw,,2,32,32,14,14,3,3,1,2,2,32,900,20,,,\n");
    CHECK(rows[0].name == "fc");
    CHECK(rows[0].workload == "gemm:2x3x4");
    CHECK(rows[0].keys.at("dram.latency_cycles") == "20");
    CHECK(rows[0].tile == std::array<std::int64_t, 3>{2, 3, 4});
    CHECK(rows[1].workload == "conv:3x8x10x12x5x3x2x1");
    CHECK(rows[2].workload == rows[1].workload);
    const Network net = workload_network(rows[3].workload);
    CHECK(net.layers[1].depthwise());
    CHECK(net.layers[1].out_shape == Shape4{2, 32, 14, 14});
    CHECK(net.layers[1].window.dilation_cols == 2);
    CHECK(parsed("c,h,w,k,r,s,cycles\n3,8,8,4,3,3,500\n")[0].workload == "conv:3x4x8x8x3x3x1x0");
}

TEST_CASE("shapes by columns that do not say one layer are refused", "[measurements]")
{
    const auto refused = [](const std::string& text, const std::string& message) {
        INFO(text);
        CHECK_THROWS_WITH(parsed(text), Contains(message));
    };
    const std::string head = "M,N,K,C,H,W,R,S,stride,cycles\n";
    refused(head + "2,3,4,,,,,,,9\n2,3,4,5,,,,,,9\n", "m.csv:3: M is a GEMM's size and C a conv's");
    refused(head + "2,3,4,,,,,,1,9\n", "m.csv:2: M is a GEMM's size and stride a conv's");
    refused(head + ",3,4,,,,,,,9\n", "m.csv:2: expected all of M, N and K, but M is empty");
    refused(head + ",,4,3,8,8,3,,,9\n", "m.csv:2: expected all of C, H, W, K (filters), R and S, but S is empty");
    refused(head + ",,4,3,8,8,0,3,,9\n", "m.csv:2: R: expected integer from 1");
    refused(head + ",,4,3,8,8,9,3,,9\n", "m.csv:2: workload: ");
    refused(head + ",,,,,,,,,9\n", "m.csv:2: workload: expected gemm:MxNxK or conv:..., or a shape in columns");
    refused("C,H,W,K,R,cycles\n3,8,8,4,3,9\n", "m.csv:1: missing column: expected workload");
    refused("C,H,W,K,R,cycles\n3,8,8,4,3,9\n", "a conv lacks S");
    refused("workload,C,cycles\ngemm:2x3x4,3,9\n", "m.csv:2: workload and C are both given");
    refused("M,N,K,k,cycles\n2,3,4,4,9\n", "m.csv:1: columns \"K\" and \"k\" both mean K: expected one");
    refused("name,Layer,M,N,K,cycles\na,b,2,3,4,9\n", "m.csv:1: columns \"name\" and \"Layer\" both mean name");
    refused("C,H,W,K,R,S,groups,cycles\n3,8,8,4,3,3,1,500\n3,8,8,4,3,3,,500\n", "m.csv:3: duplicated row");
    refused("workload,cycles\nconv:3x4x8x8x3x3x1x0,500\nconv:3x4x8x8x3x3x1x0x1x1,500\n", "m.csv:3: duplicated row");
}

TEST_CASE("columns of stalls, phases, energies and counts", "[measurements]")
{
    const auto rows = parsed("M,N,K,cycles,stall_cycles,phases.first_request,energy_pj,energy_pj.dram,"
                             "ledger.array.weights_missing_dram_bandwidth,counts.dram.read_bytes\n"
                             "2,3,4,90,30,1,12.5,7,640,64\n");
    CHECK(rows[0].measured ==
          std::map<std::string, std::int64_t>{{"cycles", 90}, {"array_cycles", 60}, {"first_request", 1}});
    CHECK(rows[0].compared == std::map<std::string, double>{{"energy_pj", 12.5},
                                                            {"energy_pj.dram", 7},
                                                            {"ledger.array.weights_missing_dram_bandwidth", 640},
                                                            {"counts.dram.read_bytes", 64}});
    CHECK(parsed("M,N,K,compute_cycles,stall_cycles\n2,3,4,60,30\n")[0].measured.at("cycles") == 90);
    const auto refused = [](const std::string& text, const std::string& message) {
        INFO(text);
        CHECK_THROWS_WITH(parsed(text), Contains(message));
    };
    refused("M,N,K,cycles,array_cycles,stall_cycles\n2,3,4,90,60,31\n", "m.csv:2: stall_cycles: expected cycles - arr");
    refused("M,N,K,cycles,stall_cycles\n2,3,4,90,90\n", "m.csv:2: stall_cycles: expected less than cycles (90)");
    refused("M,N,K,cycles,energy_pj\n2,3,4,90,nan\n", "m.csv:2: energy_pj: expected a number of at least 0, got \"nan");
    refused("M,N,K,cycles,energy_pj\n2,3,4,90,-1\n", "m.csv:2: energy_pj: expected a number of at least 0");
    refused("M,N,K,cycles,energy_pj.rocket\n2,3,4,90,1\n", "m.csv:1: unknown column \"energy_pj.rocket\"");
    refused("M,N,K,cycles,energy_pj,energy_pj.mac,energy_pj.dram\n2,3,4,90,10,6,5\n",
            "m.csv:2: energy_pj: expected at least the sum of its parts");
    refused("M,N,K,array_cycles,compute_cycles\n2,3,4,9,9\n",
            "m.csv:1: columns \"array_cycles\" and \"compute_cycles\" both mean array_cycles");
}

TEST_CASE("a layer of a network as a workload", "[measurements]")
{
    const Network net = workload_network("layer:mobilenet_v1/dw2");
    REQUIRE(net.layers.size() == 2);
    CHECK(net.layers[1].depthwise());
    CHECK(net.layers[1].out_shape == Shape4{1, 64, 56, 56});
    CHECK_THROWS_WITH(workload_network("layer:mobilenet_v1/dw99"), Contains("has no layer"));
    CHECK_THROWS_WITH(workload_network("layer:mobilenet_v1/pool"), Contains("is no conv"));
    CHECK_THROWS_AS(workload_network("layer:mobilenet_v1"), UserError);
}

TEST_CASE("bad measurements are refused with line and reason", "[measurements]")
{
    const std::string head = "M,N,K,cycles\n";
    const auto refused = [](const std::string& text, const std::string& message) {
        INFO(text);
        CHECK_THROWS_WITH(parsed(text), Contains(message));
    };
    refused("", "m.csv:1: expected a line with the names");
    refused(head, "m.csv:1: expected rows");
    refused("M,N,cycles\n1,2,3\n", "m.csv:1: missing column: expected workload");
    refused("M,N,K\n1,2,3\n", "m.csv:1: missing column: expected cycles, array_cycles or both");
    refused("M,N,K,cycles,cycles\n", "m.csv:1: column \"cycles\" stands twice");
    refused("M,N,K,cycles,weather\n", "m.csv:1: unknown column \"weather\"");
    refused("M,N,K,cycles,tile.M\n", "m.csv:1: missing column: expected all of tile.M");
    refused(head + "1,2,3,nan\n", "m.csv:2: cycles: expected integer from 1 to 1125899906842624, got \"nan\"");
    refused(head + "1,2,3,12.5\n", "m.csv:2: cycles: expected integer");
    refused(head + "1,2,3,0\n", "m.csv:2: cycles: expected integer");
    refused(head + "1,2,3,-4\n", "m.csv:2: cycles: expected integer");
    refused(head + "1,2,3\n", "m.csv:2: expected 4 cells");
    refused(head + "1,2,,9\n", "m.csv:2: expected all of M, N and K");
    refused(head + "1,2,3,\n", "m.csv:2: expected cycles, array_cycles or both");
    refused(head + "1,2,3,9\n\n1,2,3,10\n", "m.csv:4: duplicated row: the same workload and setting as line 2");
    refused("workload,cycles\nconv:1x2,9\n", "m.csv:2: workload: expected gemm:MxNxK, conv:");
    refused("M,N,K,cycles,array_cycles\n1,2,3,9,10\n", "m.csv:2: array_cycles: expected at most cycles (9)");
    refused("M,N,K,cycles,last_write\n1,2,3,9,9\n", "m.csv:2: last_write: expected less than cycles (9");
    refused("M,N,K,cycles,first_operand,last_result\n1,2,3,9,5,4\n", "m.csv:2: last_result: expected at least");
    refused("M,N,K,cycles,array_cycles,first_operand,last_result\n1,2,3,9,3,1,4\n",
            "m.csv:2: array_cycles: expected last_result - first_operand + 1 = 4, got 3");
}
