// What would help, from the ledger: of the array, or of the busiest block of a layer without it.
#include "sim/explain.hpp"

#include "sim/cause_texts.hpp"
#include "sim/text.hpp"
#include "sim/totals.hpp"

#include <algorithm>
#include <cctype>
#include <cmath>

namespace heddle {

namespace {

constexpr double worth_saying = 0.01; ///< share of the cycles
constexpr double at_the_bound = 1.05; ///< ratio up to which the bound is what limits

/// Cycles of causes that wait for one thing.
struct Loss {
    std::string phrase, help;
    double cycles = 0.0;
    std::vector<std::pair<std::string, double>> tensors;
};

std::vector<Loss> losses(const std::string& block, const Ledger& ledger, const LayerResult& layer,
                         const HardwareConfig& hw)
{
    const double per_cycle = static_cast<double>(ledger_sum(ledger)) / static_cast<double>(layer.cycles);
    std::vector<Loss> list;
    for (const auto& [cause, count] : ledger) {
        const std::string phrase = cause_phrase(block, cause);
        if (phrase.empty() || count == 0 || per_cycle <= 0.0) continue;
        auto same = std::find_if(list.begin(), list.end(), [&](const Loss& l) { return l.phrase == phrase; });
        if (same == list.end()) {
            list.push_back({phrase, cause_advice(block, cause, hw), 0.0, {}});
            same = list.end() - 1;
        }
        const double cycles = static_cast<double>(count) / per_cycle;
        same->cycles += cycles;
        if (const std::string tensor = missing_tensor(cause); !tensor.empty())
            same->tensors.emplace_back(tensor, cycles);
    }
    std::stable_sort(list.begin(), list.end(), [](const Loss& a, const Loss& b) { return a.cycles > b.cycles; });
    return list;
}

std::string rounded(double cycles)
{
    return grouped(std::llround(cycles));
}

std::string sentence(const Loss& loss, const LayerResult& layer)
{
    std::string text = "of " + grouped(layer.cycles) + " cycles " + rounded(loss.cycles) + " (" +
                       percent(loss.cycles / static_cast<double>(layer.cycles), 0) + ") " + loss.phrase;
    std::vector<std::string> tensors;
    for (const auto& [tensor, cycles] : loss.tensors) tensors.push_back(tensor + " " + rounded(cycles));
    if (!tensors.empty()) text += " (" + joined(tensors) + ")";
    return text + (loss.help.empty() ? "" : ": " + loss.help);
}

} // namespace

std::vector<std::string> advice(const RunReport& report, const LayerResult& layer)
{
    const HardwareConfig hw = parse_hardware(report.hardware_yaml, report.hardware_file);
    std::vector<std::string> lines;
    const std::string block = biggest_stall(layer).block;
    if (const auto ledger = layer.ledger.find(block); ledger != layer.ledger.end())
        for (const Loss& loss : losses(block, ledger->second, layer, hw))
            if (loss.cycles >= worth_saying * static_cast<double>(layer.cycles)) lines.push_back(sentence(loss, layer));
    const double ratio =
        static_cast<double>(layer.cycles) / static_cast<double>(std::max<std::int64_t>(1, layer.bound_actual_cycles));
    const std::string help = bound_advice(layer.bound_by, hw);
    if (ratio <= at_the_bound && !help.empty())
        lines.push_back("the cycles are " + decimal(ratio, 2) + " x the bound, which " + layer.bound_by +
                        " sets: " + help);
    return lines;
}

} // namespace heddle
