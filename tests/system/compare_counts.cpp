#include "tests/system/brute_counts.hpp"

namespace heddle::test_system {

namespace {

using Fields = std::vector<std::pair<const char*, std::int64_t>>;

Fields words_of(const AccessCounts& c)
{
    return {{"fills", c.fills}, {"reads", c.reads}, {"updates", c.updates}, {"drains", c.drains}};
}

bool all_zero(const AccessCounts& c)
{
    return c.fills + c.reads + c.updates + c.drains == 0;
}

std::string wrong(const std::string& what, std::int64_t expected, std::int64_t got)
{
    return what + ": expected " + std::to_string(expected) + ", got " + std::to_string(got);
}

/// Port beats of the buffer: exact where the array or the PostProcessor sets them, at least words / width else.
std::string wrong_beats(const std::string& tensor, const AccessCounts& expected, const AccessCounts& got,
                        const PartitionConfig& p)
{
    const bool by_dma_in = tensor != "outputs" && tensor != "psums", by_dma_out = tensor == "outputs";
    const std::string name = "global_buffer." + tensor;
    if (!by_dma_out && got.read_beats != expected.read_beats)
        return wrong(name + ".read_beats", expected.read_beats, got.read_beats);
    // Pooled words leave when their windows are complete: at least one beat per width of the port.
    const bool pooled = tensor == "outputs" && expected.write_beats == 0;
    if (pooled && got.write_beats * p.write_port.words < got.updates)
        return wrong(name + ".write_beats, at least", (got.updates + p.write_port.words - 1) / p.write_port.words,
                     got.write_beats);
    if (!by_dma_in && !pooled && got.write_beats != expected.write_beats)
        return wrong(name + ".write_beats", expected.write_beats, got.write_beats);
    if (by_dma_in && got.write_beats * p.write_port.words < got.fills)
        return wrong(name + ".write_beats, at least", (got.fills + p.write_port.words - 1) / p.write_port.words,
                     got.write_beats);
    if (by_dma_out && got.read_beats * p.read_port.words < got.drains)
        return wrong(name + ".read_beats, at least", (got.drains + p.read_port.words - 1) / p.read_port.words,
                     got.read_beats);
    return "";
}

} // namespace

std::string first_wrong_count(const LayerResult& r, const Counts& e, const HardwareConfig& hw, Compared compared)
{
    if (r.macs != e.macs) return wrong("macs", e.macs, r.macs);
    if (r.macs_effectual != e.effectual) return wrong("macs_effectual", e.effectual, r.macs_effectual);
    const bool least_inputs = compared == Compared::least_inputs;
    if (least_inputs ? r.padding_words < e.padding_words : r.padding_words != e.padding_words)
        return wrong("padding_words", e.padding_words, r.padding_words);
    if (r.post_words != e.post_words) return wrong("post_words", e.post_words, r.post_words);
    const std::int64_t gated = hw.array.zero_gating ? e.macs - e.effectual : 0;
    if (r.macs_gated != gated) return wrong("macs_gated", gated, r.macs_gated);
    if (r.macs_skipped != 0) return wrong("macs_skipped", 0, r.macs_skipped);
    for (const auto& [operation, words] : e.post_operations)
        if (r.post_operations.at(operation) != words)
            return wrong("post_operations." + operation, words, r.post_operations.at(operation));
    for (const auto& [tensor, counts] : e.reuse) {
        const auto& got = r.reuse.at(tensor);
        if (got.at("uses") != counts.first) return wrong("reuse." + tensor + ".uses", counts.first, got.at("uses"));
        if (got.at("fills") != counts.second)
            return wrong("reuse." + tensor + ".fills", counts.second, got.at("fills"));
    }
    std::set<std::pair<std::string, std::string>> names;
    for (const auto* accesses : {&r.accesses, &e.accesses})
        for (const auto& [level, tensors] : *accesses)
            for (const auto& [tensor, counts] : tensors)
                if (!all_zero(counts)) names.insert({level, tensor});
    const GlobalBufferConfig& g = hw.global_buffer;
    const std::map<std::string, const PartitionConfig*> partitions = {{"weights", &g.weights},
                                                                      {"inputs", &g.inputs},
                                                                      {"outputs", &g.outputs},
                                                                      {"psums", &g.psums},
                                                                      {"operand2", &g.operand2}};
    const auto find = [](const auto& accesses, const std::string& level, const std::string& tensor) {
        const auto l = accesses.find(level);
        if (l == accesses.end()) return AccessCounts{};
        const auto t = l->second.find(tensor);
        return t == l->second.end() ? AccessCounts{} : t->second;
    };
    for (const auto& [level, tensor] : names) {
        const AccessCounts got = find(r.accesses, level, tensor), expected = find(e.accesses, level, tensor);
        const Fields a = words_of(expected), b = words_of(got);
        for (std::size_t i = 0; i < a.size(); ++i) {
            const bool least = least_inputs && level == "global_buffer" && tensor == "inputs" && a[i].first[0] == 'r';
            if (least ? b[i].second < a[i].second : b[i].second != a[i].second)
                return wrong(level + "." + tensor + "." + a[i].first, a[i].second, b[i].second);
        }
        if (level != "global_buffer" || compared != Compared::everything) continue;
        std::string beats = wrong_beats(tensor, expected, got, *partitions.at(tensor));
        if (!beats.empty()) return beats;
    }
    for (const char* tensor : {"weights", "inputs", "psums"}) {
        const auto got = r.hops.find(tensor), expected = e.hops.find(tensor);
        const std::int64_t a = expected == e.hops.end() ? 0 : expected->second,
                           b = got == r.hops.end() ? 0 : got->second;
        if (a != b) return wrong(std::string("hops.") + tensor, a, b);
    }
    return "";
}

} // namespace heddle::test_system
