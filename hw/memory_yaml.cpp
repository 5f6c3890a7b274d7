#include "hw/memory_yaml.hpp"

#include "hw/compressed_map.hpp"

namespace heddle {

CompressionConfig read_compression(const YamlReader& dram)
{
    const YamlReader y = dram.child("compression");
    CompressionConfig c;
    c.maps = y.choice("maps", {"none", "run_length"}) == 1;
    c.unit = static_cast<CompressionUnit>(y.choice("unit", {"row", "plane"}, "plane"));
    c.run_bits = static_cast<int>(y.integer("run_bits", 1, 16, 5));
    c.word_bits = static_cast<int>(y.integer("word_bits", 16, 64, 64));
    return c;
}

void check_memory(const YamlReader& hardware, const HardwareConfig& h)
{
    if (!h.dram.compression.maps) return;
    const YamlReader dram = hardware.child("dram"), compression = dram.child("compression");
    if (h.dram.kind == DramKind::resident)
        dram.fail_at("compression", "expected a DRAM: with kind resident nothing moves that could be compressed");
    if (h.dram.map_layout != MapLayout::planes)
        dram.fail_at("compression", "expected map_layout planes, so that rows and planes of a channel are runs");
    const int code_bits = h.dram.compression.word_bits;
    if (code_bits != 16 && code_bits != 32 && code_bits != 64)
        compression.fail_at("word_bits", "expected 16, 32 or 64, got " + std::to_string(code_bits));
    const int word_bytes = (h.precision.input_bits + 7) / 8;
    const YamlReader dma = hardware.child("dma");
    if (h.dma.read_bytes_per_cycle < word_bytes)
        dma.fail_at("read_bytes_per_cycle", "expected at least a word a cycle where maps are coded, " +
                                                std::to_string(word_bytes) + ", got " +
                                                std::to_string(h.dma.read_bytes_per_cycle));
    if (h.dma.write_bytes_per_cycle < word_bytes)
        dma.fail_at("write_bytes_per_cycle", "expected at least a word a cycle where maps are coded, " +
                                                 std::to_string(word_bytes) + ", got " +
                                                 std::to_string(h.dma.write_bytes_per_cycle));
    const RunLengthFormat f = run_length_format(h);
    if (f.pairs() < 1)
        compression.fail_at("word_bits", "expected room for a run, a value and the last bit: at least " +
                                             std::to_string(f.pair_bits() + 1) + " bits, got " +
                                             std::to_string(f.word_bits));
}

} // namespace heddle
