// Numbers in YAML scalars, and how messages name what was expected and what was found.
#pragma once

#include <cstdint>
#include <string>

namespace heddle {

/// Whole `text` as a decimal integer (optional sign); false when it is not one or does not fit.
bool parse_integer(const std::string& text, std::int64_t& value);
/// Whole `text` as a finite decimal number; independent of the locale.
bool parse_real(const std::string& text, double& value);

/// "integer from 1 to 64", "integer of at least 1", ... Extreme bounds are left out.
std::string integer_range(std::int64_t min, std::int64_t max);
std::string real_range(double min, double max);

/// In quotes, cut to a readable length, control characters replaced: a message stays one line.
std::string quoted(const std::string& text);

} // namespace heddle
