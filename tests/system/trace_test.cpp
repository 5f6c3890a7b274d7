// What a waveform or a timeline shows is what the simulation did, and looking changes nothing.
#include "sim/json.hpp"
#include "sim/result_fields.hpp"
#include "sim/results.hpp"
#include "sim/trace_layer.hpp"
#include "sim/vcd.hpp"
#include "sim/wave_diff.hpp"
#include "tests/system/bench.hpp"
#include "tests/system/subjects.hpp"

#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <unistd.h>

using namespace heddle;
using namespace heddle::test_system;
namespace fs = std::filesystem;

namespace {

struct Folder {
    Folder()
    {
        std::string name = (fs::temp_directory_path() / "heddle-trace-XXXXXX").string();
        path = ::mkdtemp(name.data());
    }
    ~Folder() { fs::remove_all(path); }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    std::string file(const std::string& name) const { return (path / name).string(); }
    fs::path path;
};

/// Everything but the PEs, of which only whether they work.
const std::vector<std::string> all_but_operands = {"controller",  "dram",        "dma",        "global_buffer",
                                                   "distributor", "collector",   "post",       "array.cause",
                                                   "array.phase", "array.pass*", "array.tile", "array.pe_*.active"};

struct Facts {
    LayerResult result;
    bool limited = false;
};

/// Traces in a process of its own.
Facts traced(const Subject& s, const TraceRequest& request, std::uint64_t stall_seed = 0)
{
    RunOptions options = s.options;
    options.stall_seed = stall_seed;
    const std::string text = in_process([&] {
        TraceOutcome out = trace_layer(options, s.layer, request, {});
        JsonWriter writer;
        visit(writer, out.result);
        return json::serialize(json::object{{"result", writer.object}, {"limited", out.limited}});
    });
    const json::value v = json::parse(text);
    Facts facts;
    JsonReader reader(v.at("result"), "child");
    visit(reader, facts.result);
    facts.limited = v.at("limited").as_bool();
    return facts;
}

TraceRequest waveform(const std::string& vcd, const std::vector<std::string>& scopes)
{
    TraceRequest r;
    r.trace.vcd = vcd;
    r.trace.scopes = scopes;
    return r;
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

void check_accesses(Sums& sums, LayerResult r)
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
    CHECK(sums.of("active") == r.macs);
    for (const char* block : {"dram", "dma", "global_buffer", "distributor", "collector", "post"}) {
        INFO(block);
        auto& counted = sums.counts(std::string(block) + ".cause");
        for (std::size_t c = 0; c < r.ledger[block].size(); ++c) CHECK(counted[c] == r.ledger[block][c].second);
    }
}

std::int64_t word_of(const std::string& bits, int index, int width)
{
    const int size = static_cast<int>(bits.size()), low = size - index * width;
    if (low <= 0) return 0;
    const int from = std::max(0, low - width);
    std::int64_t v = 0;
    for (int i = from; i < low; ++i) v = v << 1 | (bits[static_cast<std::size_t>(i)] == '1' ? 1 : 0);
    const bool negative = low - from == width && bits[static_cast<std::size_t>(from)] == '1';
    return negative ? v - (std::int64_t{1} << width) : v;
}

/// Collects the words that leave the PostProcessor, by their place in the output (N,H,W,C).
class Results {
public:
    Results(const VcdReader& f, int lanes, const Tensor& expected)
        : expected_(expected), ready_(f.require("post.results.ready")), valid_(f.require("post.results.valid")),
          count_(f.require("post.results.count")), data_(f.require("post.results.data")),
          words_(f.require("post.results.out_words")),
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
            const int k = static_cast<int>(at % s[1]), q = static_cast<int>(at / s[1] % s[3]);
            const int p = static_cast<int>(at / s[1] / s[3] % s[2]), n = static_cast<int>(at / s[1] / s[3] / s[2]);
            wrong += word_of(w.value(data_), i, data_bits_) != expected_.at(n, k, p, q) ? 1 : 0;
            ++seen;
        }
    }
    std::int64_t seen = 0, wrong = 0;

