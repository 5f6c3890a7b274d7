// YAML of a machine -> HardwareConfig, strictly: every key of hw/presets/README.md, nothing else.
#include "dnn/base/error.hpp"
#include "dnn/base/files.hpp"
#include "dnn/base/nearest.hpp"
#include "dnn/base/yaml_reader.hpp"
#include "hw/memory_yaml.hpp"

#include <algorithm>
#include <filesystem>

namespace heddle {

namespace {

constexpr int big = 1 << 20;

const std::vector<std::string> delivery_names = {"unicast",    "load_chain_y", "systolic_x", "systolic_y", "row_bus",
                                                 "column_bus", "broadcast",    "multicast",  "shift"};
const std::vector<std::string> psum_path_names = {"local", "chain_y", "tree_y"};

int integer(const YamlReader& y, const std::string& key, int min, int max)
{
    return static_cast<int>(y.integer(key, min, max));
}

int integer(const YamlReader& y, const std::string& key, int min, int max, int fallback)
{
    return static_cast<int>(y.integer(key, min, max, fallback));
}

/// A sequence of names out of `allowed`, as indices; at least one.
std::vector<int> choices(const YamlReader& y, const std::string& key, const std::vector<std::string>& allowed)
{
    const YamlReader list = y.child(key);
    if (!list.is_sequence()) list.fail("expected a sequence of names");
    std::vector<int> picked;
    for (const YamlReader& item : list.items()) {
        const auto it = std::find(allowed.begin(), allowed.end(), item.as_text());
        if (it == allowed.end()) {
            std::string all;
            for (const std::string& a : allowed) all += (all.empty() ? "" : ", ") + a;
            item.fail("expected one of " + all + ", got \"" + item.as_text() + "\"");
        }
        picked.push_back(static_cast<int>(it - allowed.begin()));
    }
    if (picked.empty()) list.fail("expected at least one name");
    return picked;
}

Precision read_precision(const YamlReader& y)
{
    Precision p;
    p.weight_bits = integer(y, "weight_bits", 2, 16);
    p.input_bits = integer(y, "input_bits", 2, 16);
    p.psum_bits = integer(y, "psum_bits", 16, 32);
    p.product_shift = integer(y, "product_shift", 0, 15, 0);
    return p;
}

/// Beats, or a rate.
void read_bus(const YamlReader& y, DramConfig& d)
{
    d.whole_beats = !y.has("bytes_per_cycle");
    if (d.whole_beats) {
        d.beat_bytes = integer(y, "beat_bytes", 1, big);
        d.cycles_per_beat = integer(y, "cycles_per_beat", 1, big, 1);
        return;
    }
    for (const char* beats : {"beat_bytes", "cycles_per_beat"})
        if (y.has(beats)) y.fail_at(beats, "expected either this or bytes_per_cycle, got both");
    constexpr std::int64_t most = 1000000000;
    const Rational rate = y.rational("bytes_per_cycle", Rational(1, big), big);
    if (rate.numerator() > most || rate.denominator() > most)
        y.fail_at("bytes_per_cycle", "expected a fraction of numbers up to 1000000000, got " + rate.text());
    d.beat_bytes = static_cast<int>(rate.numerator());
    d.cycles_per_beat = static_cast<int>(rate.denominator());
}

DramConfig read_dram(const YamlReader& y)
{
    DramConfig d;
    d.kind = static_cast<DramKind>(y.choice("kind", {"dram", "fixed", "resident"}));
    d.map_layout =
        static_cast<MapLayout>(y.choice("map_layout", {"channels_innermost", "planes"}, "channels_innermost"));
    if (y.has("compression")) d.compression = read_compression(y);
    if (d.kind == DramKind::dram) {
        d.timing_name = y.text("timing");
        try {
            d.timing = load_dram_timing(d.timing_name);
        } catch (const UserError& e) {
            y.fail_at("timing", e.what());
        }
        d.sync_cycles = integer(y, "sync_cycles", 0, 1000);
    } else if (d.kind == DramKind::fixed) {
        d.latency_cycles = integer(y, "latency_cycles", 1, big);
        read_bus(y, d);
        d.burst_bytes = integer(y, "burst_bytes", 1, big, 64);
        d.separate_queues = y.choice("queues", {"shared", "separate"}, "shared") == 1;
        d.queue_depth = integer(y, "queue_depth", 1, 64, 16);
    }
    return d;
}

DmaConfig read_dma(const YamlReader& y)
{
    DmaConfig d;
    d.max_burst_bytes = integer(y, "max_burst_bytes", 8, 4096);
    if ((d.max_burst_bytes & (d.max_burst_bytes - 1)) != 0)
        y.fail_at("max_burst_bytes", "expected a power of two, got " + std::to_string(d.max_burst_bytes));
    d.requests_in_flight = integer(y, "requests_in_flight", 1, 64);
    d.issue_interval_cycles = integer(y, "issue_interval_cycles", 1, big, 1);
    d.startup_cycles = integer(y, "startup_cycles", 0, big, 0);
    d.read_bytes_per_cycle = integer(y, "read_bytes_per_cycle", 1, 4096);
    d.write_bytes_per_cycle = integer(y, "write_bytes_per_cycle", 1, 4096);
    d.arbitration = static_cast<DmaArbitration>(
        y.choice("arbitration", {"loads_first", "stores_first", "round_robin"}, "loads_first"));
    return d;
}

PortConfig read_port(const YamlReader& y)
{
    PortConfig p;
    p.words = integer(y, "words", 1, 4096);
    p.gather = y.boolean("gather", false);
    return p;
}

PartitionConfig read_partition(const YamlReader& y)
{
    PartitionConfig p;
    p.bytes = y.integer("bytes", 1, std::int64_t{1} << 34);
    p.banks = integer(y, "banks", 1, 4096, 1);
    p.line_words = integer(y, "line_words", 1, 4096, 16);
    p.shared_port = y.choice("ports", {"separate", "shared"}, "separate") == 1;
    p.read_port = read_port(y.child("read_port"));
    p.write_port = p.shared_port ? p.read_port : read_port(y.child("write_port"));
    return p;
}

/// Which partitions lie in the pool: inputs and psums, which share it bank by bank, and others that take their places.
void read_pool_partitions(const YamlReader& pool, GlobalBufferConfig& g)
{
    const std::vector<std::pair<std::string, PartitionConfig*>> all = {{"weights", &g.weights},
                                                                       {"inputs", &g.inputs},
                                                                       {"outputs", &g.outputs},
                                                                       {"psums", &g.psums},
                                                                       {"operand2", &g.operand2}};
    std::vector<std::string> names, given = {"inputs", "psums"};
    for (const auto& [name, partition] : all) names.push_back(name);
    if (pool.has("partitions")) {
        given.clear();
        for (const int i : choices(pool, "partitions", names)) given.push_back(names[static_cast<std::size_t>(i)]);
        for (const char* shared : {"inputs", "psums"})
            if (std::find(given.begin(), given.end(), shared) == given.end())
                pool.fail_at("partitions",
                             std::string("expected inputs and psums among them, ") + shared + " is missing");
    }
    for (const auto& [name, partition] : all) {
        if (std::find(given.begin(), given.end(), name) == given.end()) continue;
        partition->in_pool = true;
        if (partition->bytes > g.pool_banks * g.pool_bank_bytes)
            pool.fail_at("banks", name + " may take " + std::to_string(partition->bytes) + " bytes, the pool has " +
                                      std::to_string(g.pool_banks * g.pool_bank_bytes));
    }
    pool.finish();
}

GlobalBufferConfig read_buffer(const YamlReader& y)
{
    GlobalBufferConfig g;
    g.latency_cycles = integer(y, "latency_cycles", 1, 1000);
    g.update_latency_cycles = integer(y, "update_latency_cycles", 1, 1000, 1);
    g.fill_granularity = static_cast<FillGranularity>(y.choice("fill_granularity", {"word", "tile"}, "word"));
    g.accumulation = static_cast<Accumulation>(y.choice("accumulation", {"at_buffer", "through_array"}, "at_buffer"));
    if (y.has("pool")) {
        const YamlReader pool = y.child("pool");
        g.pool_banks = integer(pool, "banks", 2, 1 << 16);
        g.pool_bank_bytes = integer(pool, "bank_bytes", 1, big);
    }
    const YamlReader parts = y.child("partitions");
    g.weights = read_partition(parts.child("weights"));
    g.inputs = read_partition(parts.child("inputs"));
    g.outputs = read_partition(parts.child("outputs"));
    if (parts.has("psums")) g.psums = read_partition(parts.child("psums"));
    if (parts.has("operand2")) g.operand2 = read_partition(parts.child("operand2"));
    if (g.pool_banks > 0) read_pool_partitions(y.child("pool"), g);
    return g;
}

NetworkConfig read_network(const YamlReader& y)
{
    NetworkConfig n;
    for (int m : choices(y, "modes", delivery_names)) n.modes.push_back(static_cast<Delivery>(m));
    n.words_per_beat = integer(y, "words_per_beat", 1, 1 << 16);
    n.one_set = y.choice("beat", {"any", "one_set"}, "any") == 1;
    n.sharing = static_cast<Sharing>(y.choice("sharing", {"by_loop", "by_value"}, "by_loop"));
    n.hop_cycles = integer(y, "hop_cycles", 1, 1000, 1);
    n.latency_cycles = integer(y, "latency_cycles", 1, 1000, 1);
    n.link_fifo_words = integer(y, "link_fifo_words", 1, 4096, 1);
    return n;
}

PsumNetworkConfig read_psum_network(const YamlReader& y)
{
    PsumNetworkConfig n;
    for (int p : choices(y, "paths", psum_path_names)) n.paths.push_back(static_cast<PsumPath>(p));
    n.words_per_beat = integer(y, "words_per_beat", 1, 1 << 16);
    n.one_set = y.choice("beat", {"any", "one_set"}, "any") == 1;
    n.hop_cycles = integer(y, "hop_cycles", 1, 1000, 1);
    n.latency_cycles = integer(y, "latency_cycles", 1, 1000, 1);
    return n;
}

PassConfig read_passes(const YamlReader& y)
{
    PassConfig p;
    p.load = static_cast<Overlap>(y.choice("load", {"exposed", "hidden", "word"}));
    p.drain = static_cast<Overlap>(y.choice("drain", {"exposed", "hidden"}));
    p.wavefront_chained = y.choice("wavefront", {"exposed", "chained"}) == 1;
    p.min_cycles = integer(y, "min_cycles", 0, big, 0);
    p.gap_cycles = integer(y, "gap_cycles", 0, big, 0);
    p.switch_cycles = integer(y, "switch_cycles", 0, big, 0);
    p.edges_full = y.choice("edges", {"used", "full"}) == 1;
    return p;
}

void read_register_file(const YamlReader& y, const YamlReader& rf, const std::string& tensor, RegisterFileConfig& r)
{
    r.words = integer(rf, tensor + "_words", 1, big);
    r.port_words = integer(rf, tensor + "_port_words", 1, big, 0);
    if (y.has("collectors")) r.collector_depth = integer(y.child("collectors"), tensor + "_entries", 1, big, 1);
}

ArrayConfig read_array(const YamlReader& y)
{
    ArrayConfig a;
    a.rows = integer(y, "rows", 1, 1024);
    a.cols = integer(y, "cols", 1, 1024);
    a.lanes = integer(y, "lanes", 1, 1024, 1);
    a.vector = integer(y, "vector", 1, 1024, 1);
    a.chain_add = static_cast<ChainAdd>(y.choice("chain_add", {"own_adder", "datapath"}, "own_adder"));
    a.mac_latency_cycles = integer(y, "mac_latency_cycles", 1, 1000);
    a.zero_gating = y.boolean("zero_gating", false);
    a.collectors = y.has("collectors");
    a.sums_channels = y.choice("spatial_sums", {"any", "channels"}, "any") == 1;
    a.one_group = y.choice("groups", {"side_by_side", "one"}, "side_by_side") == 1;
    const YamlReader rf = y.child("register_file");
    read_register_file(y, rf, "weight", a.weights);
    read_register_file(y, rf, "input", a.inputs);
    read_register_file(y, rf, "psum", a.psums);
    return a;
}

PostConfig read_post(const YamlReader& y)
{
    PostConfig p;
    p.words_per_cycle = integer(y, "words_per_cycle", 1, 1024);
    p.latency_cycles = integer(y, "latency_cycles", 1, 1000, 1);
    p.line_buffer_words = integer(y, "line_buffer_words", 0, big * 16, 0);
    p.parameter_bytes_per_channel = integer(y, "parameter_bytes_per_channel", 1, 64, 10);
    return p;
}

/// Rules between keys, reported where they can be mended.
void check(const YamlReader& y, const HardwareConfig& h)
{
    if (h.dram.kind == DramKind::dram && h.dma.max_burst_bytes % h.dram.timing.burst_bytes() != 0)
        y.child("dma").fail_at("max_burst_bytes", "expected a multiple of the DRAM's burst of " +
                                                      std::to_string(h.dram.timing.burst_bytes()) + " bytes, got " +
                                                      std::to_string(h.dma.max_burst_bytes));
    if (h.dma.max_burst_bytes < h.post.parameter_bytes_per_channel)
        y.child("post").fail_at("parameter_bytes_per_channel", "expected at most one burst of the DMA");
    check_memory(y, h);
    const auto has = [](const std::vector<PsumPath>& paths, PsumPath p) {
        return std::find(paths.begin(), paths.end(), p) != paths.end();
    };
    if ((has(h.psum_network.paths, PsumPath::chain_y) || has(h.psum_network.paths, PsumPath::tree_y)) &&
        h.global_buffer.psums.bytes == 0)
        y.child("global_buffer")
            .fail_at("partitions", "expected a psums partition, since psums leave the array each step");
}

} // namespace

const char* delivery_name(Delivery d)
{
    return delivery_names[static_cast<std::size_t>(d)].c_str();
}
const char* psum_path_name(PsumPath p)
{
    return psum_path_names[static_cast<std::size_t>(p)].c_str();
}

std::vector<BufferMemory> buffer_memories(const GlobalBufferConfig& g)
{
    const std::vector<std::pair<std::string, const PartitionConfig*>> all = {{"weights", &g.weights},
                                                                             {"inputs", &g.inputs},
                                                                             {"outputs", &g.outputs},
                                                                             {"psums", &g.psums},
                                                                             {"operand2", &g.operand2}};
    std::vector<BufferMemory> memories;
    std::string pooled;
    for (const auto& [name, partition] : all) {
        if (partition->in_pool)
            pooled += (pooled.empty() ? "pool of " : ", ") + name;
        else if (partition->bytes > 0)
            memories.push_back({name, partition->bytes});
    }
    if (!pooled.empty()) memories.push_back({pooled, g.pool_banks * g.pool_bank_bytes});
    return memories;
}

std::int64_t bank_bytes(const GlobalBufferConfig& g, const PartitionConfig& p)
{
    return p.in_pool ? g.pool_bank_bytes : p.bytes / p.banks;
}

int pool_banks(const GlobalBufferConfig& g, std::int64_t input_bits, std::int64_t psum_bits)
{
    if (g.pool_banks == 0) return 0;
    const std::int64_t bank = g.pool_bank_bytes * 8;
    return static_cast<int>((input_bits + bank - 1) / bank + (psum_bits + bank - 1) / bank);
}

HardwareConfig parse_hardware(const std::string& text, const std::string& file_name)
{
    const YamlReader y = YamlReader::load_string(text, file_name);
    HardwareConfig h;
    h.source_file = file_name;
    h.content_hash = content_hash(text);
    h.name = y.text("name");
    y.text("description", "");
    h.clock_mhz = y.rational("clock_mhz", Rational(1, 1000), 100000);
    h.energy_table = y.text("energy_table", "generic_28nm");
    const YamlReader flows = y.child("dataflows");
    for (const YamlReader& f : flows.items()) h.dataflows.push_back(f.as_text());
    if (h.dataflows.empty()) flows.fail("expected at least one dataflow");
    h.precision = read_precision(y.child("precision"));
    h.dram = read_dram(y.child("dram"));
    h.dma = read_dma(y.child("dma"));
    h.global_buffer = read_buffer(y.child("global_buffer"));
    const YamlReader networks = y.child("networks");
    h.weight_network = read_network(networks.child("weights"));
    h.input_network = read_network(networks.child("inputs"));
    h.psum_network = read_psum_network(networks.child("psums"));
    h.passes = read_passes(y.child("passes"));
    h.array = read_array(y.child("array"));
    h.post = read_post(y.child("post"));
    y.finish();
    check(y, h);
    return h;
}

HardwareConfig load_hardware(const std::string& name_or_path)
{
    const bool is_path = name_or_path.find('/') != std::string::npos ||
                         name_or_path.find(".yaml") != std::string::npos ||
                         name_or_path.find(".yml") != std::string::npos;
    if (is_path) return parse_hardware(read_file(name_or_path, 1 << 20), name_or_path);
    const std::vector<std::string> shipped = shipped_names("hw/presets");
    if (std::find(shipped.begin(), shipped.end(), name_or_path) == shipped.end()) {
        std::string all;
        for (const std::string& s : shipped) all += (all.empty() ? "" : ", ") + s;
        throw UserError("unknown hardware \"" + name_or_path + "\"" + did_you_mean(shipped, name_or_path) +
                        ": expected a YAML file or one of " + all);
    }
    const std::string path = data_root() + "/hw/presets/" + name_or_path + ".yaml";
    return parse_hardware(read_file(path, 1 << 20), path);
}

} // namespace heddle
