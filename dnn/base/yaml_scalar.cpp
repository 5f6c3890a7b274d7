#include "dnn/base/yaml_scalar.hpp"

#include <charconv>
#include <cmath>
#include <limits>
#include <sstream>

namespace heddle {

namespace {

template <typename T> bool parse(const std::string& text, T& value)
{
    const char* first = text.data();
    const char* last = first + text.size();
    if (text.size() > 1 && *first == '+' && text[1] != '-') ++first; // from_chars knows no plus sign
    const auto [end, error] = std::from_chars(first, last, value);
    return error == std::errc() && end == last;
}

template <typename T> std::string range(const std::string& noun, T min, T max)
{
    const bool low = min > std::numeric_limits<T>::lowest();
    const bool high = max < std::numeric_limits<T>::max();
    std::ostringstream text;
    text << noun;
    if (low && high)
        text << " from " << min << " to " << max;
    else if (low)
        text << " of at least " << min;
    else if (high)
        text << " of at most " << max;
    return text.str();
}

} // namespace

bool parse_integer(const std::string& text, std::int64_t& value)
{
    return parse(text, value);
}

bool parse_real(const std::string& text, double& value)
{
    return parse(text, value) && std::isfinite(value);
}

std::string integer_range(std::int64_t min, std::int64_t max)
{
    return range("integer", min, max);
}

std::string real_range(double min, double max)
{
    return range("number", min, max);
}

std::string quoted(const std::string& text)
{
    constexpr std::size_t longest = 60;
    std::string shown = text.size() > longest ? text.substr(0, longest - 3) + "..." : text;
    for (char& c : shown)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
    return '"' + shown + '"';
}

} // namespace heddle
