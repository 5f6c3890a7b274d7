#include "dnn/base/error.hpp"
#include "dnn/base/yaml_reader.hpp"

#include <catch2/catch.hpp>
#include <functional>
#include <limits>

using namespace heddle;

namespace {

std::string message(const std::function<void()>& action)
{
    try {
        action();
    } catch (const UserError& e) {
        return e.what();
    }
    return "no error";
}

YamlReader load(const std::string& text)
{
    return YamlReader::load_string(text, "a.yaml");
}

constexpr std::int64_t any = std::numeric_limits<std::int64_t>::max();

} // namespace

TEST_CASE("values of every type are read")
{
    const YamlReader y = load("i: -3\nr: 2.5e-1\nb: true\nt: some text\nc: two\nl: [1, 2]\nm: {x: 1}\n");
    CHECK(y.integer("i", -5, 5) == -3);
    CHECK(y.real("r", 0, 1) == 0.25);
    CHECK(y.boolean("b", false));
    CHECK(y.text("t") == "some text");
    CHECK(y.choice("c", {"one", "two"}) == 1);
    CHECK(y.child("l").items()[1].as_integer(0, 9) == 2);
    CHECK(y.child("m").integer("x", 0, 9) == 1);
    CHECK(y.child("l").is_sequence());
    CHECK(y.child("m").is_map());
    CHECK(y.child("i").is_scalar());
    CHECK(y.keys() == std::vector<std::string>{"i", "r", "b", "t", "c", "l", "m"});
    CHECK(y.file() == "a.yaml");
    CHECK(message([&] { y.finish(); }) == "no error");
}

TEST_CASE("fallbacks stand in for missing keys only")
{
    const YamlReader y = load("i: x\n");
    CHECK(y.integer("j", 0, 9, 7) == 7);
    CHECK(y.real("j", 0, 9, 0.5) == 0.5);
    CHECK(y.boolean("j", true));
    CHECK(y.text("j", "z") == "z");
    CHECK(y.choice("j", {"one", "two"}, "two") == 1);
    CHECK(message([&] { y.integer("i", 0, 9, 7); }) == "a.yaml:1:4: i: expected integer from 0 to 9, got \"x\"");
}

TEST_CASE("wrong values name file, line, column, key path, expectation and value")
{
    const YamlReader y =
        load("pe_array:\n  rows: abc\n  cols: [1]\n  depth:\n  big: 99999999999999999999\n  list:\n    - 1\n    - x\n");
    const YamlReader p = y.child("pe_array");
    CHECK(message([&] { p.integer("rows", 1, 64); }) ==
          "a.yaml:2:9: pe_array.rows: expected integer from 1 to 64, got \"abc\"");
    CHECK(message([&] { p.integer("rows", 1, any); }) ==
          "a.yaml:2:9: pe_array.rows: expected integer of at least 1, got \"abc\"");
    CHECK(message([&] { p.integer("cols", -any - 1, 4); }) ==
          "a.yaml:3:9: pe_array.cols: expected integer of at most 4, got a list");
    CHECK(message([&] { p.integer("depth", -any - 1, any); }) ==
          "a.yaml:4:3: pe_array.depth: expected integer, got nothing");
    CHECK(message([&] { p.integer("big", 0, any); }) ==
          "a.yaml:5:8: pe_array.big: expected integer of at least 0, got \"99999999999999999999\"");
    CHECK(message([&] { p.child("list").items()[1].as_integer(0, 5); }) ==
          "a.yaml:8:7: pe_array.list[1]: expected integer from 0 to 5, got \"x\"");
    CHECK(message([&] { p.real("rows", 0.5, 2); }) ==
          "a.yaml:2:9: pe_array.rows: expected number from 0.5 to 2, got \"abc\"");
    CHECK(message([&] { p.boolean("rows", true); }) ==
          "a.yaml:2:9: pe_array.rows: expected true or false, got \"abc\"");
    CHECK(message([&] { p.text("cols"); }) == "a.yaml:3:9: pe_array.cols: expected text, got a list");
    CHECK(message([&] {
              p.choice("rows", {"one", "two"});
          }) == "a.yaml:2:9: pe_array.rows: expected one of one, two, got \"abc\"");
    CHECK(message([&] { y.child("pe_array").items(); }) == "a.yaml:2:3: pe_array: expected a list, got a mapping");
    CHECK(message([&] { p.child("rows").keys(); }) == "a.yaml:2:9: pe_array.rows: expected a mapping, got \"abc\"");
}

TEST_CASE("numbers must be whole and finite")
{
    const YamlReader y = load("a: 1.5\nb: 0x10\nc: .inf\nd: 12 3\ne: nan\nf: +7\ng: 1,5\n");
    CHECK(message([&] { y.integer("a", 0, 9); }) == "a.yaml:1:4: a: expected integer from 0 to 9, got \"1.5\"");
    CHECK(message([&] { y.integer("d", 0, 9); }) == "a.yaml:4:4: d: expected integer from 0 to 9, got \"12 3\"");
    for (const char* key : {"b", "c", "e", "g"}) CHECK(message([&] { y.real(key, 0, 99); }) != "no error");
    CHECK(y.integer("f", 0, 9) == 7);
}

