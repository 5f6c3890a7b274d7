// Registers and counters of a waveform against a count of the handshakes in the same waveform, cycle by cycle; phases
// and the ledgers of blocks that only pass on, of the report, likewise. A register shows what a block holds as the
// cycle begins, a handshake what happens in it.
#include "sim/layer_run.hpp"
#include "sim/vcd.hpp"
#include "tests/system/trace_bench.hpp"
#include "tests/unit/sim_plan_walk.hpp"

#include <catch2/catch.hpp>

#include <map>

using namespace heddle;
using namespace heddle::test_system;

namespace {

/// One channel: pushes and pops seen so far.
class Line {
public:
    Line(const VcdReader& f, const std::string& path)
        : push_(f.require(path + ".push")), valid_(f.require(path + ".valid")), ready_(f.require(path + ".ready"))
    {
    }
    void look(const VcdCycles& w)
    {
        pushed_now = w.is_one(push_);
        offered_now = w.is_one(valid_);
        popped_now = offered_now && w.is_one(ready_);
        pushed += pushed_now;
        popped += popped_now;
        blocked += offered_now && !popped_now;
    }
    bool pushed_now = false, popped_now = false, offered_now = false;
    std::int64_t pushed = 0, popped = 0, blocked = 0; ///< blocked: cycles in which an entry was not taken

private:
    int push_, valid_, ready_;
};

/// The registers of a waveform that are not what the handshakes before the cycle add up to.
class Registers {
public:
    Registers(const std::string& vcd, const Subject& s)
        : wave_(vcd, "clk"), resident_(s.options.hardware.dram.kind == DramKind::resident)
    {
        const VcdReader& f = wave_.file();
        for (const char* path :
             {"dma.memory_request", "dram.memory_response", "dma.drain_request", "post.operand2_request",
              "post.results", "global_buffer.drain_data", "collector.buffer_psums", "array.array_psums",
              "distributor.array_weights", "distributor.array_inputs", "global_buffer.weights", "global_buffer.inputs",
              "global_buffer.credit", "dma.fill"})
            lines_.emplace(path, Line(f, path));
    }

    Line& line(const std::string& path) { return lines_.at(path); }
    std::int64_t field(const std::string& path)
    {
        auto known = signals_.find(path);
        if (known == signals_.end()) known = signals_.emplace(path, wave_.file().require(path)).first;
        return static_cast<std::int64_t>(wave_.number(known->second));
    }
    std::int64_t cycles() const { return wave_.cycle() + 1; }

    void run(const HardwareConfig& hw)
    {
        std::int64_t credits[3] = {}; // given back less asked for
        std::int64_t outputs = 0, in_dma = 0, in_dram = 0, stores = 0, adds = 0, psums = 0, words_out = 0;
        while (wave_.next()) {
            check("dma.in_flight", in_dma);
            check("dram.in_flight", in_dram);
            check("dma.stores_open", stores);
            check("post.adds_waiting", adds);
            if (results_at_once_) check("global_buffer.sram_outputs.used", outputs);
            if (psums_accumulate_) check("global_buffer.sram_psums.used", psums);
            for (auto& [path, line] : lines_) line.look(wave_);
            const Line &request = line("dma.memory_request"), &response = line("dram.memory_response");
            note_phases();
            in_dma += request.pushed_now - response.popped_now;
            in_dram += request.popped_now - response.pushed_now;
            stores += line("dma.drain_request").pushed_now -
                      (response.popped_now && field("dram.memory_response.write") == 1);
            if (has_adds_) adds += line("post.operand2_request").pushed_now - line("post.results").pushed_now;
            if (line("collector.buffer_psums").popped_now && hw.global_buffer.accumulation == Accumulation::at_buffer)
                psums += field("collector.buffer_psums.count") *
                         (field("collector.buffer_psums.first") - field("collector.buffer_psums.last"));
            if (line("post.results").popped_now) outputs += field("post.results.count");
            if (line("dma.drain_request").popped_now) outputs -= field("dma.drain_request.count");
            if (request.popped_now && field("dma.memory_request.region") < 3)
                credits[field("dma.memory_request.region")] -= field("dma.memory_request.words");
            if (line("global_buffer.credit").popped_now)
                credits[field("global_buffer.credit.region")] += field("global_buffer.credit.words");
            if (line("post.results").popped_now) words_out += field("post.results.count");
            distributed_ += line("distributor.array_weights").pushed_now || line("distributor.array_inputs").pushed_now;
        }
        CHECK(field("post.words_out") == words_out);
        const GlobalBufferConfig& g = hw.global_buffer;
        const auto words = [](const PartitionConfig& p, int bits) { return p.bytes * 8 / bits; };
        CHECK(field("dma.credit_weights") - credits[0] == words(g.weights, hw.precision.weight_bits));
        if (g.pool_banks == 0)
            CHECK(field("dma.credit_inputs") - credits[1] == words(g.inputs, hw.precision.input_bits));
        CHECK(field("dma.credit_operand2") - credits[2] == words(g.operand2, hw.precision.input_bits));
        CHECK(wrong == std::map<std::string, std::int64_t>{});
    }

