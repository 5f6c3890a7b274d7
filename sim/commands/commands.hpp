// The subcommands of heddle. Each parses its own arguments, prints to `out` and returns an exit code.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

namespace heddle {

struct Subcommand {
    const char* name;
    const char* summary;
    int (*run)(const std::vector<std::string>& arguments, std::ostream& out);
};

const std::vector<Subcommand>& commands();

int run_command(const std::vector<std::string>& arguments, std::ostream& out);
int explain_command(const std::vector<std::string>& arguments, std::ostream& out);
int show_command(const std::vector<std::string>& arguments, std::ostream& out);
int list_command(const std::vector<std::string>& arguments, std::ostream& out);
int map_command(const std::vector<std::string>& arguments, std::ostream& out);
int energy_command(const std::vector<std::string>& arguments, std::ostream& out);
int diff_command(const std::vector<std::string>& arguments, std::ostream& out);
int calibrate_command(const std::vector<std::string>& arguments, std::ostream& out);
int decompose_command(const std::vector<std::string>& arguments, std::ostream& out);
int prune_command(const std::vector<std::string>& arguments, std::ostream& out);
int export_command(const std::vector<std::string>& arguments, std::ostream& out);
int accuracy_command(const std::vector<std::string>& arguments, std::ostream& out);
int infer_command(const std::vector<std::string>& arguments, std::ostream& out);
int trace_command(const std::vector<std::string>& arguments, std::ostream& out);
int wave_diff_command(const std::vector<std::string>& arguments, std::ostream& out);

} // namespace heddle