TEST_CASE("a missing key is reported at its parent")
{
    const YamlReader y = load("a: 1\nmem:\n  banks: 2\n");
    CHECK(message([&] { y.child("mem").integer("ports", 1, 4); }) ==
          "a.yaml:3:3: mem.ports: missing key, expected integer from 1 to 4");
    CHECK(message([&] { y.text("name"); }) == "a.yaml:1:1: name: missing key, expected text");
    CHECK(message([&] { y.child("x"); }) == "a.yaml:1:1: x: missing key, expected a value");
    CHECK(message([&] { y.choice("x", {"p", "q"}); }) == "a.yaml:1:1: x: missing key, expected one of p, q");
}

TEST_CASE("a misspelt required key is unknown at its own line, not missing somewhere else")
{
    const YamlReader y = load("a: 1\nmem:\n  banks: 2\n  write_bytes: 4\n  prots: 3\n  m: 1\n");
    const YamlReader mem = y.child("mem");
    CHECK(message([&] { mem.integer("ports", 1, 4); }) ==
          "a.yaml:5:3: mem.prots: unknown key (did you mean \"ports\"?)");
    CHECK(message([&] { y.child("men"); }) != "no error");
    // A key that is asked for later is no misspelling of this one, however alike: four letters, or one of one.
    CHECK(message([&] { mem.integer("read_bytes", 1, 4); }) ==
          "a.yaml:3:3: mem.read_bytes: missing key, expected integer from 1 to 4");
    CHECK(message([&] { mem.integer("n", 1, 4); }) == "a.yaml:3:3: mem.n: missing key, expected integer from 1 to 4");
    mem.integer("banks", 0, 9);
    CHECK(message([&] { mem.integer("bank", 1, 4); }) ==
          "a.yaml:3:3: mem.bank: missing key, expected integer from 1 to 4"); // banks has been asked for
}

TEST_CASE("duplicate keys are refused wherever they are")
{
    CHECK(message([] { load("name: x\nname: y\n"); }) == "a.yaml:2:1: name: duplicate key");
    CHECK(message([] { load("l:\n  - {a: 1, b: 2, a: 3}\n"); }) == "a.yaml:2:18: l[0].a: duplicate key");
}

TEST_CASE("keys that nobody asked for are refused, in children and items too")
{
    const YamlReader y = load("a: 1\nm:\n  x: 1\n  y: 2\nl:\n  - {p: 1, q: 2}\n");
    CHECK(message([&] { y.finish(); }) == "a.yaml:1:1: a: unknown key");
    y.integer("a", 0, 9);
    y.child("m").integer("x", 0, 9);
    CHECK(message([&] { y.finish(); }) == "a.yaml:4:3: m.y: unknown key, expected one of x");
    y.child("m").integer("y", 0, 9);
    y.child("l").items()[0].integer("p", 0, 9);
    CHECK(message([&] { y.finish(); }) == "a.yaml:6:12: l[0].q: unknown key, expected one of p");
    const YamlReader optional = load("late: 1\nlatency: 2\n");
    optional.integer("latency", 0, 9);
    optional.has("lat");
    CHECK(message([&] { optional.finish(); }) ==
          "a.yaml:1:1: late: unknown key (did you mean \"lat\"?), expected one of lat, latency");
    y.child("l").items()[0].has("q");
    CHECK(message([&] { y.finish(); }) == "no error");
}

TEST_CASE("fail and fail_at point at the node and the key")
{
    const YamlReader y = load("m:\n  x: 1\n");
    CHECK(message([&] { y.child("m").child("x").fail("too odd"); }) == "a.yaml:2:6: m.x: too odd");
    CHECK(message([&] { y.child("m").fail_at("x", "too odd"); }) == "a.yaml:2:3: m.x: too odd");
    CHECK(message([&] { y.child("m").fail_at("z", "needed"); }) == "a.yaml:2:3: m.z: needed");
}

TEST_CASE("broken, empty, hostile and multiple documents are one-line errors")
{
    CHECK(message([] { load("a: [1, 2\nb: 3\n"); }).rfind("a.yaml:2:", 0) == 0);
    CHECK(message([] { load("a: *nowhere\n"); }).rfind("a.yaml:1:", 0) == 0);
    CHECK(message([] { load("").text("a"); }) == "a.yaml:1:1: expected a mapping, got nothing");
    CHECK(message([] { load("a: 1\n---\nb: 2\n"); }).find("expected one document") != std::string::npos);
    CHECK(message([] { load("? [1]\n: 2\n"); }).find("expected text as a key") != std::string::npos);
    CHECK(message([] { load("a: &x [*x]\n"); }) != "no error");
    std::string laughs = "a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n";
    for (int i = 1; i < 9; ++i) {
        const std::string last = "*a" + std::to_string(i - 1), name = "a" + std::to_string(i);
        laughs += name + ": &" + name + " [";
        for (int j = 0; j < 10; ++j) laughs += (j ? ", " : "") + last;
        laughs += "]\n";
    }
    CHECK(message([&] { load(laughs); }).find("expected at most 1000000 values") != std::string::npos);
    const std::string odd =
        message([] { load("a: \"two\\nlines\\u0007" + std::string(200, 'z') + "\"\n").integer("a", 0, 1); });
    CHECK(odd.find('\n') == std::string::npos);
    CHECK(odd.size() < 140);
    CHECK(message([] { YamlReader::load_file("/no/such.yaml"); }) ==
          "cannot read /no/such.yaml: No such file or directory");
}