    void expect_results_at_once() { results_at_once_ = true; }
    void expect_adds() { has_adds_ = true; }
    void expect_psums() { psums_accumulate_ = true; }

    std::map<std::string, std::int64_t> wrong; ///< first cycle in which a register differs
    std::map<std::string, std::int64_t> phases;
    std::int64_t distributed() const { return distributed_; }

private:
    void check(const std::string& signal, std::int64_t expected)
    {
        if (field(signal) != expected) wrong.insert({signal, wave_.cycle()});
    }
    void note(const std::string& phase, bool happens, bool last)
    {
        if (happens && (last || phases.count(phase) == 0)) phases[phase] = wave_.cycle();
    }
    void note_phases()
    {
        const Line& response = line("dram.memory_response");
        note("first_request", line("dma.memory_request").pushed_now, false);
        note("first_operand",
             line("distributor.array_weights").popped_now || line("distributor.array_inputs").popped_now, false);
        note("last_result", line("array.array_psums").pushed_now, true);
        note("last_write",
             resident_ ? line("post.results").popped_now
                       : response.popped_now && field("dram.memory_response.write") == 1,
             true);
    }

    VcdCycles wave_;
    bool resident_, results_at_once_ = false, has_adds_ = false, psums_accumulate_ = false;
    std::map<std::string, Line> lines_;
    std::map<std::string, int> signals_;
    std::int64_t distributed_ = 0;
};

std::int64_t cause(const LayerResult& r, const std::string& block, const std::string& name)
{
    for (const auto& [known, cycles] : r.ledger.at(block))
        if (known == name) return cycles;
    FAIL(block << " has no cause " << name);
    return 0;
}

} // namespace

TEST_CASE("registers, phases and ledgers are what the handshakes of the waveform say")
{
    for (const Subject& s : subjects()) {
        INFO(s.what);
        const Folder folder;
        const LayerPlan plan = LayerRunner::choose(s.options, s.layer).plan;
        std::vector<std::string> scopes = {"dram",      "dma",  "global_buffer",    "distributor",
                                           "collector", "post", "array.array_psums"};
        if (plan.kind == PlanKind::array) scopes.emplace_back("array.passes_begun");
        LayerResult r = traced(s, waveform(folder.file("w.vcd"), scopes)).result;
        Registers registers(folder.file("w.vcd"), s);
        const PortConfig& port = s.options.hardware.global_buffer.outputs.write_port;
        if (port.gather && port.words >= s.options.hardware.post.words_per_cycle) registers.expect_results_at_once();
        if (plan.add_layer >= 0) registers.expect_adds();
        if (s.options.hardware.global_buffer.accumulation == Accumulation::at_buffer) registers.expect_psums();
        registers.run(s.options.hardware);
        for (const auto& [phase, cycle] : r.phases) {
            INFO(phase);
            CHECK(registers.phases[phase] == cycle);
        }
        if (r.phases.count("last_result") != 0)
            CHECK(r.array_cycles == r.phases["last_result"] - r.phases["first_operand"] + 1);
        const Line& psums = registers.line("array.array_psums");
        CHECK(cause(r, "collector", "busy") == psums.popped);
        CHECK(cause(r, "collector", "output_blocked") == psums.blocked);
        CHECK(cause(r, "collector", "idle") == r.cycles - psums.popped - psums.blocked);
        CHECK(cause(r, "distributor", "busy") == registers.distributed());
        if (plan.kind != PlanKind::array) continue;
        test_walk::PlanWalk walk(plan, [](const test_walk::Mac&) {});
        walk.run();
        CHECK(registers.field("array.passes_begun") == walk.passes_seen());
    }
}
