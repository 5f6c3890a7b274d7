#include "dnn/base/error.hpp"
#include "dnn/base/random.hpp"
#include "dnn/base/rational.hpp"
#include "dnn/base/yaml_reader.hpp"

#include <catch2/catch.hpp>
#include <string>

using namespace heddle;

TEST_CASE("decimals and fractions are read exactly and shown shortest", "[rational]")
{
    struct Case {
        const char* text;
        std::int64_t numerator, denominator;
        const char* shown;
    };
    for (const Case& c :
         {Case{"700", 700, 1, "700"}, Case{"933.3", 9333, 10, "933.3"}, Case{"2800/3", 2800, 3, "2800/3"},
          Case{"24/10", 12, 5, "2.4"}, Case{"0.001", 1, 1000, "0.001"}, Case{"-1.50", -3, 2, "-1.5"},
          Case{"+8/4", 2, 1, "2"}, Case{"1.000001", 1000001, 1000000, "1.000001"}, Case{"1/7", 1, 7, "1/7"}}) {
        CAPTURE(c.text);
        Rational value;
        REQUIRE(parse_rational(c.text, value));
        CHECK(value.numerator() == c.numerator);
        CHECK(value.denominator() == c.denominator);
        CHECK(value.text() == c.shown);
        Rational again;
        REQUIRE(parse_rational(value.text(), again));
        CHECK(again == value);
    }
}

TEST_CASE("what is no decimal and no fraction is not read", "[rational]")
{
    Rational value;
    for (const char* text : {"", ".", "1.", ".5", "1e3", "0x10", "1/0", "1/", "/2", "1/2/3", "1.5/2", " 7", "7 ", "--1",
                             "nan", "1234567890123", "1.1234567", "1/1234567", "1,5"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_rational(text, value));
    }
}

TEST_CASE("scaling by a ratio rounds down and up as counting steps one by one does", "[rational]")
{
    const std::uint64_t seed = 20;
    Random random(seed);
    for (int round = 0; round < 300; ++round) {
        const std::int64_t p = random.range(1, 60), q = random.range(1, 60), a = random.range(0, 200);
        CAPTURE(seed, p, q, a);
        std::int64_t whole = 0, rest = 0; // p added a times, carried at q
        for (std::int64_t i = 0; i < a; ++i)
            for (rest += p; rest >= q; rest -= q) ++whole;
        CHECK(scaled_floor(a, p, q) == whole);
        CHECK(scaled_ceil(a, p, q) == whole + (rest > 0 ? 1 : 0));
    }
    // 10^12 cycles at 933.333333 MHz against a memory clock of 1200 MHz: the product has 27 digits.
    CHECK(scaled_floor(1'000'000'000'000, 1'200'000'000, 933'333'333) == 1'285'714'286'173);
}

TEST_CASE("a rational key names the range and the forms", "[rational]")
{
    const YamlReader y = YamlReader::load_string("a: 933.3\nb: 7e2\nc: 0\nd: [1]\n", "a.yaml");
    CHECK(y.rational("a", Rational(1, 1000), 100000) == Rational(9333, 10));
    const auto message = [&](const char* key) {
        try {
            y.rational(key, Rational(1, 1000), 100000);
        } catch (const UserError& e) {
            return std::string(e.what());
        }
        return std::string("no error");
    };
    const std::string range = "a number from 0.001 to 100000, as a decimal or a fraction such as 933.3 or 2800/3";
    CHECK(message("b") == "a.yaml:2:4: b: expected " + range + ", got \"7e2\"");
    CHECK(message("c") == "a.yaml:3:4: c: expected " + range + ", got \"0\"");
    CHECK(message("d") == "a.yaml:4:4: d: expected " + range + ", got a list");
    CHECK(message("e") == "a.yaml:1:1: e: missing key, expected " + range);
}
