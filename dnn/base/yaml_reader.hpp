// Strict reading of YAML: every problem is a UserError `file:line:col: key.path: expected …, got …`.
// yaml-cpp alone accepts duplicate keys, loses the line of a missing key and never reports unknown ones.
#pragma once

#include "dnn/base/rational.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace YAML {
class Node;
}

namespace heddle {

/// A mapping, sequence or scalar of a YAML file together with its place in it.
/// Keys that were asked for are remembered; `finish()` reports the first key nobody asked for.
class YamlReader {
public:
    static YamlReader load_file(const std::string& path);
    static YamlReader load_string(const std::string& text, const std::string& name);

    bool has(const std::string& key) const;
    /// Child mapping/sequence/scalar; a missing key is reported at the parent's mark.
    YamlReader child(const std::string& key) const;
    std::vector<YamlReader> items() const; ///< of a sequence
    std::vector<std::string> keys() const; ///< of a mapping, in file order
    bool is_map() const;
    bool is_sequence() const;
    bool is_scalar() const;

    // Values of a key of this mapping. The forms with `fallback` accept a missing key.
    std::int64_t integer(const std::string& key, std::int64_t min, std::int64_t max) const;
    std::int64_t integer(const std::string& key, std::int64_t min, std::int64_t max, std::int64_t fallback) const;
    double real(const std::string& key, double min, double max) const;
    double real(const std::string& key, double min, double max, double fallback) const;
    /// An exact decimal or fraction: 700, 933.3, 2800/3.
    Rational rational(const std::string& key, const Rational& min, const Rational& max) const;
    bool boolean(const std::string& key, bool fallback) const;
    std::string text(const std::string& key) const;
    std::string text(const std::string& key, const std::string& fallback) const;
    /// One of `allowed`; returns its index.
    int choice(const std::string& key, const std::vector<std::string>& allowed) const;
    int choice(const std::string& key, const std::vector<std::string>& allowed, const std::string& fallback) const;

    // This node itself as a scalar (an item of a sequence).
    std::int64_t as_integer(std::int64_t min, std::int64_t max) const;
    double as_real(double min, double max) const;
    std::string as_text() const;

    /// Throws UserError at this node: `file:line:col: path: message`.
    [[noreturn]] void fail(const std::string& message) const;
    /// Throws at `key` of this mapping (at this node if the key is missing).
    [[noreturn]] void fail_at(const std::string& key, const std::string& message) const;
    /// Error at the first key of this mapping, or of any child() of it, that was never asked for.
    void finish() const;

    const std::string& file() const;
    int line() const; ///< of this node, from 1

private:
    struct State;
    explicit YamlReader(std::shared_ptr<State> state);
    std::shared_ptr<State> state_;
};

} // namespace heddle
