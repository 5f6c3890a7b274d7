// heddle_rtl_measure FOLDER: runs layers on the RTL array slice alone, with operands always there, and writes what its
// owner would measure: array_rtl.csv (cycles of the array's window, design.md §5.7), and array_rtl.vcd of a few of
// them. The twin's latencies (twins.cpp) and the options below are what `heddle calibrate` has to find.
#include "tests/rtl/layers.hpp"

#include <algorithm>
#include <exception>
#include <fstream>
#include <iostream>
#include <stdexcept>

using namespace heddle::rtl;

namespace {

struct Gemm {
    const char* name;
    int m, n, k;
};

// One row of output pixels of layers of MobileNet V1 (K: channels x taps), and GEMMs of other shapes.
const Gemm layers[] = {
    {"mobilenet_conv1", 112, 32, 27},  {"mobilenet_dw1", 112, 1, 9},    {"mobilenet_pw1", 112, 64, 32},
    {"mobilenet_dw2", 56, 1, 9},       {"mobilenet_pw2", 56, 128, 64},  {"mobilenet_dw3", 57, 1, 9},
    {"mobilenet_pw3", 56, 128, 128},   {"mobilenet_pw4", 28, 256, 128}, {"mobilenet_dw6", 14, 1, 9},
    {"mobilenet_pw6", 14, 512, 256},   {"mobilenet_dw12", 7, 1, 9},     {"mobilenet_pw12_part", 7, 256, 128},
    {"mobilenet_fc_part", 1, 250, 64}, {"gemm_square", 64, 64, 64},     {"gemm_small", 5, 3, 2},
    {"gemm_deep", 8, 8, 200},          {"gemm_odd", 33, 17, 23},        {"gemm_wide", 9, 90, 7},
    {"gemm_long", 300, 8, 8},          {"gemm_one", 1, 1, 1},
};
const char* const traced[] = {"gemm_small", "gemm_odd", "gemm_wide", "mobilenet_dw12", "mobilenet_dw6", "gemm_one"};
const Flow flows[] = {Flow::ws, Flow::os};

/// A row vector under OS would use one row of the array; a mapper turns it by 90 degrees, which is another program.
bool is_run(const Gemm& g, Flow flow)
{
    return flow == Flow::ws || g.m > 1 || g.n == 1;
}

const PassOptions options{true, true, false, false, 0, 3}; // load and drain hidden, wavefront exposed, edges used

ArrayLayer array_layer(const Gemm& g, Flow flow)
{
    ArrayLayer l;
    l.flow = flow;
    const int extent[3] = {flow == Flow::ws ? g.k : g.m, g.n, flow == Flow::ws ? g.m : g.k};
    for (int a = 0; a < 3; ++a) {
        l.extent[a] = extent[a];
        l.fold[a] = a == axis_s ? extent[a] : std::min(8, extent[a]);
    }
    l.order = {axis_x, axis_y, axis_s};
    return l;
}

/// Cycles from the one in which the array takes the first word to the one in which the last result leaves it.
int window(Twin& twin, const ArrayLayer& layer)
{
    const Operands operands = heddle::rtl::operands(layer, twin.parameters());
    const Descriptor command = descriptor(layer);
    twin.command(nullptr);
    twin.offer_x(nullptr);
    twin.offer_k(nullptr);
    twin.reset();
    twin.set_options(options);
    twin.accept_result(true);
    std::size_t x = 0, k = 0;
    int first = -1, last = -1, quiet = 0;
    for (int cycle = 0; quiet < 100; ++cycle) {
        twin.command(cycle == 0 ? &command : nullptr);
        twin.offer_x(x < operands.x.size() ? &operands.x[x] : nullptr);
        twin.offer_k(k < operands.k.size() ? &operands.k[k] : nullptr);
        twin.settle();
        const int x_words = twin.x_fill() + (x < operands.x.size() && twin.x_ready() ? 1 : 0);
        const int k_words = twin.k_fill() + (k < operands.k.size() && twin.k_ready() ? 1 : 0);
        const int out_words = twin.out_fill() - (twin.result_valid() ? 1 : 0);
        x += static_cast<std::size_t>(x_words - twin.x_fill());
        k += static_cast<std::size_t>(k_words - twin.k_fill());
        twin.clock();
        const bool taken = twin.x_fill() < x_words || twin.k_fill() < k_words;
        const bool left = twin.out_fill() > out_words;
        if (taken && first < 0) first = cycle;
        if (left) last = cycle;
        quiet = taken || left || first < 0 ? 0 : quiet + 1;
    }
    if (x != operands.x.size() || k != operands.k.size()) throw std::runtime_error("the array did not take all words");
    return last - first + 1;
}

void write_csv(const std::string& path)
{
    std::ofstream csv(path);
    csv << "# Made by heddle_rtl_measure: hw/rtl/array_slice.sv under Verilator, 8x8, operands always there. Its "
           "latencies\n"
           "# are secret; the window is that of design.md section 5.7, at the array's own ports.\n"
           "name,dataflow,M,N,K,tile.M,tile.N,tile.K,array_cycles\n";
    const auto twin = make_twin("systolic_8x8");
    for (const Flow flow : flows)
        for (const Gemm& g : layers) {
            if (!is_run(g, flow)) continue;
            const std::string size = std::to_string(g.m) + "," + std::to_string(g.n) + "," + std::to_string(g.k) + ",";
            const char* dataflow = flow == Flow::ws ? "ws" : "os";
            csv << g.name << "_" << dataflow << "," << dataflow << "," << size << size
                << window(*twin, array_layer(g, flow)) << "\n";
        }
    if (!csv.flush()) throw std::runtime_error("cannot write " + path);
}

void write_vcd(const std::string& path)
{
    const auto twin = make_twin("systolic_8x8");
    twin->trace(path);
    for (const Flow flow : flows)
        for (const char* name : traced)
            for (const Gemm& g : layers)
                if (g.name == std::string(name)) window(*twin, array_layer(g, flow));
    twin->reset(); // ends the last window
}

} // namespace

int main(int argc, char** argv)
{
    try {
        if (argc != 2) throw std::runtime_error("usage: heddle_rtl_measure FOLDER");
        const std::string folder = argv[1];
        write_csv(folder + "/array_rtl.csv");
        write_vcd(folder + "/array_rtl.vcd");
        return 0;
    } catch (const std::exception& e) {
        std::cerr << "heddle_rtl_measure: " << e.what() << '\n';
        return 1;
    }
}
