#include "sim/cli.hpp"

#include "dnn/base/error.hpp"
#include "dnn/base/nearest.hpp"
#include "dnn/base/yaml_scalar.hpp"
#include "sim/commands/commands.hpp"
#include "sim/results.hpp"
#include "sim/text.hpp"

#include <algorithm>
#include <iostream>
#include <new>
#include <string>
#include <vector>

namespace heddle {

namespace {

constexpr int check_failed = 1;
constexpr int user_mistake = 2;

int print_help()
{
    std::cout << "Heddle " << heddle_version() << ": a cycle-accurate simulator of DNN accelerators\n\n"
              << "heddle COMMAND ...\n\n";
    for (const Subcommand& command : commands()) {
        const std::string name = command.name;
        std::cout << "  " << name << std::string(10 - std::min<std::size_t>(name.size(), 9), ' ') << command.summary
                  << '\n';
    }
    std::cout << "\nheddle help COMMAND explains a command, with examples; heddle --version prints the version.\n"
              << "Exit codes: 0 done, 1 a check failed or results differ, 2 a mistake in what was asked for.\n";
    return 0;
}

std::vector<std::string> command_names()
{
    std::vector<std::string> names;
    for (const Subcommand& command : commands()) names.emplace_back(command.name);
    return names;
}

const Subcommand& find_command(const std::string& name)
{
    for (const Subcommand& command : commands())
        if (name == command.name) return command;
    const std::vector<std::string> names = command_names();
    throw UserError("unknown command " + quoted(name) + did_you_mean(names, name) + ": expected one of " +
                    joined(names));
}

int dispatch(const std::vector<std::string>& arguments)
{
    if (arguments.empty()) throw UserError("expected a command: " + joined(command_names()) + " (see heddle --help)");
    const std::string& name = arguments.front();
    if (name == "help" && arguments.size() > 1 && arguments[1] != "help") {
        if (arguments.size() > 2) throw UserError("help: takes one command, got " + quoted(arguments[2]) + " as well");
        return find_command(arguments[1]).run({"--help"}, std::cout);
    }
    if (name == "--help" || name == "-h" || name == "help") return print_help();
    if (name == "--version") {
        std::cout << "heddle " << heddle_version() << '\n';
        return 0;
    }
    const int code = find_command(name).run({arguments.begin() + 1, arguments.end()}, std::cout);
    if (!std::cout.flush()) throw UserError("cannot write to standard output");
    return code;
}

int report_error(const std::string& what, int code)
{
    std::string line = what;
    std::replace(line.begin(), line.end(), '\n', ' ');
    std::cout.flush();
    std::cerr << "heddle: " << line << std::endl;
    return code;
}

} // namespace

int run_cli(int argc, const char* const* argv)
{
    try {
        return dispatch({argv + std::min(argc, 1), argv + argc});
    } catch (const UserError& error) {
        return report_error(error.what(), user_mistake);
    } catch (const std::bad_alloc&) {
        return report_error("out of memory: the network or its batch is too large for this computer", user_mistake);
    } catch (const CheckFailure& error) {
        return report_error(error.what(), check_failed);
    } catch (const std::exception& error) {
        return report_error(std::string("internal error: ") + error.what(), check_failed);
    }
}

} // namespace heddle
