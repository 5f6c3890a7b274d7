// Hardware descriptions drawn from what a user can write: every key of hw/presets/README.md over its range, small
// enough to simulate. The wires start from a shipped preset's, so that some dataflow finds what it needs, and are then
// changed at random; all else is drawn freely. What comes out is YAML, read and refused like a user's file.
#pragma once

#include "dnn/base/random.hpp"

#include <algorithm>
#include <cstdint>
#include <sstream>
#include <string>
#include <vector>

namespace heddle::test_system {

class HardwareDraw {
public:
    explicit HardwareDraw(std::uint64_t seed) : random_(seed) {}

    struct Machine {
        std::string yaml;
        std::vector<std::string> dataflows; ///< most likely to fit first
    };

    Machine draw()
    {
        const Wiring wires = wiring();
        memory_ = range(0, 9);
        std::ostringstream y;
        y << "name: drawn\nclock_mhz: " << name_of({"100", "200", "700", "933.3", "2800/3", "1000"})
          << "\nenergy_table: generic_28nm\n"
          << "dataflows: " << list(wires.dataflows) << "\n";
        precision(y);
        array(y, wires);
        networks(y, wires);
        passes(y);
        buffer(y, wires);
        y << "post: {words_per_cycle: " << width() << ", latency_cycles: " << range(1, 5)
          << ", line_buffer_words: " << one_of({0, 0, 40, 400, 4000})
          << ", parameter_bytes_per_channel: " << range(1, 20) << "}\n";
        dma(y);
        dram(y);
        return {y.str(), wires.dataflows};
    }

private:
    struct Wiring {
        std::vector<std::string> dataflows, weights, inputs, psums;
        bool vector_pes = false, rows = false, through_array = false; ///< rows: row-stationary
    };

    int range(int lo, int hi) { return static_cast<int>(random_.range(lo, hi)); }
    bool chance(int percent) { return range(1, 100) <= percent; }
    int one_of(const std::vector<int>& v) { return v[random_.below(v.size())]; }
    std::string name_of(const std::vector<std::string>& v) { return v[random_.below(v.size())]; }
    /// Of a port or a network: often narrow, sometimes as wide as a whole small array.
    int width() { return chance(40) ? range(1, 4) : chance(60) ? one_of({8, 16, 32}) : range(1, 64); }

    static std::string list(const std::vector<std::string>& v)
    {
        std::string all;
        for (const std::string& s : v) all += (all.empty() ? "" : ", ") + s;
        return "[" + all + "]";
    }

    Wiring wiring()
    {
        static const std::vector<Wiring> known = {
            {{"ws", "os", "is"},
             {"load_chain_y", "systolic_y", "systolic_x"},
             {"systolic_x", "load_chain_y"},
             {"chain_y", "local"}},
            {{"os"}, {"broadcast"}, {"shift"}, {"local"}},
            {{"ws"}, {"unicast", "multicast"}, {"row_bus"}, {"tree_y"}},
            {{"ws", "os"}, {"load_chain_y", "broadcast"}, {"row_bus", "shift"}, {"chain_y", "local"}},
            {{"ws", "os", "is", "ws_los", "os_lws"}, {"multicast"}, {"multicast"}, {"local", "chain_y"}, true},
            {{"rs"}, {"multicast"}, {"multicast"}, {"chain_y", "local"}, false, true, true},
            {{"ws", "os"}, {"unicast"}, {"multicast", "row_bus"}, {"chain_y", "local"}},
        };
        Wiring w = known[random_.below(known.size())];
        static const std::vector<std::string> deliveries = {"unicast",    "load_chain_y", "systolic_x",
                                                            "systolic_y", "row_bus",      "column_bus",
                                                            "broadcast",  "multicast",    "shift"};
        if (chance(25)) w.weights.insert(w.weights.begin() + range(0, 1), name_of(deliveries));
        if (chance(25)) w.inputs.insert(w.inputs.begin() + range(0, 1), name_of(deliveries));
        if (chance(25)) w.psums.push_back(name_of({"local", "chain_y", "tree_y"}));
        if (chance(10) && w.weights.size() > 1) w.weights.pop_back();
        std::rotate(w.dataflows.begin(), w.dataflows.begin() + range(0, static_cast<int>(w.dataflows.size()) - 1),
                    w.dataflows.end());
        return w;
    }

