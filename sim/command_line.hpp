// Options of one subcommand, parsed strictly: every mistake is a UserError of one line that names the option.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <memory>
#include <string>
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

    /// False after --help, which is printed to `out`.
    bool parse(const std::vector<std::string>& arguments, std::ostream& out);

    bool has(const std::string& name) const;
    std::string text(const std::string& name, const std::string& fallback = "") const;
    std::int64_t integer(const std::string& name, std::int64_t min, std::int64_t max, std::int64_t fallback) const;
    /// One of `allowed`; returns its index.
    int choice(const std::string& name, const std::vector<std::string>& allowed, int fallback) const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

} // namespace heddle
