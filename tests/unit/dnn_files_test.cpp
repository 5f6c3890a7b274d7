#include "dnn/base/error.hpp"
#include "dnn/base/files.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <unistd.h>

using namespace heddle;
namespace fs = std::filesystem;

namespace {

class Folder {
public:
    Folder()
    {
        std::string name = (fs::temp_directory_path() / "heddle_files_XXXXXX").string();
        if (!::mkdtemp(name.data())) throw std::runtime_error("mkdtemp");
        path_ = name;
    }
    ~Folder() { fs::remove_all(path_); }
    std::string operator/(const std::string& name) const { return (path_ / name).string(); }
    std::size_t entries() const
    {
        return static_cast<std::size_t>(std::distance(fs::directory_iterator(path_), fs::directory_iterator()));
    }

private:
    fs::path path_;
};

template <typename Action> std::string message(Action action)
{
    try {
        action();
    } catch (const UserError& e) {
        return e.what();
    }
    return "no error";
}

} // namespace

TEST_CASE("a file is written whole, replaces the old one and leaves nothing else")
{
    const Folder folder;
    const std::string content("a\0b\n", 4);
    write_file_atomically(folder / "x", "old");
    write_file_atomically(folder / "x", content);
    CHECK(read_file(folder / "x") == content);
    CHECK(folder.entries() == 1);
}

TEST_CASE("a failed write names path and reason and leaves nothing behind")
{
    const Folder folder;
    CHECK(message([&] { write_file_atomically(folder / "no/x", "a"); }) ==
          "cannot write " + (folder / "no/x") + ": No such file or directory");
    fs::create_directory(folder / "dir");
    CHECK(message([&] { write_file_atomically(folder / "dir", "a"); }) ==
          "cannot write " + (folder / "dir") + ": not a regular file");
    CHECK(folder.entries() == 1);
    CHECK(message([&] { write_file_atomically("/dev/null", "a"); }) == "cannot write /dev/null: not a regular file");
    CHECK(message([&] { write_file_atomically("/proc/nope", "a"); }).rfind("cannot write /proc/nope: ", 0) == 0);
}

TEST_CASE("a link keeps pointing at the file that is replaced")
{
    const Folder folder;
    write_file_atomically(folder / "x", "old");
    fs::create_symlink("x", folder / "link");
    write_file_atomically(folder / "link", "new");
    CHECK(fs::is_symlink(folder / "link"));
    CHECK(read_file(folder / "x") == "new");
}

TEST_CASE("reading names what is wrong")
{
    const Folder folder;
    CHECK(message([&] { read_file(folder / "x"); }) == "cannot read " + (folder / "x") + ": No such file or directory");
    CHECK(message([&] { read_file(folder / ""); }).find("Is a directory") != std::string::npos);
    write_file_atomically(folder / "x", "12345");
    CHECK(message([&] { read_file(folder / "x", 4); }) == "cannot read " + (folder / "x") + ": larger than 4 bytes");
    CHECK(read_file(folder / "x", 5) == "12345");
    CHECK(message([&] { read_file("/dev/zero", 1000); }) == "cannot read /dev/zero: larger than 1000 bytes");
}

TEST_CASE("the content hash is FNV-1a")
{
    CHECK(content_hash("") == "cbf29ce484222325");
    CHECK(content_hash("a") == "af63dc4c8601ec8c");
    CHECK(content_hash("foobar") == "85944171f73967e8");
}

TEST_CASE("shipped data is found in the source tree, and HEDDLE_DATA wins")
{
    ::unsetenv("HEDDLE_DATA");
    const std::vector<std::string> names = shipped_names("dnn/networks");
    CHECK(std::is_sorted(names.begin(), names.end()));
    CHECK(std::count(names.begin(), names.end(), "mobilenet_v1") == 1);
    CHECK(message([] { shipped_names("no/such"); }).rfind("cannot list ", 0) == 0);
    const Folder folder;
    ::setenv("HEDDLE_DATA", (folder / "").c_str(), 1);
    CHECK(message([] { data_root(); }).find("no dnn/networks in this folder") != std::string::npos);
    fs::create_directories(folder / "dnn/networks");
    write_file_atomically(folder / "dnn/networks/mine.yaml", "");
    CHECK(shipped_names("dnn/networks") == std::vector<std::string>{"mine"});
    ::unsetenv("HEDDLE_DATA");
}
