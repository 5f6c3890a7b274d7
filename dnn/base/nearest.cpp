#include "dnn/base/nearest.hpp"

#include "dnn/base/yaml_scalar.hpp"

#include <algorithm>
#include <cctype>

namespace heddle {

namespace {

std::string lower_case(std::string word)
{
    for (char& c : word) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return word;
}

} // namespace

int spelling_distance(const std::string& a, const std::string& b)
{
    const std::string x = lower_case(a), y = lower_case(b);
    std::vector<int> before, last(y.size() + 1), row(y.size() + 1);
    for (std::size_t j = 0; j <= y.size(); ++j) row[j] = static_cast<int>(j);
    for (std::size_t i = 1; i <= x.size(); ++i) {
        before = last;
        last = row;
        row[0] = static_cast<int>(i);
        for (std::size_t j = 1; j <= y.size(); ++j) {
            row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (x[i - 1] != y[j - 1])});
            if (i > 1 && j > 1 && x[i - 1] == y[j - 2] && x[i - 2] == y[j - 1])
                row[j] = std::min(row[j], before[j - 2] + 1);
        }
    }
    return row[y.size()];
}

std::optional<std::string> nearest_name(const std::vector<std::string>& candidates, const std::string& word, int most)
{
    constexpr std::size_t longest = 200; // no name of ours; the work grows with the product of the lengths
    if (word.size() > longest) return std::nullopt;
    std::optional<std::string> nearest;
    int least = std::min(most, std::max(1, static_cast<int>(word.size()) / 3));
    for (const std::string& candidate : candidates) {
        if (candidate.size() > longest) continue;
        const int distance = spelling_distance(candidate, word);
        const bool all_replaced = distance >= static_cast<int>(std::max(candidate.size(), word.size()));
        if (all_replaced || distance > least || (nearest && distance == least)) continue;
        nearest = candidate;
        least = distance;
    }
    return nearest;
}

std::string did_you_mean(const std::vector<std::string>& candidates, const std::string& word)
{
    const std::optional<std::string> name = nearest_name(candidates, word);
    return name ? " (did you mean " + quoted(*name) + "?)" : "";
}

} // namespace heddle
