#include "dnn/base/files.hpp"

#include "dnn/base/error.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>

namespace heddle {

namespace fs = std::filesystem;

namespace {

class FileDescriptor {
public:
    explicit FileDescriptor(int fd) : fd_(fd) {}
    ~FileDescriptor()
    {
        if (fd_ >= 0) ::close(fd_);
    }
    FileDescriptor(const FileDescriptor&) = delete;
    FileDescriptor& operator=(const FileDescriptor&) = delete;

    int get() const { return fd_; }
    bool close()
    {
        const int fd = fd_;
        fd_ = -1;
        return ::close(fd) == 0;
    }

private:
    int fd_;
};

std::string reason(int error)
{
    return std::strerror(error);
}

bool write_all(int fd, const std::string& content)
{
    std::size_t done = 0;
    while (done < content.size()) {
        const ssize_t n = ::write(fd, content.data() + done, content.size() - done);
        if (n < 0 && errno != EINTR) return false;
        if (n > 0) done += static_cast<std::size_t>(n);
    }
    return true;
}

/// Opens a new file beside `target`; sets `name`. Returns -1 with errno set.
int create_beside(const fs::path& target, std::string& name)
{
    const std::string stem = "." + target.filename().string() + "." + std::to_string(::getpid()) + ".";
    for (int attempt = 0; attempt < 1000; ++attempt) {
        name = (target.parent_path() / (stem + std::to_string(attempt) + ".tmp")).string();
        const int fd = ::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd >= 0 || errno != EEXIST) return fd;
    }
    return -1;
}

bool holds_data(const fs::path& root)
{
    std::error_code ignored;
    return fs::is_directory(root / "dnn" / "networks", ignored);
}

} // namespace

std::string read_file(const std::string& path, std::uint64_t max_bytes)
{
    const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (file.get() < 0) throw UserError("cannot read " + path + ": " + reason(errno));
    std::string content;
    struct stat status {};
    if (::fstat(file.get(), &status) == 0 && S_ISREG(status.st_mode))
        content.reserve(std::min<std::uint64_t>(static_cast<std::uint64_t>(status.st_size), max_bytes));
    std::string chunk(1 << 20, '\0');
    while (true) {
        const ssize_t n = ::read(file.get(), chunk.data(), chunk.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) throw UserError("cannot read " + path + ": " + reason(errno));
        if (n == 0) return content;
        if (content.size() + static_cast<std::uint64_t>(n) > max_bytes)
            throw UserError("cannot read " + path + ": larger than " + std::to_string(max_bytes) + " bytes");
        content.append(chunk, 0, static_cast<std::size_t>(n));
    }
}

void write_file_atomically(const std::string& path, const std::string& content)
{
    std::error_code ignored;
    // A link stays a link; a device or folder must never be replaced by the rename.
    const fs::path target = fs::is_symlink(path, ignored) ? fs::weakly_canonical(path, ignored) : fs::path(path);
    if (fs::exists(target, ignored) && !fs::is_regular_file(target, ignored))
        throw UserError("cannot write " + path + ": not a regular file");
    std::string temporary;
    FileDescriptor file(create_beside(target, temporary));
    if (file.get() < 0) throw UserError("cannot write " + path + ": " + reason(errno));
    errno = 0;
    const bool complete = write_all(file.get(), content) && ::fsync(file.get()) == 0 && file.close() &&
                          ::rename(temporary.c_str(), target.c_str()) == 0;
    if (complete) return;
    const int error = errno;
    ::unlink(temporary.c_str());
    throw UserError("cannot write " + path + ": " + reason(error));
}

std::string content_hash(const std::string& content)
{
    std::uint64_t hash = 0xcbf29ce484222325ull;
    for (const char c : content) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ull;
    char digits[17];
    std::snprintf(digits, sizeof digits, "%016llx", static_cast<unsigned long long>(hash));
    return digits;
}

std::string data_root()
{
    if (const char* root = std::getenv("HEDDLE_DATA"); root && *root) {
        if (!holds_data(root)) throw UserError(std::string("HEDDLE_DATA=") + root + ": no dnn/networks in this folder");
        return root;
    }
#ifdef HEDDLE_SOURCE_DIR
    if (holds_data(HEDDLE_SOURCE_DIR)) return HEDDLE_SOURCE_DIR;
#endif
    std::error_code error;
    const fs::path executable = fs::read_symlink("/proc/self/exe", error);
    const fs::path installed = executable.parent_path().parent_path() / "share" / "heddle";
    if (!error && holds_data(installed)) return installed.string();
    throw UserError("cannot find the shipped data: set HEDDLE_DATA to the folder that holds dnn/networks");
}

std::vector<std::string> shipped_names(const std::string& folder)
{
    const fs::path path = fs::path(data_root()) / folder;
    std::error_code error;
    std::vector<std::string> names;
    for (fs::directory_iterator it(path, error), end; !error && it != end; it.increment(error))
        if (it->path().extension() == ".yaml") names.push_back(it->path().stem().string());
    if (error) throw UserError("cannot list " + path.string() + ": " + error.message());
    std::sort(names.begin(), names.end());
    return names;
}

} // namespace heddle
