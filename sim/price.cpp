#include "sim/price.hpp"

#include "dnn/base/error.hpp"
#include "sim/text.hpp"
#include "sim/totals.hpp"

#include <algorithm>
#include <array>

namespace heddle {

namespace {

double count(std::int64_t n)
{
    return static_cast<double>(n);
}

/// Bits of a word; `in_array`: outputs are still psums there.
int word_bits(const Precision& p, const std::string& tensor, bool in_array)
{
    if (tensor == "weights") return p.weight_bits;
    if (tensor == "psums" || (in_array && tensor == "outputs")) return p.psum_bits;
    return p.input_bits;
}

const PartitionConfig& partition_of(const GlobalBufferConfig& buffer, const std::string& tensor)
{
    if (tensor == "weights" || tensor == "parameters") return buffer.weights;
    if (tensor == "inputs") return buffer.inputs;
    if (tensor == "outputs") return buffer.outputs;
    if (tensor == "psums") return buffer.psums;
    if (tensor == "operand2") return buffer.operand2;
    throw CheckFailure("global buffer accesses of unknown tensor " + tensor);
}

int register_words(const ArrayConfig& array, const std::string& tensor)
{
    return (tensor == "weights" ? array.weights : tensor == "inputs" ? array.inputs : array.psums).words;
}

/// As energy tables name it; empty when there is none.
std::string dram_name(const DramConfig& dram)
{
    if (dram.kind == DramKind::resident) return "";
    return dram.kind == DramKind::dram ? dram.timing.name : "any";
}

double bytes_of(int words, int bits)
{
    return static_cast<double>(words) * bits / 8.0;
}

/// Prices one layer after another with the same table and machine.
class LayerPricer {
public:
    LayerPricer(const EnergyTable& table, const HardwareConfig& hw, const ChipSize& chip)
        : table_(table), hw_(hw), chip_(chip)
    {
    }

    void price(LayerResult& layer)
    {
        layer.energy_pj.clear();
        layer.energy_by_tensor_pj.clear();
        layer.dram_energy_pj = {};
        if (!has_cycles(layer)) return;
        layer.energy_pj["mac"] = mac(layer);
        layer.energy_pj["register_file"] = register_file(layer);
        layer.energy_pj["network"] = network(layer);
        layer.energy_pj["global_buffer"] = global_buffer(layer);
        layer.energy_pj["dram"] = dram(layer);
        layer.energy_pj["post"] = post(layer);
        layer.energy_pj["static"] = static_energy(layer);
    }

private:
    double mac(const LayerResult& layer) const
    {
        const Precision& p = hw_.precision;
        const std::int64_t full = layer.macs - layer.macs_gated - layer.macs_skipped;
        double pj = full ? count(full) * table_.mac_pj(p.weight_bits, p.input_bits, p.psum_bits, false) : 0.0;
        if (layer.macs_gated)
            pj += count(layer.macs_gated) * table_.mac_pj(p.weight_bits, p.input_bits, p.psum_bits, true);
        return pj;
    }

    double register_word(const std::string& tensor, bool write) const
    {
        const int bits = word_bits(hw_.precision, tensor, true);
        const int words = register_words(hw_.array, tensor);
        return words <= 1 ? table_.operand_register_pj(bits, write)
                          : table_.register_file_pj(bytes_of(words, bits), bits, write);
    }

    double register_file(LayerResult& layer) const
    {
        return by_tensor(layer, "register_file", [&](const std::string& tensor, const AccessCounts& c) {
            return priced(c.fills + c.updates, [&] { return register_word(tensor, true); }) +
                   priced(c.reads + c.drains, [&] { return register_word(tensor, false); });
        });
    }

    double network(LayerResult& layer) const
    {
        double sum = 0.0;
        for (const auto& [tensor, hops] : layer.hops) {
            const int bits = word_bits(hw_.precision, tensor, true);
            const double pj = priced(hops, [&] { return table_.hop_pj(bits); });
            layer.energy_by_tensor_pj[tensor] += pj;
            sum += pj;
        }
        return sum;
    }

    double global_buffer(LayerResult& layer) const
    {
        return by_tensor(layer, "global_buffer", [&](const std::string& tensor, const AccessCounts& c) {
            const PartitionConfig& p = partition_of(hw_.global_buffer, tensor);
            const int bits = word_bits(hw_.precision, tensor, false);
            const auto beat = [&](const PortConfig& port, bool write) {
                return table_.global_buffer_pj(count(bank_bytes(hw_.global_buffer, p)),
                                               static_cast<double>(port.words) * bits, write);
            };
            return priced(c.read_beats, [&] { return beat(p.read_port, false); }) +
                   priced(c.write_beats, [&] { return beat(p.write_port, true); });
        });
    }

    /// Traffic is what tensors cause, background (refresh, standby) is not.
    double dram(LayerResult& layer) const
    {
        const DramEnergyParts& parts = layer.dram_energy_pj = dram_parts(layer.dram);
        const auto level = layer.accesses.find("dram");
        if (level == layer.accesses.end()) return parts.total();
        const auto bits = [&](const std::string& tensor, std::int64_t words) {
            return count(words) * word_bits(hw_.precision, tensor, false);
        };
        double read = 0.0, written = 0.0;
        for (const auto& [tensor, c] : level->second) {
            read += bits(tensor, c.fills + c.reads);
            written += bits(tensor, c.updates + c.drains);
        }
        const auto share = [](double pj, double of, double all) { return all > 0.0 ? pj * of / all : 0.0; };
        for (const auto& [tensor, c] : level->second) {
            const double r = bits(tensor, c.fills + c.reads), w = bits(tensor, c.updates + c.drains);
            layer.energy_by_tensor_pj[tensor] += share(parts.read, r, read) + share(parts.write, w, written) +
                                                 share(parts.activate + parts.io, r + w, read + written);
        }
        return parts.total();
    }

