// Options of one subcommand, parsed strictly: every mistake is a UserError of one line that names the option.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace heddle {

class CommandLine {
public:
    /// `usage`: what follows "heddle NAME". All positional arguments are required.
    CommandLine(std::string name, std::string usage, std::string summary, std::vector<std::string> positionals);
    ~CommandLine();
    CommandLine(const CommandLine&) = delete;
    CommandLine& operator=(const CommandLine&) = delete;

    /// `names` as Boost.Program_options has them: "out,o".
    CommandLine& option(const std::string& names, const std::string& value_name, const std::string& help);
    CommandLine& flag(const std::string& name, const std::string& help);
    CommandLine& required(const std::string& name, const std::string& value_name, const std::string& help);
    /// Shown by --help: what to type, and what that does.
    CommandLine& example(const std::string& command, const std::string& what);

    /// False after --help, which is printed to `out`.
    bool parse(const std::vector<std::string>& arguments, std::ostream& out);

    bool has(const std::string& name) const;
    /// All options that were given with their values (flags: empty), sorted by name; no positional arguments.
    std::vector<std::pair<std::string, std::string>> given() const;
    std::string text(const std::string& name, const std::string& fallback = "") const;
    std::int64_t integer(const std::string& name, std::int64_t min, std::int64_t max, std::int64_t fallback) const;
    /// One of `allowed`; returns its index.
    int choice(const std::string& name, const std::vector<std::string>& allowed, int fallback) const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

} // namespace heddle
