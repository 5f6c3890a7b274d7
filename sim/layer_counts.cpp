#include "sim/layer_counts.hpp"

#include "dnn/base/error.hpp"
#include "hw/cause_names.hpp"
#include "sim/mapping.hpp"

#include <numeric>

namespace heddle {

namespace {

template <typename Causes, std::size_t n> Ledger named(const LedgerOf<Causes>& ledger, const char* const (&names)[n])
{
    static_assert(n == LedgerOf<Causes>::size);
    Ledger out;
    for (std::size_t i = 0; i < n; ++i) out.emplace_back(names[i], ledger.all()[i]);
    return out;
}

void expect_equal(const LayerResult& r, const char* law, std::int64_t a, std::int64_t b)
{
    if (a != b)
        throw CheckFailure("layer " + r.name + ": " + law + ": " + std::to_string(a) + " != " + std::to_string(b));
}

void collect_ledgers(Accelerator& m, LayerResult& r)
{
    r.ledger["dram"] = named(m.dram().ledger(), dram_causes);
    r.ledger["dma"] = named(m.dma().ledger(), dma_causes);
    r.ledger["global_buffer"] = named(m.global_buffer().ledger(), global_buffer_causes);
    r.ledger["distributor"] = named(m.distributor().ledger(), distributor_causes);
    r.ledger["collector"] = named(m.collector().ledger(), collector_causes);
    r.ledger["post"] = named(m.post().ledger(), post_causes);
    Ledger array;
    for (int c = 0; c < static_cast<int>(ArrayCause::count); ++c) {
        const auto cause = static_cast<ArrayCause>(c);
        array.emplace_back(array_cause_name(cause), m.array().ledger().mac_cycles(cause));
    }
    r.ledger["array"] = array;
}

void collect_accesses(Accelerator& m, const CompiledPlan& plan, LayerResult& r)
{
    GlobalBuffer& g = m.global_buffer();
    const GlobalBuffer::Stats& gs = g.stats();
    auto& glb = r.accesses["global_buffer"];
    const auto of_partition = [&](const char* tensor, Region region, std::int64_t reads) {
        const Ports& p = g.partition(region).ports;
        glb[tensor] = {gs.fills[static_cast<int>(region)], reads, 0, 0, p.read_beats, p.write_beats};
    };
    of_partition("weights", Region::weights, g.engine(Tensors::weights).words_read);
    of_partition("inputs", Region::inputs, g.engine(Tensors::inputs).words_read);
    if (plan.has_operand2()) of_partition("operand2", Region::operand2, gs.operand2_reads);
    const Ports& out = g.partition(Region::outputs).ports;
    glb["outputs"] = {0, 0, gs.fills[static_cast<int>(Region::outputs)], gs.drains, out.read_beats, out.write_beats};
    if (plan.accumulates()) {
        const Ports& p = g.psums().ports;
        glb["psums"] = {0, gs.psum_reads, gs.psum_updates, 0, p.read_beats, p.write_beats};
    }
    const PeArray::Stats& a = m.array().stats();
    auto& rf = r.accesses["register_file"];
    static constexpr const char* names[] = {"weights", "inputs", "psums"};
    for (int t = 0; t < 3; ++t) {
        const PeArray::RegisterCounts& c = a.registers[t];
        if (c.fills + c.reads + c.updates + c.drains > 0) rf[names[t]] = {c.fills, c.reads, c.updates, c.drains, 0, 0};
        if (a.hops[t] > 0) r.hops[names[t]] = a.hops[t];
    }
    const Dram::Stats& d = m.dram().stats();
    static constexpr const char* regions[] = {"weights", "inputs", "operand2", "parameters"};
    auto& dram = r.accesses["dram"];
    for (int i = 0; i < 4; ++i)
        if (d.requested_words[i] > 0) dram[regions[i]].reads = d.requested_words[i];
    if (d.requested_words[static_cast<int>(Region::outputs)] > 0)
        dram["outputs"].updates = d.requested_words[static_cast<int>(Region::outputs)];
}

void collect_dram(const Dram::Stats& d, LayerResult& r)
{
    const DramCounts& c = d.commands;
    const auto n = [](std::uint64_t v) { return static_cast<std::int64_t>(v); };
    r.dram.read_bytes = d.read_bytes;
    r.dram.write_bytes = d.write_bytes;
    r.dram.activates = n(c.act);
    r.dram.precharges = n(c.pre);
    r.dram.reads = n(c.rd);
    r.dram.writes = n(c.wr);
    r.dram.refreshes = n(c.ref);
    r.dram.row_hits = n(c.row_hits);
    r.dram.active_standby_clocks = n(c.active_standby_clocks);
    r.dram.precharge_standby_clocks = n(c.precharge_standby_clocks);
}

/// What must hold of any run, whatever the mapping.
void check_conservation(Accelerator& m, const CompiledPlan& plan, LayerResult& r)
{
    const bool resident = plan.hardware().dram.kind == DramKind::resident;
    const GlobalBuffer::Stats& g = m.global_buffer().stats();
    const std::int64_t outputs = plan.result_words();
    const auto filled = [&](Region x) { return g.fills[static_cast<int>(x)]; };
    const auto asked = [&](Region x) { return m.dram().stats().requested_words[static_cast<int>(x)]; };
    for (Region x : {Region::weights, Region::inputs, Region::operand2})
        expect_equal(r, "buffer fills are the words asked of DRAM", filled(x), asked(x));
    expect_equal(r, "each output word is written once", filled(Region::outputs), outputs);
    if (!resident) {
        expect_equal(r, "each output word is drained once", g.drains, outputs);
        expect_equal(r, "each output word is stored once", asked(Region::outputs), outputs);
    }
    // Through the array the last sums never come to the buffer, so their updates are missing where the first reads are.
    const std::int64_t no_read = plan.accumulates_through_array() ? 0 : g.psum_first;
    expect_equal(r, "psum reads are updates less first updates", g.psum_reads, g.psum_updates - no_read);
    expect_equal(r, "MACs are the layer's", m.array().stats().macs, plan.plan().macs());
    expect_equal(r, "compute MAC-cycles are MACs", m.array().ledger().mac_cycles(ArrayCause::compute),
                 plan.plan().macs());
    for (const auto& [block, causes] : r.ledger) {
        const std::int64_t sum = std::accumulate(causes.begin(), causes.end(), std::int64_t{0},
                                                 [](std::int64_t s, const auto& c) { return s + c.second; });
        const std::int64_t per_cycle = block == "array" ? plan.hardware().macs() : 1;
        expect_equal(r, ("ledger of " + block + " covers all cycles").c_str(), sum, r.cycles * per_cycle);
    }
}

} // namespace

void collect_counts(Accelerator& m, const CompiledPlan& plan, Cycle cycles, bool timing_only, LayerResult& r)
{
    const PeArray::Stats& a = m.array().stats();
    r.cycles = cycles;
    r.macs = a.macs;
    r.macs_effectual = timing_only ? 0 : a.macs_effectual;
    if (plan.hardware().array.zero_gating && !timing_only) r.macs_gated = a.macs - a.macs_effectual;
    const bool streamed = a.first_operand != never;
    for (const Tensors t : {Tensors::weights, Tensors::inputs, Tensors::outputs}) {
        const ReuseMeter::Counts& c = a.reuse[static_cast<int>(t)];
        if (streamed) r.reuse[tensor_name(t)] = {{"uses", c.uses}, {"fills", c.fills}, {"most_uses", c.most_uses}};
    }
    r.array_cycles = streamed ? a.last_result - a.first_operand + 1 : 0;
    r.utilization = static_cast<double>(a.macs) / (static_cast<double>(cycles) * plan.hardware().macs());
    const PostProcessor::Stats& p = m.post().stats();
    r.post_words = p.words_in;
    r.post_operations = {{"add", p.adds}, {"multiply", p.multiplies}, {"compare", p.compares}};
    r.padding_words = m.global_buffer().engine(Tensors::inputs).padding_words;
    const Dma::Stats& d = m.dma().stats();
    if (d.first_request != never) r.phases["first_request"] = d.first_request;
    if (streamed) r.phases["first_operand"] = a.first_operand;
    if (streamed) r.phases["last_result"] = a.last_result;
    r.phases["last_write"] = d.last_write != never ? d.last_write : m.global_buffer().stats().last_result;
    collect_ledgers(m, r);
    collect_accesses(m, plan, r);
    collect_dram(m.dram().stats(), r);
    check_conservation(m, plan, r);
}

} // namespace heddle