    DramEnergyParts dram_parts(const DramActivity& a) const
    {
        DramEnergyParts parts;
        if (hw_.dram.kind == DramKind::resident) return parts;
        const std::string device = dram_name(hw_.dram);
        if (hw_.dram.kind == DramKind::dram && table_.has_dram_commands(device)) {
            DramCounts counts;
            counts.act = static_cast<std::uint64_t>(a.activates);
            counts.pre = static_cast<std::uint64_t>(a.precharges);
            counts.rd = static_cast<std::uint64_t>(a.reads);
            counts.wr = static_cast<std::uint64_t>(a.writes);
            counts.ref = static_cast<std::uint64_t>(a.refreshes);
            counts.active_standby_clocks = static_cast<std::uint64_t>(a.active_standby_clocks);
            counts.precharge_standby_clocks = static_cast<std::uint64_t>(a.precharge_standby_clocks);
            const DramEnergy e = table_.dram_pj(device, counts);
            parts.activate = e.activate_pj + e.precharge_pj;
            parts.read = e.read_pj;
            parts.write = e.write_pj;
            parts.refresh = e.refresh_pj;
            parts.active_standby = e.active_standby_pj;
            parts.precharge_standby = e.precharge_standby_pj;
            return parts;
        }
        parts.read = priced(8 * a.read_bytes, [&] { return table_.dram_pj_per_bit(device); });
        parts.write = priced(8 * a.write_bytes, [&] { return table_.dram_pj_per_bit(device); });
        return parts;
    }

    double post(const LayerResult& layer) const
    {
        double pj = 0.0;
        for (const auto& [operation, words] : layer.post_operations) {
            // Sums and scaling run at the psum's width, comparisons at the result's.
            const int bits = operation == "compare" ? hw_.precision.input_bits : hw_.precision.psum_bits;
            pj += priced(words, [&, name = operation] { return table_.post_op_pj(name, bits); });
        }
        return pj;
    }

    double static_energy(const LayerResult& layer) const
    {
        const double seconds = count(layer.cycles) / (1e6 * hw_.clock_mhz.value());
        constexpr double pj_per_mj = 1e9;
        return table_.static_mw(chip_).value_or(0.0) * seconds * pj_per_mj +
               table_.clock_pj_per_cycle(chip_).value_or(0.0) * count(layer.cycles);
    }

    /// The price is asked for only when there is something to pay: a table need not know what is not used.
    template <class Price> static double priced(std::int64_t n, const Price& each)
    {
        return n ? count(n) * each() : 0.0;
    }

    template <class Cost> static double by_tensor(LayerResult& layer, const std::string& level, const Cost& cost)
    {
        const auto found = layer.accesses.find(level);
        if (found == layer.accesses.end()) return 0.0;
        double sum = 0.0;
        for (const auto& [tensor, counts] : found->second) {
            const double pj = cost(tensor, counts);
            layer.energy_by_tensor_pj[tensor] += pj;
            sum += pj;
        }
        return sum;
    }

    const EnergyTable& table_;
    const HardwareConfig& hw_;
    const ChipSize& chip_;
};

/// Sizes, and the area where the table has it.
ChipSize measure(RunResult& run, const EnergyTable& table, const HardwareConfig& hw)
{
    const Precision& p = hw.precision;
    ChipSize chip;
    chip.macs = hw.macs();
    run.area_by_block_mm2.clear();
    const auto add_area = [&](const std::string& block, std::optional<double> mm2, double times) {
        if (mm2) run.area_by_block_mm2[block] += *mm2 * times;
    };
    add_area("array.mac", table.mac_mm2(p.weight_bits, p.input_bits, p.psum_bits), hw.macs());
    const std::array<double, 3> files{bytes_of(hw.array.weights.words, p.weight_bits),
                                      bytes_of(hw.array.inputs.words, p.input_bits),
                                      bytes_of(hw.array.psums.words, p.psum_bits)};
    for (const double bytes : files) {
        if (bytes <= 0.0) continue;
        chip.register_kb += bytes * hw.pes() / 1024.0;
        add_area("array.register_file", table.register_file_mm2(bytes), hw.pes());
    }
    for (const BufferMemory& memory : buffer_memories(hw.global_buffer)) {
        chip.sram_kb += count(memory.bytes) / 1024.0;
        add_area("global_buffer", table.global_buffer_mm2(count(memory.bytes)), 1.0);
    }
    for (const auto& [block, mm2] : run.area_by_block_mm2) chip.area_mm2 += mm2;
    run.area_mm2 = chip.area_mm2;
    return chip;
}

} // namespace

void price(RunResult& run, const EnergyTable& table, const HardwareConfig& hardware)
{
    run.energy_table = table.name();
    run.missing = table.missing(dram_name(hardware.dram));
    if (hardware.dram.compression.maps) run.missing.push_back("run-length codec");
    const ChipSize chip = measure(run, table, hardware);
    LayerPricer pricer(table, hardware, chip);
    for (LayerResult& layer : run.layers) pricer.price(layer);
}

std::string describe_table(const EnergyTable& table)
{
    std::string text = table.name() + " (" + table.node();
    if (table.unit() != "pJ") text += ", normalised: 1 " + table.unit() + " = " + decimal(table.unit_pj(), 3) + " pJ";
    return text + ")";
}

} // namespace heddle