    void precision(std::ostringstream& y)
    {
        y << "precision: {weight_bits: " << (chance(50) ? 8 : range(2, 16))
          << ", input_bits: " << (chance(50) ? 8 : range(2, 16))
          << ", psum_bits: " << (chance(50) ? 32 : range(16, 32));
        if (chance(30)) y << ", product_shift: " << range(0, 15);
        y << "}\n";
    }

    void array(std::ostringstream& y, const Wiring& w)
    {
        y << "array:\n  rows: " << range(w.rows ? 3 : 1, w.rows ? 12 : 9) << "\n  cols: " << range(1, 9)
          << "\n  mac_latency_cycles: " << range(1, 5) << "\n";
        if (w.vector_pes || chance(10)) y << "  lanes: " << range(1, 6) << "\n  vector: " << range(1, 6) << "\n";
        if (chance(40)) y << "  zero_gating: true\n";
        if (chance(w.rows ? 60 : 15)) y << "  chain_add: " << name_of({"own_adder", "datapath"}) << "\n";
        if (chance(15)) y << "  spatial_sums: channels\n";
        if (chance(20)) y << "  groups: one\n";
        if (w.vector_pes ? chance(60) : chance(8))
            y << "  collectors: {weight_entries: " << range(1, 20) << ", input_entries: " << range(1, 20)
              << ", psum_entries: " << range(1, 20) << "}\n";
        y << "  register_file: {";
        if (w.vector_pes)
            y << "weight_words: " << range(50, 4000) << ", input_words: " << range(30, 2000)
              << ", psum_words: " << range(1, 300);
        else if (w.rows)
            y << "weight_words: " << range(20, 300) << ", input_words: " << range(4, 60)
              << ", psum_words: " << range(1, 40);
        else
            y << "weight_words: " << (chance(70) ? 1 : range(1, 40))
              << ", input_words: " << (chance(70) ? 1 : range(1, 40))
              << ", psum_words: " << (chance(70) ? 1 : range(1, 40));
        for (const char* tensor : {"weight", "input", "psum"})
            if (w.vector_pes && chance(20)) y << ", " << tensor << "_port_words: " << range(1, 40);
        y << "}\n";
    }

    void network(std::ostringstream& y, const std::string& name, const std::string& key,
                 const std::vector<std::string>& modes)
    {
        y << "  " << name << ": {" << key << ": " << list(modes) << ", words_per_beat: " << width()
          << ", latency_cycles: " << range(1, 4);
        if (chance(30)) y << ", hop_cycles: " << range(1, 3);
        if (chance(20)) y << ", beat: one_set";
        if (name == "inputs" && chance(30)) y << ", sharing: by_value";
        if (name == "inputs" && chance(60)) y << ", link_fifo_words: " << range(1, 64);
        y << "}\n";
    }

    void networks(std::ostringstream& y, const Wiring& w)
    {
        y << "networks:\n";
        network(y, "weights", "modes", w.weights);
        network(y, "inputs", "modes", w.inputs);
        network(y, "psums", "paths", w.psums);
    }

    void passes(std::ostringstream& y)
    {
        y << "passes: {load: " << name_of({"exposed", "hidden", "word"})
          << ", drain: " << name_of({"exposed", "hidden"}) << ", wavefront: " << name_of({"exposed", "chained"});
        if (chance(30)) y << ", min_cycles: " << range(0, 30);
        if (chance(30)) y << ", gap_cycles: " << range(0, 5);
        if (chance(20)) y << ", switch_cycles: " << range(0, 50);
        if (chance(98)) y << ", edges: " << name_of({"full", "used"});
        y << "}\n";
    }

