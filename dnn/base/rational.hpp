// Exact numbers such as 933.3 or 2800/3, as users write them.
#pragma once

#include <cstdint>
#include <numeric>
#include <string>

namespace heddle {

/// numerator / denominator in lowest terms, denominator > 0.
class Rational {
public:
    Rational(std::int64_t whole = 0) : numerator_(whole) {} // NOLINT: a whole number is one
    Rational(std::int64_t numerator, std::int64_t denominator)
    {
        const std::int64_t divisor = std::gcd(numerator, denominator) * (denominator < 0 ? -1 : 1);
        numerator_ = numerator / divisor;
        denominator_ = denominator / divisor;
    }

    std::int64_t numerator() const { return numerator_; }
    std::int64_t denominator() const { return denominator_; }
    double value() const { return static_cast<double>(numerator_) / static_cast<double>(denominator_); }
    /// "700", "933.3", "2800/3": a decimal where it ends.
    std::string text() const;

    friend bool operator==(const Rational& a, const Rational& b)
    {
        return a.numerator_ == b.numerator_ && a.denominator_ == b.denominator_;
    }
    friend bool operator!=(const Rational& a, const Rational& b) { return !(a == b); }
    friend bool operator<(const Rational& a, const Rational& b)
    {
        return static_cast<__int128>(a.numerator_) * b.denominator_ <
               static_cast<__int128>(b.numerator_) * a.denominator_;
    }

private:
    std::int64_t numerator_ = 0, denominator_ = 1;
};

/// "700", "933.3" or "2800/3", also "24/10"; false for anything else, exponents included, and for more than 12 digits
/// before or 6 behind the point (or in a denominator).
bool parse_rational(const std::string& text, Rational& value);

/// floor(a * p / q) and ceil(a * p / q) of a >= 0 and p, q > 0, exact as long as the result fits.
inline std::int64_t scaled_floor(std::int64_t a, std::int64_t p, std::int64_t q)
{
    return static_cast<std::int64_t>(static_cast<__int128>(a) * p / q);
}
inline std::int64_t scaled_ceil(std::int64_t a, std::int64_t p, std::int64_t q)
{
    return static_cast<std::int64_t>((static_cast<__int128>(a) * p + q - 1) / q);
}

} // namespace heddle
