#include "sim/output_folder.hpp"

#include "dnn/base/error.hpp"
#include "dnn/base/files.hpp"

#include <csignal>
#include <filesystem>
#include <pthread.h>
#include <unistd.h>

namespace heddle {

namespace fs = std::filesystem;

namespace {

/// Holds back the signals that end a program, for the short time of writing.
class SignalsHeld {
public:
    SignalsHeld()
    {
        sigset_t held;
        sigemptyset(&held);
        sigaddset(&held, SIGINT);
        sigaddset(&held, SIGTERM);
        pthread_sigmask(SIG_BLOCK, &held, &before_);
    }
    ~SignalsHeld() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
    SignalsHeld(const SignalsHeld&) = delete;
    SignalsHeld& operator=(const SignalsHeld&) = delete;

private:
    sigset_t before_{};
};

/// Folders that had to be made, removed again (when empty) unless kept.
class MadeFolders {
public:
    explicit MadeFolders(const fs::path& path)
    {
        std::error_code error;
        for (fs::path p = fs::absolute(path).lexically_normal(); !p.empty() && !fs::exists(p, error);
             p = p.parent_path())
            made_.push_back(p);
        fs::create_directories(path, error);
        const bool usable = !error && fs::is_directory(path, error);
        if (!usable) {
            remove();
            throw UserError("cannot write results to " + path.string() + ": " +
                            (error ? error.message() : "not a folder"));
        }
    }
    ~MadeFolders()
    {
        if (!kept_) remove();
    }
    MadeFolders(const MadeFolders&) = delete;
    MadeFolders& operator=(const MadeFolders&) = delete;

    void keep() { kept_ = true; }

private:
    void remove() const
    {
        std::error_code ignored;
        for (const fs::path& path : made_) fs::remove(path, ignored);
    }
    std::vector<fs::path> made_; ///< innermost first
    bool kept_ = false;
};

/// A folder of its own inside `parent`, gone with everything in it when this ends.
class ScratchFolder {
public:
    explicit ScratchFolder(const fs::path& parent) : path_(parent / (".heddle-" + std::to_string(::getpid()) + ".tmp"))
    {
        std::error_code error;
        fs::create_directory(path_, error);
        if (error) throw UserError("cannot write results to " + parent.string() + ": " + error.message());
    }
    ~ScratchFolder()
    {
        std::error_code ignored;
        fs::remove_all(path_, ignored);
    }
    ScratchFolder(const ScratchFolder&) = delete;
    ScratchFolder& operator=(const ScratchFolder&) = delete;

    const fs::path& path() const { return path_; }

private:
    fs::path path_;
};

} // namespace

OutputFolder::OutputFolder(std::string path) : path_(std::move(path))
{
    if (path_.empty()) throw UserError("cannot write results: the folder's name is empty");
    const SignalsHeld held;
    const MadeFolders made(path_);
    const ScratchFolder probe(path_);
    write_file_atomically((probe.path() / "probe").string(), "heddle\n");
}

void OutputFolder::write(const std::vector<std::pair<std::string, std::string>>& files) const
{
    const SignalsHeld held;
    MadeFolders made(path_);
    const ScratchFolder scratch(path_);
    for (const auto& [name, content] : files) {
        std::error_code ignored;
        if (fs::is_directory(fs::path(path_) / name, ignored))
            throw UserError("cannot write " + (fs::path(path_) / name).string() + ": it is a folder");
        write_file_atomically((scratch.path() / name).string(), content);
    }
    for (const auto& [name, content] : files) {
        std::error_code error;
        fs::rename(scratch.path() / name, fs::path(path_) / name, error);
        if (error) throw UserError("cannot write " + (fs::path(path_) / name).string() + ": " + error.message());
    }
    made.keep();
}

} // namespace heddle
