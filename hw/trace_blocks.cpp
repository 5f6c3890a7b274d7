#include "hw/trace_blocks.hpp"

#include "hw/cause_names.hpp"
#include "hw/trace_channels.hpp"

#include <algorithm>

namespace heddle {

namespace {

template <std::size_t n> SignalNames names_of(const char* const (&list)[n])
{
    return SignalNames(list, list + n);
}

SignalNames array_names()
{
    SignalNames names;
    for (int c = 0; c < static_cast<int>(ArrayCause::count); ++c)
        names.emplace_back(array_cause_name(static_cast<ArrayCause>(c)));
    return names;
}

template <typename Ledger> std::vector<std::int64_t> booked(const Ledger& ledger)
{
    return {ledger.all().begin(), ledger.all().end()};
}

std::vector<std::int64_t> booked(const ArrayLedger& ledger)
{
    std::vector<std::int64_t> pe_cycles;
    pe_cycles.reserve(static_cast<std::size_t>(ArrayCause::count));
    for (int c = 0; c < static_cast<int>(ArrayCause::count); ++c)
        pe_cycles.push_back(ledger.mac_cycles(static_cast<ArrayCause>(c)));
    return pe_cycles;
}

constexpr Region stored[] = {Region::weights, Region::inputs, Region::operand2, Region::outputs};

} // namespace

const SignalNames& dram_command_names()
{
    static const SignalNames names{"none", "ACT", "PRE", "PREA", "RD", "WR", "REF"};
    return names;
}

const std::vector<CauseWatch::BlockCauses>& CauseWatch::blocks()
{
    static const std::vector<BlockCauses> all{
        {"dram", names_of(dram_causes)},
        {"dma", names_of(dma_causes)},
        {"global_buffer", names_of(global_buffer_causes)},
        {"distributor", names_of(distributor_causes)},
        {"array", array_names()},
        {"collector", names_of(collector_causes)},
        {"post", names_of(post_causes)},
    };
    return all;
}

bool CauseWatch::works(const std::vector<int>& causes)
{
    static const auto index = [](const std::string& block) {
        const auto found =
            std::find_if(blocks().begin(), blocks().end(), [&](const BlockCauses& b) { return b.block == block; });
        return static_cast<std::size_t>(found - blocks().begin());
    };
    static const std::size_t array = index("array"), post = index("post");
    const int cause = causes[array];
    return cause == static_cast<int>(ArrayCause::compute) || cause == static_cast<int>(ArrayCause::load) ||
           blocks()[post].names[static_cast<std::size_t>(causes[post])] == "busy";
}

/// Of the array's causes the one of the PEs in use; idle_by_mapping only when there is no other.
const std::vector<int>& CauseWatch::look()
{
    std::vector<std::vector<std::int64_t>> now{
        booked(machine_.dram().ledger()),          booked(machine_.dma().ledger()),
        booked(machine_.global_buffer().ledger()), booked(machine_.distributor().ledger()),
        booked(machine_.array().ledger()),         booked(machine_.collector().ledger()),
        booked(machine_.post().ledger())};
    before_.resize(now.size());
    causes_.resize(now.size(), 0);
    for (std::size_t b = 0; b < now.size(); ++b) {
        before_[b].resize(now[b].size(), 0);
        const int idle = static_cast<int>(ArrayCause::idle_by_mapping);
        int found = -1;
        for (int c = 0; c < static_cast<int>(now[b].size()); ++c) {
            const std::size_t i = static_cast<std::size_t>(c);
            const bool grew = now[b][i] > before_[b][i];
            if (grew && (found < 0 || (blocks()[b].block == std::string("array") && found == idle))) found = c;
        }
        if (found >= 0) causes_[b] = found;
    }
    before_ = std::move(now);
    return causes_;
}

BlockTracer::BlockTracer(SignalTable& table, Accelerator& machine, const CompiledPlan& plan)
    : table_(table), machine_(machine), plan_(plan)
{
    for (const CauseWatch::BlockCauses& b : CauseWatch::blocks())
        causes_.push_back(table.name(std::string(b.block) + ".cause", b.names));
    add_dram(table);
    add_memory_side();
    add_buffer();
    add_array();
    add_ids();
}

template <typename Value> void BlockTracer::reg(const std::string& path, std::int64_t largest, Value value)
{
    Signal* signal = table_.add(path, bits_for(largest), SignalForm::decimal);
    if (signal) samplers_.push_back([r = Register(signal), value]() mutable { r.clock(value()); });
}

void BlockTracer::add_dram(SignalTable& table)
{
    const Dram& d = machine_.dram();
    reg("dram.in_flight", 255, [&d] { return d.in_flight(); });
    if (plan_.hardware().dram.kind != DramKind::dram) return;
    Signal* kind = table.name("dram.command", dram_command_names());
    Signal* count = table.add("dram.commands", 8, SignalForm::decimal);
    Signal* rank = table.add("dram.command_rank", 4, SignalForm::decimal);
    Signal* group = table.add("dram.command_bank_group", 4, SignalForm::decimal);
    Signal* bank = table.add("dram.command_bank", 4, SignalForm::decimal);
    Signal* row = table.add("dram.command_row", 32, SignalForm::decimal);
    samplers_.push_back([=] {
        show(count, commands_);
        show(kind, commands_ == 0 ? 0 : 1 + static_cast<int>(last_command_.kind));
        if (commands_ > 0) {
            show(rank, last_command_.place.rank);
            show(group, last_command_.place.group);
            show(bank, last_command_.place.bank);
            show(row, last_command_.place.row);
        }
        commands_ = 0;
    });
}

void BlockTracer::command(const DramCommand& c)
{
    ++commands_;
    if (commands_ > 1 && last_command_.kind == DramCommandKind::ref)
        return; // of a cycle's commands the rarest is shown
    last_command_ = c;
}

void BlockTracer::add_memory_side()
{
    const Dma& d = machine_.dma();
    const std::int64_t tiles = static_cast<std::int64_t>(plan_.tiles().size());
    reg("dma.in_flight", plan_.hardware().dma.requests_in_flight, [&d] { return d.in_flight(); });
    reg("dma.stores_open", 1 << 15, [&d] { return d.stores_open(); });
    reg("dma.load_tile", tiles, [&d] { return d.load_tile(); });
    reg("dma.store_tile", tiles, [&d] { return d.store_tile(); });
    for (Region r : {Region::weights, Region::inputs, Region::operand2})
        reg("dma.credit_" + region_names()[static_cast<std::size_t>(r)], std::int64_t{1} << 32,
            [&d, r] { return d.credit(r); });
    const PostProcessor& p = machine_.post();
    reg("post.adds_waiting", 31, [&p] { return p.adds_waiting(); });
    reg("post.words_out", std::int64_t{1} << 40, [&p] { return p.stats().words_out; });
}

/// Occupancy in words, and the beats that each port moved in the cycle.
void BlockTracer::add_buffer()
{
    GlobalBuffer& g = machine_.global_buffer();
    const auto beats = [&](const std::string& path, auto count) {
        Signal* signal = table_.add(path, 12, SignalForm::decimal);
        if (!signal) return;
        samplers_.push_back([signal, count, before = std::int64_t{0}]() mutable {
            show(signal, count() - before);
            before = count();
        });
    };
    const auto partition = [&](const std::string& name, auto& p) {
        const std::string scope = "global_buffer.sram_" + name;
        reg(scope + ".used", p.capacity(), [&p] { return p.used(); });
        beats(scope + ".read_beats", [&p] { return p.ports.read_beats; });
        beats(scope + ".write_beats", [&p] { return p.ports.write_beats; });
    };
    for (Region r : stored) partition(region_names()[static_cast<std::size_t>(r)], g.partition(r));
    partition("psums", g.psums());
    for (Tensors t : {Tensors::weights, Tensors::inputs}) {
        const std::string scope = std::string("global_buffer.read_") + (t == Tensors::weights ? "weights" : "inputs");
        const ReadEngine& e = g.engine(t);
        reg(scope + ".pass", std::int64_t{1} << 31, [&e] { return e.pass(); });
        reg(scope + ".starved", 1, [&e] { return e.starved(); });
        reg(scope + ".done", 1, [&e] { return e.done(); });
    }
}

/// Loop counters are the index on each axis (its dimensions' letters) at which the next step begins.
void BlockTracer::add_array()
{
    const PeArray& a = machine_.array();
    Signal* phase = table_.name("array.phase", SignalNames(a.phase_names().begin(), a.phase_names().end()));
    if (phase) samplers_.push_back([r = Register(phase), &a]() mutable { r.clock(a.phase()); });
    reg("array.results_in_flight", 1 << 12, [&a] { return a.results_in_flight(); });
    reg("array.frozen", 1, [&a] { return a.frozen(); });
    if (plan_.plan().kind != PlanKind::array) return;
    for (int axis = 0; axis < plan_.axes(); ++axis) {
        std::string letters;
        std::int64_t extent = 1;
        for (Dim d : plan_.plan().axes[static_cast<std::size_t>(axis)].dims) {
            letters += dim_names[d];
            extent *= plan_.plan().extent[d];
        }
        if (extent == 1) continue;
        reg("array.loop_" + letters, extent, [&a, axis] { return a.passes().done() ? 0 : a.steps().index()[axis]; });
    }
}

void BlockTracer::add_ids()
{
    const PeArray& a = machine_.array();
    const int layer = plan_.plan().layer;
    reg("array.layer", 1 << 12, [layer] { return layer; });
    if (plan_.plan().kind != PlanKind::array) return;
    reg("array.pass", std::int64_t{1} << 31, [&a] { return a.passes().pass().index; });
    reg("array.tile", static_cast<std::int64_t>(plan_.tiles().size()),
        [&a] { return a.passes().pass().tile ? a.passes().pass().tile->index : 0; });
    reg("array.passes_begun", std::int64_t{1} << 31, [&a] { return a.stats().passes; });
}

void BlockTracer::sample(const std::vector<int>& causes)
{
    for (std::size_t b = 0; b < causes.size(); ++b) show(causes_[b], causes[b]);
    for (const auto& sampler : samplers_) sampler();
}

} // namespace heddle