private:
    const Tensor& expected_;
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
        const Facts facts = traced(s, waveform(folder.file("w.vcd"), all_but_operands));
        CHECK(first_difference(untraced(s), facts.result) == "");
        const Tensor expected = expected_output(s.options, s.layer);
        Sums sums(folder.file("w.vcd"));
        ask_for_accesses(sums);
        Results results(sums.file(), lanes_of(s.options), expected);
        sums.run([&](const VcdCycles& w) { results.look(w); });
        check_accesses(sums, facts.result);
        CHECK(results.seen == static_cast<std::int64_t>(expected.data.size()));
        CHECK(results.wrong == 0);
    }
}

TEST_CASE("a result leaves the array in the cycle in which the wavefront is at the PE that completes it")
{
    // 16 channels on 16 rows, 32 filters on 16 columns: all PEs in every pass.
    const Subject s{"full array", workload(conv_network(16, 6, 32, square(1)), load_hardware("tpu_like"), "ws"), 1};
    const Folder folder;
    traced(s, waveform(folder.file("w.vcd"), {"array.pe_*", "array.array_psums"}));
    VcdCycles w(folder.file("w.vcd"), "clk");
    const VcdReader& f = w.file();
    const auto pe = [&](int row, int col, const char* name) {
        return f.require("array.pe_" + std::to_string(row) + "_" + std::to_string(col) + "." + name);
    };
    const int push = f.require("array.array_psums.push"), valid = f.require("array.array_psums.valid"),
              ready = f.require("array.array_psums.ready"), data = f.require("array.array_psums.data");
    std::vector<std::int64_t> pushed, popped;
    std::vector<std::vector<std::pair<std::int64_t, std::int64_t>>> work(256); ///< by PE: input, product
    while (w.next()) {
        if (w.is_one(push)) pushed.push_back(word_of(w.value(pe(15, 15, "psum")), 0, 32));
        if (w.is_one(valid) && w.is_one(ready)) popped.push_back(word_of(w.value(data), 15, 32));
        for (int i = 0; i < 256; ++i) {
            const int y = i / 16, x = i % 16;
            if (!w.is_one(pe(y, x, "active"))) continue;
            const std::int64_t a = word_of(w.value(pe(y, x, "weight")), 0, 8);
            const std::int64_t b = word_of(w.value(pe(y, x, "input")), 0, 8);
            work[static_cast<std::size_t>(i)].emplace_back(w.cycle(), b);
            REQUIRE(word_of(w.value(pe(y, x, "product")), 0, 16) == a * b);
        }
    }
    CHECK(pushed.size() == 72); // 36 pixels, twice
    CHECK(pushed == popped);
    for (int i = 0; i < 256;
         ++i) { // the inputs of PE (y, 0) pass PE (y, x) x cycles later, row y starts y cycles later
        const auto &first = work[static_cast<std::size_t>(i / 16 * 16)], &here = work[static_cast<std::size_t>(i)];
        REQUIRE(here.size() == first.size());
        REQUIRE(first.front().first == work[0].front().first + i / 16);
        for (std::size_t n = 0; n < here.size(); ++n) {
            REQUIRE(here[n].first == first[n].first + i % 16);
            REQUIRE(here[n].second == first[n].second);
        }
    }
}

TEST_CASE("a window holds exactly the cycles, tiles or passes asked for, with the values of the whole trace")
{
    const Subject s = subjects()[1]; // many tiles
    const Folder folder;
    const std::vector<std::string> scopes{"array.tile",    "array.pass",          "array.cause",    "dma.cause",
                                          "dma.in_flight", "dma.credit_inputs",   "dma.fill.valid", "dma.fill.push",
                                          "dma.fill.fill", "global_buffer.sram_*"};
    traced(s, waveform(folder.file("all.vcd"), scopes));
    TraceRequest part = waveform(folder.file("part.vcd"), scopes);
    part.trace.window = {TraceWindow::Unit::cycle, 300, 400};
    traced(s, part);
    VcdCycles all(folder.file("all.vcd"), "clk"), window(folder.file("part.vcd"), "clk");
    const std::size_t signals = all.file().signals().size();
    REQUIRE(window.file().signals().size() == signals);
    for (int c = 0; c <= 300; ++c) REQUIRE(all.next());
    int cycles = 0;
    for (; window.next(); ++cycles, all.next())
        for (int i = 0; i < static_cast<int>(signals); ++i) REQUIRE(window.value(i) == all.value(i));
    CHECK(cycles == 101);

    part.trace.window = {TraceWindow::Unit::tile, 2, 3};
    traced(s, part);
    VcdCycles tiles(folder.file("part.vcd"), "clk");
    const int tile = tiles.file().require("array.tile");
    REQUIRE(tiles.next());
    CHECK(tiles.number(tile) == 2);
    bool left = false; // behind the last tile only its wavefront
    for (cycles = 0; tiles.next(); cycles += left ? 1 : 0) left = left || tiles.number(tile) > 3;
    CHECK(cycles <= 34);
}

