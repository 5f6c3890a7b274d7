#include "hw/code_walk.hpp"

#include <algorithm>
#include <unordered_map>

namespace heddle {

namespace {

/// The boxes' runs cut into units, in memory order.
std::vector<Run> cut_into_units(const TensorLayout& layout, const std::vector<Box>& boxes, int unit_words)
{
    std::vector<Run> parts;
    for (const Box& box : boxes)
        for (RunWalk walk(layout, box); !walk.done(); walk.next()) {
            Run run = walk.run();
            while (run.words > 0) {
                const std::int64_t n = std::min(run.words, unit_words - run.first_word % unit_words);
                parts.push_back({run.first_word, n});
                run.first_word += n;
                run.words -= n;
            }
        }
    std::sort(parts.begin(), parts.end(), [](const Run& a, const Run& b) { return a.first_word < b.first_word; });
    return parts;
}

/// What of `words` the request's code words hold.
void add_held(CodeRequest& r, const Run& words)
{
    const std::int64_t begin = std::max(r.held.first_word, words.first_word);
    const std::int64_t end = std::min(r.held.first_word + r.held.words, words.first_word + words.words);
    if (begin >= end) return;
    r.words += end - begin;
    if (!r.wanted.empty() && r.wanted.back().first_word + r.wanted.back().words == begin)
        r.wanted.back().words += end - begin;
    else
        r.wanted.push_back({begin, end - begin});
}

} // namespace

std::vector<CodeRequest> code_requests(const CompressedMap& map, const CodeIndex& index, const TensorLayout& layout,
                                       const std::vector<Box>& boxes, std::uint64_t address, int max_bytes)
{
    std::vector<CodeRequest> requests;
    const std::vector<Run> parts = cut_into_units(layout, boxes, map.unit_words());
    for (auto part = parts.begin(); part != parts.end();) {
        const std::int64_t unit = part->first_word / map.unit_words(), base = unit * map.unit_words();
        const auto next_unit = std::find_if(
            part, parts.end(), [&](const Run& other) { return other.first_word >= base + map.unit_words(); });
        for (int code = 0; code < index.codes(unit);) {
            const std::uint64_t at = address + static_cast<std::uint64_t>(map.byte_address(unit, code));
            const int room = static_cast<int>(static_cast<std::uint64_t>(max_bytes) - at % max_bytes);
            CodeRequest r{unit, code, std::min(room / map.format().word_bytes(), index.codes(unit) - code), {}, 0, {}};
            code += r.codes;
            r.held.first_word = base + index.begin(unit, r.first_code);
            r.held.words = base + index.begin(unit, code) - r.held.first_word;
            std::for_each(part, next_unit, [&](const Run& words) { add_held(r, words); });
            requests.push_back(std::move(r));
        }
        part = next_unit;
    }
    return requests;
}

bool stored_in_order(const TensorLayout& layout, const std::vector<Box>& stores, int unit_words)
{
    std::unordered_map<std::int64_t, std::int64_t> next; // word of a unit
    for (const Box& box : stores)
        for (RunWalk walk(layout, box); !walk.done(); walk.next()) {
            Run run = walk.run();
            while (run.words > 0) {
                std::int64_t& expected = next[run.first_word / unit_words];
                if (run.first_word % unit_words != expected) return false;
                const std::int64_t n = std::min(run.words, unit_words - expected);
                expected += n;
                run.first_word += n;
                run.words -= n;
            }
        }
    return true;
}

} // namespace heddle