    std::string port() { return "{words: " + std::to_string(width()) + (chance(50) ? ", gather: true}" : "}"); }

    void partition(std::ostringstream& y, const std::string& name)
    {
        y << "    " << name << ": {bytes: " << (chance(30) ? range(300, 2000) : range(2000, 60000))
          << ", line_words: " << (chance(70) ? one_of({4, 8, 16, 32}) : range(1, 40));
        if (chance(50)) y << ", banks: " << range(1, 8);
        const bool shared = chance(20);
        if (shared) y << ", ports: shared";
        y << ", read_port: " << port();
        if (!shared) y << ", write_port: " << port();
        y << "}\n";
    }

    void buffer(std::ostringstream& y, const Wiring& w)
    {
        y << "global_buffer:\n  latency_cycles: " << range(1, 5) << "\n  update_latency_cycles: " << range(1, 5)
          << "\n";
        if (chance(60)) y << "  fill_granularity: " << name_of({"word", "tile"}) << "\n";
        if (chance(w.through_array ? 80 : 20))
            y << "  accumulation: through_array\n";
        else if (chance(30))
            y << "  accumulation: at_buffer\n";
        if (chance(w.rows ? 50 : 8))
            y << "  pool: {banks: " << range(2, 30) << ", bank_bytes: " << one_of({256, 1024, 4096}) << "}\n";
        y << "  partitions:\n";
        for (const char* name : {"weights", "inputs", "outputs"}) partition(y, name);
        if (chance(95)) partition(y, "psums");
        if (chance(90)) partition(y, "operand2");
    }

    void dma(std::ostringstream& y)
    {
        const bool bursts_fit = chance(97); // of the tables' devices, 64 bytes, and a channel's parameters
        const int smallest = !bursts_fit ? 0 : memory_ >= 2 && memory_ < 6 ? 3 : 2;
        y << "dma: {max_burst_bytes: " << (8 << range(smallest, 7))
          << ", requests_in_flight: " << (chance(40) ? range(1, 3) : range(4, 64));
        if (chance(30)) y << ", issue_interval_cycles: " << range(1, 9);
        if (chance(50)) y << ", startup_cycles: " << range(0, 40);
        y << ", read_bytes_per_cycle: " << (chance(30) ? range(1, 7) : range(8, 64))
          << ", write_bytes_per_cycle: " << (chance(30) ? range(1, 7) : range(8, 64));
        if (chance(60)) y << ", arbitration: " << name_of({"loads_first", "stores_first", "round_robin"});
        y << "}\n";
    }

    void dram(std::ostringstream& y)
    {
        const int kind = memory_;
        y << "dram: {kind: ";
        if (kind < 2)
            y << "resident";
        else if (kind < 6)
            y << "dram, timing: " << name_of({"dram_ddr4_2400_x64", "dram_lpddr4_3200_x32"})
              << ", sync_cycles: " << range(0, 4);
        else {
            y << "fixed, latency_cycles: " << range(1, 120) << ", beat_bytes: " << range(1, 40);
            if (chance(50)) y << ", cycles_per_beat: " << range(1, 5);
            if (chance(60)) y << ", burst_bytes: " << one_of({1, 8, 32, 64, 3, 100});
            if (chance(50)) y << ", queues: " << name_of({"shared", "separate"});
            if (chance(50)) y << ", queue_depth: " << range(1, 20);
        }
        const bool coded = kind >= 2 && chance(20);
        if (coded || chance(40)) y << ", map_layout: planes";
        if (coded)
            y << ", compression: {maps: run_length, unit: " << name_of({"row", "row", "plane"})
              << ", run_bits: " << range(1, 8) << ", word_bits: " << one_of({16, 32, 64}) << "}";
        y << "}\n";
    }

    Random random_;
    int memory_ = 0; ///< 0, 1: resident; 2 to 5: dram; 6 to 9: fixed
};

} // namespace heddle::test_system
