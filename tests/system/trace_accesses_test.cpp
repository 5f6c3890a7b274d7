// Tracing changes nothing, and what the waveform shows adds up to the report's counts and the reference's values.
#include "sim/results.hpp"
#include "sim/vcd.hpp"
#include "tests/system/trace_bench.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <functional>
#include <map>
#include <utility>

using namespace heddle;
using namespace heddle::test_system;

namespace {

/// Everything but the PEs, of which only whether they work.
std::vector<std::string> all_but_operands(const Subject& s)
{
    std::vector<std::string> scopes{"controller",  "dram",      "dma",  "global_buffer",
                                    "distributor", "collector", "post", "array.cause"};
    const Op op = s.options.network.net.layers[static_cast<std::size_t>(s.layer)].op;
    if (op == Op::conv) scopes.emplace_back("array.pe_*.active");
    return scopes;
}

LayerResult untraced(const Subject& s)
{
    RunOptions options = s.options;
    options.layers = {s.layer};
    return run_apart(options).layers.front();
}

/// What is summed over the cycles of a waveform: a field over the transfers of a channel, or a signal over all cycles.
class Sums {
public:
    explicit Sums(const std::string& vcd) : wave_(vcd, "clk") {}

    void transfers(const std::string& name, const std::string& channel, const std::string& field, int region = -1)
    {
        const VcdReader& f = wave_.file();
        sums_.push_back({name, f.require(channel + ".valid"), f.require(channel + ".ready"),
                         f.require(channel + "." + field), region < 0 ? -1 : f.require(channel + ".region"), region,
                         0});
    }
    void cycles(const std::string& name, const std::string& signal)
    {
        sums_.push_back({name, -1, -1, wave_.file().require(signal), -1, -1, 0});
    }
    /// Every cycle's value of a signal, counted.
    void histogram(const std::string& signal) { histograms_[signal] = {}; }

