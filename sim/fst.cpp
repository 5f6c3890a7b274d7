#include "sim/fst.hpp"

#include "dnn/base/error.hpp"

#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <spawn.h>
#include <sstream>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

namespace heddle {

namespace {

/// Exit code of `vcd2fst ARGUMENTS`, with its output discarded; -1 when it could not be started.
int run_quietly(const char* program, const std::string& from, const std::string& to)
{
    posix_spawn_file_actions_t quiet;
    posix_spawn_file_actions_init(&quiet);
    posix_spawn_file_actions_addopen(&quiet, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&quiet, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    const char* const arguments[] = {program, from.c_str(), to.c_str(), nullptr};
    pid_t pid = -1;
    const int failed = ::posix_spawnp(&pid, program, &quiet, nullptr, const_cast<char* const*>(arguments), environ);
    posix_spawn_file_actions_destroy(&quiet);
    int status = 0;
    if (failed != 0 || ::waitpid(pid, &status, 0) != pid) return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

} // namespace

void require_vcd2fst()
{
    const char* path = std::getenv("PATH");
    std::istringstream folders(path ? path : "");
    for (std::string folder; std::getline(folders, folder, ':');)
        if (::access((folder + "/vcd2fst").c_str(), X_OK) == 0) return;
    throw UserError("--fst: vcd2fst is not installed: apt-get install gtkwave");
}

void convert_to_fst(const std::string& vcd, const std::string& fst)
{
    const int code = run_quietly("vcd2fst", vcd, fst);
    if (code == 0 && std::filesystem::exists(fst)) return;
    std::filesystem::remove(fst);
    throw UserError("--fst: vcd2fst failed on " + vcd + " (exit code " + std::to_string(code) + ")");
}

} // namespace heddle
