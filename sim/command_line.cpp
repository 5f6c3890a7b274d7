#include "sim/command_line.hpp"

#include "dnn/base/error.hpp"
#include "dnn/base/nearest.hpp"
#include "dnn/base/yaml_scalar.hpp"
#include "sim/text.hpp"

#include <algorithm>
#include <boost/program_options.hpp>
#include <ostream>
#include <set>

namespace heddle {

namespace po = boost::program_options;

struct CommandLine::State {
    std::string name, usage, summary;
    std::vector<std::string> positionals;
    std::vector<std::string> required;
    std::set<std::string> with_value; ///< "--out", "-o", ...
    std::vector<std::pair<std::string, std::string>> examples;
    po::options_description options{"Options", 100};
    po::variables_map values;

    [[noreturn]] void fail(const std::string& message) const
    {
        throw UserError(message + " (see heddle " + name + " --help)");
    }
    [[noreturn]] void fail_unknown(const std::string& option) const
    {
        std::vector<std::string> known;
        for (const auto& o : options.options()) known.push_back("--" + o->long_name());
        const std::string word = option.substr(0, option.find('='));
        fail("unknown option " + quoted(word) + did_you_mean(known, word));
    }
};

namespace {

/// "--batch -1" becomes "--batch=-1": Boost would take such a value for an option, and a following option for the
/// value.
std::vector<std::string> attach_values(const std::vector<std::string>& arguments,
                                       const std::set<std::string>& with_value)
{
    std::vector<std::string> attached;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        std::string word = arguments[i];
        if (with_value.count(word)) {
            if (i + 1 == arguments.size() || arguments[i + 1].empty() || arguments[i + 1].rfind("--", 0) == 0)
                throw UserError(word + ": a value is missing");
            word += (word.rfind("--", 0) == 0 ? "=" : "") + arguments[++i];
        }
        attached.push_back(word);
    }
    return attached;
}

} // namespace

CommandLine::CommandLine(std::string name, std::string usage, std::string summary, std::vector<std::string> positionals)
    : state_(std::make_unique<State>())
{
    state_->name = std::move(name);
    state_->usage = std::move(usage);
    state_->summary = std::move(summary);
    state_->positionals = std::move(positionals);
    state_->options.add_options()("help,h", "print this text");
}

CommandLine::~CommandLine() = default;

CommandLine& CommandLine::option(const std::string& names, const std::string& value_name, const std::string& help)
{
    const std::size_t comma = names.find(',');
    state_->with_value.insert("--" + names.substr(0, comma));
    if (comma != std::string::npos) state_->with_value.insert("-" + names.substr(comma + 1));
    state_->options.add_options()(names.c_str(), po::value<std::string>()->value_name(value_name), help.c_str());
    return *this;
}

CommandLine& CommandLine::flag(const std::string& name, const std::string& help)
{
    state_->options.add_options()(name.c_str(), help.c_str());
    return *this;
}

CommandLine& CommandLine::required(const std::string& name, const std::string& value_name, const std::string& help)
{
    state_->required.push_back(name.substr(0, name.find(',')));
    return option(name, value_name, help);
}

CommandLine& CommandLine::example(const std::string& command, const std::string& what)
{
    state_->examples.emplace_back(command, what);
    return *this;
}

bool CommandLine::parse(const std::vector<std::string>& arguments, std::ostream& out)
{
    State& s = *state_;
    po::options_description all;
    all.add(s.options);
    po::positional_options_description order;
    for (const std::string& name : s.positionals) {
        all.add_options()(name.c_str(), po::value<std::string>());
        order.add(name.c_str(), 1);
    }
    try {
        const int style = po::command_line_style::unix_style & ~po::command_line_style::allow_guessing;
        po::store(po::command_line_parser(attach_values(arguments, s.with_value))
                      .options(all)
                      .positional(order)
                      .style(style)
                      .run(),
                  s.values);
    } catch (const po::too_many_positional_options_error&) {
        s.fail(s.name + ": takes " + std::to_string(s.positionals.size()) + " argument" +
               (s.positionals.size() == 1 ? "" : "s") + ": " + joined(s.positionals, " "));
    } catch (const po::unknown_option& error) {
        s.fail_unknown(error.get_option_name());
    } catch (const po::error& error) {
        s.fail(error.what());
    }
    if (has("help")) {
        out << "heddle " << s.name << " " << s.usage << "\n\n" << s.summary << "\n\n" << s.options;
        if (!s.examples.empty()) out << "\nExamples:\n";
        for (const auto& [command, what] : s.examples) out << "  " << command << "\n      " << what << '\n';
        return false;
    }
    for (const std::string& name : s.positionals)
        if (!has(name)) s.fail(s.name + ": " + name + " is missing");
    for (const std::string& name : s.required)
        if (!has(name)) s.fail("heddle " + s.name + ": --" + name + " is missing");
    return true;
}

bool CommandLine::has(const std::string& name) const
{
    return state_->values.count(name) > 0;
}

std::vector<std::pair<std::string, std::string>> CommandLine::given() const
{
    std::vector<std::pair<std::string, std::string>> list;
    for (const auto& [name, value] : state_->values) {
        const auto& positionals = state_->positionals;
        if (std::find(positionals.begin(), positionals.end(), name) != positionals.end()) continue;
        list.emplace_back(name, value.value().type() == typeid(std::string) ? value.as<std::string>() : "");
    }
    return list;
}

std::string CommandLine::text(const std::string& name, const std::string& fallback) const
{
    return has(name) ? state_->values[name].as<std::string>() : fallback;
}

std::int64_t CommandLine::integer(const std::string& name, std::int64_t min, std::int64_t max,
                                  std::int64_t fallback) const
{
    if (!has(name)) return fallback;
    std::int64_t value = 0;
    if (!parse_integer(text(name), value) || value < min || value > max)
        throw UserError("--" + name + ": expected " + integer_range(min, max) + ", got " + quoted(text(name)));
    return value;
}

int CommandLine::choice(const std::string& name, const std::vector<std::string>& allowed, int fallback) const
{
    if (!has(name)) return fallback;
    const auto found = std::find(allowed.begin(), allowed.end(), text(name));
    if (found == allowed.end())
        throw UserError("--" + name + ": expected one of " + joined(allowed) + ", got " + quoted(text(name)) +
                        did_you_mean(allowed, text(name)));
    return static_cast<int>(found - allowed.begin());
}

} // namespace heddle