    void run(const std::function<void(const VcdCycles&)>& look = {})
    {
        for (; wave_.next(); ++cycle_count) {
            for (Sum& s : sums_) {
                const bool counts = s.valid < 0 || (wave_.is_one(s.valid) && wave_.is_one(s.ready));
                if (counts && (s.region < 0 || wave_.number(s.region) == static_cast<std::uint64_t>(s.which)))
                    s.sum += static_cast<std::int64_t>(wave_.number(s.value));
            }
            for (auto& [signal, counts] : histograms_) counts[wave_.number(wave_.file().find(signal))] += 1;
            if (look) look(wave_);
        }
    }
    std::int64_t of(const std::string& name) const
    {
        std::int64_t sum = 0;
        for (const Sum& s : sums_)
            if (s.name == name) sum += s.sum;
        return sum;
    }
    std::map<std::uint64_t, std::int64_t>& counts(const std::string& signal) { return histograms_[signal]; }
    const VcdReader& file() const { return wave_.file(); }
    std::int64_t cycle_count = 0;

private:
    struct Sum {
        std::string name;
        int valid, ready, value, region, which;
        std::int64_t sum;
    };
    VcdCycles wave_;
    std::vector<Sum> sums_;
    std::map<std::string, std::map<std::uint64_t, std::int64_t>> histograms_;
};

const char* const dma_tensors[] = {"weights", "inputs", "operand2"};

void ask_for_accesses(Sums& sums)
{
    for (int r = 0; r < 3; ++r) {
        sums.transfers(std::string("asked ") + dma_tensors[r], "dma.memory_request", "words", r);
        sums.transfers(std::string("filled ") + dma_tensors[r], "dma.fill", "count", r);
    }
    sums.transfers("stored", "dma.memory_request", "words", static_cast<int>(Region::outputs));
    sums.transfers("read weights", "global_buffer.weights", "words_read");
    sums.transfers("read inputs", "global_buffer.inputs", "words_read");
    sums.transfers("read inputs", "global_buffer.windows", "words_read");
    sums.transfers("read operand2", "global_buffer.operand2", "count");
    sums.transfers("results", "post.results", "count");
    sums.transfers("drained", "global_buffer.drain_data", "count");
    sums.transfers("updates", "collector.buffer_psums", "count");
    for (const char* t : {"weights", "inputs", "operand2", "outputs", "psums"}) {
        const std::string sram = std::string("global_buffer.sram_") + t;
        sums.cycles(std::string("read beats ") + t, sram + ".read_beats");
        sums.cycles(std::string("write beats ") + t, sram + ".write_beats");
    }
    for (const VcdReader::Signal& s : sums.file().signals())
        if (s.path.rfind("array.pe_", 0) == 0) sums.cycles("active", s.path);
    for (const char* block : {"dram", "dma", "global_buffer", "distributor", "collector", "post"})
        sums.histogram(std::string(block) + ".cause");
}

void check_accesses(Sums& sums, LayerResult r, int macs_per_pe)
{
    CHECK(sums.cycle_count == r.cycles);
    auto& dram = r.accesses["dram"];
    auto& glb = r.accesses["global_buffer"];
    for (const char* t : dma_tensors) {
        INFO(t);
        CHECK(sums.of(std::string("asked ") + t) == dram[t].reads);
        CHECK(sums.of(std::string("filled ") + t) == glb[t].fills);
        CHECK(sums.of(std::string("read ") + t) == glb[t].reads);
    }
    CHECK(sums.of("stored") == dram["outputs"].updates);
    CHECK(sums.of("results") == glb["outputs"].updates);
    CHECK(sums.of("drained") == glb["outputs"].drains);
    CHECK(sums.of("updates") == glb["psums"].updates);
    for (const char* t : {"weights", "inputs", "operand2", "outputs", "psums"}) {
        INFO(t);
        CHECK(sums.of(std::string("read beats ") + t) == glb[t].read_beats);
        CHECK(sums.of(std::string("write beats ") + t) == glb[t].write_beats);
    }
    CHECK(sums.of("active") <= r.macs); // a PE is active when one of its MACs is
    CHECK(sums.of("active") * macs_per_pe >= r.macs);
    for (const char* block : {"dram", "dma", "global_buffer", "distributor", "collector", "post"}) {
        INFO(block);
        auto& counted = sums.counts(std::string(block) + ".cause");
        for (std::size_t c = 0; c < r.ledger[block].size(); ++c) CHECK(counted[c] == r.ledger[block][c].second);
    }
}

/// Collects the words that leave the PostProcessor, by their place in the output (the map's layout).
class Results {
public:
    Results(const VcdReader& f, int lanes, const Tensor& expected, MapLayout layout)
        : expected_(expected), layout_(layout), ready_(f.require("post.results.ready")),
          valid_(f.require("post.results.valid")), count_(f.require("post.results.count")),
          data_(f.require("post.results.data")), words_(f.require("post.results.out_words")),
          data_bits_(f.signals()[static_cast<std::size_t>(data_)].width / lanes),
          word_bits_(f.signals()[static_cast<std::size_t>(words_)].width / lanes)
    {
    }
    void look(const VcdCycles& w)
    {
        if (!w.is_one(valid_) || !w.is_one(ready_)) return;
        const Shape4& s = expected_.shape;
        for (int i = 0; i < static_cast<int>(w.number(count_)); ++i) {
            const auto unsigned_word = [&](std::int64_t v) { return v < 0 ? v + (std::int64_t{1} << word_bits_) : v; };
            std::int64_t at = unsigned_word(word_of(w.value(words_), i, word_bits_));
            const auto next = [&at](int extent) { return static_cast<int>(std::exchange(at, at / extent) % extent); };
            const bool planes = layout_ == MapLayout::planes;
            int k = planes ? 0 : next(s[1]);
            const int q = next(s[3]), p = next(s[2]);
            if (planes) k = next(s[1]);
            const int n = next(s[0]);
            wrong += word_of(w.value(data_), i, data_bits_) != expected_.at(n, k, p, q) ? 1 : 0;
            ++seen;
        }
    }
    std::int64_t seen = 0, wrong = 0;

private:
    const Tensor& expected_;
    MapLayout layout_;
    int ready_, valid_, count_, data_, words_, data_bits_, word_bits_;
};

int lanes_of(const RunOptions& o)
{
    const HardwareConfig& hw = o.hardware;
    return std::max({hw.weight_network.words_per_beat, hw.input_network.words_per_beat, hw.array.cols, hw.array.rows,
                     hw.global_buffer.weights.read_port.words, hw.global_buffer.inputs.read_port.words,
                     hw.psum_network.words_per_beat, hw.post.words_per_cycle});
}

} // namespace

TEST_CASE("tracing changes no count, and handshakes in the waveform add up to the accesses of the report")
{
    for (const Subject& s : subjects()) {
        if (s.what == "conv into a concat") continue; // its words lie between another layer's
        INFO(s.what);
        const Folder folder;
        const Facts facts = traced(s, waveform(folder.file("w.vcd"), all_but_operands(s)));
        CHECK(first_difference(untraced(s), facts.result) == "");
        const Tensor expected = expected_output(s.options, s.layer);
        Sums sums(folder.file("w.vcd"));
        ask_for_accesses(sums);
        Results results(sums.file(), lanes_of(s.options), expected, s.options.hardware.dram.map_layout);
        sums.run([&](const VcdCycles& w) { results.look(w); });
        const ArrayConfig& array = s.options.hardware.array;
        check_accesses(sums, facts.result, array.lanes * array.vector);
        CHECK(results.seen == static_cast<std::int64_t>(expected.data.size()));
        CHECK(results.wrong == 0);
    }
}
