#include "dnn/base/rational.hpp"

#include "dnn/base/yaml_scalar.hpp"

#include <algorithm>

namespace heddle {

namespace {

bool digits(const std::string& text, std::size_t most, std::int64_t& value)
{
    return !text.empty() && text.size() <= most &&
           std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; }) &&
           parse_integer(text, value);
}

} // namespace

std::string Rational::text() const
{
    if (denominator_ == 1) return std::to_string(numerator_);
    std::int64_t power = 10;
    std::size_t places = 1;
    for (; places <= 6 && power % denominator_ != 0; ++places) power *= 10;
    if (places > 6) return std::to_string(numerator_) + "/" + std::to_string(denominator_);
    const std::int64_t magnitude = numerator_ < 0 ? -numerator_ : numerator_;
    std::string part = std::to_string(magnitude % denominator_ * (power / denominator_));
    part.insert(0, places - part.size(), '0');
    return (numerator_ < 0 ? "-" : "") + std::to_string(magnitude / denominator_) + "." + part;
}

bool parse_rational(const std::string& text, Rational& value)
{
    constexpr std::size_t before = 12, behind = 6;
    const bool negative = !text.empty() && text[0] == '-';
    const std::string bare = negative || (!text.empty() && text[0] == '+') ? text.substr(1) : text;
    std::int64_t whole = 0, part = 0;
    if (const std::size_t slash = bare.find('/'); slash != std::string::npos) {
        if (!digits(bare.substr(0, slash), before, whole) || !digits(bare.substr(slash + 1), behind, part) || part == 0)
            return false;
        value = Rational(negative ? -whole : whole, part);
        return true;
    }
    const std::size_t point = std::min(bare.find('.'), bare.size());
    if (!digits(bare.substr(0, point), before, whole)) return false;
    std::int64_t power = 1;
    if (point < bare.size()) {
        const std::string decimals = bare.substr(point + 1);
        if (!digits(decimals, behind, part)) return false;
        for (std::size_t i = 0; i < decimals.size(); ++i) power *= 10;
    }
    const std::int64_t all = whole * power + part;
    value = Rational(negative ? -all : all, power);
    return true;
}

} // namespace heddle
