#include "sim/result_folder.hpp"

#include "dnn/base/error.hpp"
#include "dnn/base/files.hpp"
#include "sim/report.hpp"
#include "sim/results.hpp"

#include <cctype>
#include <filesystem>

namespace heddle {

namespace fs = std::filesystem;

namespace {

std::string file_safe(std::string name)
{
    for (char& c : name)
        if (!std::isalnum(static_cast<unsigned char>(c)) && c != '.' && c != '_' && c != '-') c = '_';
    return name.empty() || name.front() == '.' ? "network" + name : name;
}

std::string short_hash(const std::string& content)
{
    constexpr std::size_t digits = 8;
    return content_hash(content).substr(0, digits);
}

std::string told_apart(const std::string& name, const std::string& content)
{
    return file_safe(name) + (content.empty() ? "" : "." + short_hash(content));
}

/// Whose results lie there already; empty when none do.
std::string results_in(const std::string& folder)
{
    const fs::path file = fs::path(folder) / report_file_name;
    std::error_code ignored;
    if (!fs::is_regular_file(file, ignored)) return "";
    try {
        return describe_run(read_report(file.string()).run);
    } catch (const UserError&) {
        return "an unknown run";
    }
}

} // namespace

std::string default_folder(const RunIdentity& run)
{
    std::string name = told_apart(run.network, run.network_content) + "-" +
                       told_apart(run.hardware, run.hardware_content) + "-" + file_safe(run.dataflow);
    if (run.batch != 1) name += "-batch" + std::to_string(run.batch);
    if (!run.objective.empty()) name += "-" + file_safe(run.objective);
    if (!run.overlay_content.empty())
        name += "-" + told_apart(fs::path(run.overlay_name).stem().string(), run.overlay_content);
    if (!run.energy.empty()) name += "-" + file_safe(run.energy);
    std::string options;
    for (const auto& [option, value] : run.options) // lengths: no two lists read alike
        options += option + " " + std::to_string(value.size()) + " " + value + "\n";
    if (!options.empty()) name += "-options." + short_hash(options);
    return "heddle_out/" + name;
}

std::string write_results(const OutputFolder& folder, const std::vector<std::pair<std::string, std::string>>& files)
{
    const std::string before = results_in(folder.path());
    folder.write(files);
    return "results in " + folder.path() + (before.empty() ? "" : ", in place of those of " + before);
}

} // namespace heddle
