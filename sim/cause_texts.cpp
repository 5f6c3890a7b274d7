#include "sim/cause_texts.hpp"

#include "sim/totals.hpp"

#include <array>
#include <vector>

namespace heddle {

namespace {

struct Text {
    const char* block; ///< empty: of every block
    const char* cause;
    const char* phrase; ///< "wait for …"; empty for work and rest
    const char* meaning;
};

const std::vector<Text>& texts()
{
    static const std::vector<Text> all = {
        {"array", "compute", "", "a MAC computes"},
        {"array", "idle_by_mapping", "pass with PEs that the mapping gives nothing to do",
         "the mapping gives the MAC nothing in this step: its loops do not fill the array, or a tile is partial"},
        {"array", "output_blocked", "wait until results can leave",
         "results cannot leave: psum network, space for psums in the buffer, or a write port"},
        {"array", "psums_missing", "wait for psums that come back from the buffer",
         "psums that were stored unfinished have not come back from the buffer"},
        {"array", "register_port", "wait for a port of a register file",
         "a collector is filled over a register file's port that is narrower than it"},
        {"array", "wavefront_or_drain", "fill and empty the array",
         "operands skew into the array, or the last psums ripple and drain out of it"},
        {"array", "imbalance", "wait for slower PEs", "the PE has finished what others still work on"},
        {"array", "load", "load stationary operands", "stationary operands are loaded and nothing else can run"},
        {"array", "nothing_to_do", "pass before the first operand or after the last result",
         "before the layer's first operand is there, or after its last result left"},
        {"dram", "busy", "", "a request is in work"},
        {"dram", "refresh", "pass while the DRAM refreshes",
         "requests wait while their rank refreshes, or none is open and one refreshes"},
        {"dram", "response_blocked", "wait until the DMA takes data", "data are read, the DMA does not take them"},
        {"dma", "moving", "", "words move between memory and buffer"},
        {"dma", "no_credit", "wait for room in the buffer", "the next tile has no room in its partition yet"},
        {"dma", "waiting_for_results", "wait for results to store", "a store waits for results to be computed"},
        {"global_buffer", "busy", "", "a port moves words"},
        {"global_buffer", "port", "wait for a port or bank", "an access waits for a port or for a bank in use"},
        {"global_buffer", "output_blocked", "wait until the distributor takes words",
         "words are read, the distributor does not take them"},
        {"global_buffer", "waiting_for_fill", "wait for fills", "the words asked for have not been filled yet"},
        {"global_buffer", "waiting_for_psums", "wait for psums in an update",
         "a psum is asked for while its update is in flight"},
        {"distributor", "busy", "", "words are sent to the array"},
        {"collector", "busy", "", "results leave the array"},
        {"post", "busy", "", "words are worked on"},
        {"post", "parameters_missing", "wait for biases and scales", "biases and scales have not been fetched yet"},
        {"post", "operand2_missing", "wait for the second operand", "the second operand of an add is not there"},
        {"", "output_blocked", "wait until the next block takes words", "the next block takes no words"},
        {"", "idle", "", "nothing to do"},
    };
    return all;
}

/// Why words of a tensor (the array) or answers of the memory (the DMA) are not there.
struct Why {
    const char* reason;
    const char* awaited;
    const char* meaning;
};
constexpr std::array<Why, 6> reasons{{
    {"network", "the network", "the network to the PEs carries fewer words than the MACs take"},
    {"buffer_port", "the buffer's port", "the global buffer's ports pass fewer words than the MACs take"},
    {"dram_refresh", "the DRAM's refresh", "the rank that holds the awaited words refreshes"},
    {"dram_bandwidth", "the DRAM's bandwidth", "the DRAM's bus carries other beats, or keeps its spacing"},
    {"dram_window", "the request window", "no further request may be open at once: more in flight would hide it"},
    {"dram_latency", "the DRAM's latency", "a request is on its way: row, column, clock crossing or start-up"},
}};

bool ends_with(const std::string& text, const std::string& end)
{
    return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

bool starts_with(const std::string& text, const std::string& begin)
{
    return text.compare(0, begin.size(), begin) == 0;
}

struct Missing {
    std::string tensor; ///< "weights", "inputs"; "memory" in the DMA
    const Why* why = nullptr;
};

/// "weights_missing_dram_latency", "memory_latency"; `why` is empty for other causes.
Missing missing_of(const std::string& cause)
{
    for (const Why& why : reasons)
        for (const char* tensor : {"weights", "inputs"})
            if (cause == std::string(tensor) + "_missing_" + why.reason) return {tensor, &why};
    for (const Why& why : reasons)
        if (starts_with(why.reason, "dram_") && cause == "memory_" + std::string(why.reason).substr(5))
            return {"memory", &why};
    return {};
}

const Text* find_text(const std::string& block, const std::string& cause)
{
    const std::string known = is_array(block) ? "array" : block;
    for (const Text& t : texts())
        if (cause == t.cause && (t.block[0] == '\0' || known == t.block)) return &t;
    return nullptr;
}

/// As the machine's YAML has it now: "dma.requests_in_flight: 32".
std::string now(std::int64_t value)
{
    return ": " + std::to_string(value);
}

std::string more_bandwidth(const DramConfig& d)
{
    const std::string bytes = "larger tiles, so that less is fetched twice, or fewer bits a word";
    if (d.kind == DramKind::dram)
        return "more bytes per memory clock (dram.timing, " + d.timing_name +
               " now), whole rows read at a stretch, or " + bytes;
    const std::string rate = std::to_string(d.beat_bytes) + "/" + std::to_string(d.cycles_per_beat);
    return "more bytes per cycle (" +
           (d.whole_beats ? "dram.beat_bytes" + now(d.beat_bytes) + ", dram.cycles_per_beat" + now(d.cycles_per_beat)
                          : "dram.bytes_per_cycle: " + rate) +
           "), or " + bytes;
}

std::string larger_window(const HardwareConfig& hw)
{
    std::string text = "more requests at once (dma.requests_in_flight" + now(hw.dma.requests_in_flight);
    if (hw.dram.kind == DramKind::fixed) text += ", dram.queue_depth" + now(hw.dram.queue_depth);
    return text + "), or larger ones (dma.max_burst_bytes" + now(hw.dma.max_burst_bytes) + ")";
}

std::string less_latency(const HardwareConfig& hw)
{
    std::string text = "fewer, larger tiles or room to fetch them earlier (partition bytes); less start-up "
                       "(dma.startup_cycles" +
                       now(hw.dma.startup_cycles) + ")";
    if (hw.dram.kind == DramKind::fixed)
        text += ", a nearer memory (dram.latency_cycles" + now(hw.dram.latency_cycles) + ")";
    if (hw.dram.kind == DramKind::dram)
        text += ", fewer clock crossings (dram.sync_cycles" + now(hw.dram.sync_cycles) + ")";
    return text;
}

const PartitionConfig* partition_named(const GlobalBufferConfig& g, const std::string& tensor)
{
    if (tensor == "weights") return &g.weights;
    if (tensor == "inputs") return &g.inputs;
    if (tensor == "outputs") return &g.outputs;
    if (tensor == "psums") return &g.psums;
    return tensor == "operand2" ? &g.operand2 : nullptr;
}

std::string wider_port(const std::string& tensor, const HardwareConfig& hw)
{
    const PartitionConfig* p = partition_named(hw.global_buffer, tensor);
    if (!p) return "";
    const std::string key = "global_buffer.partitions." + tensor;
    return "a wider port (" + key + ".read_port.words" + now(p->read_port.words) + ", write_port.words" +
           now(p->write_port.words) + ")" + (p->read_port.gather ? "" : ", or one that gathers") +
           (p->shared_port ? ", or separate ones for reads and writes" : "");
}

std::string wider_network(const std::string& tensor, const HardwareConfig& hw)
{
    const int words = tensor == "weights"  ? hw.weight_network.words_per_beat
                      : tensor == "inputs" ? hw.input_network.words_per_beat
                                           : hw.psum_network.words_per_beat;
    return "a wider network (networks." + tensor + ".words_per_beat" + now(words) +
           "), or a delivery that serves more PEs with one word";
}

std::string missing_advice(const Missing& m, const HardwareConfig& hw)
{
    const std::string reason = m.why->reason;
    if (reason == "network") return wider_network(m.tensor, hw);
    if (reason == "buffer_port") return wider_port(m.tensor, hw);
    if (reason == "dram_refresh")
        return "nothing of the accelerator: the DRAM's tREFI and tRFC; keeping tensors on chip asks it for less";
    if (reason == "dram_bandwidth") return more_bandwidth(hw.dram);
    return reason == "dram_window" ? larger_window(hw) : less_latency(hw);
}

std::string array_advice(const std::string& cause, const HardwareConfig& hw)
{
    if (cause == "idle_by_mapping")
        return "a dataflow or constraints that spread other loops over the PEs (heddle run --dataflow best, "
               "--constraints), or an array whose sides divide the layer";
    if (cause == "output_blocked")
        return wider_network("psums", hw) + "; " + wider_port("psums", hw) + "; or passes that keep psums longer";
    if (cause == "psums_missing")
        return "longer reductions inside a pass, or a shorter read-modify-write (global_buffer.update_latency_cycles" +
               now(hw.global_buffer.update_latency_cycles) + ")";
    if (cause == "register_port") return "wider ports of the register files (array.register_file.*_port_words)";
    if (cause == "wavefront_or_drain")
        return std::string("longer passes") + (hw.passes.wavefront_chained ? "" : ", passes.wavefront: chained") +
               (hw.passes.drain == Overlap::hidden ? "" : ", passes.drain: hidden");
    if (cause == "load")
        return std::string("longer passes, so that operands stay longer") +
               (hw.passes.load == Overlap::exposed ? ", or passes.load: hidden" : "") + "; " +
               wider_network("weights", hw);
    if (cause == "imbalance") return "a mapping whose PEs get equal work";
    if (cause == "nothing_to_do")
        return "a smaller first tile and less to store at the end: see the phases, and what the DMA waits for";
    return "";
}

} // namespace

std::string cause_meaning(const std::string& block, const std::string& cause)
{
    if (const Missing m = missing_of(cause); m.why)
        return (m.tensor == "memory" ? "the memory has not answered: " : m.tensor + " are not there: ") +
               m.why->meaning;
    const Text* text = find_text(block, cause);
    return text ? text->meaning : "";
}

std::string cause_phrase(const std::string& block, const std::string& cause)
{
    if (const Missing m = missing_of(cause); m.why) return std::string("wait for ") + m.why->awaited;
    const Text* text = find_text(block, cause);
    return text ? text->phrase : "";
}

std::string missing_tensor(const std::string& cause)
{
    const Missing m = missing_of(cause);
    return m.why && m.tensor != "memory" ? m.tensor : "";
}

std::string cause_advice(const std::string& block, const std::string& cause, const HardwareConfig& hw)
{
    if (const Missing m = missing_of(cause); m.why) return missing_advice(m, hw);
    if (is_array(block)) return array_advice(cause, hw);
    if (cause == "no_credit") return "a larger partition, or smaller tiles, so that the next one fits beside this one";
    if (cause == "port") return "wider ports, ports that gather, or more banks (global_buffer.partitions)";
    if (block == "post" && cause == "output_blocked") return wider_port("outputs", hw);
    return "";
}

std::string bound_advice(const std::string& term, const HardwareConfig& hw)
{
    if (term == "compute") return "more PEs, or a mapping that uses more of them at once";
    if (term == "dram") return more_bandwidth(hw.dram);
    if (term == "request window") return larger_window(hw);
    if (term == "dma")
        return "a wider DMA (dma.read_bytes_per_cycle" + now(hw.dma.read_bytes_per_cycle) +
               ", dma.write_bytes_per_cycle" + now(hw.dma.write_bytes_per_cycle) + ")";
    if (term == "post") return "a wider PostProcessor (post.words_per_cycle" + now(hw.post.words_per_cycle) + ")";
    const std::string tensor = term.substr(0, term.find(' '));
    if (ends_with(term, " port")) return wider_port(tensor, hw);
    return ends_with(term, " network") ? wider_network(tensor, hw) : "";
}

} // namespace heddle