TEST_CASE("a limit on the size ends the file early and leaves it valid")
{
    const Subject s = subjects()[0];
    const Folder folder;
    TraceRequest request = waveform(folder.file("w.vcd"), {});
    request.trace.max_bytes = 1 << 20;
    CHECK(traced(s, request).limited);
    CHECK(fs::file_size(folder.file("w.vcd")) <= 1u << 20);
    VcdCycles w(folder.file("w.vcd"), "clk");
    int cycles = 0;
    while (w.next()) ++cycles;
    CHECK(cycles > 20);
}

TEST_CASE("the timeline is a Chrome trace whose slices add up to the ledger and the DRAM's commands")
{
    const Subject s = subjects()[3];
    const Folder folder;
    TraceRequest request;
    request.timeline = folder.file("t.json");
    LayerResult r = traced(s, request).result;
    std::ostringstream text;
    text << std::ifstream(request.timeline).rdbuf();
    const json::value v = json::parse(text.str());
    std::map<std::int64_t, std::string> threads;
    std::map<std::string, std::map<std::string, std::int64_t>> cycles, slices;
    for (const json::value& e : v.at("traceEvents").as_array()) {
        REQUIRE(e.at("pid").as_int64() == 1);
        const std::int64_t tid = e.at("tid").as_int64();
        const std::string name = json::value_to<std::string>(e.at("name")),
                          ph = json::value_to<std::string>(e.at("ph"));
        if (ph == "M") {
            if (name == "thread_name") threads[tid] = json::value_to<std::string>(e.at("args").at("name"));
            continue;
        }
        REQUIRE(ph == "X");
        REQUIRE(e.at("ts").to_number<double>() >= 0.0);
        REQUIRE(e.at("dur").to_number<double>() > 0.0);
        REQUIRE(threads.count(tid) == 1);
        slices[threads[tid]][name] += 1;
        if (const auto* n = e.at("args").as_object().if_contains("cycles")) {
            cycles[threads[tid]][name] += n->as_int64();
            CHECK(e.at("dur").to_number<double>() == Approx(static_cast<double>(n->as_int64()) / 800.0));
        }
    }
    for (const char* block : {"dram", "dma", "global_buffer", "distributor", "collector", "post"})
        for (const auto& [cause, n] : r.ledger[block]) CHECK(cycles[block][cause] == n);
    CHECK(slices["dram commands"]["RD"] == r.dram.reads);
    CHECK(slices["dram commands"]["WR"] == r.dram.writes);
    CHECK(slices["dram commands"]["ACT"] == r.dram.activates);
    CHECK(slices["array tiles"].size() > 2);
    CHECK(slices["array passes"].size() >= slices["array tiles"].size());
}

TEST_CASE("wave-diff finds no difference in equal runs and the drift in a stalled one")
{
    const Subject s = subjects()[0];
    const Folder folder;
    const std::vector<std::string> scopes{"array.array_psums", "post.results", "array.cause"};
    const std::string a = folder.file("a.vcd"), b = folder.file("b.vcd");
    const LayerResult ra = traced(s, waveform(a, scopes)).result, rb = traced(s, waveform(b, scopes), 5).result;
    CHECK(compare_waves(a, a, common_signals(a, a)).same());
    WaveMap map = common_signals(a, b);
    map.align = {"array.array_psums.push", "array.array_psums.push"};
    const WaveDiff d = compare_waves(a, b, map);
    CHECK_FALSE(d.same());
    CHECK(d.cycles_a == ra.cycles - d.event_a);
    CHECK(d.cycles_b == rb.cycles - d.event_b);
    REQUIRE(d.channels.size() == 2);
    for (const WaveDiff::Drift& c : d.channels) {
        INFO(c.name);
        CHECK(c.transfers_a == c.transfers_b);
        CHECK(c.data_differ == -1);
        CHECK(c.last == c.largest);
        CHECK(c.last > 0);
    }
}
