// "Did you mean": the known name that a misspelt one was probably meant to be.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace heddle {

/// Letters to insert, delete, replace or swap with their neighbour to make one word of the other; small and capital
/// letters count as the same.
int spelling_distance(const std::string& a, const std::string& b);

/// The candidate nearest to `word`, the first among equals; none when all are further away than a third of its
/// letters (one for short words, at most `most` for long ones).
std::optional<std::string> nearest_name(const std::vector<std::string>& candidates, const std::string& word,
                                        int most = 4);

/// ` (did you mean "x"?)`, or nothing.
std::string did_you_mean(const std::vector<std::string>& candidates, const std::string& word);

} // namespace heddle
